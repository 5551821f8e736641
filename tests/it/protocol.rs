//! The commit protocol, tried in every order: a model of it, its rules left out one by one, and the runtime beside it.
//!
//! What is modelled, and what came of it, is in `docs/RELIABILITY.md`.

mod attempts;
mod beside;
mod committing;
mod finish;
mod handing;
mod leaving_out;
mod looking;
mod model;
mod puppet;
mod row;
mod scope;
mod sending;
mod state;
mod step;
mod worker;

use stateright::{Checker, HasDiscoveries, Model};

use self::scope::{
    ADA, BO,
    Kind::{Command, LastText, Press, Text},
    Scope, Update,
};

/// What two people may send, one or two updates of it.
const ONE: [&[Update]; 4] = [&[(ADA, Text)], &[(ADA, LastText)], &[(ADA, Command)], &[(BO, Press)]];
const TWO: [&[Update]; 12] = [
    &[(ADA, Text), (ADA, Text)],
    &[(ADA, Text), (ADA, Command)],
    &[(ADA, Command), (ADA, Text)],
    &[(ADA, Command), (ADA, Command)],
    &[(ADA, LastText), (ADA, Command)],
    &[(ADA, Command), (ADA, Press)],
    &[(ADA, Press), (ADA, Command)],
    &[(ADA, Text), (BO, Press)],
    &[(ADA, Command), (BO, Press)],
    &[(ADA, LastText), (BO, Press)],
    &[(BO, Command), (BO, Press)],
    &[(BO, Press), (BO, Press)],
];
const THREE: [&[Update]; 5] = [
    &[(ADA, Command), (ADA, Command), (ADA, Text)],
    &[(ADA, Text), (ADA, Command), (ADA, Text)],
    &[(ADA, Command), (ADA, Text), (ADA, Command)],
    &[(ADA, LastText), (ADA, Command), (ADA, Command)],
    &[(ADA, Text), (ADA, Command), (BO, Press)],
];

/// Tries everything that can happen in `scope`; fails with the schedule that breaks a property.
fn holds(scope: &Scope) -> usize {
    let tried = scope.clone().checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    if let Some((property, path)) = tried.discoveries().into_iter().next() {
        let schedule: Vec<_> = path.clone().into_actions();
        panic!("{property}: broken in {scope:?} by {schedule:#?}: {:#?}", path.last_state());
    }
    println!("{:>9} states, depth {:>3}: {scope}", tried.unique_state_count(), tried.max_depth());
    tried.unique_state_count()
}

fn all_hold<'a>(updates: impl IntoIterator<Item = &'a &'a [Update]>, vary: impl Fn(Scope) -> Scope) {
    let states = updates.into_iter().flat_map(|updates| {
        [false, true].map(|one_transaction| holds(&vary(Scope { one_transaction, ..Scope::of(updates) })))
    });
    println!("{:>9} states in all", states.sum::<usize>());
}

#[test]
fn one_update_survives_two_faults() {
    all_hold(&ONE[1..3], |scope| Scope { faults: 2, ..scope });
}

#[test]
fn one_update_survives_a_fault_among_three_workers() {
    all_hold(&ONE[2..3], |scope| Scope { workers: 3, ..scope });
}

#[test]
fn one_update_that_comes_again_and_again_survives_a_fault() {
    all_hold(&ONE, |scope| Scope { redelivers: true, ..scope });
}

#[test]
fn two_updates_that_come_again_and_again_keep_every_rule() {
    all_hold(&TWO[..1], |scope| Scope { redelivers: true, faults: 0, ..scope });
}

#[test]
fn two_updates_keep_every_rule() {
    all_hold(&TWO, |scope| Scope { faults: 0, ..scope });
}

#[test]
fn two_updates_of_one_person_survive_a_fault() {
    all_hold(&TWO[1..2], |scope| Scope { is_shared: false, ..scope });
}

#[test]
fn three_updates_of_one_person_keep_every_rule() {
    holds(&Scope { faults: 0, is_shared: false, ..Scope::of(THREE[0]) });
}

#[test]
#[ignore = "minutes, and some gigabytes: with `--release -- --ignored`"]
fn a_larger_scope_keeps_every_rule() {
    all_hold(&[&[(ADA, Text), (BO, Press), (ADA, Text)][..]], |scope| Scope { is_shared: false, ..scope });
    all_hold(&TWO[..4], |scope| Scope { is_shared: false, faults: 2, ..scope });
    all_hold(&THREE, |scope| Scope { faults: 0, ..scope });
    all_hold(&TWO, |scope| scope);
    all_hold(&ONE, |scope| Scope { faults: 2, ..scope });
    all_hold(&ONE, |scope| Scope { workers: 3, ..scope });
    all_hold(&TWO, |scope| Scope { redelivers: true, faults: 0, ..scope });
    all_hold(&TWO[1..3], |scope| Scope { workers: 3, faults: 0, is_shared: false, ..scope });
}

#[test]
fn from_everywhere_there_is_a_way_to_the_end() {
    let one = ONE.map(Scope::of);
    let joined = ONE.map(|updates| Scope { one_transaction: true, ..Scope::of(updates) });
    let two = TWO[3..9].iter().map(|updates| Scope { faults: 0, ..Scope::of(updates) });
    for scope in one.into_iter().chain(joined).chain(two) {
        let finish = scope.finish();
        assert!(finish.stuck.is_none(), "no way to the end in {scope} from {:#?}", finish.stuck);
        println!("{:>9} states lead to the end: {scope}", finish.states);
    }
}
