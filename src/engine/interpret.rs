//! What an input means to a workflow: judged against the questions that are open, without its script.

mod judge;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use self::judge::{Judged, captioned, judge};
use super::{
    effect::{Pressed, offer_hash, pages_of, question_hash, read_data},
    head::Head,
    log::{Collecting, Fact, Given, OpenQuestion, Standing},
    question::{Kind, Part},
};
use crate::{
    model::{ChatKind, Content, FileKind, FileRef, Input, InputKey, Text, What},
    text,
};

/// What an input was taken to mean, and what whoever sent it is told at once.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Meaning {
    pub(super) facts: Vec<Fact>,
    /// For whoever pressed a button.
    pub(super) toast: Option<Text>,
    /// What a button chose, to be shown where the keyboard was.
    pub(super) chosen: Option<Text>,
    /// Said in answer, outside the script.
    pub(super) reply: Option<Text>,
    /// The button was of no use any more: its keyboard goes.
    pub(super) stale: bool,
    /// The person wants to go back. What that undoes only the script can tell.
    pub(super) back: bool,
}

impl Meaning {
    pub(super) fn fact(fact: Fact) -> Self {
        Self { facts: vec![fact], ..Self::default() }
    }

    fn late(toast: Option<Text>) -> Self {
        Self { facts: vec![Fact::Late], toast, ..Self::default() }
    }

    /// Said, not pressed: there is nothing to answer but a message.
    fn reply(text: Text) -> Self {
        Self { reply: Some(text), ..Self::late(None) }
    }

    /// The button belongs to what is no longer asked.
    fn stale() -> Self {
        Self { stale: true, ..Self::late(Some(text!("stale-button"))) }
    }

    fn back() -> Self {
        Self { back: true, ..Self::default() }
    }

    /// Back was asked for where nothing can be undone.
    pub(super) fn no_way_back(input: &Input) -> Self {
        let why = text!("no-way-back");
        match input.what {
            What::Press { .. } => Self::late(Some(why)),
            _ => Self::reply(why),
        }
    }

    fn answered(question: &str, given: Given) -> Self {
        Self::fact(Fact::Answered { question: question.to_owned(), given, collecting: None })
    }
}

/// Takes `input` for what it is. `replied_to` names the question whose prompt the person replied to.
pub(super) fn interpret(head: &Head, input: &Input, replied_to: Option<&str>) -> Meaning {
    match &input.what {
        What::Press { data, .. } => pressed(head, input, data),
        What::Said(content) => said(head, input, content, replied_to),
        What::Command { name, .. } if name == "cancel" => Meaning::fact(Fact::Cancelled),
        What::Command { name, .. } if name == "back" => Meaning::back(),
        What::Elapsed { question, .. } => elapsed(head, input, question),
        What::Returned { call, outcome, .. } if head.calls.iter().any(|open| open.name == *call) => {
            let given = match outcome {
                Ok(value) => Given::Value(value.clone()),
                Err(why) => Given::Failed(why.clone()),
            };
            Meaning::fact(Fact::Returned { call: call.clone(), given })
        }
        What::Unreachable { question, .. } => {
            match head.open.iter().find(|open| open.name() == question && open.is_of_somebody()) {
                Some(_) => Meaning::answered(question, Given::Unreachable),
                None => Meaning::late(None),
            }
        }
        _ => Meaning::late(None),
    }
}

/// A deadline counts only for the opening of the question that it was set for.
fn elapsed(head: &Head, input: &Input, question: &str) -> Meaning {
    let is_of = |open: &&OpenQuestion| {
        open.name() == question && InputKey::timer(head.workflow, open.n, question) == input.key
    };
    match head.open.iter().find(is_of) {
        Some(_) => Meaning::answered(question, Given::Elapsed),
        None => Meaning::late(None),
    }
}

