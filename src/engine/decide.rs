//! What one input does to its conversation: which workflows take it, and which is the current one afterwards.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    log::{Entry, Head, Status},
    route::{Outside, Route, outside},
    table::Table,
    turn::{Refusal, Step, Wanted, apply, begin, put_aside},
};
use crate::model::{Input, What, WorkflowId};

/// The workflow an input may go to, as it stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// The conversation's current workflow, whatever its status.
    pub current: Option<&'a Head>,
    /// The workflow that the input names.
    pub named: Option<&'a Head>,
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
    input: &Input,
    route: &Route<'_>,
    target: Target<'_>,
    looked_up: &BTreeMap<String, Value>,
) -> Result<Decided, Refusal> {
    let running = |head: Option<&'_ Head>| head.is_some_and(|head| head.status == Status::Running);
    let current = target.current.filter(|head| running(Some(head)) && !head.aside);
    let current_id = current.map(|head| head.workflow);
    let done =
        |entries, current, outside| Ok(Decided::Done(Box::new(Decision { entries, current, outside })));
    let step = match route {
        Route::Named(_, question) if running(target.named) => {
            let head = target.named.expect("a running workflow is there");
            (head.workflow, apply(table, head, input, *question, looked_up)?)
        }
        Route::Current if current.is_some() => {
            let head = current.expect("the current workflow is there");
            (head.workflow, apply(table, head, input, None, looked_up)?)
        }
        Route::Begin(workflow) => {
            let by_command = !matches!(input.what, What::Started { .. });
            let id = match &input.what {
                What::Started { workflow, .. } => *workflow,
                _ => WorkflowId::started_by(&input.conversation, &input.key),
            };
            let entry = match begin(table, workflow, id, input, looked_up)? {
                Step::Applied(entry) => *entry,
                Step::Wants(wanted) => return Ok(Decided::Wants(wanted)),
            };
            let aside = current.filter(|_| by_command).map(|head| (head.workflow, put_aside(head, input)));
            let now = if by_command { still_current(id, &entry) } else { current_id };
            return done(aside.into_iter().chain([(id, entry)]).collect(), now, Outside::default());
        }
        Route::Named(..) | Route::Current | Route::Outside => {
            return done(Vec::new(), current_id, outside(table, input));
        }
    };
    match step {
        (_, Step::Wants(wanted)) => Ok(Decided::Wants(wanted)),
        (id, Step::Applied(entry)) => {
            let now = if current_id == Some(id) { still_current(id, &entry) } else { current_id };
            done(vec![(id, *entry)], now, Outside::default())
        }
    }
}

/// A workflow that has ended is nobody's current one.
fn still_current(id: WorkflowId, entry: &Entry) -> Option<WorkflowId> {
    (entry.status == Status::Running).then_some(id)
}
