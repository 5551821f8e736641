//! What one input causes: the entry it becomes, with everything the script does because of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    effect::{Caused, Effect, closed, prompt, refreshed},
    interpret::{Meaning, began, interpret, still_picked, way_back},
    log::{Entry, Fact, Head, OpenCall, OpenQuestion, Recorded, Started, Status},
    replay::{Act, Turn, is_recalled, replay},
    table::{Table, Workflow},
};
use crate::{
    model::{ConversationId, Delivery, Edit, EffectId, Event, Input, Message, Send, Text, WorkflowId},
    text,
};

/// A turn may cause at most so many effects.
const MOST_EFFECTS: usize = 50;
/// A turn may reopen questions at most so often.
const MOST_REOPENINGS: usize = 10;

/// Why an input can't be applied: trying again helps only when the script has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The script panicked, or never ends.
    #[error("the script `{script}` panicked: {why}")]
    Panicked {
        /// Which script.
        script: String,
        /// Its last words.
        why: String,
    },
    /// No workflow of this name is in the table.
    #[error("there is no workflow `{0}` in this version of the app")]
    NoScript(String),
}

/// Reference data that a script asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What the script knows it by.
    pub name: String,
    /// Which data (`areas`).
    pub what: String,
}

/// What came of playing an input.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// It is applied: this is its entry.
    Applied(Box<Entry>),
    /// The script needs reference data first; play again with it.
    Wants(Vec<Wanted>),
}

/// Applies `input` to a running workflow. `head` has its large answers recalled.
///
/// # Errors
/// The script panicked or is gone.
pub(super) fn apply(
    table: &Table,
    head: &Head,
    input: &Input,
    replied_to: Option<&str>,
    looked_up: &BTreeMap<String, Value>,
) -> Result<Step, Refusal> {
    let meaning = interpret(head, input, replied_to);
    let mut applying = Applying::new(head, input, looked_up);
    applying.play(table, meaning)
}

/// Begins a workflow with `input`.
///
/// # Errors
/// The script panicked.
pub(super) fn begin(
    table: &Table,
    workflow: &Workflow,
    id: WorkflowId,
    input: &Input,
    looked_up: &BTreeMap<String, Value>,
) -> Result<Step, Refusal> {
    let started = Fact::Started(Started { by: began(input), who: input.from.clone() });
    let seed = Entry {
        script: workflow.name.clone(),
        version: workflow.version,
        ..Entry::empty(0, input, vec![Recorded { fact: started.clone(), said: Vec::new() }])
    };
    let mut head = Head::fold(None, id, &seed).expect("a log that begins with its start folds to a head");
    head.n = 0;
    let mut applying = Applying::new(&head, input, looked_up);
    applying.play(table, Meaning { facts: vec![started], ..Meaning::default() })
}

/// The person turns to something else: the workflow ends here, or runs on for somebody else.
#[must_use]
pub(super) fn put_aside(head: &Head, input: &Input) -> Entry {
    let nothing = BTreeMap::new();
    let mut applying = Applying::new(head, input, &nothing);
    applying.facts.push(Recorded { fact: Fact::PutAside, said: Vec::new() });
    let waits_for_others = head.open.iter().any(|open| Some(&open.to) != head.conversation.as_ref());
    if !waits_for_others {
        applying.status = Status::Cancelled;
        applying.close_all(None);
    }
    applying.entry(head.version)
}

/// The workflow breaks a limit and can't go on.
#[must_use]
pub fn stuck(head: &Head, input: &Input, why: &str) -> Entry {
    let nothing = BTreeMap::new();
    let mut applying = Applying::new(head, input, &nothing);
    applying.facts.push(Recorded { fact: Fact::Stuck { why: why.to_owned() }, said: Vec::new() });
    applying.status = Status::Stuck;
    applying.close_all(None);
    if let Some(to) = &head.conversation {
        applying.send(to.clone(), Message::plain(text!("something-went-wrong")));
    }
    applying.entry(head.version)
}