fn pressed(head: &Head, input: &Input, data: &str) -> Meaning {
    let found = read_data(data).and_then(|(_, hash, pressed)| {
        Some((head.open.iter().find(|open| question_hash(open) == hash)?, pressed))
    });
    let Some((question, pressed)) = found else { return Meaning::stale() };
    if question.to != input.conversation {
        return Meaning::late(Some(text!("not-for-you")));
    }
    match pressed {
        Pressed::Offer(hash) => offer(question, hash),
        Pressed::Skip if question.skippable => {
            Meaning { chosen: Some(text!("skipped")), ..Meaning::answered(question.name(), Given::Skipped) }
        }
        Pressed::Back => Meaning::back(),
        Pressed::Done => done(question),
        Pressed::Page(page) if page < pages_of(question) => {
            Meaning::fact(Fact::Paged { question: question.name().to_owned(), page })
        }
        // A client may send any data (<https://core.telegram.org/bots/api#callbackquery>).
        Pressed::Skip | Pressed::Page(_) => Meaning::stale(),
    }
}

fn offer(question: &OpenQuestion, hash: &str) -> Meaning {
    for part in &question.parts {
        let Some(offer) = part.kind.offers().iter().find(|offer| offer_hash(part, offer) == hash) else {
            continue;
        };
        if let Kind::Toggles { max, .. } = part.kind {
            let mut picked = question.picked.clone();
            if !picked.remove(&offer.key) {
                if picked.len() >= max {
                    return Meaning::late(Some(text!("choose-at-most", count = max)));
                }
                picked.insert(offer.key.clone());
            }
            return Meaning::fact(Fact::Toggled { question: question.name().to_owned(), picked });
        }
        let given = Given::Value(Value::String(offer.key.clone()));
        return Meaning { chosen: Some(offer.label.clone()), ..Meaning::answered(&part.name, given) };
    }
    Meaning::stale()
}

fn done(question: &OpenQuestion) -> Meaning {
    let toggles = question.parts.iter().find_map(|part| match &part.kind {
        Kind::Toggles { options, min, max } => Some((part, options, *min, *max)),
        _ => None,
    });
    let Some((part, options, min, max)) = toggles else { return Meaning::late(None) };
    if question.picked.len() < min {
        return Meaning::late(Some(text!("choose-at-least", count = min)));
    }
    if question.picked.len() > max {
        return Meaning::late(Some(text!("choose-at-most", count = max)));
    }
    let picked: Vec<_> = options.iter().filter(|option| question.picked.contains(&option.key)).collect();
    let keys: Vec<&str> = picked.iter().map(|option| option.key.as_str()).collect();
    let chosen = match picked.len() {
        0 => text!("nothing-chosen"),
        _ => Text::Lines { lines: picked.iter().map(|option| option.label.clone()).collect() },
    };
    Meaning { chosen: Some(chosen), ..Meaning::answered(&part.name, Given::Value(json!(keys))) }
}

fn said(head: &Head, input: &Input, content: &Content, replied_to: Option<&str>) -> Meaning {
    if let Some(more) = rest_of_album(head, content) {
        return more;
    }
    let mut open: Vec<&OpenQuestion> =
        head.open.iter().filter(|open| open.to == input.conversation).collect();
    // The question that was replied to goes first, then the newest.
    open.sort_by_key(|open| (Some(open.name()) != replied_to, std::cmp::Reverse(open.n)));
    let Some(first) = open.first() else {
        // In a group people talk to one another, too.
        return if input.chat == ChatKind::Private {
            Meaning::reply(text!("nothing-asked"))
        } else {
            Meaning::late(None)
        };
    };
    let mut refused = None;
    for question in &open {
        for part in &question.parts {
            match judge(part, content, input) {
                Judged::Answer(value) => {
                    return Meaning::fact(Fact::Answered {
                        question: part.name.clone(),
                        given: Given::Value(value),
                        collecting: collecting(part, content),
                    });
                }
                Judged::Refused(why) => {
                    refused.get_or_insert((question.name(), why));
                }
                Judged::OtherFile => {
                    refused.get_or_insert_with(|| (question.name(), hint(question)));
                }
                Judged::Other => {}
            }
        }
    }
    let (question, why) = refused.unwrap_or_else(|| (first.name(), hint(first)));
    Meaning::fact(Fact::Rejected { question: question.to_owned(), why })
}

