//! The command line.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::{
    config::{self, Config, Environment},
    dev,
    engine::{Table, play, rehearse_table},
    model::{Clock, WorkflowId},
    runtime,
    serve::serve,
    store::{Sqlite, SqliteSettings},
    telemetry,
};

/// A back end for Telegram-style bots: conversations that are never lost, never doubled, always in order.
#[derive(Parser)]
#[command(name = "backline", version, after_help = "Start with:  backline dev")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything on this machine: the Functions host, a fake Telegram, and a chat page in the browser
    Dev(dev::Options),
    /// Run the handler that the Functions host talks to (the default when the host starts this program)
    Serve {
        /// The port to listen on, on loopback
        #[arg(long, env = "FUNCTIONS_CUSTOMHANDLER_PORT")]
        port: u16,
    },
    /// Rebuild a workflow's state from its log, print it, and fail if it differs from what is stored
    Replay {
        /// The workflow's GUID
        workflow: WorkflowId,
        /// Where the app's local.settings.json is
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
    /// Play a transcript against the app's workflows and show the first difference
    #[command(after_help = "Example:\n  backline talk src/workflows/report.talk")]
    Talk {
        /// The transcript
        file: PathBuf,
    },
}

/// Runs the app of this table: the whole command line.
#[must_use]
pub fn run(table: Table) -> ExitCode {
    // The one provider of TLS in this process; a second installation, in a test, changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let done = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("can't start the asynchronous runtime")
        .and_then(|runtime| runtime.block_on(obey(table, arguments)));
    match done {
        Ok(code) => code,
        Err(why) => {
            eprintln!("backline: {why:#}");
            ExitCode::FAILURE
        }
    }
}

async fn obey(table: Table, arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Some(Command::Dev(options)) => {
            telemetry::start(&config::environment(&options.root)?);
            dev::run(options).await
        }
        Some(Command::Serve { port }) => {
            let environment = config::environment(".".as_ref())?;
            telemetry::start(&environment);
            serve(table, Config::read(&environment)?, port).await
        }
        None => {
            let environment = config::environment(".".as_ref())?;
            match environment.get("FUNCTIONS_CUSTOMHANDLER_PORT").map(|port| port.parse()) {
                Some(Ok(port)) => {
                    telemetry::start(&environment);
                    serve(table, Config::read(&environment)?, port).await
                }
                Some(Err(_)) => anyhow::bail!("`FUNCTIONS_CUSTOMHANDLER_PORT` is no port number"),
                None => anyhow::bail!("nothing to do; start with `backline dev`, or see `backline --help`"),
            }
        }
        Some(Command::Replay { workflow, root }) => replay(&config::environment(&root)?, workflow).await,
        Some(Command::Talk { file }) => talk(&table, &file),
    }
}

async fn replay(environment: &Environment, workflow: WorkflowId) -> anyhow::Result<ExitCode> {
    let config = Config::read(environment)?;
    anyhow::ensure!(config.store.exists(), "there is no store at `{}`; set STORE", config.store.display());
    let store = Sqlite::open(&config.store, SqliteSettings::default(), Clock::real())?;
    let rebuilt = runtime::rebuild(&store, workflow).await?;
    println!("{}", serde_json::to_string_pretty(&rebuilt.folded)?);
    if rebuilt.agrees() {
        eprintln!("The log's {} entries fold to the head that is stored.", rebuilt.entries);
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("The head that is stored differs from what the log folds to:");
    println!("{}", serde_json::to_string_pretty(&rebuilt.stored)?);
    Ok(ExitCode::FAILURE)
}

fn talk(table: &Table, file: &std::path::Path) -> anyhow::Result<ExitCode> {
    let transcript = std::fs::read_to_string(file)
        .with_context(|| format!("can't read the transcript `{}`", file.display()))?;
    match rehearse_table(table, &transcript) {
        Ok(()) => {
            print!("{}", play(table, &transcript)?);
            Ok(ExitCode::SUCCESS)
        }
        Err(difference) => anyhow::bail!("`{}`, {difference}", file.display()),
    }
}