impl Entry {
    pub(super) fn empty(n: u32, input: &Input, facts: Vec<Recorded>) -> Self {
        Self {
            n,
            script: String::new(),
            version: 0,
            input: input.clone(),
            facts,
            opened: Vec::new(),
            closed: Vec::new(),
            called: Vec::new(),
            dropped: Vec::new(),
            once: Vec::new(),
            looked_up: BTreeMap::new(),
            effects: Vec::new(),
            toast: None,
            status: Status::Running,
        }
    }
}

/// An entry while it is made.
struct Applying<'a> {
    head: &'a Head,
    input: &'a Input,
    looked_up: &'a BTreeMap<String, Value>,
    /// The state with this input's facts.
    view: Head,
    facts: Vec<Recorded>,
    opened: Vec<OpenQuestion>,
    closed: Vec<String>,
    called: Vec<OpenCall>,
    dropped: Vec<String>,
    once: Vec<String>,
    effects: Vec<Effect>,
    toast: Option<Text>,
    status: Status,
}

impl<'a> Applying<'a> {
    fn new(head: &'a Head, input: &'a Input, looked_up: &'a BTreeMap<String, Value>) -> Self {
        debug_assert!(is_recalled(head), "large answers are recalled before a replay");
        Self {
            head,
            input,
            looked_up,
            view: head.clone(),
            facts: Vec::new(),
            opened: Vec::new(),
            closed: Vec::new(),
            called: Vec::new(),
            dropped: Vec::new(),
            once: Vec::new(),
            effects: Vec::new(),
            toast: None,
            status: Status::Running,
        }
    }

    fn play(&mut self, table: &Table, meaning: Meaning) -> Result<Step, Refusal> {
        let workflow =
            table.named(&self.head.script).ok_or_else(|| Refusal::NoScript(self.head.script.clone()))?;
        self.toast = meaning.toast;
        let moves = meaning.facts.iter().any(|fact| {
            matches!(
                fact,
                Fact::Started(_) | Fact::Answered { .. } | Fact::Returned { .. } | Fact::Undone { .. }
            )
        });
        for fact in meaning.facts {
            self.respond(&fact);
            self.take(fact, Vec::new());
        }
        if meaning.stale {
            self.strip_pressed();
        }
        if let Some(reply) = meaning.reply {
            self.send(self.input.conversation.clone(), Message::plain(reply));
        }
        if moves && let Some(wants) = self.replay(workflow, meaning.chosen)? {
            return Ok(Step::Wants(wants));
        }
        if self.effects.len() > MOST_EFFECTS {
            let why = format!("one input caused {} effects; {MOST_EFFECTS} are allowed", self.effects.len());
            return Ok(Step::Applied(Box::new(Entry {
                script: workflow.name.clone(),
                ..stuck(self.head, self.input, &why)
            })));
        }
        Ok(Step::Applied(Box::new(self.entry(workflow.version))))
    }

    fn take(&mut self, fact: Fact, said: Vec<String>) {
        let recorded = Recorded { fact, said };
        let shell = Entry::empty(self.head.n, self.input, Vec::new());
        self.view.take(&recorded, &shell);
        self.facts.push(recorded);
    }

    /// What the engine itself does about a fact, without the script.
    fn respond(&mut self, fact: &Fact) {
        match fact {
            Fact::Rejected { question, why } => {
                if let Some(open) = self.head.open.iter().find(|open| open.name() == question) {
                    if open.has_buttons() {
                        self.deliver(open.to.clone(), closed(self.head.workflow, open, None));
                    }
                    self.deliver(open.to.clone(), prompt(self.head.workflow, open, Some(why)));
                }
            }
            Fact::Toggled { question, .. } | Fact::Paged { question, .. } => {
                let mut shown = self.view.clone();
                shown.take(
                    &Recorded { fact: fact.clone(), said: Vec::new() },
                    &Entry::empty(self.head.n, self.input, Vec::new()),
                );
                if let Some(open) = shown.open.iter().find(|open| open.name() == question) {
                    self.deliver(open.to.clone(), refreshed(self.head.workflow, open));
                }
            }
            Fact::Cancelled => {
                self.status = Status::Cancelled;
                self.close_all(None);
                self.send(self.input.conversation.clone(), Message::plain(text!("cancelled")));
            }
            _ => {}
        }
    }

