//! An entry while it is made: facts go in, the script is played, and what it did comes out as effects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Refusal, Step, Wanted, back::way_back, give_up};
use crate::{
    engine::{
        effect::{Caused, Effect, refreshed},
        gather::vote_name,
        head::Head,
        interpret::Meaning,
        log::{Entry, Fact, OpenCall, OpenQuestion, Recorded, Status},
        replay::{Act, replay},
        table::Workflow,
    },
    model::{
        ConversationId, Delivery, Edit, EffectId, Event, Input, Message, PersonId, Send, Shared, Text, What,
    },
    text,
};

/// A turn may cause at most so many effects, not counting the prompts that it closes.
const MOST_EFFECTS: usize = 50;
/// A turn may reopen questions at most so often.
const MOST_REOPENINGS: usize = 10;

/// An entry while it is made.
pub(super) struct Applying<'a> {
    pub(super) head: &'a Head,
    pub(super) input: &'a Shared<Input>,
    looked_up: &'a BTreeMap<String, Value>,
    /// The state with this input's facts.
    pub(super) view: Head,
    pub(super) facts: Vec<Recorded>,
    /// The questions that wait now, by name.
    pub(super) asked: Vec<String>,
    pub(super) opened: Vec<OpenQuestion>,
    pub(super) closed: Vec<String>,
    called: Vec<OpenCall>,
    dropped: Vec<String>,
    once: Vec<String>,
    /// Old prompts change first,
    pub(super) edits: Vec<Effect>,
    /// then something is said and done,
    done: Vec<Effect>,
    /// and at last something new is asked.
    pub(super) prompts: Vec<Effect>,
    toast: Option<Text>,
    status: Status,
}

impl<'a> Applying<'a> {
    pub(super) fn new(
        head: &'a Head,
        input: &'a Shared<Input>,
        looked_up: &'a BTreeMap<String, Value>,
    ) -> Self {
        Self {
            head,
            input,
            looked_up,
            view: head.clone(),
            facts: Vec::new(),
            asked: Vec::new(),
            opened: Vec::new(),
            closed: Vec::new(),
            called: Vec::new(),
            dropped: Vec::new(),
            once: Vec::new(),
            edits: Vec::new(),
            done: Vec::new(),
            prompts: Vec::new(),
            toast: None,
            status: Status::Running,
        }
    }

    pub(super) fn play(mut self, workflow: &Workflow, meaning: Meaning) -> Result<Step, Refusal> {
        self.toast = meaning.toast.filter(|_| matches!(self.input.what, What::Press { .. }));
        let moves = meaning.facts.iter().any(Fact::moves);
        for fact in meaning.facts {
            self.take(fact.clone());
            self.respond(&fact);
        }
        if meaning.stale {
            self.strip_pressed();
        }
        if let Some(reply) = meaning.reply {
            self.say(self.input.conversation.clone(), Message::plain(reply));
        }
        if moves && let Some(wants) = self.replay(workflow, meaning.chosen)? {
            return Ok(Step::Wants(wants));
        }
        let caused = self.done.len() + self.prompts.len();
        if caused > MOST_EFFECTS {
            let why = format!("one input caused {caused} effects; {MOST_EFFECTS} are allowed");
            let began = self.facts.swap_remove(0).fact;
            let began = matches!(began, Fact::Started(_)).then_some(began);
            let entry = give_up(self.head, self.input, &why, began);
            return Ok(Step::Applied(Box::new(Entry { version: workflow.version, ..entry })));
        }
        Ok(Step::Applied(Box::new(self.entry(workflow.version))))
    }

    pub(super) fn take(&mut self, fact: Fact) {
        let recorded = Recorded { fact, said: Vec::new() };
        self.view.take(&recorded, self.input, self.head.n);
        self.facts.push(recorded);
    }

    /// What the engine itself does about a fact, without the script.
    fn respond(&mut self, fact: &Fact) {
        match fact {
            Fact::Rejected { question, why } => {
                if let Some(open) = self.head.open.iter().find(|open| open.name() == question) {
                    self.close(open, None);
                    self.put(open, Some(why));
                }
            }
            Fact::Toggled { question, .. } | Fact::Paged { question, .. } => {
                if let Some(open) = self.view.open.iter().find(|open| open.name() == question) {
                    let delivery = refreshed(self.head.workflow, open, &self.view.counts(open.name()));
                    self.edits.push(Effect::deliver(open.to.clone(), delivery));
                }
            }
            Fact::Cancelled => {
                self.end(Status::Cancelled);
                self.say(self.input.conversation.clone(), Message::plain(text!("cancelled")));
            }
            _ => {}
        }
    }

