//! Proofs of what the engine promises, most of them as transcripts.

mod albums;
mod broadcasts;
mod calls;
mod files;
mod limits;
mod manners;
mod once;
mod people;
mod properties;
mod questions;
mod versions;
mod waiting;

use std::future::Future;

use serde::{Deserialize, Serialize};

use super::{
    head::Head,
    log::Entry,
    question::{Question, choice, text},
    rehearse::{
        compare,
        world::{Shown, World},
    },
    script::{Activity, Chat},
    table::{Table, Workflow},
};
use crate::model::{Person, Text, WorkflowId};

/// Words that read the same in every language.
fn t(words: impl Into<String>) -> Text {
    Text::literal(words)
}

/// A text question that asks for its own name.
fn q(name: &str) -> Question<String> {
    text(name, t(format!("{name}?")))
}

/// A choice by button, of keys that are their own labels.
fn pick(name: &str, keys: &[&str]) -> Question<(String, Text)> {
    choice(name, t(format!("{name}?")), keys.iter().map(|&key| (key.to_owned(), t(key))).collect::<Vec<_>>())
}

/// An app of one workflow, started by `/go`.
fn app<F: Future<Output = ()> + 'static>(
    script: impl Fn(Chat) -> F + std::marker::Send + Sync + 'static,
) -> Table {
    Table::new().workflow(Workflow::new("go", script).command("go", t("Go")))
}

/// Plays a transcript that must be true, and gives back the world after it.
#[track_caller]
fn plays<'a>(table: &'a Table, transcript: &str) -> World<'a> {
    let mut world = World::new(table);
    goes_on(&mut world, transcript);
    world
}

/// Plays the next part of a transcript.
#[track_caller]
fn goes_on(world: &mut World<'_>, transcript: &str) {
    let played = match world.play(transcript) {
        Ok(played) => played,
        Err(why) => panic!("{why}"),
    };
    if let Err(why) = compare(transcript, &played) {
        panic!("{why}\n\nplayed:\n{played}");
    }
}

/// The log of the only workflow.
fn log<'a>(world: &'a World<'_>) -> &'a [Entry] {
    assert_eq!(world.logs.len(), 1, "there is one workflow");
    world.logs.values().next().unwrap()
}

/// The head of the only workflow.
fn head<'a>(world: &'a World<'_>) -> &'a Head {
    assert_eq!(world.heads.len(), 1, "there is one workflow");
    world.heads.values().next().unwrap()
}

/// How many keyboards there are to press.
fn keyboards(world: &World<'_>) -> usize {
    world.screen.iter().filter(|shown| !shown.stripped && !shown.message.buttons.is_empty()).count()
}

/// How the newest message to somebody that begins so reads now.
fn reads(world: &World<'_>, user: i64, begins: &str) -> String {
    let read = |shown: &Shown| world.table.locales().plain(&shown.message.text, None);
    let mut shown = world.screen.iter().rev().filter(|shown| shown.to.user == user).map(read);
    shown.find(|words| words.starts_with(begins)).unwrap()
}

/// What folding a log gives, in parts of one entry, through JSON each time.
fn folded_through_json(id: WorkflowId, log: &[Entry]) -> Head {
    let mut head: Option<Head> = None;
    for entry in log {
        let entry: Entry = serde_json::from_str(&serde_json::to_string(entry).unwrap()).unwrap();
        let next = Head::fold(head, id, &entry).unwrap();
        head = Some(serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap());
    }
    head.unwrap()
}

/// Somebody who is not in the room yet; the first person of a transcript is 1001, the next 1002.
fn somebody(id: i64, name: &str) -> Person {
    Person { id, name: name.to_owned(), language: None }
}

/// Judges words.
#[derive(Serialize, Deserialize)]
struct Moderate {
    words: String,
}

impl Activity for Moderate {
    const NAME: &'static str = "moderate";
    type Output = String;
}

fn moderate(words: &str) -> Moderate {
    Moderate { words: words.to_owned() }
}
