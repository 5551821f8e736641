//! The lines of a transcript, made from what happened.

use std::{collections::BTreeMap, sync::Arc};

use super::{Happened, comes_by_itself, minutes};
use crate::{
    engine::{Activity, KeepFile, name_of_kind},
    locale::Locales,
    model::{Content, ConversationId, Delivery, FileKind, Input, Message, Person, Timestamp, What},
    runtime::Outgoing,
};

/// So many minutes may pass without a word; more are told, for deadlines and positions depend on them.
const SILENCE: i64 = 5;

/// A message that somebody was shown.
struct Shown {
    prompt: Option<String>,
    words: String,
    /// What each button says, and what it carries.
    buttons: Vec<(String, String)>,
}

/// A line of the transcript.
enum Line {
    Text(String),
    Album(Album),
}

/// Files that were sent together.
struct Album {
    id: String,
    who: String,
    files: Vec<FileKind>,
    caption: Option<String>,
}

/// The lines while they are written.
pub(super) struct Acts {
    locales: Arc<Locales>,
    lines: Vec<Line>,
    names: BTreeMap<i64, String>,
    languages: BTreeMap<i64, String>,
    reachable: BTreeMap<ConversationId, bool>,
    shown: BTreeMap<ConversationId, Vec<Shown>>,
    /// The line of the album that the next file there may belong to.
    albums: BTreeMap<ConversationId, usize>,
    /// When the transcript began, and how many minutes of it were told to pass.
    began: Option<Timestamp>,
    passed: i64,
}

impl Acts {
    pub(super) fn new(locales: &Arc<Locales>) -> Self {
        Self {
            locales: locales.clone(),
            lines: Vec::new(),
            names: BTreeMap::new(),
            languages: BTreeMap::new(),
            reachable: BTreeMap::new(),
            shown: BTreeMap::new(),
            albums: BTreeMap::new(),
            began: None,
            passed: 0,
        }
    }

    /// Takes down what happened; of what is not told, only who it was.
    pub(super) fn happens(&mut self, happened: &Happened, is_told: bool) {
        let Happened { place, language, told } = happened;
        if let Some(item) = &told.item {
            if let Some(person) = &item.input.from {
                self.meets(person, is_told);
            }
            if is_told {
                self.comes(&item.input, item.prompt.as_deref());
            }
        }
        for outgoing in &told.sent {
            self.is_shown(place, outgoing, language.as_deref());
        }
    }

    pub(super) fn written(self) -> String {
        let lines = self.lines.into_iter().map(|line| match line {
            Line::Text(line) => line,
            Line::Album(album) => album.written(),
        });
        lines.map(|line| line.replace('\n', " ") + "\n").collect()
    }

    fn line(&mut self, line: String) {
        self.lines.push(Line::Text(line));
    }

    /// Names in transcripts have one word; those whose words are not told are here all the same.
    fn meets(&mut self, person: &Person, is_told: bool) {
        if !self.names.contains_key(&person.id) {
            let first = person.name.split([' ', ':', '/']).find(|word| !word.is_empty());
            let first = first.unwrap_or("Somebody");
            let is_taken = |name: &String| self.names.values().any(|taken| taken == name);
            let others = (2..).map(|number| format!("{first}{number}"));
            let name = std::iter::once(first.to_owned()).chain(others).find(|name| !is_taken(name));
            let name = name.expect("one of endlessly many names is free");
            if !is_told {
                self.line(format!("~ {name} is here"));
            }
            self.names.insert(person.id, name);
        }
        let Some(language) = person.language.as_ref().filter(|language| !language.starts_with("en")) else {
            return;
        };
        if self.languages.get(&person.id) != Some(language) {
            self.line(format!("~ {} speaks {language}", self.names[&person.id]));
            self.languages.insert(person.id, language.clone());
        }
    }

    /// Somebody does something, or a deadline passes.
    fn comes(&mut self, input: &Input, prompt: Option<&str>) {
        self.time_passes(input);
        if comes_by_itself(&input.what) {
            return;
        }
        let who = self.who(input);
        if let What::Said(Content::File { file, caption, album: Some(id) }) = &input.what {
            return self.more_of_album(id, input, who, (file.kind, caption.as_deref()));
        }
        if matches!(input.what, What::Said(_) | What::Command { .. }) {
            self.albums.remove(&input.conversation);
        }
        if let Some(line) = self.act(&who, input, prompt) {
            self.line(line);
        }
    }

