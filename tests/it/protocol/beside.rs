//! The runtime beside the model: the same schedule, operation by operation, gives the same result.

use std::collections::BTreeMap;

use backline::{
    model::{Delivery, WorkflowId},
    runtime::{Outgoing, WorkflowDocument},
};
use chrono::TimeDelta;
use serde_json::Value;
use stateright::Model;

use super::{
    model::{Act, Task},
    puppet::{Doing, Puppets},
    row::Row,
    scope::{
        self, BO,
        Kind::{Command, LastText, Press, Text},
        Scope, Update,
    },
    state::{BEGINNING, Item, Part, SHARED, State, begun_by, cause, effect},
    worker::{At, Latest, Moving, Worker},
};
use crate::harness::{self, ADA, App, conversation};

/// What every workflow went through.
type Story = BTreeMap<String, Vec<Value>>;

const PEOPLE: [i64; 2] = [ADA, harness::BO];

/// What the model's worker is about to do, as the store and the wire see it.
fn next(worker: &Worker) -> Doing {
    let moving = match (&worker.visit, &worker.handing) {
        (Some(visit), _) => match visit.at {
            At::ReadConversation | At::ReadClaim | At::ReadAgain => return Doing::Read("conversations/head"),
            At::ReadHead(_) => return Doing::Read("inputs/head"),
            At::ReadItems => return Doing::Read("query"),
            At::ReadEntries => return Doing::Read("inputs/tg:"),
            At::Store | At::Count | At::Uncount { .. } | At::WriteB => return Doing::Write("inbox:"),
            At::ReadToUncount => return Doing::Read("conversations/inbox:"),
            At::WriteA(_) => return Doing::Write("tg:"),
            At::WriteClaim | At::Record => return Doing::Write("head"),
            At::Call => return Doing::Call,
            At::Early(moving) => moving,
        },
        (None, Some(handing)) => handing.at,
        (None, None) => return Doing::Nothing,
    };
    match moving {
        Moving::ReadWorkflow | Moving::ReadToStrike => Doing::Read("inputs/head"),
        Moving::ReadLast { .. } => Doing::Read("conversations/inbox:"),
        Moving::ReadReceiver => Doing::Read("conversations/head"),
        Moving::Deliver { .. } => Doing::Write("out:"),
        Moving::Strike { .. } => Doing::Write("head"),
        Moving::Sending => Doing::Nothing,
    }
}

/// One app and the model of it.
struct Beside {
    scope: Scope,
    state: State,
    app: App,
    puppets: Puppets,
    updates: Vec<String>,
    keys: Vec<String>,
    shared: WorkflowId,
    sent_before: [usize; 2],
}

impl Beside {
    async fn start(scope: Scope) -> Self {
        let app = if scope.one_transaction { App::start().await } else { App::apart().await };
        app.says(harness::BO, "/start").await;
        app.says(ADA, "/chorus").await;
        let chorus = app.workflows().into_iter().find(|workflow| workflow.head.script == "chorus");
        let shared = chorus.unwrap().head.workflow;
        let updates: Vec<String> = scope.updates.iter().map(|update| send(&app, *update)).collect();
        let number = |update: &String| serde_json::from_str::<Value>(update).unwrap()["update_id"].as_u64();
        let keys =
            updates.iter().map(|update| format!("tg:operations:{:020}", number(update).unwrap())).collect();
        let sent_before = PEOPLE.map(|person| app.sent(person).len());
        let puppets = Puppets::new(&app, scope.workers);
        Self { state: State::first(&scope), scope, app, puppets, updates, keys, shared, sent_before }
    }

