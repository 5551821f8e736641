//! Replay: a script is built, handed the logged answers one by one in the order of the log, polled after each, and
//! dropped. It is never really awaited.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

use chrono::TimeDelta;
use serde_json::Value;

use super::{
    head::Head,
    log::{Given, Standing},
    question::Part,
    script::{Chat, Inner, MOST_OPERATIONS},
    table::Script,
    turn::Wanted,
};
use crate::model::{Message, PersonId, Text, WorkflowId};

/// Something a script did, in the order in which it did it.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// It waits for an answer.
    Ask {
        /// The ways to answer.
        parts: Rc<[Part]>,
        /// Whom; whoever the workflow talks to if nobody is named.
        to: Option<PersonId>,
        /// May it be skipped?
        skippable: bool,
        /// How long it waits.
        within: Option<TimeDelta>,
    },
    /// It said something.
    Say {
        /// What this is known by.
        name: String,
        /// To whom, as for a question.
        to: Option<PersonId>,
        /// What.
        message: Message,
    },
    /// It chose the language that it speaks from here on.
    Language {
        /// What this is known by.
        name: String,
        /// Which, as an IETF tag.
        language: Option<String>,
    },
    /// It said something to many.
    Broadcast {
        /// What this is known by.
        name: String,
        /// To whom.
        to: Vec<PersonId>,
        /// What.
        text: Text,
    },
    /// It told the business something for the first time.
    Emit {
        /// What this is known by.
        name: String,
        /// The event's type.
        kind: String,
        /// What it is about.
        subject: String,
        /// The fact.
        data: Value,
    },
    /// It waits for a result.
    Call {
        /// What this is known by.
        name: String,
        /// What does it.
        activity: String,
        /// With what.
        arguments: Value,
    },
    /// It waits for reference data.
    LookUp {
        /// What this is known by.
        name: String,
        /// Which data.
        what: String,
    },
    /// It started another workflow for the first time.
    Start {
        /// What this is known by.
        name: String,
        /// The new workflow.
        workflow: WorkflowId,
        /// The script that it runs.
        script: String,
        /// What it is told.
        payload: Value,
    },
}

/// Where a script stands after everything was handed over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// What it did after the newest hand-over (and, of what happens once, what never happened before), then what it
    /// waits for.
    pub acts: Vec<Act>,
    /// The names of the answers that it came to. One that it has not come to (any more) waits until it does.
    pub reached: BTreeSet<String>,
    /// The questions it wants asked anew.
    pub reopened: Option<Vec<String>>,
    /// Did it come to its end?
    pub done: bool,
}

impl Turn {
    /// The reference data that it waits for.
    pub(super) fn wanted(&self, head: &Head) -> impl Iterator<Item = Wanted> {
        self.acts.iter().filter_map(|act| match act {
            Act::LookUp { name, what } => {
                Some(Wanted { name: name.clone(), what: what.clone(), of: head.conversation.clone() })
            }
            _ => None,
        })
    }

    /// The names of the questions that it waits for.
    pub(super) fn asked(&self) -> impl Iterator<Item = &str> {
        self.acts.iter().filter_map(|act| match act {
            Act::Ask { parts, .. } => parts.first().map(|part| part.name.as_str()),
            _ => None,
        })
    }
}

/// Notes that somebody was woken: `join_all` and its kin poll only what was, and yield in between.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Plays `script` against what stands in `head`, whose large answers are [recalled](Head::recall).
///
/// # Errors
/// What it panicked with. A replay that does too many chat operations ends in the same way.
pub fn replay(script: &Script, head: &Head, looked_up: &BTreeMap<String, Value>) -> Result<Turn, String> {
    debug_assert!(is_recalled(head), "large answers are recalled before a replay");
    let mut known_data = head.looked_up.clone();
    known_data.extend(looked_up.iter().map(|(name, data)| (name.clone(), data.clone())));
    let inner = Rc::new(RefCell::new(Inner {
        workflow: head.workflow,
        started: head.started.clone(),
        has_company: head.conversation.is_some(),
        in_group: head.conversation.as_ref().is_some_and(|here| !here.is_private()),
        now: head.started_at,
        known: BTreeMap::new(),
        reached: BTreeSet::new(),
        looked_up: known_data,
        done_once: head.once.keys().cloned().collect(),
        counts: BTreeMap::new(),
        acts: Vec::new(),
        waits: Vec::new(),
        round: 0,
        reopened: None,
        ways: Vec::new(),
        wakers: Vec::new(),
        operations: 0,
    }));
    let chat = Chat { inner: inner.clone(), scope: "".into() };
    let outcome = catch_unwind(AssertUnwindSafe(|| hand_over(script, chat, head, &inner)));
    match outcome {
        Ok(done) => {
            let mut inner = inner.borrow_mut();
            let mut acts = std::mem::take(&mut inner.acts);
            acts.append(&mut inner.waits);
            let reached = std::mem::take(&mut inner.reached);
            Ok(Turn { acts, reached, reopened: inner.reopened.take(), done })
        }
        Err(panic) => Err(words_of(panic.as_ref())),
    }
}

fn hand_over(script: &Script, chat: Chat, head: &Head, inner: &RefCell<Inner>) -> bool {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut context = Context::from_waker(&waker);
    let mut future = script(chat);
    let mut poll = || {
        let wakers = inner.borrow_mut().begin_round();
        wakers.into_iter().for_each(Waker::wake);
        for _ in 0..MOST_OPERATIONS {
            woken.0.store(false, Ordering::Relaxed);
            if future.as_mut().poll(&mut context).is_ready() {
                return true;
            }
            if !woken.0.load(Ordering::Relaxed) {
                return false;
            }
        }
        panic!("the script wakes itself for ever");
    };
    let mut done = poll();
    for standing in &head.standing {
        if done {
            break;
        }
        inner.borrow_mut().take(standing);
        done = poll();
    }
    // What a `select` asked and dropped in the last poll is asked no longer: only another look tells it from what
    // really waits.
    if !done {
        done = poll();
    }
    if done {
        inner.borrow_mut().waits.clear();
    }
    done
}

impl Inner {
    /// Hands over one answer. What the script did because of earlier ones was done before, except what happens once.
    fn take(&mut self, standing: &Standing) {
        let given = match &standing.given {
            Given::Recalled { value, .. } => Given::Value(value.clone()),
            other => other.clone(),
        };
        self.known.insert(standing.name.clone(), given);
        self.now = standing.at;
        self.acts.retain(|act| matches!(act, Act::Emit { .. } | Act::Start { .. }));
    }

    /// Forgets what was waited for, which the poll to come tells anew.
    fn begin_round(&mut self) -> Vec<Waker> {
        self.round += 1;
        self.waits.clear();
        self.reopened = None;
        std::mem::take(&mut self.wakers)
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
    words
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "the script panicked".to_owned())
}

/// Are the large answers at hand?
fn is_recalled(head: &Head) -> bool {
    !head.standing.iter().any(|standing| matches!(standing.given, Given::InEntry(_)))
}