    fn act(&mut self, who: &str, input: &Input, prompt: Option<&str>) -> Option<String> {
        Some(match &input.what {
            What::Command { name, payload } => {
                let payload = payload.as_ref().map(|payload| format!(" {payload}")).unwrap_or_default();
                format!("> {who}: /{name}{payload}")
            }
            What::Said(content) => match prompt.and_then(|prompt| self.begin_of(&input.conversation, prompt))
            {
                Some(begins) => replied(who, &begins, content),
                None => said(who, content),
            },
            What::Edited(Content::Location(place)) => {
                format!("> {who} moves to {} {}", place.latitude, place.longitude)
            }
            What::Edited(Content::Text(words)) => format!("> {who} edits: {words}"),
            What::Press { data, .. } => self.pressed(who, &input.conversation, data),
            What::Membership { reachable, .. } => {
                let before = self.reachable.insert(input.conversation.clone(), *reachable).unwrap_or(true);
                match (before, *reachable) {
                    (true, false) => format!("~ {who} blocks the bot"),
                    (false, true) => format!("~ {who} unblocks the bot"),
                    _ => return None,
                }
            }
            What::Returned { call, outcome, .. } => returned(call, outcome)?,
            _ => return None,
        })
    }

    /// Long silences are told; and that a deadline passed is told by the time that it took.
    fn time_passes(&mut self, input: &Input) {
        let is_deadline = matches!(input.what, What::Elapsed { .. });
        let since = input.at - *self.began.get_or_insert(input.at);
        let pass = minutes(since, is_deadline) - self.passed;
        if pass >= SILENCE || (is_deadline && pass > 0) {
            self.passed += pass;
            let time = if pass == 1 { "1 minute passes".to_owned() } else { format!("{pass} minutes pass") };
            self.line(format!("… {time}"));
        }
    }

    /// Who does it; in a group, also where.
    fn who(&self, input: &Input) -> String {
        let from = input.from.as_ref().map_or(input.conversation.user, |person| person.id);
        let name = self.names.get(&from).map_or("Somebody", String::as_str);
        let ConversationId { chat, thread, .. } = input.conversation;
        let group = chat.unsigned_abs() % 1000;
        match thread {
            _ if input.conversation.is_private() => name.to_owned(),
            0 => format!("{name} in Group{group}"),
            _ => format!("{name} in Group{group}/Topic{thread}"),
        }
    }

    /// How the message begins that put this question.
    fn begin_of(&self, place: &ConversationId, prompt: &str) -> Option<String> {
        let mut shown = self.shown.get(place)?.iter().rev();
        shown.find(|shown| shown.prompt.as_deref() == Some(prompt)).map(|shown| begin(&shown.words))
    }

    /// The newest button of a label is pressed without a word; another one by what it stands under.
    fn pressed(&self, who: &str, place: &ConversationId, data: &str) -> String {
        let shown = || self.shown.get(place).into_iter().flatten().rev();
        let label_in = |shown: &Shown| {
            let pressed = shown.buttons.iter().find(|(_, carries)| carries == data)?;
            Some(pressed.0.clone())
        };
        let Some((label, words)) = shown().find_map(|shown| Some((label_in(shown)?, &shown.words))) else {
            return format!("# {who} taps a button that nobody remembers");
        };
        let newest = shown().find(|shown| shown.buttons.iter().any(|(other, _)| *other == label));
        match newest.and_then(label_in) {
            Some(_) => format!("> {who} taps: {label}"),
            None => format!("> {who} taps {label} under {}", begin(words)),
        }
    }

