//! What a script sees: the chat it asks, says and calls through.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::{Future, poll_fn},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use super::{
    log::{Given, Started},
    question::{Presence, Question},
    replay::Act,
};
use crate::model::{Person, PersonId, Text, Timestamp, WorkflowId, short_hash};

/// A replay may do at most so many chat operations; a script that does more never ends.
pub(super) const MOST_OPERATIONS: u32 = 10_000;

/// A named piece of work outside the conversation. Its result is exactly once; the work itself may run twice.
pub trait Activity: Serialize + DeserializeOwned + Send + 'static {
    /// The name it is known by in logs, stable and different for each.
    const NAME: &'static str;
    /// What it gives.
    type Output: Serialize + DeserializeOwned + Send + 'static;
}

/// Read-only reference data, such as the areas of an event.
pub trait LookUp: 'static {
    /// The reference container it comes from (`areas`, `people`).
    const NAME: &'static str;
    /// What it gives.
    type Output: Serialize + DeserializeOwned + 'static;
}

/// A fact that a script tells the rest of the business.
pub trait DomainEvent: Serialize {
    /// Past tense and versioned: `backline.issue-reported.v1`.
    const TYPE: &'static str;
    /// What it is about; events of one subject are in order.
    fn subject(&self) -> String;
}

/// A call that failed for good: its activity is out of retries, or said that it can't be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub String);

/// The person who was asked can't be reached: they blocked the bot or never opened a chat with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the person can't be reached")]
pub struct Unreachable;

/// What one replay knows and has seen so far.
pub(super) struct Inner {
    pub(super) workflow: WorkflowId,
    pub(super) started: Started,
    pub(super) now: Timestamp,
    /// Answers and results handed over so far, by name.
    pub(super) known: BTreeMap<String, Given>,
    pub(super) looked_up: BTreeMap<String, Value>,
    /// What was emitted and started before, by name.
    pub(super) done_once: BTreeSet<String>,
    /// How many times each name was used.
    pub(super) counts: BTreeMap<String, u32>,
    /// What the script did in this poll (what is done once stays from earlier polls).
    pub(super) acts: Vec<Act>,
    pub(super) reopened: Option<Vec<String>>,
    /// Who waits: combinators such as `join_all` poll only what was woken.
    pub(super) wakers: Vec<Waker>,
    pub(super) operations: u32,
}

impl Inner {
    fn number(&mut self, name: &str) -> String {
        self.operations += 1;
        assert!(
            self.operations <= MOST_OPERATIONS,
            "the script does more than {MOST_OPERATIONS} chat operations"
        );
        let count = self.counts.entry(name.to_owned()).or_default();
        *count += 1;
        format!("{name}#{}", *count - 1)
    }
}

/// A script's side of the conversation. Cheap to clone; its futures own what they need.
#[derive(Clone)]
pub struct Chat {
    pub(super) inner: Rc<RefCell<Inner>>,
    pub(super) scope: Rc<str>,
}

