//! A world in memory for rehearsals: the same decisions as in earnest, delivered at once.

mod perform;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use super::transcript::{Act, Actor, Fate};
use crate::{
    engine::{
        album::Album,
        decide::{Decided, Target, decide},
        effect::{Caused, Effect, read_prompt_name},
        head::Head,
        log::Entry,
        route::{Route, route},
        table::Table,
        turn::Wanted,
    },
    model::{
        BotSlug, Button, ChatKind, Content, ConversationId, EffectId, FileKind, FileRef, Input, InputKey,
        Message, Person, Position, Shared, Text, Timestamp, TraceParent, What, WorkflowId,
    },
};

/// How the ids of files begin that can't be kept.
const EXPIRED: &str = "expired";
const FORGED: &str = "forged";

/// A message that somebody was shown.
pub(in crate::engine) struct Shown {
    pub(in crate::engine) to: ConversationId,
    pub(in crate::engine) message: Message,
    pub(in crate::engine) prompt: Option<String>,
    /// Is its keyboard gone? (On a slow phone it can still be pressed.)
    pub(in crate::engine) stripped: bool,
}

pub(in crate::engine) struct World<'a> {
    /// The app; another version of it may take over at any time.
    pub(in crate::engine) table: &'a Table,
    bot: BotSlug,
    trace: TraceParent,
    pub(in crate::engine) now: Timestamp,
    updates: u64,
    people: Vec<Person>,
    /// The groups, and the topics of each, in the order in which they are mentioned.
    groups: Vec<(String, Vec<String>)>,
    /// Chats that the bot can't write to.
    blocked: BTreeSet<i64>,
    /// The languages that people chose.
    chosen: BTreeMap<i64, String>,
    pub(in crate::engine) heads: BTreeMap<WorkflowId, Head>,
    pub(in crate::engine) logs: BTreeMap<WorkflowId, Vec<Entry>>,
    current: BTreeMap<ConversationId, WorkflowId>,
    albums: BTreeMap<ConversationId, Album>,
    positions: BTreeMap<ConversationId, Position>,
    /// The index is the message's id.
    pub(in crate::engine) screen: Vec<Shown>,
    /// Calls that wait for their result.
    pub(in crate::engine) calls: Vec<(WorkflowId, EffectId, String, String)>,
    inputs: VecDeque<Input>,
    /// Who acted last: `<` without a name speaks to them.
    speaker: Option<i64>,
    shown: String,
}

impl<'a> World<'a> {
    pub(in crate::engine) fn new(table: &'a Table) -> Self {
        Self {
            table,
            bot: "rehearsal".parse().expect("`rehearsal` is a slug"),
            trace: "00-00000000000000000000000000000001-0000000000000001-01"
                .parse()
                .expect("this is a traceparent"),
            now: "2026-06-05T12:00:00Z".parse().expect("this is a time"),
            updates: 0,
            people: Vec::new(),
            groups: Vec::new(),
            blocked: BTreeSet::new(),
            chosen: BTreeMap::new(),
            heads: BTreeMap::new(),
            logs: BTreeMap::new(),
            current: BTreeMap::new(),
            albums: BTreeMap::new(),
            positions: BTreeMap::new(),
            screen: Vec::new(),
            calls: Vec::new(),
            inputs: VecDeque::new(),
            speaker: None,
            shown: String::new(),
        }
    }

