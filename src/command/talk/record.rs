//! `talk --record`: a conversation that was had, on the chat page or in earnest, as a transcript.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, ensure};
use chrono::TimeDelta;

use self::acts::Acts;
use super::super::tell;
use crate::{
    engine::{Table, play},
    model::{ConversationId, Person, What},
    runtime::{self, Told},
    store::{Container, Store},
};

mod acts;

/// So many documents are read at once.
const PAGE: usize = 500;

/// One thing that happened in a conversation.
struct Happened {
    place: ConversationId,
    language: Option<String>,
    told: Told,
}

/// Writes what people did as a transcript, with what they are shown by the app as it is now.
pub(super) async fn record(
    table: &Table,
    store: &dyn Store,
    file: &Path,
    with: &[String],
) -> anyhow::Result<ExitCode> {
    let happened = happened(store).await?;
    let wanted = chosen(&happened, with)?;
    let mut acts = Acts::new(table.locales());
    for happened in &happened {
        acts.happens(happened, wanted.contains(&happened.place));
    }
    let acts = acts.written();
    ensure!(!acts.is_empty(), "nobody has said anything yet: talk to the bot first");
    let (written, stop) = match play(table, &acts) {
        Ok(played) => (played, None),
        Err(stop) => (acts, Some(stop)),
    };
    fs::write(file, &written).with_context(|| format!("can't write `{}`", file.display()))?;
    match stop {
        None => {
            tell(&format!("{written}\n`{}` tells it from now on.\n", file.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        Some(stop) => {
            let file = file.display();
            tell(&format!(
                "`{file}` has what people did, but can't be played from line {} on: {}\n",
                stop.line, stop.got
            ))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Everything that happened, in the order of time.
async fn happened(store: &dyn Store) -> anyhow::Result<Vec<Happened>> {
    let mut places = BTreeSet::new();
    let mut after = None;
    loop {
        let page = store.list(Container::Conversations, after, PAGE).await?;
        places.extend(page.documents.into_iter().map(|located| located.partition));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut happened = Vec::new();
    for place in places {
        let place: ConversationId = place.parse()?;
        let Some(transcript) = runtime::transcript(store, &place).await? else { continue };
        let language = transcript.conversation.language().map(str::to_owned);
        let told = transcript.told.into_iter();
        happened.extend(told.map(|told| Happened { place: place.clone(), language: language.clone(), told }));
    }
    // What came in goes before what was sent elsewhere because of it.
    happened.sort_by_key(|happened| (happened.told.at, happened.told.item.is_none()));
    Ok(happened)
}

/// The conversations of whom it is to be about; of everybody, if nobody is named.
fn chosen(happened: &[Happened], with: &[String]) -> anyhow::Result<BTreeSet<ConversationId>> {
    let mut people: BTreeMap<ConversationId, Person> = BTreeMap::new();
    for Happened { place, told, .. } in happened {
        if let Some(person) = told.item.as_ref().and_then(|item| item.input.from.clone()) {
            people.insert(place.clone(), person);
        }
    }
    for name in with {
        let is_known = people.iter().any(|(place, person)| is_called(place, person, name));
        ensure!(is_known, "nobody who talked to the bot is called `{name}`");
    }
    let wanted = people
        .into_iter()
        .filter(|(place, person)| with.is_empty() || with.iter().any(|name| is_called(place, person, name)));
    Ok(wanted.map(|(place, _)| place).collect())
}

fn is_called(place: &ConversationId, person: &Person, name: &str) -> bool {
    person.name.to_lowercase().contains(&name.to_lowercase()) || place.to_string() == name
}

/// How long ago something was when something else happened, in whole minutes.
fn minutes(passed: TimeDelta, up: bool) -> i64 {
    let whole = passed.num_minutes();
    if up && passed > TimeDelta::minutes(whole) { whole + 1 } else { whole }
}

/// Does it come about by itself when the transcript is played?
fn comes_by_itself(what: &What) -> bool {
    matches!(
        what,
        What::Unreachable { .. } | What::Started { .. } | What::Ignored { .. } | What::Elapsed { .. }
    )
}
