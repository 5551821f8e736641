//! What a script sees: the chat it asks, says and calls through.

use std::{
    cell::{RefCell, RefMut},
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
    head::covers,
    log::{Given, Started},
    question::{Part, Presence, Question},
    replay::Act,
};
use crate::model::{Attachment, Message, Person, PersonId, Text, Timestamp, WorkflowId, short_hash};

/// A replay may do at most so many chat operations; a script that does more never ends.
pub(super) const MOST_OPERATIONS: u32 = 10_000;

/// A broadcast reaches at most so many: an entry, which lists them, must fit into a document.
const MOST_RECEIVERS: usize = 20_000;

/// A name (of a question with its scopes, say) has at most so many bytes: it becomes part of a document's id.
const LONGEST_NAME: usize = 300;

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
    /// Is there a conversation in which it talks to somebody?
    pub(super) has_company: bool,
    /// Is that in a group?
    pub(super) in_group: bool,
    pub(super) now: Timestamp,
    /// Answers and results handed over so far, by name.
    pub(super) known: BTreeMap<String, Given>,
    /// The names of the answers that the script has come to and taken.
    pub(super) reached: BTreeSet<String>,
    pub(super) looked_up: BTreeMap<String, Value>,
    /// What was emitted and started before, by name.
    pub(super) done_once: BTreeSet<String>,
    /// How many times each name was used.
    pub(super) counts: BTreeMap<String, u32>,
    /// What the script did since the newest hand-over (what is done once stays from earlier ones).
    pub(super) acts: Vec<Act>,
    /// What it waits for.
    pub(super) waits: Vec<Act>,
    /// Which poll this is: what waits is noted once in each, however often a combinator looks at it.
    pub(super) round: u32,
    pub(super) reopened: Option<Vec<String>>,
    /// The names under which one question can be answered, where there are several.
    pub(super) ways: Vec<Vec<String>>,
    /// Who waits: combinators such as `join_all` poll only what was woken.
    pub(super) wakers: Vec<Waker>,
    pub(super) operations: u32,
}

impl Inner {
    fn operation(&mut self) {
        self.operations += 1;
        assert!(
            self.operations <= MOST_OPERATIONS,
            "the script does more than {MOST_OPERATIONS} chat operations"
        );
    }

    fn number(&mut self, name: &str) -> String {
        self.operation();
        assert!(name.len() <= LONGEST_NAME, "a name is longer than {LONGEST_NAME} bytes: `{name}`");
        match self.counts.get_mut(name) {
            Some(count) => {
                *count += 1;
                format!("{name}#{count}")
            }
            None => {
                self.counts.insert(name.to_owned(), 0);
                format!("{name}#0")
            }
        }
    }

    /// Notes that somebody waits; `noted` is the round in which they were last noted.
    fn wait<T>(&mut self, context: &Context<'_>, noted: &mut u32, act: impl FnOnce() -> Act) -> Poll<T> {
        self.wakers.push(context.waker().clone());
        if *noted != self.round {
            *noted = self.round;
            self.waits.push(act());
        }
        Poll::Pending
    }