    /// Makes something happen and tells, as a transcript does, what everybody was shown because of it.
    pub(in crate::engine) fn act(&mut self, act: Act<'_>) -> Result<String, String> {
        match act {
            Act::Writes { who, words } => {
                let what = match words.strip_prefix('/') {
                    Some(command) => {
                        let (name, payload) =
                            command.split_once(' ').map_or((command, None), |(n, p)| (n, Some(p)));
                        What::Command { name: name.to_lowercase(), payload: payload.map(str::to_owned) }
                    }
                    None => What::Said(Content::Text(words.to_owned())),
                };
                self.does(who, None, what);
            }
            Act::Replies { who, to, words } => self.replies(who, to, words)?,
            Act::Edits { who, words } => self.does(who, None, What::Edited(Content::Text(words.to_owned()))),
            Act::Taps { who, label, under } => self.taps(who, label, under)?,
            Act::SendsFiles { who, files, fate, caption, to } => {
                let reply_to = to.map(|begins| self.newest(who, begins)).transpose()?;
                let album = (files.len() > 1).then(|| format!("album-{}", self.updates));
                for (place, kind) in files.into_iter().enumerate() {
                    let caption = caption.filter(|_| place == 0);
                    self.sends_file(who, (kind, fate), caption, album.clone(), reply_to)?;
                }
            }
            Act::SendsLocation { who, place } => self.does(who, None, What::Said(Content::Location(place))),
            Act::Moves { who, place } => self.does(who, None, What::Edited(Content::Location(place))),
            Act::Returns { activity, outcome } => self.returns(activity, outcome)?,
            Act::Comes { who } => drop(self.person(who)),
            Act::Speaks { who, language } => {
                let id = self.person(who).id;
                let told = self.people.iter_mut().find(|person| person.id == id);
                told.into_iter().for_each(|person| person.language = Some(language.to_owned()));
            }
            Act::Blocks { who, blocks } => {
                let chat = self.chat_of(who);
                if blocks {
                    self.blocked.insert(chat)
                } else {
                    self.blocked.remove(&chat)
                };
            }
            Act::Passes(time) => self.passes(self.now + time)?,
        }
        self.settle()?;
        Ok(std::mem::take(&mut self.shown))
    }

    pub(in crate::engine) fn person(&mut self, name: &str) -> Person {
        match self.people.iter().find(|person| person.name == name) {
            Some(person) => person.clone(),
            None => {
                let id = 1001 + i64::try_from(self.people.len()).unwrap_or_default();
                let person = Person { id, name: name.to_owned(), language: None };
                self.people.push(person.clone());
                person
            }
        }
    }

    /// The chat of this name: a group's, or somebody's with the bot.
    fn chat_of(&mut self, name: &str) -> i64 {
        match self.groups.iter().position(|(group, _)| group == name) {
            Some(place) => -2001 - i64::try_from(place).unwrap_or_default(),
            None => self.person(name).id,
        }
    }

    /// Where and as whom somebody does something.
    fn stand(&mut self, who: Actor<'_>) -> (ConversationId, Person) {
        let Some(place) = who.place else {
            let person = self.person(who.name);
            return (ConversationId::private(self.bot.clone(), person.id), person);
        };
        let (group, topic) =
            place.split_once('/').map_or((place, None), |(group, topic)| (group, Some(topic)));
        if !self.groups.iter().any(|(known, _)| known == group) {
            self.groups.push((group.to_owned(), Vec::new()));
        }
        let chat = self.chat_of(group);
        let topics = self.groups.iter_mut().find(|(known, _)| known == group).map(|(_, topics)| topics);
        let thread = topics.zip(topic).map_or(0, |(topics, topic)| {
            let known = topics.iter().position(|known| known == topic).unwrap_or_else(|| {
                topics.push(topic.to_owned());
                topics.len() - 1
            });
            i64::try_from(known).unwrap_or_default() + 1
        });
        let person = match who.name == group {
            true => Person { id: chat, name: group.to_owned(), language: None },
            false => self.person(who.name),
        };
        (ConversationId { bot: self.bot.clone(), chat, thread, user: person.id }, person)
    }

    /// What a place is called in a transcript: a group, or a topic of one.
    fn name_of(&self, place: &ConversationId) -> Option<String> {
        let group = usize::try_from(-2001 - place.chat).ok().and_then(|place| self.groups.get(place));
        let (group, topics) = group.filter(|_| !place.is_private())?;
        let topic = usize::try_from(place.thread - 1).ok().and_then(|thread| topics.get(thread));
        Some(topic.map_or_else(|| group.clone(), |topic| format!("{group}/{topic}")))
    }