    /// Plays the script until it waits, and takes down what it did.
    fn replay(
        &mut self,
        workflow: &Workflow,
        mut chosen: Option<Text>,
    ) -> Result<Option<Vec<Wanted>>, Refusal> {
        for _ in 0..MOST_REOPENINGS {
            let turn = replay(workflow.script.as_ref(), &self.view, self.looked_up)
                .map_err(|why| Refusal::Panicked { script: workflow.name.clone(), why })?;
            let wanted: Vec<Wanted> = turn
                .acts
                .iter()
                .filter_map(|act| match act {
                    Act::LookUp { name, what } => Some(Wanted { name: name.clone(), what: what.clone() }),
                    _ => None,
                })
                .collect();
            if !wanted.is_empty() {
                return Ok(Some(wanted));
            }
            if let Some(names) = &turn.reopened {
                let names = names.clone();
                self.acts(turn, &mut chosen, false);
                self.take(Fact::Undone { names }, Vec::new());
                continue;
            }
            self.acts(turn, &mut chosen, true);
            return Ok(None);
        }
        Err(Refusal::Panicked {
            script: workflow.name.clone(),
            why: format!("it reopened questions {MOST_REOPENINGS} times in one turn"),
        })
    }

    /// Takes down what the script did. Questions and calls count only where it stands `still`.
    fn acts(&mut self, turn: Turn, chosen: &mut Option<Text>, still: bool) {
        let mut open = Vec::new();
        let mut calls = BTreeSet::new();
        let said_before: BTreeSet<String> = self.view.said().into_iter().map(str::to_owned).collect();
        let already = self.effects.len();
        for act in turn.acts {
            match act {
                Act::Say { name, to, text } if !said_before.contains(&name) => {
                    if let Some(to) = self.receiver(to) {
                        self.send(to, Message::plain(text));
                    }
                    if let Some(last) = self.facts.last_mut() {
                        last.said.push(name);
                    }
                }
                Act::Ask { parts, to, skippable, within } if still => {
                    let Some(to) = self.receiver(to) else { continue };
                    let question = OpenQuestion {
                        parts,
                        to,
                        skippable,
                        back: false,
                        deadline: within.map(|limit| self.input.at + limit),
                        n: self.head.n,
                        picked: BTreeSet::new(),
                        page: 0,
                    };
                    open.push(question.name().to_owned());
                    self.ask(question);
                }
                Act::Call { name, activity, arguments } if still => {
                    calls.insert(name.clone());
                    if !self.view.calls.iter().any(|call| call.name == name) {
                        let effect = Effect::Call {
                            call: name.clone(),
                            activity: activity.clone(),
                            arguments: arguments.clone(),
                        };
                        let ordinal = self.effects.len();
                        self.effects.push(effect);
                        self.called.push(OpenCall { name, activity, arguments, n: self.head.n, ordinal });
                    }
                }
                Act::Emit { name, kind, subject, data } => self.publish(name, kind, subject, data),
                Act::Start { name, workflow, script, payload } => {
                    self.happens_once(name);
                    self.effects.push(Effect::Start { workflow, script, payload });
                }
                Act::Say { .. } | Act::Ask { .. } | Act::Call { .. } | Act::LookUp { .. } => {}
            }
        }
        if !still {
            return;
        }
        if turn.done {
            self.status = Status::Finished;
            open.clear();
            calls.clear();
        }
        self.dropped =
            self.view.calls.iter().map(|call| call.name.clone()).filter(|n| !calls.contains(n)).collect();
        self.close_others(&open, chosen.take(), already);
    }

    fn ask(&mut self, mut question: OpenQuestion) {
        question.back = way_back(&self.view, question.to.user).is_some();
        let before = self.head.open.iter().find(|open| open.name() == question.name());
        // A question that was answered and undone is a new one: it has a new deadline and a new prompt.
        let before = before.filter(|open| !self.was_answered(open));
        if let Some(before) = before {
            question.n = before.n;
            question.deadline = before.deadline;
            if question.looks_like(before) {
                return;
            }
            question.picked = still_picked(&question, &before.picked);
            if before.has_buttons() {
                self.deliver(before.to.clone(), closed(self.head.workflow, before, None));
            }
        }
        self.deliver(question.to.clone(), prompt(self.head.workflow, &question, None));
        self.opened.push(question);
    }