    /// Where a name stands for a question with several ways to answer, it stands for all of them.
    fn with_all_ways(&self, names: &[String]) -> Vec<String> {
        let mut all = names.to_vec();
        for ways in &self.ways {
            if ways.iter().any(|way| names.iter().any(|name| covers(name, way))) {
                all.extend(ways.iter().cloned());
            }
        }
        all
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
    ///
    /// # Panics
    /// If nobody talks to it, for nobody would ever answer: a workflow started by another one uses [`ask_of`](Self::ask_of).
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
        question: Question<T, P>,
    ) -> impl Future<Output = Result<P::Answer, Unreachable>> + use<T, P> {
        let Question { mut parts, skippable, within, read, .. } = question;
        let of = to.map(|person| format!("@{person}")).unwrap_or_default();
        {
            let mut inner = self.inner.borrow_mut();
            for part in &mut parts {
                let name = &part.name;
                assert!(
                    !name.contains(['#', '@']),
                    "`{name}` can't be a question's name: `#` and `@` have a meaning"
                );
                assert!(
                    to.is_some() || inner.has_company,
                    "it asks `{name}`, but nobody talks to it: use `ask_of`"
                );
                part.name = inner.number(&format!("{}{name}{of}", self.scope));
            }
            let hopeless = |part: &Part| part.kind.has_buttons() && part.kind.offers().is_empty();
            assert!(
                skippable || within.is_some() || !parts.iter().all(hopeless),
                "the question `{}` has nothing to choose from",
                parts.first().map_or("", |part| &part.name)
            );
            if parts.len() > 1 {
                inner.ways.push(parts.iter().map(|part| part.name.clone()).collect());
            }
        }
        let (inner, parts, mut noted): (_, Rc<[Part]>, _) = (self.inner.clone(), parts.into(), 0);
        poll_fn(move |context| {
            let mut inner = inner.borrow_mut();
            for (index, part) in parts.iter().enumerate() {
                let answer = match inner.known.get(&part.name) {
                    Some(Given::Value(value)) if part.kind.accepts(value) => {
                        read(index, value).and_then(|answer| P::of(Some(answer)))
                    }
                    Some(Given::Skipped) if skippable => P::of(None),
                    Some(Given::Elapsed) if within.is_some() => P::of(None),
                    Some(Given::Unreachable) => return Poll::Ready(Err(Unreachable)),
                    _ => None,
                };
                if let Some(answer) = answer {
                    inner.reached.insert(part.name.clone());
                    return Poll::Ready(Ok(answer));
                }
            }
            inner.wait(context, &mut noted, || Act::Ask { parts: parts.clone(), to, skippable, within })
        })
    }

    /// Says something to whoever the workflow talks to.
    ///
    /// # Panics
    /// If nobody talks to it: a workflow started by another one uses [`tell`](Self::tell).
    pub fn say(&self, text: Text) {
        assert!(self.inner.borrow().has_company, "it says something, but nobody talks to it: use `tell`");
        self.speak(None, text, Vec::new());
    }

    /// Says something to somebody else, in their own chat with the bot.
    pub fn tell(&self, person: &Person, text: Text) {
        self.speak(Some(person.id), text, Vec::new());
    }

    /// Sends files to whoever the workflow talks to, with words under them: photos and videos, documents, and music each
    /// as albums of up to ten; what can't be in an album (voice, stickers) alone. A file that can no longer be sent is
    /// left out, and the words say so.
    ///
    /// # Panics
    /// If nobody talks to it: a workflow started by another one uses [`show_to`](Self::show_to).
    pub fn show(&self, files: impl IntoIterator<Item = impl Into<Attachment>>, text: Text) {
        assert!(self.inner.borrow().has_company, "it shows something, but nobody talks to it: use `show_to`");
        self.speak(None, text, files.into_iter().map(Into::into).collect());
    }

    /// Sends files to somebody else, in their own chat with the bot.
    pub fn show_to(
        &self,
        person: &Person,
        files: impl IntoIterator<Item = impl Into<Attachment>>,
        text: Text,
    ) {
        self.speak(Some(person.id), text, files.into_iter().map(Into::into).collect());
    }

    /// From here on, speaks this language with whoever the workflow talks to, wherever they meet the bot; without one, the
    /// language that their Telegram is set to.
    ///
    /// # Panics
    /// If nobody talks to it.
    pub fn use_language(&self, language: Option<&str>) {
        let mut inner = self.inner.borrow_mut();
        assert!(inner.has_company, "it chooses a language, but nobody talks to it");
        let language = language.map(str::to_owned);
        let name =
            inner.number(&format!("{}@language {}", self.scope, language.as_deref().unwrap_or_default()));
        inner.acts.push(Act::Language { name, language });
    }