    pub(in crate::engine) fn does<'b>(
        &mut self,
        who: impl Into<Actor<'b>>,
        message_id: Option<i64>,
        what: What,
    ) {
        let input = self.done_by(who.into(), message_id, what);
        self.inputs.push_back(input);
    }

    fn done_by(&mut self, who: Actor<'_>, message_id: Option<i64>, what: What) -> Input {
        let (to, person) = self.stand(who);
        self.speaker = Some(person.id);
        self.updates += 1;
        let key = InputKey::update(&self.bot, self.updates);
        let chat = if to.is_private() { ChatKind::Private } else { ChatKind::Group };
        Input { from: Some(person), message_id, chat, ..self.input(key, to, what) }
    }

    /// The newest message that begins like this is replied to.
    fn replies(&mut self, who: Actor<'_>, begins: &str, words: &str) -> Result<(), String> {
        let id = self.newest(who, begins)?;
        self.replies_to(who, id, words)
    }

    fn newest(&mut self, who: Actor<'_>, begins: &str) -> Result<usize, String> {
        let newest = self.shown_to(who, begins).next().map(|(id, _)| id);
        newest.ok_or_else(|| format!("{} was shown no message that begins `{begins}`", who.name))
    }

    /// What somebody was shown that begins like this, the newest first.
    fn shown_to(&mut self, who: Actor<'_>, begins: &str) -> impl Iterator<Item = (usize, &Shown)> {
        let (to, _) = self.stand(who);
        let this = &*self;
        this.screen.iter().enumerate().rev().filter(move |(_, shown)| {
            let is_here = (shown.to.chat, shown.to.thread) == (to.chat, to.thread);
            is_here && this.words(&shown.message.text, shown.to.user).starts_with(begins)
        })
    }

    /// As somebody reads it.
    fn words(&self, text: &Text, reader: i64) -> String {
        let told =
            self.people.iter().find(|person| person.id == reader).and_then(|person| person.language.as_ref());
        let language = self.chosen.get(&reader).or(told);
        self.table.locales().plain(text, language.map(String::as_str))
    }

    /// Replies to the message of this id.
    pub(in crate::engine) fn replies_to<'b>(
        &mut self,
        who: impl Into<Actor<'b>>,
        message: usize,
        words: &str,
    ) -> Result<(), String> {
        let input = self.done_by(who.into(), None, What::Said(Content::Text(words.to_owned())));
        self.inputs.push_back(Input { reply_to: i64::try_from(message).ok(), ..input });
        self.settle()
    }

    fn input(&self, key: InputKey, conversation: ConversationId, what: What) -> Input {
        Input {
            key,
            at: self.now,
            conversation,
            chat: ChatKind::Private,
            from: None,
            message_id: None,
            reply_to: None,
            trace: self.trace.clone(),
            what,
        }
    }

    /// The newest button of this label goes first; one that is gone can still be pressed, as on a slow phone.
    fn taps(&mut self, who: Actor<'_>, label: &str, under: &str) -> Result<(), String> {
        let found: Vec<usize> = self.shown_to(who, under).map(|(id, _)| id).collect();
        let pressed = found.into_iter().find_map(|id| {
            let Shown { message, to, .. } = &self.screen[id];
            let mut buttons = message.buttons.iter().flatten();
            let says = |button: &&Button| {
                let words = self.words(&button.label, to.user);
                // How many have chosen it is not what it says.
                words == label || words.rsplit_once(" · ").is_some_and(|(words, _)| words == label)
            };
            Some((id, buttons.find(says)?.data.clone()))
        });
        let Some((id, data)) = pressed else {
            let place = if under.is_empty() { String::new() } else { format!(" under `{under}`") };
            return Err(format!("{} has no button [{label}]{place}", who.name));
        };
        let callback = format!("press-{}", self.updates);
        self.does(who, i64::try_from(id).ok(), What::Press { data, callback });
        Ok(())
    }

    fn sends_file(
        &mut self,
        who: Actor<'_>,
        (kind, fate): (FileKind, Fate),
        caption: Option<&str>,
        album: Option<String>,
        reply_to: Option<usize>,
    ) -> Result<(), String> {
        let (known_as, size) = match fate {
            Fate::Kept => ("file", 1000),
            Fate::Expired => (EXPIRED, 1000),
            Fate::Forged => (FORGED, 1000),
            Fate::Large { megabytes } => ("file", megabytes << 20),
        };
        let id = format!("{known_as}-{}", self.updates + 1);
        let file = FileRef {
            kind,
            shape: None,
            unique_id: id.clone(),
            id,
            name: None,
            mime: None,
            size: Some(size),
            caption: None,
        };
        let content = Content::File { file, caption: caption.map(str::to_owned), album };
        let input = self.done_by(who, None, What::Said(content));
        self.inputs.push_back(Input { reply_to: reply_to.and_then(|id| i64::try_from(id).ok()), ..input });
        self.settle()
    }

    fn returns(&mut self, activity: &str, outcome: Result<Value, String>) -> Result<(), String> {
        let found = self.calls.iter().position(|(_, _, _, name)| name == activity);
        let Some(place) = found else { return Err(format!("nobody waits for `{activity}`")) };
        let (workflow, effect, call, _) = self.calls.remove(place);
        let conversation = self.heads.get(&workflow).and_then(|head| head.conversation.clone());
        let conversation = conversation.unwrap_or_else(|| ConversationId::private(self.bot.clone(), 0));
        let what = What::Returned { workflow, call, outcome };
        self.inputs.push_back(self.input(InputKey::result(&effect), conversation, what));
        Ok(())
    }

    /// Deadlines pass one by one, each at its time.
    fn passes(&mut self, until: Timestamp) -> Result<(), String> {
        loop {
            let open = self.heads.values().flat_map(|head| head.open.iter().map(move |open| (head, open)));
            let due = open.filter(|(_, open)| open.deadline.is_some_and(|at| at <= until));
            let Some((head, open)) = due.min_by_key(|(_, open)| open.deadline) else { break };
            let key = InputKey::timer(head.workflow, open.n, open.name());
            let what = What::Elapsed { workflow: head.workflow, question: open.name().to_owned() };
            let (to, at) = (open.to.clone(), open.deadline.unwrap_or(until));
            self.now = at;
            self.inputs.push_back(self.input(key, to, what));
            self.settle()?;
        }
        self.now = until;
        Ok(())
    }

    pub(in crate::engine) fn settle(&mut self) -> Result<(), String> {
        while let Some(input) = self.inputs.pop_front() {
            self.accept(&input)?;
        }
        Ok(())
    }

    pub(in crate::engine) fn accept(&mut self, input: &Input) -> Result<(), String> {
        let input = &Shared::from(input.clone());
        if let What::Said(Content::Location(place)) | What::Edited(Content::Location(place)) = input.what {
            self.positions.insert(input.conversation.clone(), Position { place, at: input.at });
        }
        let replied_to = input.reply_to.and_then(|id| self.screen.get(usize::try_from(id).ok()?));
        let album = Album::of(self.albums.get(&input.conversation), input).cloned();
        let told = album.as_ref().is_some_and(|album| album.told);
        let replied_to = replied_to.and_then(|shown| shown.prompt.clone());
        let prompt = album.and_then(|album| album.prompt).or(replied_to);
        let current = self.current.get(&input.conversation).and_then(|id| self.recalled(*id));
        let newest = match &current {
            Some(current) if current.waits_for(&input.conversation) => None,
            _ => self.newest_prompt(&input.conversation),
        };
        let route = route(self.table, input, prompt.as_deref(), newest.as_deref());
        let named = match &route {
            Route::Named(id, _) => self.recalled(*id),
            _ => None,
        };
        let mut looked_up = BTreeMap::new();
        let decision = loop {
            let target = Target { current: current.as_ref(), named: named.as_ref(), told };
            match decide(self.table, input, &route, target, &looked_up).map_err(|why| why.to_string())? {
                Decided::Done(decision) => break *decision,
                Decided::Wants(wanted) => {
                    looked_up.extend(wanted.into_iter().map(|wanted| self.look_up(wanted)))
                }
            }
        };
        let album = Album::after(self.albums.remove(&input.conversation), input, &decision);
        self.albums.extend(album.map(|album| (input.conversation.clone(), album)));
        match decision.current {
            Some(id) => self.current.insert(input.conversation.clone(), id),
            None => self.current.remove(&input.conversation),
        };
        let mut toast = decision.outside.toast;
        let mut effects: Vec<Caused> = Vec::new();
        for (id, entry) in &decision.entries {
            let head = Head::fold(self.heads.remove(id), *id, entry).ok_or("an entry without a beginning")?;
            self.heads.insert(*id, head);
            self.logs.entry(*id).or_default().push(entry.clone());
            toast = toast.or_else(|| entry.toast.clone());
            effects.extend(entry.effects.iter().cloned());
        }
        if let Some(toast) = toast.filter(|_| matches!(input.what, What::Press { .. })) {
            let words = self.words(&toast, input.conversation.user);
            self.shown.push_str(&format!("! {words}\n"));
        }
        for (ordinal, delivery) in decision.outside.deliveries.into_iter().enumerate() {
            self.deliver(&EffectId::of_input(&input.key, ordinal), &input.conversation, delivery);
        }
        // What this conversation is sent leaves before what goes elsewhere, as in earnest.
        let is_own = |caused: &Caused| matches!(&caused.effect, Effect::Deliver { to, .. } if *to == input.conversation);
        let (own, elsewhere): (Vec<_>, Vec<_>) = effects.into_iter().partition(is_own);
        own.into_iter().chain(elsewhere).for_each(|caused| self.perform(caused, input));
        Ok(())
    }

    /// The prompt that somebody was sent last, of those whose question is open.
    fn newest_prompt(&self, of: &ConversationId) -> Option<String> {
        let prompts = self.screen.iter().rev().filter(|shown| shown.to == *of);
        let is_open = |prompt: &&String| {
            let of =
                read_prompt_name(prompt).and_then(|(id, question)| Some((self.heads.get(&id)?, question)));
            of.is_some_and(|(head, question)| head.open.iter().any(|open| open.name() == question))
        };
        prompts.filter_map(|shown| shown.prompt.as_ref()).find(is_open).cloned()
    }

    /// A head with its large answers.
    fn recalled(&self, id: WorkflowId) -> Option<Head> {
        let mut head = self.heads.get(&id)?.clone();
        let needed: Vec<InputKey> = head.needed_entries().into_iter().cloned().collect();
        let log = self.logs.get(&id).into_iter().flatten();
        log.filter(|entry| needed.contains(&entry.input.key)).for_each(|entry| head.recall(entry));
        Some(head)
    }

    /// Reference data, in the order of its ids as text, as in earnest.
    fn look_up(&self, wanted: Wanted) -> (String, Value) {
        let mut documents = match wanted.what.as_str() {
            "whereabouts" => {
                let position = wanted.of.and_then(|of| self.positions.get(&of));
                return (wanted.name, json!(position.filter(|position| position.is_recent(self.now))));
            }
            "languages" => return (wanted.name, json!(self.table.locales().languages())),
            "people" => self.people.iter().map(|person| json!(person)).collect(),
            other => self.table.own_reference(other).to_vec(),
        };
        documents.sort_by_cached_key(|document| match &document["id"] {
            Value::String(id) => id.clone(),
            id => id.to_string(),
        });
        (wanted.name, Value::Array(documents))
    }
}
