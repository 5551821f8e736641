//! Gathering: one message in a group, answered by many. Each person's first press counts.

use std::{collections::BTreeMap, future::Future, future::IntoFuture, pin::Pin, rc::Rc, task::Poll};

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::Value;

use super::{
    log::Given,
    question::{Choice, Kind, Part, Question},
    replay::Act,
    script::Chat,
};
use crate::model::{Person, PersonId};

/// So many may answer: their answers stand in the workflow's head, which has its limit.
pub(super) const MOST_VOTES: usize = 500;

/// How often each key was chosen.
pub(super) type Counts = BTreeMap<String, usize>;

/// What somebody's answer to a gathering is known by.
pub(super) fn vote_name(question: &str, person: PersonId) -> String {
    format!("{question}@{person}")
}

/// The gathering that an answer of this name belongs to: a name with a person behind the number, where a question put to
/// somebody by name has it before.
pub(super) fn gathering_of(name: &str) -> Option<&str> {
    let (question, person) = name.rsplit_once('@')?;
    (question.contains('#') && !person.contains('#')).then_some(question)
}

/// What was gathered, in the order in which it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Votes<T> {
    /// Who chose what; nobody is in it twice.
    pub answers: Vec<(Person, T)>,
}

impl<T> Votes<T> {
    /// How many have answered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Has nobody answered?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }
}

impl<T: Choice> Votes<T> {
    /// How many have chosen this.
    #[must_use]
    pub fn of(&self, choice: &T) -> usize {
        let key = choice.key();
        self.answers.iter().filter(|(_, chosen)| chosen.key() == key).count()
    }
}

/// Why a gathering is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// What came was enough.
    Enough,
    /// Its time passed.
    Elapsed,
    /// The message can't be shown: the bot is not in the group (any more).
    Unreachable,
}

type Enough<T> = Box<dyn Fn(&Votes<T>) -> bool>;

/// A gathering that is being made: it is asked when it is awaited.
#[must_use = "nobody is asked before it is awaited"]
pub struct Gather<T> {
    chat: Chat,
    question: Question<T>,
    until: Option<Enough<T>>,
    within: Option<TimeDelta>,
}

impl Chat {
    /// Puts a choice to everybody in the chat that the workflow talks in. Whoever presses a button has answered; a second
    /// press changes nothing. The message shows how many have chosen what so far.
    ///
    /// # Panics
    /// When awaited: if nobody talks to the workflow, if the question is no single choice, or if it neither has an
    /// [`until`](Gather::until) nor a [`within`](Gather::within) to end it.
    pub fn gather<T>(&self, question: Question<T>) -> Gather<T> {
        Gather { chat: self.clone(), question, until: None, within: None }
    }
}

impl<T> Gather<T> {
    /// Is over as soon as this is true of what came so far.
    pub fn until(mut self, enough: impl Fn(&Votes<T>) -> bool + 'static) -> Self {
        self.until = Some(Box::new(enough));
        self
    }

    /// Is over when so much time has passed; what is pressed afterwards is late. More than 500 answers are not taken.
    pub fn within(mut self, limit: TimeDelta) -> Self {
        self.within = Some(limit);
        self
    }
}

impl<T: Clone + 'static> IntoFuture for Gather<T> {
    type Output = (Votes<T>, Ended);
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { chat, question: Question { mut parts, read, .. }, until, within } = self;
        let is_choice =
            matches!(parts.as_slice(), [Part { kind: Kind::Choice { options }, .. }] if !options.is_empty());
        assert!(is_choice, "only a choice can be put to a group");
        assert!(until.is_some() || within.is_some(), "nothing ends it: say `until`, `within` or both");
        let name = chat.name_gathering(&parts[0].name);
        parts[0].name.clone_from(&name);
        let parts: Rc<[Part]> = parts.into();
        let (mut seen, mut noted) = (0, 0);
        let mut votes = Votes { answers: Vec::new() };
        Box::pin(std::future::poll_fn(move |context| {
            let ended = {
                let mut inner = chat.inner.borrow_mut();
                let new: Vec<(String, Value)> = inner.gathered[seen..].to_vec();
                seen += new.len();
                for (vote, value) in
                    new.into_iter().filter(|(vote, _)| gathering_of(vote) == Some(name.as_str()))
                {
                    let by = Person::deserialize(&value["by"]).ok();
                    // What a new version of the script offers no longer counts no longer.
                    let of = by.zip(
                        Some(&value["key"])
                            .filter(|key| parts[0].kind.accepts(key))
                            .and_then(|key| read(0, key)),
                    );
                    votes.answers.extend(of);
                    inner.reached.insert(vote);
                }
                match inner.known.get(&name) {
                    Some(Given::Elapsed) if within.is_some() => Some(Ended::Elapsed),
                    Some(Given::Unreachable) => Some(Ended::Unreachable),
                    _ => None,
                }
            };
            let enough = || until.as_ref().is_some_and(|enough| enough(&votes)).then_some(Ended::Enough);
            let ended = ended.or_else(enough);
            let mut inner = chat.inner.borrow_mut();
            if let Some(ended) = ended {
                inner.reached.insert(name.clone());
                return Poll::Ready((votes.clone(), ended));
            }
            let parts = parts.clone();
            inner.wait(context, &mut noted, || Act::Ask {
                parts,
                to: None,
                skippable: false,
                within,
                gathers: true,
            })
        }))
    }
}
