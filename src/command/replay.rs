//! `replay`: does a workflow's log still tell what is stored of it?

use std::{path::PathBuf, process::ExitCode};

use super::{difference, open_store, tell};
use crate::{model::WorkflowId, runtime};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} replay 0b6f4e8e-5f0f-5d53-9a4c-2f3f9a1c7d10
  {program} replay 0b6f4e8e-5f0f-5d53-9a4c-2f3f9a1c7d10 | jq .answers

On standard output there is one JSON document: what the log tells. It exits with 1 if the store says
something else, and shows the difference on standard error. The second pane of the chat page shows the
GUIDs of workflows. The store is the one of STORE, or else the one that `{program} dev` keeps here.";

/// What `replay` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The workflow's GUID
    workflow: WorkflowId,
    /// The folder of the app's local.settings.json
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

/// Prints what the log tells; fails if the head that is stored is another.
pub(super) async fn replay(options: Options) -> anyhow::Result<ExitCode> {
    let store = open_store(&options.root)?;
    let rebuilt = runtime::rebuild(&*store, options.workflow).await?;
    let folded = serde_json::to_string_pretty(&rebuilt.folded)?;
    tell(&format!("{folded}\n"))?;
    if rebuilt.agrees() {
        eprintln!("The log's {} entries tell what is stored.", rebuilt.entries);
        return Ok(ExitCode::SUCCESS);
    }
    let stored = serde_json::to_string_pretty(&rebuilt.stored)?;
    eprintln!("What is stored (-) differs from what the log tells (+):");
    anstream::eprint!("{}", difference::show(&stored, &folded));
    Ok(ExitCode::FAILURE)
}
