//! `transcript`: what was said in one conversation, as whoever had it read it.

use std::{fmt::Write, path::PathBuf, process::ExitCode};

use anyhow::{bail, ensure};
use serde_json::{Value, json};

use super::{open_store, tell};
use crate::{
    engine::Table,
    locale::Locales,
    model::{Content, ConversationId, Delivery, Message, Text, Timestamp, What},
    runtime::{self, Item, Outgoing, State, Told, Transcript},
    store::Store,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} transcript Ada
  {program} transcript operations:42:0:42
  {program} transcript operations:-100:7:42 --json | jq -r .at

Somebody who talks to the bot in private is found by a part of their name, or of their conversation's id, that
only they have; what is said in a group, by the whole id: bot:chat:topic:user. Nothing is older than
RETENTION_DAYS.";

/// What `transcript` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The conversation's id, or a part of the id or of the person's name
    conversation: String,
    /// Print each input, and what came from elsewhere, as a JSON object with what was sent
    #[arg(long)]
    json: bool,
    /// The folder of the app's local.settings.json
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

/// Prints it.
pub(super) async fn transcript(table: Table, options: Options) -> anyhow::Result<ExitCode> {
    let store = open_store(&options.root)?;
    let id = find(&*store, &options.conversation).await?;
    let Some(transcript) = runtime::transcript(&*store, &id).await? else {
        bail!("nothing is known of the conversation `{id}`");
    };
    let reader = Reader::of(&transcript, table.locales());
    if !options.json {
        tell(&format!("# {id}\n"))?;
    }
    for told in &transcript.told {
        tell(&if options.json { format!("{}\n", reader.json(told)) } else { reader.lines(told) })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The conversation that is meant.
async fn find(store: &dyn Store, wanted: &str) -> anyhow::Result<ConversationId> {
    if let Ok(id) = wanted.parse() {
        return Ok(id);
    }
    let part = wanted.to_lowercase();
    let mut found = runtime::people(store).await?;
    found.retain(|(id, person)| {
        person.name.to_lowercase().contains(&part) || id.to_string().contains(part.as_str())
    });
    let names: Vec<String> =
        found.iter().take(5).map(|(id, person)| format!("{id} ({})", person.name)).collect();
    ensure!(!found.is_empty(), "nobody is called `{wanted}`; a group's conversation needs its whole id");
    ensure!(found.len() == 1, "`{wanted}` may be any of {}: {}", found.len(), names.join(", "));
    Ok(found.remove(0).0)
}

/// Whose language it is told in, and what they have not been sent yet.
struct Reader<'a> {
    transcript: &'a Transcript,
    locales: &'a Locales,
}

impl<'a> Reader<'a> {
    fn of(transcript: &'a Transcript, locales: &'a Locales) -> Self {
        Self { transcript, locales }
    }

    fn words(&self, text: &Text) -> String {
        self.locales.plain(text, self.transcript.conversation.language())
    }

    fn is_sent(&self, outgoing: &Outgoing) -> bool {
        !self.transcript.unsent().contains(&outgoing.id)
    }

    /// A line for what came in, and one for each thing that was sent; further lines of a text are indented.
    fn lines(&self, told: &Told) -> String {
        let mut lines = String::new();
        let mut line = |at: Option<Timestamp>, mark: char, words: String| {
            let at = at.map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M:%S").to_string());
            let words = words.replace('\n', &format!("\n{:23}", ""));
            writeln!(lines, "{at:19}  {mark} {words}").expect("a string takes all that is written to it");
        };
        if let Some(item) = &told.item {
            let note = match item.state {
                State::Done => "",
                State::Pending => " (not applied yet)",
                State::Dead => " (given up: there is a dead letter)",
            };
            line(told.at, '>', format!("{}{note}", self.input(item)));
        }
        let mut at = told.at.filter(|_| told.item.is_none());
        for outgoing in &told.sent {
            if let Some(words) = self.output(&outgoing.delivery) {
                let note = if self.is_sent(outgoing) { "" } else { " (not sent yet)" };
                line(at.take(), '<', format!("{words}{note}"));
            }
        }
        if let Some(toast) = told.item.as_ref().and_then(|item| item.toast.as_ref()) {
            line(None, '<', format!("(toast) {}", self.words(toast)));
        }
        lines
    }

    fn json(&self, told: &Told) -> Value {
        let sent = told.sent.iter().map(|outgoing| {
            json!({
                "id": outgoing.id,
                "text": self.output(&outgoing.delivery),
                "delivery": outgoing.delivery,
                "isSent": self.is_sent(outgoing),
            })
        });
        let item = told.item.as_ref();
        json!({
            "at": told.at,
            "input": item.map(|item| &item.input),
            "state": item.map(|item| item.state),
            "text": item.map(|item| self.input(item)),
            "toast": item.and_then(|item| item.toast.as_ref()).map(|toast| self.words(toast)),
            "sent": sent.collect::<Vec<_>>(),
        })
    }

    fn input(&self, item: &Item) -> String {
        let who = item.input.from.as_ref().map_or_else(String::new, |person| format!("{}: ", person.name));
        match &item.input.what {
            What::Command { name, payload } => {
                format!("{who}/{name}{}", payload.as_ref().map(|rest| format!(" {rest}")).unwrap_or_default())
            }
            What::Said(content) => format!("{who}{}", said(content)),
            What::Edited(content) => format!("{who}(changes a message to) {}", said(content)),
            What::Press { data, .. } => {
                format!("{who}(taps) {}", self.label(data).unwrap_or_else(|| data.clone()))
            }
            What::Membership { reachable: true, .. } => format!("{who}(lets the bot write)"),
            What::Membership { reachable: false, .. } => format!("{who}(blocks the bot)"),
            What::Moved { to } => format!("(the group is a supergroup now, {to})"),
            What::Elapsed { question, .. } => format!("(the time for `{question}` is over)"),
            What::Returned { call, outcome: Ok(value), .. } => format!("(`{call}` returned {value})"),
            What::Returned { call, outcome: Err(why), .. } => format!("(`{call}` failed: {why})"),
            What::Unreachable { question, .. } => format!("(nobody can be reached for `{question}`)"),
            What::Started { script, .. } => format!("(`{script}` is started)"),
            What::Ignored { kind } => format!("{who}({kind}; nothing is done about it)"),
        }
    }

    /// What the button said, if a message is kept that has it.
    fn label(&self, data: &str) -> Option<String> {
        let messages = self.transcript.told.iter().flat_map(|told| &told.sent).filter_map(message);
        let mut buttons = messages.flat_map(|message| message.buttons.iter().flatten());
        buttons.find(|button| button.data == data).map(|button| self.words(&button.label))
    }

    /// Nothing for the answer to a press that shows nothing.
    fn output(&self, delivery: &Delivery) -> Option<String> {
        match delivery {
            Delivery::Send(send) => Some(self.message(&send.message)),
            Delivery::Edit(edit) => Some(match &edit.message {
                Some(message) => format!("(changes a message to) {}", self.message(message)),
                None => "(takes buttons away)".to_owned(),
            }),
            Delivery::Language { language } => {
                Some(format!("(speaks {} from here on)", language.as_deref().unwrap_or("as Telegram does")))
            }
            // What whoever pressed was told stands in the item.
            Delivery::Answer { .. } => None,
        }
    }

    fn message(&self, message: &Message) -> String {
        let mut words = self.words(&message.text);
        for button in message.buttons.iter().flatten() {
            words += &format!(" [{}]", self.words(&button.label));
        }
        words
    }
}

fn message(outgoing: &Outgoing) -> Option<&Message> {
    match &*outgoing.delivery {
        Delivery::Send(send) => Some(&send.message),
        Delivery::Edit(edit) => edit.message.as_ref(),
        Delivery::Language { .. } | Delivery::Answer { .. } => None,
    }
}

fn said(content: &Content) -> String {
    match content {
        Content::Text(words) => words.clone(),
        Content::File { file, caption, .. } => {
            let caption = caption.as_deref().unwrap_or_default();
            let kind = format!("{:?}", file.kind).to_lowercase();
            format!("({kind}) {caption}").trim_end().to_owned()
        }
        Content::Location(place) => format!("(location) {}, {}", place.latitude, place.longitude),
        Content::Contact { name, phone, .. } => format!("(contact) {name}, {phone}"),
        Content::Other { kind } => format!("({kind})"),
    }
}
