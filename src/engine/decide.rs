//! What one input does to its conversation: which workflows take it, and which is the current one afterwards.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    album::{album, answered},
    head::Head,
    log::{Entry, Status},
    route::{Beginning, Outside, Route, outside},
    table::Table,
    turn::{Refusal, Step, Wanted, apply, begin, put_aside},
};
use crate::model::{ConversationId, Input, Shared, What, WorkflowId};

/// The workflow an input may go to, as it stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// The conversation's current workflow, whatever its status.
    pub current: Option<&'a Head>,
    /// The workflow that the input names.
    pub named: Option<&'a Head>,
    /// The input is more of an album that was called no answer already: it answers something, or nothing is said.
    pub told: bool,
}

/// What an input does.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Entries to append, in this order, each to the log of its workflow.
    pub entries: Vec<(WorkflowId, Entry)>,
    /// The conversation's current workflow afterwards.
    pub current: Option<WorkflowId>,
    /// What is done where no workflow takes it.
    pub outside: Outside,
}

/// What came of deciding.
#[derive(Clone, Debug, PartialEq)]
pub enum Decided {
    /// This is what the input does.
    Done(Box<Decision>),
    /// A script needs reference data first; decide again with it.
    Wants(Vec<Wanted>),
}

/// Decides what `input` does. Pure: the same arguments give the same decision, ids included.
///
/// # Errors
/// A script panicked or is gone.
pub fn decide(
    table: &Table,
    input: &Shared<Input>,
    route: &Route<'_>,
    target: Target<'_>,
    looked_up: &BTreeMap<String, Value>,
) -> Result<Decided, Refusal> {
    let running = |head: &&Head| head.status == Status::Running;
    let current = target.current.filter(|head| head.takes_what_is_said());
    let has_album = |head: &Head| has_album(head, input);
    let collects = target.current.is_some_and(has_album) || target.named.is_some_and(has_album);
    let named = target.named.filter(running).filter(|head| match route {
        Route::Named(_, Some(question)) => has_album(head) || (!collects && waits(head, question, input)),
        _ => !is_foreign(head, input),
    });
    let (head, question) = match (route, named, current) {
        (Route::Named(_, question), Some(head), _) => (head, *question),
        // What answers a prompt whose question is over is like any other message.
        (Route::Named(_, Some(_)) | Route::Current, _, Some(head)) if !collects || has_album(head) => {
            (head, None)
        }
        (Route::Begin(beginning), ..) => return begun(beginning, input, current, looked_up),
        (Route::Named(_, Some(_)) | Route::Current, ..) if collects => {
            let now = target.current.filter(|head| head.takes_what_is_said() || has_album(head));
            return done(Vec::new(), now.map(|head| head.workflow), Outside::default());
        }
        (Route::Named(..) | Route::Current | Route::Outside, ..) => {
            let outside = if target.told { Outside::default() } else { outside(table, input) };
            return done(Vec::new(), current.map(|head| head.workflow), outside);
        }
    };
    match apply(table, head, input, question, looked_up)? {
        Step::Wants(wanted) => Ok(Decided::Wants(wanted)),
        Step::Applied(entry) if target.told && answered(&entry).is_none() => {
            done(Vec::new(), current.map(|head| head.workflow), Outside::default())
        }
        Step::Applied(entry) => {
            let now = match current.map(|head| head.workflow) {
                Some(id) if id == head.workflow => still_current(id, &entry),
                other => other,
            };
            done(vec![(head.workflow, *entry)], now, Outside::default())
        }
    }
}

/// A new workflow begins. A command puts the current one aside; one that another workflow starts disturbs nobody.
fn begun(
    beginning: &Beginning<'_>,
    input: &Shared<Input>,
    current: Option<&Head>,
    looked_up: &BTreeMap<String, Value>,
) -> Result<Decided, Refusal> {
    let (id, by_command) = match &input.what {
        What::Started { workflow, .. } => (*workflow, false),
        _ => (WorkflowId::begun_by(&input.conversation, &input.key), true),
    };
    let entry = match begin(beginning, id, input, looked_up)? {
        Step::Applied(entry) => *entry,
        Step::Wants(wanted) => return Ok(Decided::Wants(wanted)),
    };
    let aside = current.filter(|_| by_command).map(|head| (head.workflow, put_aside(head, input)));
    let now = if by_command { still_current(id, &entry) } else { current.map(|head| head.workflow) };
    done(aside.into_iter().chain([(id, entry)]).collect(), now, Outside::default())
}

fn done(
    entries: Vec<(WorkflowId, Entry)>,
    current: Option<WorkflowId>,
    outside: Outside,
) -> Result<Decided, Refusal> {
    Ok(Decided::Done(Box::new(Decision { entries, current, outside })))
}

/// Does the workflow still ask this of whoever answers it?
fn waits(head: &Head, question: &str, input: &Input) -> bool {
    head.open.iter().any(|open| open.name() == question && open.to == input.conversation)
}

/// Is it the press of a button in a chat that the workflow neither began in nor asks anything in? A client may send any
/// data (<https://core.telegram.org/bots/api#callbackquery>), and a workflow's name is no secret: so its log takes no
/// such press, not even as one that came too late.
fn is_foreign(head: &Head, input: &Input) -> bool {
    let is_here =
        |of: &ConversationId| (&of.bot, of.chat) == (&input.conversation.bot, input.conversation.chat);
    let mut known = head.conversation.iter().chain(head.open.iter().map(|open| &open.to));
    matches!(input.what, What::Press { .. }) && !known.any(is_here)
}

/// Is the input one more file of an album that answered this workflow?
fn has_album(head: &Head, input: &Input) -> bool {
    let Some(album) = album(input) else { return false };
    head.standing.iter().filter_map(|standing| standing.collecting.as_ref()).any(|of| of.album == *album)
}

/// The conversation's current workflow after `entry` of its current workflow `id`: one that has ended is nobody's
/// current one, unless the rest of an album may still come for it.
#[must_use]
pub fn still_current(id: WorkflowId, entry: &Entry) -> Option<WorkflowId> {
    let waits = match entry.status {
        Status::Running => true,
        Status::Finished => answered(entry).is_some(),
        Status::Cancelled | Status::Stuck => false,
    };
    waits.then_some(id)
}