    /// Says the same to many people, each in their own chat with the bot, once: a text that was broadcast is not
    /// broadcast again when the script comes by another time, whoever is in the list by then. They get it in the order of
    /// the list, some 20 a second; meanwhile the script goes on, and everybody else is served as ever.
    ///
    /// # Panics
    /// If they are more than 20,000.
    pub fn broadcast<'a>(&self, people: impl IntoIterator<Item = &'a Person>, text: Text) {
        let mut known = BTreeSet::new();
        let to: Vec<PersonId> =
            people.into_iter().map(|person| person.id).filter(|id| known.insert(*id)).collect();
        assert!(to.len() <= MOST_RECEIVERS, "a broadcast reaches at most {MOST_RECEIVERS} people");
        let words = serde_json::to_string(&text).expect("a text has text keys only");
        let mut inner = self.inner.borrow_mut();
        let name = inner.number(&format!("{}@all{}", self.scope, short_hash(&words)));
        inner.acts.push(Act::Broadcast { name, to, text });
    }

    fn speak(&self, to: Option<PersonId>, text: Text, files: Vec<Attachment>) {
        let mut words = serde_json::to_string(&text).expect("a text has text keys only");
        for file in &files {
            words += &serde_json::to_string(file).expect("an attachment has text keys only");
        }
        let of = to.map(|person| format!("@{person}")).unwrap_or_default();
        let mut inner = self.inner.borrow_mut();
        let name = inner.number(&format!("{}{of}{}", self.scope, short_hash(&words)));
        inner.acts.push(Act::Say { name, to, message: Message { files, ..Message::plain(text) } });
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
        let (inner, mut noted) = (self.inner.clone(), 0);
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
            inner.wait(context, &mut noted, || Act::Call {
                name: name.clone(),
                activity: A::NAME.to_owned(),
                arguments: arguments.clone(),
            })
        })
    }

    /// Reads reference data, as it was when the script first asked for it.
    pub fn look_up<L: LookUp>(&self, _: L) -> impl Future<Output = L::Output> + use<L> {
        let name = self.inner.borrow_mut().number(&format!("{}look up {}", self.scope, L::NAME));
        let (inner, mut noted) = (self.inner.clone(), 0);
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
            inner.wait(context, &mut noted, || Act::LookUp { name: name.clone(), what: L::NAME.to_owned() })
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
            let mut inner = inner.borrow_mut();
            if inner.reopened.is_none() {
                inner.reopened = Some(inner.with_all_ways(&names));
            }
            Poll::Pending
        })
    }

    /// The same chat, with names of its own: for loops. `chat.scope("item.3").ask(photo)` is known by `item.3/photo#0`.
    #[must_use]
    pub fn scope(&self, name: impl fmt::Display) -> Self {
        let name = name.to_string();
        assert!(!name.contains(['#', '@']), "`{name}` can't be a scope: `#` and `@` have a meaning");
        Self { inner: self.inner.clone(), scope: format!("{}{name}/", self.scope).into() }
    }

    /// When the answer came that was handed over last.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner().now
    }

    /// A GUID made from this workflow and `name`: the same at every replay.
    #[must_use]
    pub fn id(&self, name: &str) -> Uuid {
        self.inner().workflow.derive(&format!("{}{name}", self.scope))
    }

    /// Who the workflow talks to; nobody if an event or another workflow started it.
    #[must_use]
    pub fn who(&self) -> Option<Person> {
        self.inner().started.who.clone()
    }

    /// Does it talk in a group, where others listen?
    #[must_use]
    pub fn is_in_group(&self) -> bool {
        self.inner().in_group
    }

    /// What began it: the command and its payload, or another workflow.
    #[must_use]
    pub fn started(&self) -> Started {
        self.inner().started.clone()
    }

    /// The script asks for something: that counts, too.
    fn inner(&self) -> RefMut<'_, Inner> {
        let mut inner = self.inner.borrow_mut();
        inner.operation();
        inner
    }
}