/// What to tell somebody who sent something of another kind: all the ways to answer.
fn hint(question: &OpenQuestion) -> Text {
    let mut ways = Vec::new();
    for part in &question.parts {
        match &part.kind {
            Kind::Choice { .. } | Kind::Toggles { .. } => ways.insert(0, text!("hint-buttons")),
            Kind::Text { .. } | Kind::Number { .. } | Kind::Date { .. } => ways.push(text!("hint-write")),
            Kind::Files { kinds, .. } => ways.extend(kinds.iter().map(hint_of_file)),
            Kind::Location => ways.push(text!("hint-location")),
        }
    }
    if question.skippable && !ways.contains(&text!("hint-buttons")) {
        ways.push(text!("hint-skip"));
    }
    let mut seen = BTreeSet::new();
    ways.retain(|way| seen.insert(way.clone()));
    // Where there is but one way, it is explained.
    if ways == [text!("hint-location")] {
        return text!("send-a-location");
    }
    let all = ways.into_iter().reduce(|ways, way| text!("hint-or", ways = ways, way = way));
    text!("hint", ways = all.expect("a question has a way to be answered"))
}

fn hint_of_file(kind: &FileKind) -> Text {
    match kind {
        FileKind::Photo => text!("hint-photo"),
        FileKind::Document => text!("hint-document"),
        FileKind::Voice => text!("hint-voice"),
        FileKind::Audio => text!("hint-audio"),
        FileKind::Video => text!("hint-video"),
        FileKind::Sticker => text!("hint-sticker"),
    }
}

fn collecting(part: &Part, content: &Content) -> Option<Collecting> {
    match (&part.kind, content) {
        (Kind::Files { kinds, max }, Content::File { album: Some(album), .. }) => {
            Some(Collecting { album: album.clone(), kinds: kinds.clone(), max: *max, over: false })
        }
        _ => None,
    }
}

/// The files of one album arrive one by one: those after the first are more of the same answer.
fn rest_of_album(head: &Head, content: &Content) -> Option<Meaning> {
    let Content::File { file, caption, album: Some(album) } = content else { return None };
    let is_of = |standing: &&Standing| standing.collecting.as_ref().is_some_and(|more| more.album == *album);
    let standing = head.standing.iter().find(is_of)?;
    let more = standing.collecting.as_ref()?;
    let mut files: Vec<FileRef> = serde_json::from_value(standing.given.value()?.clone()).ok()?;
    if !more.kinds.contains(&file.kind) {
        return Some(Meaning::reply(text!("wrong-file")));
    }
    if more.over || files.iter().any(|other| other.unique_id == file.unique_id) {
        return Some(Meaning::late(None));
    }
    let over = files.len() >= more.max;
    let reply = over.then(|| text!("too-many-files", count = more.max));
    if !over {
        files.push(captioned(file, caption.as_ref()));
    }
    let grown = Fact::Answered {
        question: standing.name.clone(),
        given: Given::Value(json!(files)),
        collecting: Some(Collecting { over, ..more.clone() }),
    };
    Some(Meaning { reply, ..Meaning::fact(grown) })
}

/// What is on, of what can be.
pub(super) fn still_picked(question: &OpenQuestion, picked: &BTreeSet<String>) -> BTreeSet<String> {
    let can_be =
        |key: &&String| question.parts.iter().any(|part| part.kind.offers().iter().any(|o| o.key == **key));
    picked.iter().filter(can_be).cloned().collect()
}