    /// Plays the script until it waits, and takes down what it did.
    fn replay(&mut self, workflow: &Workflow, chosen: Option<Text>) -> Result<Option<Vec<Wanted>>, Refusal> {
        let panicked = |why| Refusal::Panicked { script: workflow.name.clone(), why };
        for _ in 0..MOST_REOPENINGS {
            let turn = replay(workflow.script.as_ref(), &self.view, self.looked_up).map_err(panicked)?;
            let wanted: Vec<Wanted> = turn.wanted(self.head).collect();
            if !wanted.is_empty() {
                return Ok(Some(wanted));
            }
            let waits = self.acts(turn.acts);
            if let Some(names) = turn.reopened {
                self.take(Fact::Undone { names });
                continue;
            }
            self.wait(waits, &turn.reached);
            match turn.done {
                true => self.end_showing(Status::Finished, chosen),
                false => self.close_others(chosen),
            }
            return Ok(None);
        }
        Err(panicked(format!("it reopened questions {MOST_REOPENINGS} times in one turn")))
    }

    /// Takes down what the script did, and gives back what it waits for.
    fn acts(&mut self, acts: Vec<Act>) -> Vec<Act> {
        let said: BTreeSet<String> = self.view.said().map(str::to_owned).collect();
        let mut waits = Vec::new();
        for act in acts {
            match act {
                Act::Say { name, to, message } if !said.contains(&name) => {
                    if let Some(to) = self.receiver(to) {
                        self.say(to, message);
                    }
                    self.said_because(name);
                }
                Act::Broadcast { name, to, text } if !said.contains(&name) => {
                    self.broadcast(to, text);
                    self.said_because(name);
                }
                Act::Language { name, language } if !said.contains(&name) => {
                    if let Some(to) = self.receiver(None) {
                        self.done.push(Effect::deliver(to, Delivery::Language { language }));
                    }
                    self.said_because(name);
                }
                Act::Say { .. } | Act::Broadcast { .. } | Act::Language { .. } => {}
                Act::Emit { name, kind, subject, data } => self.publish(name, kind, subject, data),
                Act::Start { name, workflow, script, payload } => {
                    self.happens_once(name);
                    self.done.push(Effect::Start { workflow, script, payload });
                }
                Act::Ask { .. } | Act::Call { .. } | Act::LookUp { .. } => waits.push(act),
            }
        }
        waits
    }

    /// Opens what the script waits for; what it waits for no longer is left to the [closing](Self::close_others).
    fn wait(&mut self, waits: Vec<Act>, reached: &BTreeSet<String>) {
        let mut calls = BTreeSet::new();
        for act in waits {
            match act {
                Act::Ask { parts, to, skippable, within, gathers } => {
                    let Some(to) = self.receiver(to) else { continue };
                    let question = OpenQuestion {
                        parts: parts.to_vec(),
                        back: !gathers && way_back(&self.view, to.user, reached).is_some(),
                        to,
                        skippable,
                        deadline: None,
                        gathers,
                        n: self.head.n,
                        picked: BTreeSet::new(),
                        page: 0,
                    };
                    self.ask(question, within);
                }
                Act::Call { name, activity, arguments } => {
                    if !self.view.calls.iter().any(|call| call.name == name) {
                        self.call(name.clone(), activity, arguments);
                    }
                    calls.insert(name);
                }
                Act::Say { .. }
                | Act::Broadcast { .. }
                | Act::Language { .. }
                | Act::Emit { .. }
                | Act::Start { .. }
                | Act::LookUp { .. } => {}
            }
        }
        self.dropped =
            self.view.calls.iter().map(|call| call.name.clone()).filter(|n| !calls.contains(n)).collect();
    }

    fn call(&mut self, name: String, activity: String, arguments: Value) {
        let (call, n) = (name.clone(), self.head.n);
        // Its ordinal is known when all the effects are.
        self.called.push(OpenCall {
            name,
            activity: activity.clone(),
            arguments: arguments.clone(),
            n,
            ordinal: 0,
        });
        self.done.push(Effect::Call { call, activity, arguments });
    }

