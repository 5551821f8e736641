//! Turns: what one input makes of a workflow, as the entry it becomes.

mod applying;
mod back;
mod prompts;

use std::collections::BTreeMap;

use serde_json::Value;

use self::{
    applying::Applying,
    back::{Back, back},
};
use super::{
    head::Head,
    interpret::{Meaning, interpret},
    log::{Entry, Fact, Recorded, Started, Status},
    route::Beginning,
    table::Table,
};
use crate::{
    model::{ConversationId, Input, Message, Shared, WorkflowId},
    text,
};

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
    /// The conversation that the workflow is about, if somebody chats with it.
    pub of: Option<ConversationId>,
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
    input: &Shared<Input>,
    replied_to: Option<&str>,
    looked_up: &BTreeMap<String, Value>,
) -> Result<Step, Refusal> {
    let workflow = table.named(&head.script).ok_or_else(|| Refusal::NoScript(head.script.clone()))?;
    let mut meaning = interpret(head, input, replied_to);
    if meaning.back {
        let leads = back(workflow.script.as_ref(), head, input, looked_up);
        meaning = match leads.map_err(|why| Refusal::Panicked { script: workflow.name.clone(), why })? {
            Back::Undoes(names) => Meaning::fact(Fact::Undone { names }),
            Back::Nowhere => Meaning::no_way_back(input),
            Back::Wants(wanted) => return Ok(Step::Wants(wanted)),
        };
    }
    Applying::new(head, input, looked_up).play(workflow, meaning)
}

/// Begins a workflow with `input`.
///
/// # Errors
/// The script panicked.
pub(super) fn begin(
    Beginning { workflow, by }: &Beginning<'_>,
    id: WorkflowId,
    input: &Shared<Input>,
    looked_up: &BTreeMap<String, Value>,
) -> Result<Step, Refusal> {
    let started = Fact::Started(Started { by: by.clone(), who: input.from.clone() });
    let seed = Entry {
        script: workflow.name.clone(),
        version: workflow.version,
        ..Entry::empty(0, input, vec![Recorded { fact: started.clone(), said: Vec::new() }])
    };
    let mut head = Head::fold(None, id, &seed).expect("a log that begins with its start folds to a head");
    head.n = 0;
    let meaning = Meaning { facts: vec![started], ..Meaning::default() };
    Applying::new(&head, input, looked_up).play(workflow, meaning)
}

/// The person turns to something else: the workflow ends here, or runs on for somebody else.
#[must_use]
pub fn put_aside(head: &Head, input: &Shared<Input>) -> Entry {
    let nothing = BTreeMap::new();
    let mut applying = Applying::new(head, input, &nothing);
    applying.take(Fact::PutAside);
    let waits_for_others =
        head.open.iter().any(|open| open.gathers || Some(&open.to) != head.conversation.as_ref());
    if !waits_for_others {
        applying.end(Status::Cancelled);
    }
    applying.entry(head.version)
}

/// The workflow breaks a limit and can't go on.
#[must_use]
pub fn stuck(head: &Head, input: &Shared<Input>, why: &str) -> Entry {
    give_up(head, input, why, None)
}

/// Ends a workflow that can't go on; `began` is its start if this input is it.
fn give_up(head: &Head, input: &Shared<Input>, why: &str, began: Option<Fact>) -> Entry {
    let nothing = BTreeMap::new();
    let mut applying = Applying::new(head, input, &nothing);
    began.into_iter().for_each(|began| applying.take(began));
    applying.take(Fact::Stuck { why: why.to_owned() });
    applying.end(Status::Stuck);
    if let Some(to) = &head.conversation {
        applying.say(to.clone(), Message::plain(text!("something-went-wrong")));
    }
    applying.entry(head.version)
}

impl Entry {
    /// An entry that causes nothing.
    pub(super) fn empty(n: u32, input: &Shared<Input>, facts: Vec<Recorded>) -> Self {
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