    /// As for the engine, the next message of the conversation ends an album. A press or somebody else's doing does not:
    /// what was answered with the first file is answered with all of them.
    fn more_of_album(
        &mut self,
        id: &str,
        input: &Input,
        who: String,
        (kind, caption): (FileKind, Option<&str>),
    ) {
        let caption = caption.map(str::to_owned);
        let place = &input.conversation;
        let open = self.albums.get(place).and_then(|line| self.lines.get_mut(*line));
        if let Some(Line::Album(album)) = open
            && album.id == id
        {
            album.files.push(kind);
            album.caption = album.caption.take().or(caption);
            return;
        }
        self.albums.insert(place.clone(), self.lines.len());
        self.lines.push(Line::Album(Album { id: id.to_owned(), who, files: vec![kind], caption }));
    }

    fn is_shown(&mut self, place: &ConversationId, outgoing: &Outgoing, language: Option<&str>) {
        let locales = self.locales.clone();
        let read = |message: &Message, prompt: Option<String>| {
            let buttons = message.buttons.iter().flatten();
            let buttons = buttons.map(|button| (locales.plain(&button.label, language), button.data.clone()));
            Shown { prompt, words: locales.plain(&message.text, language), buttons: buttons.collect() }
        };
        let shown = self.shown.entry(place.clone()).or_default();
        match &*outgoing.delivery {
            Delivery::Send(send) => shown.push(read(&send.message, send.prompt.clone())),
            Delivery::Edit(edit) => {
                let same = shown.iter_mut().rev().find(|shown| shown.prompt.as_ref() == Some(&edit.prompt));
                if let (Some(same), Some(message), false) = (same, &edit.message, edit.closes) {
                    *same = read(message, same.prompt.clone());
                }
            }
            Delivery::Answer { .. } | Delivery::Language { .. } => {}
        }
    }
}

impl Album {
    fn written(self) -> String {
        let mut counted: Vec<(FileKind, usize)> = Vec::new();
        for file in self.files {
            match counted.last_mut() {
                Some((kind, count)) if *kind == file => *count += 1,
                _ => counted.push((file, 1)),
            }
        }
        let name = |(kind, count): &(FileKind, usize)| {
            format!("{count} {}{}", name_of_kind(*kind), if *count == 1 { "" } else { "s" })
        };
        let sent = match counted.as_slice() {
            [(kind, 1)] => a(*kind),
            _ => format!("an album of {}", counted.iter().map(name).collect::<Vec<_>>().join(", ")),
        };
        format!("> {} sends {sent}{}", self.who, caption(self.caption.as_deref()))
    }
}

fn said(who: &str, content: &Content) -> String {
    match content {
        Content::Text(words) => format!("> {who}: {words}"),
        Content::File { file, caption: words, .. } => {
            format!("> {who} sends {}{}", a(file.kind), caption(words.as_deref()))
        }
        Content::Location(place) => {
            format!("> {who} sends a location {} {}", place.latitude, place.longitude)
        }
        Content::Contact { .. } => format!("# {who} sends an address card"),
        Content::Other { kind } => format!("# {who} sends something else: {kind}"),
    }
}

fn replied(who: &str, begins: &str, content: &Content) -> String {
    match content {
        Content::Text(words) => format!("> {who} replies to {begins}: {words}"),
        Content::File { file, caption: words, .. } => {
            format!("> {who} replies to {begins} with {}{}", a(file.kind), caption(words.as_deref()))
        }
        other => said(who, other),
    }
}

/// `item.3/moderate(hash)#0` is a call of `moderate`. What every app does by itself needs no line.
fn returned(call: &str, outcome: &Result<serde_json::Value, String>) -> Option<String> {
    let name = call.rsplit('/').next()?.split_once('(')?.0;
    match outcome {
        _ if name == KeepFile::NAME => None,
        Ok(value) => Some(format!("~ {name}: {value}")),
        Err(why) => Some(format!("~ {name} fails: {why}")),
    }
}

/// The first words of a message: enough to know it by.
fn begin(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    line.split(": ").next().unwrap_or_default().trim_end().to_owned()
}

fn caption(words: Option<&str>) -> String {
    words.map(|words| format!(": {words}")).unwrap_or_default()
}

fn a(kind: FileKind) -> String {
    let article = if kind == FileKind::Audio { "an" } else { "a" };
    format!("{article} {}", name_of_kind(kind))
}