impl Chat {
    /// Asks whoever the workflow talks to, and waits for the answer.
    pub fn ask<T: 'static, P: Presence<T>>(
        &self,
        question: Question<T, P>,
    ) -> impl Future<Output = P::Answer> + use<T, P> {
        let asked = self.put(None, question);
        async move {
            match asked.await {
                Ok(answer) => answer,
                // Who talks to us here can't be reached: nothing more will come, and nobody waits for what is next.
                Err(Unreachable) => std::future::pending().await,
            }
        }
    }

    /// Asks somebody else, in their own chat with the bot. That they can't be reached is an answer too.
    pub fn ask_of<T: 'static, P: Presence<T>>(
        &self,
        person: &Person,
        question: Question<T, P>,
    ) -> impl Future<Output = Result<P::Answer, Unreachable>> + use<T, P> {
        self.put(Some(person.id), question)
    }

    fn put<T: 'static, P: Presence<T>>(
        &self,
        to: Option<PersonId>,
        mut question: Question<T, P>,
    ) -> impl Future<Output = Result<P::Answer, Unreachable>> + use<T, P> {
        for part in &mut question.parts {
            let of = to.map(|person| format!("@{person}")).unwrap_or_default();
            part.name = self.inner.borrow_mut().number(&format!("{}{}{of}", self.scope, part.name));
        }
        let inner = self.inner.clone();
        poll_fn(move |context| {
            let mut inner = inner.borrow_mut();
            for (index, part) in question.parts.iter().enumerate() {
                let answer = match inner.known.get(&part.name) {
                    Some(Given::Value(value)) if part.kind.accepts(value) => {
                        (question.read)(index, value).and_then(|answer| P::of(Some(answer)))
                    }
                    Some(Given::Skipped) if question.skippable => P::of(None),
                    Some(Given::Elapsed) if question.within.is_some() => P::of(None),
                    Some(Given::Unreachable) => return Poll::Ready(Err(Unreachable)),
                    _ => None,
                };
                if let Some(answer) = answer {
                    return Poll::Ready(Ok(answer));
                }
            }
            inner.wakers.push(context.waker().clone());
            inner.acts.push(Act::Ask {
                parts: question.parts.clone(),
                to,
                skippable: question.skippable,
                within: question.within,
            });
            Poll::Pending
        })
    }

    /// Says something to whoever the workflow talks to.
    pub fn say(&self, text: Text) {
        self.tell_(None, text);
    }

    /// Says something to somebody else, in their own chat with the bot.
    pub fn tell(&self, person: &Person, text: Text) {
        self.tell_(Some(person.id), text);
    }

    fn tell_(&self, to: Option<PersonId>, text: Text) {
        let words = serde_json::to_string(&text).expect("a text has text keys only");
        let of = to.map(|person| format!("@{person}")).unwrap_or_default();
        let mut inner = self.inner.borrow_mut();
        let name = inner.number(&format!("{}{of}{}", self.scope, short_hash(&words)));
        inner.acts.push(Act::Say { name, to, text });
    }

    /// Tells the rest of the business a fact, once, however often the script comes by.
    pub fn emit<E: DomainEvent>(&self, event: E) {
        let mut inner = self.inner.borrow_mut();
        let name = inner.number(&format!("{}{}", self.scope, E::TYPE));
        if !inner.done_once.contains(&name) {
            let data = serde_json::to_value(&event).expect("an event is plain data with text keys");
            inner.acts.push(Act::Emit { name, kind: E::TYPE.to_owned(), subject: event.subject(), data });
        }
    }

    /// Has a piece of work done and waits for its result. Other arguments are another call.
    pub fn call<A: Activity>(&self, activity: A) -> impl Future<Output = Result<A::Output, Failed>> + use<A> {
        let arguments = serde_json::to_value(&activity).expect("an activity is plain data with text keys");
        let hash = short_hash(&arguments.to_string());
        let name = self.inner.borrow_mut().number(&format!("{}{}({hash})", self.scope, A::NAME));
        let inner = self.inner.clone();
        poll_fn(move |context| {
            let mut inner = inner.borrow_mut();
            match inner.known.get(&name) {
                Some(Given::Value(value)) => {
                    let output = serde_json::from_value(value.clone());
                    return Poll::Ready(
                        output.map_err(|e| Failed(format!("`{}` gave something else: {e}", A::NAME))),
                    );
                }
                Some(Given::Failed(why)) => return Poll::Ready(Err(Failed(why.clone()))),
                _ => {}
            }
            inner.wakers.push(context.waker().clone());
            inner.acts.push(Act::Call {
                name: name.clone(),
                activity: A::NAME.to_owned(),
                arguments: arguments.clone(),
            });
            Poll::Pending
        })
    }

    /// Reads reference data, as it was when the script first asked for it.
    pub fn look_up<L: LookUp>(&self, _: L) -> impl Future<Output = L::Output> + use<L> {
        let name = self.inner.borrow_mut().number(&format!("{}{}", self.scope, L::NAME));
        let inner = self.inner.clone();
        poll_fn(move |context| {
            let mut inner = inner.borrow_mut();
            if let Some(value) = inner.looked_up.get(&name) {
                match serde_json::from_value(value.clone()) {
                    Ok(output) => return Poll::Ready(output),
                    Err(why) => {
                        panic!("the reference data `{}` is not what the script expects: {why}", L::NAME)
                    }
                }
            }
            inner.wakers.push(context.waker().clone());
            inner.acts.push(Act::LookUp { name: name.clone(), what: L::NAME.to_owned() });
            Poll::Pending
        })
    }

    /// Starts another workflow, which nobody chats with until it asks somebody; returns its id and does not wait.
    pub fn start(&self, script: &str, payload: impl Serialize) -> WorkflowId {
        let mut inner = self.inner.borrow_mut();
        let name = inner.number(&format!("{}start {script}", self.scope));
        let workflow = WorkflowId::started_by(&inner.workflow, &name);
        if !inner.done_once.contains(&name) {
            let payload = serde_json::to_value(payload).expect("a payload is plain data with text keys");
            inner.acts.push(Act::Start { name, workflow, script: script.to_owned(), payload });
        }
        workflow
    }

    /// Forgets the answers to these questions of this scope, whoever gave them, and asks them anew where the script
    /// reaches them. Never returns.
    pub fn reopen<N: Into<String>, I: IntoIterator<Item = N>>(
        &self,
        names: I,
    ) -> impl Future<Output = ()> + use<N, I> {
        let (inner, scope) = (self.inner.clone(), self.scope.clone());
        let names = names.into_iter().map(|name| format!("{scope}{}", name.into()));
        let names: Vec<String> = names.collect();
        poll_fn(move |_: &mut Context<'_>| {
            inner.borrow_mut().reopened.get_or_insert_with(|| names.clone());
            Poll::Pending
        })
    }

    /// The same chat, with names of its own: for loops. `chat.scope("item.3").ask(photo)` is known by `item.3/photo#0`.
    #[must_use]
    pub fn scope(&self, name: impl fmt::Display) -> Self {
        Self { inner: self.inner.clone(), scope: format!("{}{name}/", self.scope).into() }
    }

    /// When the answer came that was handed over last.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.borrow().now
    }

    /// A GUID made from this workflow and `name`: the same at every replay.
    #[must_use]
    pub fn id(&self, name: &str) -> Uuid {
        self.inner.borrow().workflow.derive(&format!("{}{name}", self.scope))
    }

    /// Who the workflow talks to; nobody if an event or another workflow started it.
    #[must_use]
    pub fn who(&self) -> Option<Person> {
        self.inner.borrow().started.who.clone()
    }

    /// What began it: the command and its payload, or another workflow.
    #[must_use]
    pub fn started(&self) -> Started {
        self.inner.borrow().started.clone()
    }
}