    /// Does the same in both, and compares.
    async fn act(&mut self, act: Act) {
        // Shown where the two part.
        println!("{act:?}");
        let before = self.state.clone();
        self.state = self.scope.next_state(&before, act).unwrap();
        match act {
            Act::Begin(worker, Task::Deliver { key, joins }) => {
                self.puppets.post(worker, &self.updates[usize::from(key)]).await;
                let latest = before.workers[worker].latest[self.scope.place(key)];
                let names_another =
                    |latest: Latest| self.scope.kind(key) == Press && latest.workflow.workflow != SHARED;
                let first = match latest {
                    _ if !joins => Doing::Write("inbox:"),
                    None => Doing::Read("conversations/head"),
                    Some(latest) if latest.leaves().is_some() || names_another(latest) => {
                        Doing::Read("inputs/head")
                    }
                    // It stands before a write.
                    Some(_) => Doing::Nothing,
                };
                if first != Doing::Nothing {
                    self.puppets.go_on(worker, first).await;
                }
            }
            Act::Begin(worker, Task::Look { place, .. }) => {
                let hint = format!("{{\"conversation\":\"{}\"}}", conversation(PEOPLE[place]));
                self.puppets.follow(worker, hint).await;
                self.puppets.go_on(worker, Doing::Read("conversations/head")).await;
            }
            Act::Begin(worker, Task::LookAfter) => {
                self.puppets.follow(worker, format!("{{\"workflow\":\"{}\"}}", self.shared)).await;
                // Deadlines first, then handouts.
                self.puppets.go_on(worker, Doing::Read("inputs/head")).await;
                self.puppets.go_on(worker, Doing::Read("inputs/head")).await;
            }
            Act::Step(worker) => {
                let doing = next(&before.workers[worker]);
                let renews = before.workers[worker]
                    .visit
                    .is_some_and(|visit| visit.at == At::Call && before.sent == self.state.sent);
                self.puppets.go_on(worker, if renews { Doing::Write("head") } else { doing }).await;
            }
            Act::Crash(worker) => self.puppets.kill(&self.app, worker).await,
            Act::Wait => self.app.wind(TimeDelta::seconds(31)),
            Act::StepUnknown(_) => unreachable!("no schedule here loses an answer"),
        }
        if let Act::Begin(worker, _) | Act::Step(worker) = act
            && self.state.workers[worker].is_idle()
        {
            self.puppets.end(worker).await;
        }
        self.compare();
    }

    fn workflow(&self, id: WorkflowId) -> u8 {
        let begun = |key: &u8| {
            let key_of = self.keys[usize::from(*key)].parse().unwrap();
            WorkflowId::begun_by(&conversation(PEOPLE[self.scope.place(*key)]), &key_of)
        };
        if id == self.shared {
            SHARED
        } else {
            begun_by(self.scope.keys().find(|key| begun(key) == id).unwrap())
        }
    }

    fn key(&self, key: &str) -> Option<u8> {
        self.keys.iter().position(|known| known == key).map(|key| key as u8)
    }

    /// Is all that is stored and sent what the model says?
    fn compare(&self) {
        let story = self.app.story();
        for place in 0..2 {
            self.compare_items(place);
            self.compare_conversation(place, &story);
        }
        for document in self.app.workflows() {
            if document.head.script != "start" {
                self.compare_workflow(&document, &story);
            }
        }
    }

    fn compare_items(&self, place: usize) {
        let items = self.app.items(PEOPLE[place]);
        for key in self.scope.keys().filter(|key| self.scope.place(*key) == place) {
            let stored = items.iter().find(|item| self.key(item.input.key.as_str()) == Some(key));
            let found = match stored.map(|item| (item.state, item.attempts)) {
                None => Item::Absent,
                Some((harness::State::Pending, attempts)) => Item::Pending { attempts: attempts as u8 },
                Some((harness::State::Done, _)) => Item::Done,
                Some((harness::State::Dead, _)) => Item::Dead,
            };
            assert_eq!(found, self.state.items[usize::from(key)], "the item of {key}");
        }
    }

    fn compare_conversation(&self, place: usize, story: &Story) {
        let head = self.app.conversation(PEOPLE[place]);
        let expected = self.state.conversations[place];
        assert_eq!(head.current.map(|id| self.workflow(id)), expected.current, "current of {place}");
        assert_eq!(head.claim.is_some(), expected.claim.is_held, "the claim of {place}");
        // Edits go with the message after them.
        let sends = head.outbox.iter().filter(|outgoing| !matches!(*outgoing.delivery, Delivery::Edit(_)));
        let outbox: Row = sends.map(|outgoing| self.effect(place, outgoing, story)).collect();
        assert_eq!(outbox, expected.outbox, "the outbox of {place}");
        let sent = self.app.sent(PEOPLE[place]).len() - self.sent_before[place];
        let is_message = |sent: &u8| *sent != effect(cause(*sent), Part::Answer);
        let messages = self.state.sent[place].iter().filter(is_message).count();
        assert_eq!(sent, messages, "messages sent to {place}");
    }

    /// The effect that an outbox of the runtime holds, as the model knows it.
    fn effect(&self, place: usize, outgoing: &Outgoing, story: &Story) -> u8 {
        let id = outgoing.id.to_string();
        let (of, _ordinal) = id.rsplit_once(':').unwrap();
        let key = match outgoing.id.entry() {
            Some(n) => story[of.split(':').next().unwrap()][n as usize][1].as_str().unwrap(),
            None => of,
        };
        let key = self.key(key).unwrap();
        let part = match *outgoing.delivery {
            Delivery::Answer { .. } => Part::Answer,
            _ if self.scope.place(key) == place => Part::Own,
            _ => Part::Handout,
        };
        effect(key, part)
    }

