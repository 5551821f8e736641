//! `backline dev --watch`: builds the handler when its sources change, and exchanges it without losing a call.

mod cargo;
mod sources;

use std::{path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, Result};
use tokio::{process::Command, time::sleep};

use self::sources::{Seen, Sources, Stamp};
use super::host::{Build, Host};
use crate::config::Environment;

/// How often the sources are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// So much of what the compiler said is kept: its first message counts.
const MOST_WORDS: usize = 64 * 1024;

/// What is built, from what, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program that the host starts as its handler; a build replaces it.
    pub executable: PathBuf,
    /// The folder of the package, where the build runs; changes are looked for in it.
    pub folder: PathBuf,
    /// The build: a program and its arguments. What it writes to its standard error is shown if it fails.
    pub command: Vec<String>,
}

impl Options {
    /// How cargo builds this executable, as its place tells.
    ///
    /// # Errors
    /// It lies in no cargo target folder.
    pub fn of_cargo(executable: PathBuf, environment: &Environment) -> Result<Self> {
        let build = cargo::Cargo::of(&executable)?;
        let program = environment.get("CARGO").map_or("cargo", String::as_str);
        let command = [program.to_owned()].into_iter().chain(build.arguments()).collect();
        Ok(Self { executable, folder: build.folder, command })
    }
}

/// Builds now, and again after every change of the sources; ends never. Dropped, it ends a build that is under way.
pub async fn run(host: &Host, options: &Options) -> std::convert::Infallible {
    let sources = Sources::of(&options.executable, &options.folder);
    let mut serving = Stamp::of(&options.executable);
    loop {
        let seen = settled(&sources).await;
        host.tell_build(Build::Building);
        // A build is never broken off: compilers that outlive it would write where the next one does.
        let built = build(options).await;
        let outcome = tokio::select! {
            biased;
            () = changed(&sources, &seen) => continue,
            outcome = async { built?; exchanged(host, options, serving).await } => outcome,
        };
        match outcome {
            Ok(stamp) => {
                serving = stamp;
                host.tell_build(Build::UpToDate);
            }
            Err(why) => host.tell_build(Build::Failed { message: format!("{why:#}") }),
        }
        changed(&sources, &seen).await;
    }
}

/// Waits until nobody writes to the sources any more.
async fn settled(sources: &Sources) -> Seen {
    let mut seen = sources.look().await;
    loop {
        sleep(LOOK_EVERY / 3).await;
        let again = sources.look().await;
        if again == seen {
            return seen;
        }
        seen = again;
    }
}

/// Waits until the sources are others than these.
async fn changed(sources: &Sources, seen: &Seen) {
    while sources.look().await == *seen {
        sleep(LOOK_EVERY).await;
    }
}

/// Exchanges the handler if the build made another one; returns which one serves then.
async fn exchanged(host: &Host, options: &Options, serving: Option<Stamp>) -> Result<Option<Stamp>> {
    let built = Stamp::of(&options.executable);
    if built != serving {
        host.exchange().await.context("it was built, but does not start")?;
    }
    Ok(built)
}

async fn build(options: &Options) -> Result<()> {
    let (program, arguments) = options.command.split_first().context("there is no build command")?;
    let output = Command::new(program)
        .args(arguments)
        .current_dir(&options.folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| {
            format!("cannot start `{}` in {}", options.command.join(" "), options.folder.display())
        })?;
    if output.status.success() {
        return Ok(());
    }
    let said = &output.stderr[..output.stderr.len().min(MOST_WORDS)];
    anyhow::bail!("{}", String::from_utf8_lossy(said).trim_end());
}
