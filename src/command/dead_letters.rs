//! `dead-letters`: what could not be done; seen, taken up again, or dropped.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::ensure;
use serde_json::{Value, json};

use super::{open_runtime, open_store, tell};
use crate::{
    engine::Table,
    runtime::{DeadLetter, Error, KeptLetter, Runtime, dead_letters},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} dead-letters list --source inbox
  {program} dead-letters show tg~operations~00000000000000000042
  {program} dead-letters redrive --source outbox --dry-run
  {program} dead-letters redrive --all
  {program} dead-letters drop --conversation operations:42:0:42

An id may be shortened to a part that only one letter has. To redrive is to take up again what the letter was
about: an input is applied, a message sent, an update received, a hint left. Done twice, it is done once; what
fails again becomes a dead letter again.";

/// What `dead-letters` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    deed: Deed,
}

/// What is to be done with them.
#[derive(clap::Subcommand)]
enum Deed {
    /// Print a line for each, the oldest first
    List {
        #[command(flatten)]
        which: Which,
        /// Print each as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print all that is known of one, as JSON
    Show {
        /// Its id, or a part of it
        id: String,
        /// The folder of the app's local.settings.json
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
    /// Take up again what they were about
    Redrive(Choice),
    /// Take them away
    Drop(Choice),
}

/// Letters that are meant expressly.
#[derive(clap::Args)]
struct Choice {
    #[command(flatten)]
    which: Which,
    /// Every one there is
    #[arg(long)]
    all: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Which letters.
#[derive(clap::Args)]
struct Which {
    /// Their ids, or parts of them
    ids: Vec<String>,
    /// Only from there: inbox, outbox, workflow, activity:…, queue:…, webhook:…
    #[arg(long)]
    source: Option<String>,
    /// Only of this conversation
    #[arg(long)]
    conversation: Option<String>,
    /// The folder of the app's local.settings.json
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

impl Which {
    fn means(&self, kept: &KeptLetter) -> bool {
        let letter = &kept.letter;
        let from =
            |source: &String| letter.source == *source || letter.source.starts_with(&format!("{source}:"));
        let of = |id: &String| {
            letter.conversation.as_ref().is_some_and(|conversation| conversation.to_string() == *id)
        };
        (self.ids.is_empty() || self.ids.iter().any(|id| kept.id().contains(id.as_str())))
            && self.source.as_ref().is_none_or(from)
            && self.conversation.as_ref().is_none_or(of)
    }

    fn is_everything(&self) -> bool {
        self.ids.is_empty() && self.source.is_none() && self.conversation.is_none()
    }
}

/// Does it.
pub(super) async fn dead_letters_of(table: Table, options: Options) -> anyhow::Result<ExitCode> {
    match options.deed {
        Deed::List { which, json } => list(&which, json).await,
        Deed::Show { id, root } => show(&id, &root).await,
        Deed::Redrive(choice) => each(table, &choice, Verb::Redrive).await,
        Deed::Drop(choice) => each(table, &choice, Verb::Drop).await,
    }
}

async fn list(which: &Which, json: bool) -> anyhow::Result<ExitCode> {
    let store = open_store(&which.root)?;
    for kept in dead_letters(&*store, |kept| which.means(kept)).await? {
        tell(&if json { format!("{}\n", whole(&kept)) } else { line(&kept) })?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(id: &str, root: &Path) -> anyhow::Result<ExitCode> {
    let store = open_store(root)?;
    let found = dead_letters(&*store, |kept| kept.id().contains(id)).await?;
    ensure!(!found.is_empty(), "there is no dead letter `{id}`; `list` shows those that there are");
    ensure!(
        found.len() == 1 || found.iter().any(|kept| kept.id() == id),
        "`{id}` is part of {} ids: write more of it",
        found.len()
    );
    let one = found.iter().find(|kept| kept.id() == id).or(found.first());
    let told = one.map(|kept| serde_json::to_string_pretty(&whole(kept))).transpose()?;
    tell(&format!("{}\n", told.unwrap_or_default()))?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Clone, Copy)]
enum Verb {
    Redrive,
    Drop,
}

impl Verb {
    fn done(self) -> &'static str {
        match self {
            Self::Redrive => "redriven",
            Self::Drop => "dropped",
        }
    }

    async fn to(self, kept: &KeptLetter, runtime: &Runtime) -> Result<(), Error> {
        match self {
            Self::Redrive => runtime.redrive(kept).await,
            Self::Drop => runtime.drop_letter(kept).await,
        }
    }
}

/// One after another; a line for each as it is done.
async fn each(table: Table, choice: &Choice, verb: Verb) -> anyhow::Result<ExitCode> {
    let Choice { which, all, dry_run } = choice;
    ensure!(*all || !which.is_everything(), "say which: ids, --source, --conversation, or --all");
    let runtime = open_runtime(table, &which.root)?;
    let chosen = dead_letters(runtime.store().as_ref(), |kept| which.means(kept)).await?;
    let (mut done, mut failed) = (0, 0);
    for (n, kept) in chosen.iter().enumerate() {
        let place = format!("{}/{}", n + 1, chosen.len());
        if *dry_run {
            tell(&format!("{place} would be {}: {}", verb.done(), line(kept)))?;
            continue;
        }
        match verb.to(kept, &runtime).await {
            Ok(()) => {
                done += 1;
                tell(&format!("{place} {}: {}\n", verb.done(), kept.id()))?;
            }
            Err(why) => {
                failed += 1;
                tell(&format!("{place} stays: {}: {why}\n", kept.id()))?;
            }
        }
    }
    if !dry_run {
        tell(&format!("{done} {}, {failed} stay\n", verb.done()))?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(kept: &KeptLetter) -> String {
    let DeadLetter { source, at, attempts, cause, .. } = &kept.letter;
    let at = at.format("%Y-%m-%d %H:%M:%S");
    format!("{at}  {source}  {}  after {attempts}: {cause}\n", kept.id())
}

/// All that is known of it; `id` is what the other commands take.
fn whole(kept: &KeptLetter) -> Value {
    let mut told = json!(kept.letter);
    told["id"] = kept.id().into();
    told
}