    /// Ends everything, without the script.
    pub(super) fn end(&mut self, status: Status) {
        self.dropped = self.head.calls.iter().map(|call| call.name.clone()).collect();
        self.end_showing(status, None);
    }

    fn end_showing(&mut self, status: Status, chosen: Option<Text>) {
        self.status = status;
        self.asked.clear();
        self.close_others(chosen);
    }

    fn happens_once(&mut self, name: String) {
        self.view.once.insert(name.clone(), self.head.n);
        self.once.push(name);
    }

    fn publish(&mut self, name: String, kind: String, subject: String, data: Value) {
        self.happens_once(name);
        let event = Event {
            specversion: "1.0".to_owned(),
            // Its ordinal is known when all the effects are.
            id: EffectId::of_entry(self.head.workflow, self.head.n, 0),
            kind,
            source: format!("/workflows/{}", self.head.script),
            subject,
            time: self.input.at,
            data,
            traceparent: self.input.trace.clone(),
        };
        self.done.push(Effect::Publish(event));
    }

    fn receiver(&self, person: Option<PersonId>) -> Option<ConversationId> {
        match person {
            Some(person) => Some(ConversationId::private(self.head.bot.clone(), person)),
            None => self.head.conversation.clone(),
        }
    }

    pub(super) fn say(&mut self, to: ConversationId, message: Message) {
        let delivery = Delivery::Send(Send { message, prompt: None });
        self.done.push(Effect::deliver(to, delivery));
    }

    /// Whoever acted hears it in its place among what they are answered.
    fn broadcast(&mut self, mut to: Vec<PersonId>, text: Text) {
        let bot = &self.head.bot;
        let here = &self.input.conversation;
        let is_here = |person: &PersonId| ConversationId::private(bot.clone(), *person) == *here;
        let everybody = to.len();
        to.retain(|person| !is_here(person));
        if to.len() < everybody {
            self.say(here.clone(), Message::plain(text.clone()));
        }
        if !to.is_empty() {
            self.done.push(Effect::Broadcast { to, text });
        }
    }

    /// What was said stands and falls with the answer that led to it.
    fn said_because(&mut self, name: String) {
        let Some(last) = self.facts.last_mut() else { return };
        let of = match &last.fact {
            Fact::Answered { question: of, .. } | Fact::Returned { call: of, .. } => Some(of.clone()),
            Fact::Gathered { question, by, .. } => Some(vote_name(question, by.id)),
            _ => None,
        };
        match of {
            Some(of) => {
                if let Some(standing) = self.view.standing.iter_mut().find(|standing| standing.name == of) {
                    standing.said.push(name.clone());
                }
            }
            None => self.view.was_said(std::slice::from_ref(&name)),
        }
        last.said.push(name);
    }

    fn strip_pressed(&mut self) {
        if let Some(message_id) = self.input.message_id {
            let edit =
                Edit { prompt: String::new(), message_id: Some(message_id), message: None, closes: false };
            let to = self.input.conversation.clone();
            self.edits.push(Effect::deliver(to, Delivery::Edit(edit)));
        }
    }

    pub(super) fn entry(self, version: u32) -> Entry {
        let (workflow, n) = (self.head.workflow, self.head.n);
        let mut called = self.called;
        let effects = self.edits.into_iter().chain(self.done).chain(self.prompts).enumerate();
        let caused = effects.map(|(ordinal, mut effect)| {
            let id = EffectId::of_entry(workflow, n, ordinal);
            match &mut effect {
                Effect::Publish(event) => event.id = id.clone(),
                Effect::Call { call: name, .. } => {
                    called
                        .iter_mut()
                        .filter(|call| call.name == *name)
                        .for_each(|call| call.ordinal = ordinal);
                }
                _ => {}
            }
            Caused { id, effect, trace: self.input.trace.clone() }
        });
        Entry {
            script: self.head.script.clone(),
            version,
            effects: caused.collect(),
            opened: self.opened,
            closed: self.closed,
            called,
            dropped: self.dropped,
            once: self.once,
            looked_up: self.looked_up.clone(),
            toast: self.toast,
            status: self.status,
            ..Entry::empty(n, self.input, self.facts)
        }
    }
}
