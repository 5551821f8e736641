//! The command line: one file for each subcommand, one table of them here.

mod app;
mod areas;
mod completions;
mod cost;
mod dead_letters;
mod dev;
mod difference;
mod doctor;
mod load;
mod new;
mod package;
mod provision;
mod replay;
mod serve;
mod smoke;
mod talk;
mod transcript;
mod webhook;

use std::{
    io::{ErrorKind, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{
    config::{self, Config},
    engine::Table,
    model::Clock,
    runtime::Runtime,
    serve::{open, prepare, wait},
    store::{self, Store},
};

/// A back end for Telegram-style bots: conversations that are never lost, never doubled, always in order.
#[derive(Parser)]
#[command(version, subcommand_required = false, after_help = AFTERWARDS)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

/// In every text below, `{program}` becomes the name by which this program was called.
const AFTERWARDS: &str = "\
Examples:
  {program} dev                 run everything here; prints the chat page's address
  {program} talk src/*.talk     play conversations that were written down, and compare
  {program} new ../front-desk   write a bot of your own

Exit codes:
  0  done, and all is as it should be
  1  it could not be done, or something differs: the last lines say what
  2  the command line could not be understood
  3  `serve` alone: the host that started it is gone

Settings are environment variables, or `Values` in local.settings.json; the environment wins. NO_COLOR=1
takes the colours away.";

#[derive(Subcommand)]
enum Command {
    /// Run everything on this machine: Functions host, fake Telegram, and a chat page in the browser
    #[command(after_help = dev::EXAMPLES)]
    Dev(dev::Options),
    /// Play transcripts against the app's workflows, and show where they differ from what really happens
    #[command(after_help = talk::EXAMPLES)]
    Talk(talk::Options),
    /// Write a bot of your own: a small crate that runs and passes its test
    #[command(after_help = new::EXAMPLES)]
    New(new::Options),
    /// Write the app as one flat folder, as Azure and `func start` want it
    #[command(after_help = app::EXAMPLES)]
    App(app::Options),
    /// Build the program and write the zip that Azure runs, checked; or check a zip
    #[command(after_help = package::EXAMPLES)]
    Package(package::Options),
    /// Try a deployed app from outside: version, health, closed doors, a conversation, how fast it answers
    #[command(after_help = smoke::EXAMPLES)]
    Smoke(smoke::Options),
    /// Reckon what a month on Azure costs, from list prices and what was measured
    #[command(after_help = cost::EXAMPLES)]
    Cost(cost::Options),
    /// Show, add, replace or take away the areas that workflows offer, while everything runs
    #[command(after_help = areas::EXAMPLES)]
    Areas(areas::Options),
    /// Look at settings, store, queues, bots, clock and files: what is fine, what is not, and what mends it
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::Options),
    /// Make what the store lacks (database, containers), and check what is there
    #[command(after_help = provision::EXAMPLES)]
    Provision(provision::Options),
    /// Let many people talk to a running system, and count what comes of it
    #[command(after_help = load::EXAMPLES)]
    Load(load::Options),
    /// Tell Telegram where the bots are and which commands they have, and see how it goes
    #[command(after_help = webhook::EXAMPLES)]
    Webhook(webhook::Options),
    /// Show, take up again or drop what could not be done
    #[command(after_help = dead_letters::EXAMPLES)]
    DeadLetters(dead_letters::Options),
    /// Show what was said in one conversation, in the language of whoever had it
    #[command(after_help = transcript::EXAMPLES)]
    Transcript(transcript::Options),
    /// Rebuild a workflow's state from its log, print it as JSON, and fail if what is stored differs
    #[command(after_help = replay::EXAMPLES)]
    Replay(replay::Options),
    /// Run the handler that the Functions host talks to; the host starts it, people seldom do
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::Options),
    /// Print what makes the shell complete this program's words
    #[command(after_help = completions::EXAMPLES)]
    Completions(completions::Options),
}

/// Runs the app of this table: the whole command line.
#[must_use]
pub fn run(table: Table) -> ExitCode {
    prepare();
    let program = program();
    let matches = command_line(&program).get_matches();
    let done = Arguments::from_arg_matches(&matches)
        .map_err(anyhow::Error::from)
        .and_then(|arguments| obey(table, arguments.command, &program));
    done.unwrap_or_else(|why| {
        eprintln!("{program}: {why:#}");
        ExitCode::FAILURE
    })
}

/// The name by which this program was called: a team's own bot speaks of itself by its own.
fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&called).file_name().map(|name| name.to_string_lossy().into_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "backline".to_owned())
}

fn command_line(program: &str) -> clap::Command {
    let named = |command: clap::Command| match command.get_after_help().map(ToString::to_string) {
        Some(help) => command.after_help(help.replace("{program}", program)),
        None => command,
    };
    let version = match program {
        "backline" => env!("CARGO_PKG_VERSION").to_owned(),
        _ => format!("(backline {})", env!("CARGO_PKG_VERSION")),
    };
    named(Arguments::command()).mut_subcommands(named).name(program.to_owned()).version(version)
}

fn obey(table: Table, command: Option<Command>, program: &str) -> anyhow::Result<ExitCode> {
    match command {
        Some(Command::Dev(options)) => dev::dev(options),
        Some(Command::Talk(options)) => talk::talk(&table, &options, program),
        Some(Command::New(options)) => new::new(&options),
        Some(Command::App(options)) => app::app(&options),
        Some(Command::Package(options)) => package::package(&options),
        Some(Command::Smoke(options)) => wait(smoke::smoke(options)),
        Some(Command::Cost(options)) => cost::cost(&options),
        Some(Command::Areas(options)) => wait(areas::areas(table, options)),
        Some(Command::DeadLetters(options)) => wait(dead_letters::dead_letters_of(table, options)),
        Some(Command::Doctor(options)) => wait(doctor::doctor(options)),
        Some(Command::Provision(options)) => wait(provision::provision(options)),
        Some(Command::Load(options)) => wait(load::load(options)),
        Some(Command::Webhook(options)) => wait(webhook::webhook(table, options)),
        Some(Command::Transcript(options)) => wait(transcript::transcript(table, options)),
        Some(Command::Replay(options)) => wait(replay::replay(options)),
        Some(Command::Serve(options)) => wait(serve::serve(table, options)),
        Some(Command::Completions(options)) => completions::print(&options, command_line(program), program),
        None => wait(serve::serve_if_hosted(table, program)),
    }
}

/// The store of the app in `root`, which is to be there already if it is a file.
fn open_store(root: &Path) -> anyhow::Result<Arc<dyn Store>> {
    Ok(store::open(&existing(root)?.store, Clock::real())?)
}

/// All that the handler of the app in `root` works with, on the same store.
fn open_runtime(table: Table, root: &Path) -> anyhow::Result<Runtime> {
    open(table, &existing(root)?)
}

fn existing(root: &Path) -> anyhow::Result<Config> {
    let config = Config::read(&config::environment(root)?)?;
    if let store::Settings::Sqlite { file, .. } = &config.store {
        anyhow::ensure!(
            file.exists(),
            "there is no store at `{}`: run this where the app runs, or set STORE=sqlite:<path>",
            file.display()
        );
    }
    Ok(config)
}

/// Prints on standard output, in colours only where they are wanted. Whoever has stopped reading (`… | head`) has
/// seen enough.
fn tell(text: &str) -> anyhow::Result<()> {
    match anstream::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("can't write to standard output")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command_line("front-desk").debug_assert();
    }

    #[test]
    fn every_subcommand_says_what_it_is_for_shows_examples_and_names_the_program() {
        for command in command_line("front-desk").get_subcommands() {
            let name = command.get_name();
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && about.len() <= 100 && !about.contains('\n'), "{name}: {about}");
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(examples.contains(&format!("front-desk {name}")), "{name}: {examples}");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name}: nobody explains `{}`", argument.get_id());
            }
        }
    }
}
