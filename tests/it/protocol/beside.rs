//! The runtime beside the model: the same schedule, operation by operation, gives the same result.

use std::collections::BTreeMap;

use backline::model::{Delivery, WorkflowId};
use chrono::TimeDelta;
use stateright::Model;

use super::{
    model::{Act, Task},
    puppet::{Doing, Puppets},
    row::Row,
    scope::{
        BO,
        Kind::{Command, Press, Text},
        Scope, Update,
    },
    state::{BEGINNING, Item, Part, SHARED, State, begun_by, effect, is_handout},
    worker::{At, Moving, Worker},
};
use crate::harness::{self, ADA, App, conversation};

const PEOPLE: [i64; 2] = [ADA, harness::BO];

/// What the model's worker is about to do, as the store and the wire see it.
fn next(worker: &Worker) -> Doing {
    let moving = match (&worker.visit, &worker.handing) {
        (Some(visit), _) => match visit.at {
            At::ReadConversation | At::ReadClaim | At::ReadAgain => return Doing::Read("conversations/head"),
            At::ReadHead(_) => return Doing::Read("inputs/head"),
            At::ReadItems => return Doing::Read("query"),
            At::ReadEntries => return Doing::Read("inputs/tg:"),
            At::Count | At::Uncount | At::WriteB => return Doing::Write("inbox:"),
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
        let number = |update: &String| {
            serde_json::from_str::<serde_json::Value>(update).unwrap()["update_id"].as_u64()
        };
        let keys =
            updates.iter().map(|update| format!("tg:operations:{:020}", number(update).unwrap())).collect();
        let sent_before = PEOPLE.map(|person| app.sent(person).len());
        let puppets = Puppets::new(&app, scope.workers);
        Self { state: State::first(&scope), scope, app, puppets, updates, keys, shared, sent_before }
    }

    /// Does the same in both, and compares.
    async fn act(&mut self, act: Act) {
        let before = self.state.clone();
        self.state = self.scope.next_state(&before, act).unwrap();
        match act {
            Act::Begin(worker, Task::Deliver(key)) => {
                self.puppets.post(worker, &self.updates[usize::from(key)]).await;
                self.puppets.go_on(worker, Doing::Write("inbox:")).await;
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
            WorkflowId::started_by(
                &conversation(PEOPLE[self.scope.place(*key)]),
                &self.keys[usize::from(*key)],
            )
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

    fn compare(&self) {
        let story = self.app.story();
        for place in 0..2 {
            let person = PEOPLE[place];
            for item in self.app.items(person) {
                let Some(key) = self.key(item.input.key.as_str()) else { continue };
                let found = match item.state {
                    harness::State::Pending => Item::Pending { attempts: item.attempts as u8 },
                    harness::State::Done => Item::Done,
                    harness::State::Dead => Item::Dead,
                };
                assert_eq!(found, self.state.items[usize::from(key)], "the item of {key}");
            }
            let head = self.app.conversation(person);
            let expected = self.state.conversations[place];
            assert_eq!(head.current.map(|id| self.workflow(id)), expected.current, "current of {place}");
            assert_eq!(head.claim.is_some(), expected.claim.is_held, "the claim of {place}");
            let sends = head.outbox.iter().filter(|outgoing| !matches!(outgoing.delivery, Delivery::Edit(_)));
            let outbox: Row = sends
                .map(|outgoing| {
                    let id = outgoing.id.to_string();
                    let key = match outgoing.id.entry() {
                        Some(n) => {
                            story[id.split(':').next().unwrap()][n as usize][1].as_str().unwrap().to_owned()
                        }
                        None => id.rsplit_once(':').unwrap().0.to_owned(),
                    };
                    let key = self.key(&key).unwrap();
                    let part = match outgoing.delivery {
                        Delivery::Answer { .. } => Part::Answer,
                        _ if self.scope.place(key) == place => Part::Own,
                        _ => Part::Handout,
                    };
                    effect(key, part)
                })
                .collect();
            assert_eq!(outbox, expected.outbox, "the outbox of {place}");
            let sent = self.app.sent(person).len() - self.sent_before[place];
            let messages =
                self.state.sent[place].iter().filter(|effect| effect % 3 != Part::Answer as u8).count();
            assert_eq!(sent, messages, "messages sent to {place}");
        }
        for document in self.app.workflows() {
            if document.head.script == "start" {
                continue;
            }
            let id = document.head.workflow;
            let head = self.state.workflows[usize::from(self.workflow(id))];
            let log = story[&id.to_string()].iter().filter_map(|entry| self.key(entry[1].as_str().unwrap()));
            assert_eq!(log.collect::<Row>(), head.log, "the log of {id}");
            assert_eq!(document.head.aside, head.is_aside, "is {id} put aside?");
            let handouts = document.handouts.len();
            assert_eq!(
                handouts,
                head.handouts.iter().filter(|effect| is_handout(*effect)).count(),
                "of {id}"
            );
            let last: BTreeMap<_, _> =
                document.last.iter().map(|(place, key)| (place.clone(), key.to_string())).collect();
            for place in 0..2 {
                let known =
                    last.get(&conversation(PEOPLE[place])).map(|key| self.key(key).unwrap_or(BEGINNING));
                assert_eq!(known, head.last[place], "the last input of {place} in {id}");
            }
        }
    }

    /// Whatever happens at random, until nothing is left to do.
    async fn play(mut self, mut dice: Dice) -> usize {
        let mut steps = 0;
        let mut acts = Vec::new();
        loop {
            acts.clear();
            self.scope.actions(&self.state, &mut acts);
            acts.retain(|act| {
                let is_possible =
                    !matches!(act, Act::StepUnknown(_) | Act::Begin(_, Task::Look { by_sweep: true, .. }));
                is_possible && self.scope.next_state(&self.state, *act).is_some()
            });
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
        super::scope::Kind::LastText => unreachable!("these scripts never end"),
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

/// Plays so many schedules of each scope; further ones with `BACKLINE_SCHEDULES`.
fn schedules() -> u64 {
    std::env::var("BACKLINE_SCHEDULES").ok().and_then(|number| number.parse().ok()).unwrap_or(3)
}

async fn same(updates: &[Update]) {
    for one_transaction in [false, true] {
        let mut steps = 0;
        for seed in 1..=schedules() {
            let scope = Scope {
                one_transaction,
                is_symmetric: false,
                is_coarse: false,
                redelivers: true,
                ..Scope::of(updates)
            };
            steps += Beside::start(scope).await.play(Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))).await;
        }
        println!("{steps} steps in {} schedules, one transaction: {one_transaction}", schedules());
    }
}

#[tokio::test]
async fn two_texts_go_the_same_way() {
    same(&[(super::scope::ADA, Text), (super::scope::ADA, Text)]).await;
}

#[tokio::test]
async fn commands_and_texts_go_the_same_way() {
    same(&[(super::scope::ADA, Command), (super::scope::ADA, Text), (super::scope::ADA, Command)]).await;
}

#[tokio::test]
async fn what_two_people_do_goes_the_same_way() {
    same(&[(super::scope::ADA, Text), (BO, Press), (super::scope::ADA, Command)]).await;
}

#[tokio::test]
async fn a_press_after_a_command_goes_the_same_way() {
    same(&[(BO, Command), (BO, Press), (super::scope::ADA, Text)]).await;
}
