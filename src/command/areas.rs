//! `areas`: the ground that workflows speak of, changed while everything runs.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context;
use serde_json::Value;

use super::{open_store, tell};
use crate::{
    engine::Table,
    runtime::{self, put_areas, remove_area},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} areas > areas.json            what is stored now, as a JSON list
  {program} areas --put areas.json        add these, or replace those of the same id
  {program} areas --remove food-court     offer it no longer

A store that has no areas begins with those that come with the app. Running instances offer a change within
REFERENCE_MAX_AGE_S seconds; who was asked before keeps the buttons they have.";

/// What `areas` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// A JSON list of areas to add or replace: id, name, facilities, and where they are: latitude, longitude, radius_m
    #[arg(long, value_name = "FILE")]
    put: Option<PathBuf>,
    /// The id of an area to take away; may be repeated
    #[arg(long, value_name = "ID")]
    remove: Vec<String>,
    /// The folder of the app's local.settings.json
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

/// Changes what it is told to, and prints what is there then.
pub(super) async fn areas(table: Table, options: Options) -> anyhow::Result<ExitCode> {
    let put: Vec<Value> = match &options.put {
        None => Vec::new(),
        Some(file) => {
            let text =
                fs::read_to_string(file).with_context(|| format!("can't read `{}`", file.display()))?;
            serde_json::from_str(&text).with_context(|| format!("`{}` is no JSON list", file.display()))?
        }
    };
    let store = open_store(&options.root)?;
    // First of all the app's own, or a single new one would stand for all of them.
    runtime::areas(&*store, &table).await?;
    put_areas(&*store, &put).await?;
    let mut code = ExitCode::SUCCESS;
    for id in &options.remove {
        if !remove_area(&*store, id).await? {
            eprintln!("There is no area `{id}`.");
            code = ExitCode::FAILURE;
        }
    }
    let areas = runtime::areas(&*store, &table).await?;
    tell(&format!("{}\n", serde_json::to_string_pretty(&areas)?))?;
    Ok(code)
}
