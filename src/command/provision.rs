//! `provision`: makes what the store lacks, for development and emulators, and checks what is there.

use std::{path::PathBuf, process::ExitCode};

use super::doctor::{Finding, Report, storage};
use crate::{
    config::{self, Config},
    model::Clock,
    store::{self, cosmos},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} provision           with STORE=cosmos and CosmosConnection=AccountEndpoint=…;AccountKey=…

What is missing is made; what is there is looked at and never changed. A container with another partition key or
without a time to live is told, and the exit code is 1. Done twice, it changes nothing. In Azure a deployment makes
the containers, for an identity may not; there this looks whether they are right.";

/// What `provision` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The folder of the app's local.settings.json
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Print each finding as a JSON object
    #[arg(long)]
    json: bool,
}

/// Makes what is missing and tells of each thing how it is.
pub(super) async fn provision(options: Options) -> anyhow::Result<ExitCode> {
    let config = Config::read(&config::environment(&options.root)?)?;
    let mut report = Report::new(options.json);
    report.add(match &config.store {
        store::Settings::Cosmos(settings) => {
            cosmos::provision(settings).await?.into_iter().map(storage::told).collect()
        }
        store::Settings::Sqlite { file, .. } => {
            store::open(&config.store, Clock::real())?;
            vec![Finding::fine("store", format!("`{}` is there", file.display()))]
        }
    })?;
    report.end()
}