    fn compare_workflow(&self, document: &WorkflowDocument, story: &Story) {
        let id = document.head.workflow;
        let head = self.state.workflows[usize::from(self.workflow(id))];
        let log = story[&id.to_string()].iter().filter_map(|entry| self.key(entry[1].as_str().unwrap()));
        assert_eq!(log.collect::<Row>(), head.log, "the log of {id}");
        assert_eq!(document.head.aside, head.is_aside, "is {id} put aside?");
        assert_eq!(document.handouts.len(), head.handouts.len(), "what leaves {id}");
        for (place, person) in PEOPLE.into_iter().enumerate() {
            let last = document.last.get(&conversation(person));
            let known = last.map(|key| self.key(key.as_str()).unwrap_or(BEGINNING));
            assert_eq!(known, head.last[place], "the last input of {place} in {id}");
        }
    }

    /// Can the runtime be made to do this? An answer can't be lost here, and who is about to call, or to write what may
    /// hold a claim, has looked at the clock already.
    fn can_be_played(&self, act: Act) -> bool {
        let knows_the_time = |worker: &Worker| {
            let at = worker.visit.map(|visit| visit.at);
            matches!(at, Some(At::WriteA(_) | At::WriteB | At::WriteClaim | At::Call | At::Record))
        };
        let is_out_of_reach = match act {
            Act::StepUnknown(_) | Act::Begin(_, Task::Look { by_sweep: true, .. }) => true,
            Act::Wait => self.state.workers.iter().any(knows_the_time),
            // The runtime joins whatever it can.
            Act::Begin(_, Task::Deliver { joins, .. }) => joins != self.scope.one_transaction,
            _ => false,
        };
        !is_out_of_reach && self.scope.next_state(&self.state, act).is_some()
    }

    /// Whatever happens at random, until nothing is left to do.
    async fn play(mut self, mut dice: Dice) -> usize {
        let mut steps = 0;
        let mut acts = Vec::new();
        loop {
            acts.clear();
            self.scope.actions(&self.state, &mut acts);
            acts.retain(|act| self.can_be_played(*act));
            if acts.is_empty() || steps == 300 {
                break;
            }
            self.act(acts[dice.throw(acts.len())]).await;
            steps += 1;
        }
        self.puppets.release(&self.app).await;
        self.app.restart();
        self.app.settle().await;
        assert!(steps == 300 || self.scope.is_all_sent(&self.state), "{:?}", self.state);
        steps
    }
}

fn send(app: &App, (place, kind): Update) -> String {
    match kind {
        Text => app.saying(PEOPLE[place], "la"),
        Command => app.saying(PEOPLE[place], "/scribe"),
        Press => app.pressing(PEOPLE[place], "La"),
        LastText => unreachable!("these scripts never end"),
    }
}

/// Small dice, the same at every throw of the same game.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }
}

/// Plays so many schedules of these updates, each way that a store can be.
async fn same(updates: &[Update], schedules: u64) {
    for one_transaction in [false, true] {
        let mut steps = 0;
        for seed in 1..=schedules {
            let scope = Scope {
                one_transaction,
                is_symmetric: false,
                is_coarse: false,
                redelivers: true,
                ..Scope::of(updates)
            };
            println!("schedule {seed}:");
            steps += Beside::start(scope).await.play(Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))).await;
        }
        println!("{steps} steps in {schedules} schedules of {updates:?}, A and B in one: {one_transaction}");
    }
}

/// Few, for the ordinary tests.
const FEW: u64 = 3;
/// Many, for the long form.
const MANY: u64 = 100;

const TEXTS: [Update; 2] = [(scope::ADA, Text), (scope::ADA, Text)];
const COMMANDS: [Update; 3] = [(scope::ADA, Command), (scope::ADA, Text), (scope::ADA, Command)];
const TOGETHER: [Update; 3] = [(scope::ADA, Text), (BO, Press), (scope::ADA, Command)];
const INTERRUPTED: [Update; 3] = [(BO, Command), (BO, Press), (scope::ADA, Text)];

#[tokio::test]
async fn two_texts_go_the_same_way() {
    same(&TEXTS, FEW).await;
}

#[tokio::test]
async fn commands_and_texts_go_the_same_way() {
    same(&COMMANDS, FEW).await;
}

#[tokio::test]
async fn what_two_people_do_goes_the_same_way() {
    same(&TOGETHER, FEW).await;
}

#[tokio::test]
async fn a_press_after_a_command_goes_the_same_way() {
    same(&INTERRUPTED, FEW).await;
}

#[tokio::test]
#[ignore = "minutes: with `-- --ignored`"]
async fn many_schedules_go_the_same_way() {
    for updates in [&TEXTS[..], &COMMANDS, &TOGETHER, &INTERRUPTED] {
        same(updates, MANY).await;
    }
}