    /// Was the question answered by this very input?
    fn was_answered(&self, open: &OpenQuestion) -> bool {
        self.facts.iter().any(|recorded| match &recorded.fact {
            Fact::Answered { question, .. } => open.parts.iter().any(|part| part.name == *question),
            _ => false,
        })
    }

    /// Ends the questions that are no longer open. Their prompts change before anything new is said, which stands
    /// from `already` on.
    fn close_others(&mut self, open: &[String], chosen: Option<Text>, already: usize) {
        let mut edits = Vec::new();
        for question in &self.head.open {
            let answered = self.was_answered(question);
            if open.iter().any(|name| name == question.name()) && !answered {
                continue;
            }
            if !open.iter().any(|name| name == question.name()) {
                self.closed.push(question.name().to_owned());
            }
            let chosen = if answered { chosen.clone() } else { None };
            if question.has_buttons() {
                let delivery = closed(self.head.workflow, question, chosen);
                edits.push(Effect::Deliver { to: question.to.clone(), delivery });
            }
        }
        for call in &mut self.called {
            if call.ordinal >= already {
                call.ordinal += edits.len();
            }
        }
        self.effects.splice(already..already, edits);
    }

    fn close_all(&mut self, chosen: Option<Text>) {
        let already = self.effects.len();
        self.dropped = self.head.calls.iter().map(|call| call.name.clone()).collect();
        self.close_others(&[], chosen, already);
    }

    fn happens_once(&mut self, name: String) {
        self.view.once.insert(name.clone(), self.head.n);
        self.once.push(name);
    }

    fn publish(&mut self, name: String, kind: String, subject: String, data: Value) {
        self.happens_once(name);
        let event = Event {
            specversion: "1.0".to_owned(),
            id: EffectId::of_entry(self.head.workflow, self.head.n, self.effects.len()),
            kind,
            source: format!("/workflows/{}", self.head.script),
            subject,
            time: self.input.at,
            data,
            traceparent: self.input.trace.clone(),
        };
        self.effects.push(Effect::Publish(event));
    }

    fn receiver(&self, person: Option<i64>) -> Option<ConversationId> {
        match person {
            Some(person) => Some(ConversationId::private(self.head.bot.clone(), person)),
            None => self.head.conversation.clone(),
        }
    }

    fn send(&mut self, to: ConversationId, message: Message) {
        self.deliver(to, Delivery::Send(Send { message, prompt: None }));
    }

    fn deliver(&mut self, to: ConversationId, delivery: Delivery) {
        self.effects.push(Effect::Deliver { to, delivery });
    }

    fn strip_pressed(&mut self) {
        if let Some(message_id) = self.input.message_id {
            let edit =
                Edit { prompt: String::new(), message_id: Some(message_id), message: None, closes: false };
            self.deliver(self.input.conversation.clone(), Delivery::Edit(edit));
        }
    }

    fn entry(&mut self, version: u32) -> Entry {
        let (workflow, n, trace) = (self.head.workflow, self.head.n, &self.input.trace);
        let caused =
            std::mem::take(&mut self.effects).into_iter().enumerate().map(|(ordinal, mut effect)| {
                let id = EffectId::of_entry(workflow, n, ordinal);
                if let Effect::Publish(event) = &mut effect {
                    event.id = id.clone();
                }
                Caused { id, effect, trace: trace.clone() }
            });
        Entry {
            script: self.head.script.clone(),
            version,
            effects: caused.collect(),
            opened: std::mem::take(&mut self.opened),
            closed: std::mem::take(&mut self.closed),
            called: std::mem::take(&mut self.called),
            dropped: std::mem::take(&mut self.dropped),
            once: std::mem::take(&mut self.once),
            looked_up: self.looked_up.clone(),
            toast: self.toast.take(),
            status: self.status,
            ..Entry::empty(n, self.input, std::mem::take(&mut self.facts))
        }
    }
}
