//! Back: which answers it undoes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Wanted;
use crate::{
    engine::{
        gather::gathering_of,
        head::Head,
        log::{Fact, OpenQuestion, Recorded, Standing},
        replay::replay,
        table::Script,
    },
    model::{Input, PersonId, Shared},
};

/// Where Back leads.
pub(super) enum Back {
    /// It undoes these answers.
    Undoes(Vec<String>),
    /// Nothing can be undone.
    Nowhere,
    /// The script needs reference data first.
    Wants(Vec<Wanted>),
}

/// What Back undoes for whoever sent `input`: their last answer, and those before it until something else is asked than
/// before.
///
/// # Errors
/// What the script panicked with.
pub(super) fn back(
    script: &Script,
    head: &Head,
    input: &Shared<Input>,
    looked_up: &BTreeMap<String, Value>,
) -> Result<Back, String> {
    let Some(person) = &input.from else { return Ok(Back::Nowhere) };
    let before: BTreeSet<&str> = head.open.iter().map(OpenQuestion::name).collect();
    let mut view = head.clone();
    let mut names = Vec::new();
    loop {
        let turn = replay(script, &view, looked_up)?;
        let wanted: Vec<Wanted> = turn.wanted(head).collect();
        if !wanted.is_empty() {
            return Ok(Back::Wants(wanted));
        }
        let leads_elsewhere =
            turn.done || turn.reopened.is_some() || turn.asked().collect::<BTreeSet<_>>() != before;
        if !names.is_empty() && leads_elsewhere {
            return Ok(Back::Undoes(names));
        }
        let Some(last) = way_back(&view, person.id, &turn.reached) else { return Ok(Back::Nowhere) };
        names.push(last.name.clone());
        let undone = Fact::Undone { names: vec![last.name.clone()] };
        view.take(&Recorded { fact: undone, said: Vec::new() }, input, head.n);
    }
}

/// The answer that Back undoes: the person's own last one that the script has come to, unless somebody else answered, or
/// something was told to the business after it. What everybody was asked nobody takes back.
pub(super) fn way_back<'a>(
    head: &'a Head,
    person: PersonId,
    reached: &BTreeSet<String>,
) -> Option<&'a Standing> {
    let mut answers = head
        .standing
        .iter()
        .rev()
        .filter(|standing| standing.by.is_some() && reached.contains(&standing.name));
    let last = answers.next().filter(|last| last.by == Some(person))?;
    if gathering_of(&last.name).is_some() {
        return None;
    }
    let is_told = head.once.values().any(|&n| n >= last.n);
    (!is_told).then_some(last)
}
