//! `doctor`: is everything there that the app needs, does it work, and if not, what mends it?

mod clock;
pub(super) mod files;
mod queues;
pub(super) mod storage;
pub(super) mod telegram;

use std::{path::PathBuf, process::ExitCode};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::tell;
use crate::config::{self, Usable};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} doctor                       look at everything the settings name
  {program} doctor --json | jq 'select(.state == \"wrong\")'

Nothing of the app is changed: a document of its own is written and deleted, a message that nobody can see is
sent and taken back. It exits with 1 if anything is wrong.";

/// What `doctor` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The folder of the app: its local.settings.json, host.json and functions
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Print each finding as a JSON object
    #[arg(long)]
    json: bool,
}

/// What was found out about one thing.
#[derive(Serialize)]
pub(super) struct Finding {
    what: String,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Fine,
    /// Neither right nor wrong: nothing to look at here.
    Skipped,
    Wrong,
}

impl Finding {
    pub(super) fn fine(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Fine, found: found.into(), mend: None }
    }

    pub(super) fn skipped(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Skipped, found: found.into(), mend: None }
    }

    pub(super) fn wrong(what: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Wrong, found: found.into(), mend: Some(mend.into()) }
    }
}

/// Looks at one thing after another, and tells of each at once.
pub(super) async fn doctor(options: Options) -> anyhow::Result<ExitCode> {
    let environment = config::environment(&options.root)?;
    let usable = Usable::of(&environment);
    let mut report = Report::new(options.json);
    report.add(files::look(&options.root))?;
    report.add(settings(&usable))?;
    for look in [storage::look(usable.store.as_ref()).await, queues::look(usable.queues.as_ref()).await] {
        report.add(look)?;
    }
    for bot in &usable.bots {
        report.add(telegram::look(bot).await)?;
    }
    report.add(vec![clock::look(&usable).await])?;
    report.end()
}

fn settings(usable: &Usable) -> Vec<Finding> {
    let name = "settings";
    if usable.mistakes.is_empty() {
        let bots: Vec<&str> = usable.bots.iter().map(|bot| bot.slug.as_str()).collect();
        return match &bots[..] {
            [] => vec![Finding::wrong(
                name,
                "there is no bot",
                "set BOTS__<slug>__token and BOTS__<slug>__secret for each; @BotFather gives the token",
            )],
            bots => vec![Finding::fine(name, format!("all can be used; bots: {}", bots.join(", ")))],
        };
    }
    let mistake = |told: &String| {
        let (found, mend) = told.split_once("; ").unwrap_or((told, "correct it"));
        Finding::wrong(name, found, mend)
    };
    usable.mistakes.iter().map(mistake).collect()
}

/// Tells findings as they come, and counts them.
pub(super) struct Report {
    json: bool,
    fine: usize,
    wrong: usize,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json, fine: 0, wrong: 0 }
    }

    pub(super) fn add(&mut self, findings: Vec<Finding>) -> anyhow::Result<()> {
        for finding in findings {
            match finding.state {
                State::Fine => self.fine += 1,
                State::Wrong => self.wrong += 1,
                State::Skipped => {}
            }
            tell(&if self.json {
                format!("{}\n", serde_json::to_string(&finding)?)
            } else {
                line(&finding)
            })?;
        }
        Ok(())
    }

    pub(super) fn end(self) -> anyhow::Result<ExitCode> {
        let Self { json, fine, wrong } = self;
        if !json {
            let told = match wrong {
                0 => format!("\nAll is well: {fine} things were looked at.\n"),
                1 => "\nOne thing is wrong.\n".to_owned(),
                _ => format!("\n{wrong} things are wrong.\n"),
            };
            tell(&told)?;
        }
        Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// A row of the table, and under it what to do.
fn line(finding: &Finding) -> String {
    let (sign, colour) = match finding.state {
        State::Fine => ("✓", Some(AnsiColor::Green)),
        State::Skipped => ("–", None),
        State::Wrong => ("✗", Some(AnsiColor::Red)),
    };
    let style = colour.map_or(Style::new(), |colour| Style::new().fg_color(Some(colour.into())));
    let mend = finding.mend.iter().map(|mend| format!("{:32}→ {mend}\n", "")).collect::<String>();
    format!("{style}{sign}{style:#} {:29} {}\n{mend}", finding.what, finding.found)
}

/// A name that nothing else has.
#[expect(clippy::disallowed_methods, reason = "what is only tried out is no part of any script")]
fn dice() -> String {
    uuid::Uuid::new_v4().to_string()
}
