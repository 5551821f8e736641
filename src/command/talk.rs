//! `talk`: conversations that were written down, played against the app's workflows; and had ones, written down.

mod record;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use serde::Serialize;

use super::{difference, open_store, tell, wait};
use crate::engine::{Table, play};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} talk src/lunch.talk             play it; print the conversation, or where it differs
  {program} talk --update src/lunch.talk    rewrite it to what really happens
  {program} talk --json src/*.talk          one JSON object for each file
  {program} talk --record src/lunch.talk    write down what was said on the chat page, as a new transcript
  {program} talk --record lunch.talk --with Ada --with Bo

A transcript, of which only the lines of `>`, `~` and `…` need be written before the first --update:
  > Ada: /report
  < What is wrong? [Cleaning] [Security]
  > Ada taps: Cleaning
  … 25 hours pass";

/// What `talk` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The transcripts
    #[arg(required_unless_present = "record", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Rewrite each transcript to what really happens
    #[arg(long)]
    update: bool,
    /// Write down what was said to the app in --root, on the chat page or in earnest, as this transcript
    #[arg(long, value_name = "TALK", conflicts_with_all = ["files", "update", "json"])]
    record: Option<PathBuf>,
    /// Record only what these people did: a part of a name, or a conversation's id
    #[arg(long, value_name = "NAME", requires = "record")]
    with: Vec<String>,
    /// The folder of the app's local.settings.json, for --record
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Print one JSON object for each transcript: file, outcome, and the line of the first difference
    #[arg(long)]
    json: bool,
}

/// How a transcript went.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Same,
    Different,
    Updated,
    /// An act that nobody can do: there is nothing to compare after it.
    Impossible,
}

#[derive(Serialize)]
struct Played<'a> {
    file: &'a Path,
    outcome: Outcome,
    /// Of the first difference, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Why an act is impossible.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip)]
    written: String,
    /// What really happens; of an impossible transcript, what is written.
    #[serde(skip)]
    real: String,
}

/// Plays the transcripts. Fails if one differs, after having played them all.
pub(super) fn talk(table: &Table, options: &Options, program: &str) -> anyhow::Result<ExitCode> {
    if let Some(file) = &options.record {
        let store = open_store(&options.root)?;
        return wait(record::record(table, &*store, file, &options.with));
    }
    let mut all_well = true;
    for (index, file) in options.files.iter().enumerate() {
        let mut played = compare(table, file)?;
        if options.update && played.outcome == Outcome::Different {
            fs::write(file, &played.real).with_context(|| format!("can't rewrite `{}`", file.display()))?;
            played.outcome = Outcome::Updated;
        }
        all_well &= matches!(played.outcome, Outcome::Same | Outcome::Updated);
        if options.json {
            tell(&(serde_json::to_string(&played)? + "\n"))?;
            continue;
        }
        if options.files.len() > 1 {
            tell(&format!("{}== {}\n", if index > 0 { "\n" } else { "" }, file.display()))?;
        }
        tell(&told(&played, program))?;
    }
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn compare<'a>(table: &Table, file: &'a Path) -> anyhow::Result<Played<'a>> {
    let written = fs::read_to_string(file)
        .with_context(|| format!("can't read the transcript `{}`", file.display()))?;
    let (outcome, line, why, real) = match play(table, &written) {
        Err(stop) => (Outcome::Impossible, Some(stop.line), Some(stop.got), written.clone()),
        Ok(real) => match first_difference(&written, &real) {
            None => (Outcome::Same, None, None, real),
            line => (Outcome::Different, line, None, real),
        },
    };
    Ok(Played { file, outcome, line, why, written, real })
}

/// The number of the first line that differs, blanks at its end aside.
fn first_difference(written: &str, real: &str) -> Option<usize> {
    let (mut written, mut real) = (written.lines().map(str::trim_end), real.lines().map(str::trim_end));
    (1..).find_map(|line| match (written.next(), real.next()) {
        (None, None) => Some(None),
        (one, other) => (one != other).then_some(Some(line)),
    })?
}

/// For a person who looks at the terminal.
fn told(played: &Played<'_>, program: &str) -> String {
    let file = played.file.display();
    let line = played.line.unwrap_or_default();
    match played.outcome {
        Outcome::Same => played.real.clone(),
        Outcome::Updated => format!("{}\n`{file}` now tells what really happens.\n", changes(played)),
        Outcome::Different => format!(
            "{}\n`{file}` differs from line {line} on: - is written, + really happens.\n\
             If what happens is right:  {program} talk --update {file}\n",
            changes(played)
        ),
        Outcome::Impossible => {
            let act = played.written.lines().nth(line.saturating_sub(1)).unwrap_or_default();
            let why = played.why.as_deref().unwrap_or_default();
            format!("{line:>5}    {act}\n\n`{file}` can't go on at line {line}: {why}\n")
        }
    }
}

fn changes(played: &Played<'_>) -> String {
    difference::show(&played.written, &played.real)
}
