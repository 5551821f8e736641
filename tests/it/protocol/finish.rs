//! Is there always a way to the end? A state from which everything can still be done, without another fault.

use std::collections::HashMap;

use stateright::Model;

use super::{model::Act, scope::Scope, state::State};

/// Every state that can be reached, and how many of them lead nowhere.
pub(crate) struct Finish {
    pub(crate) states: usize,
    pub(crate) stuck: Option<State>,
}

impl Scope {
    /// Looks for a state from which no end can be reached, if nothing goes wrong any more.
    pub(crate) fn finish(&self) -> Finish {
        let mut numbers: HashMap<State, u32> = HashMap::new();
        let mut left = self.init_states();
        let mut edges: Vec<(u32, u32)> = Vec::new();
        let mut ends = Vec::new();
        left.iter().for_each(|state| {
            numbers.insert(state.clone(), 0);
        });
        let mut actions = Vec::new();
        while let Some(state) = left.pop() {
            let from = numbers[&state];
            if state.is_complete(self) && self.is_all_sent(&state) {
                ends.push(from);
            }
            self.actions(&state, &mut actions);
            for act in actions.drain(..) {
                let Some(next) = self.next_state(&state, act) else { continue };
                let new = numbers.len() as u32;
                let is_fault = next.faults < state.faults || matches!(act, Act::Crash(_));
                let to = *numbers.entry(next.clone()).or_insert_with(|| {
                    left.push(next);
                    new
                });
                edges.extend((!is_fault).then_some((to, from)));
            }
        }
        edges.sort_unstable();
        let mut leads = vec![false; numbers.len()];
        while let Some(to) = ends.pop() {
            if std::mem::replace(&mut leads[to as usize], true) {
                continue;
            }
            let first = edges.partition_point(|(other, _)| *other < to);
            ends.extend(edges[first..].iter().take_while(|(other, _)| *other == to).map(|(_, from)| *from));
        }
        let stuck = numbers.iter().find(|(_, number)| !leads[**number as usize]);
        Finish { states: numbers.len(), stuck: stuck.map(|(state, _)| state.clone()) }
    }
}
