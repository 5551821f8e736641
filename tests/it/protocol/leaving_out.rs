//! Every rule is needed: without it the model finds a schedule that breaks a promise, with it none in the same scope.

use stateright::{Checker, HasDiscoveries, Model};

use super::{
    holds,
    scope::{
        ADA, BO,
        Kind::{Command, LastText, Press, Text},
        Rule, Scope, Update,
    },
};

/// Two workers, no faults, Ada and Bo.
fn together(updates: &[Update]) -> Scope {
    Scope { faults: 0, ..Scope::of(updates) }
}

/// Ada's workflow does not ask Bo.
fn apart(updates: &[Update]) -> Scope {
    Scope { is_shared: false, ..together(updates) }
}

fn with_a_fault(scope: Scope) -> Scope {
    Scope { faults: 1, ..scope }
}

/// A and B may store the input, too.
fn joining(scope: Scope) -> Scope {
    Scope { one_transaction: true, ..scope }
}

/// Without `rule`, `promise` is broken.
fn breaks(rule: Rule, scope: &Scope, promise: &str) {
    let without = Scope { left_out: Some(rule), ..scope.clone() };
    let tried = without.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let broken: Vec<_> = tried.discoveries().into_keys().collect();
    assert!(broken.contains(&promise), "without {rule:?} this is broken: {broken:?}");
    println!("{:>9} states until, without {rule:?}, broken: {promise}", tried.unique_state_count());
}

macro_rules! needed {
    ($($test:ident: $rule:ident in $scope:expr => $promise:literal;)+) => {$(
        #[test]
        fn $test() {
            breaks(Rule::$rule, &$scope, $promise);
            holds(&$scope);
        }
    )+};
}

needed! {
    an_item_is_created: ItemIsCreated in with_a_fault(together(&[(ADA, Text)]))
        => "nothing is put into an outbox twice";
    what_is_stored_by_b_is_created: ItemIsCreated in joining(Scope { redelivers: true, ..together(&[(BO, Press)]) })
        => "nothing is put into an outbox twice";
    what_is_stored_by_b_is_alone: JoinsAlone in joining(with_a_fault(apart(&[(ADA, Text), (ADA, Text)])))
        => "inputs are applied as they were stored";
    heads_are_read_before_items: HeadsBeforeItems in apart(&[(ADA, Text), (ADA, Command)])
        => "no input is applied twice";
    items_are_read_after_a_named_head: ItemsAfterNamedHead in apart(&[(BO, Press), (BO, Press)])
        => "messages come in order";
    the_last_input_is_finished_first: LastIsFinishedFirst in with_a_fault(apart(&[(ADA, Command), (ADA, Text)]))
        => "no input is applied twice";
    an_entry_is_known_by_its_key: EntryIsCreated in with_a_fault(apart(&[(ADA, Text)]))
        => "no input is applied twice";
    a_matches_the_head: AMatchesHead in together(&[(ADA, Text), (BO, Press)]) => "messages come in order";
    b_matches_the_head: BMatchesHead in apart(&[(ADA, Command), (ADA, Text)])
        => "a conversation has one current workflow";
    a_command_puts_the_old_workflow_aside: CommandPutsAside in apart(&[(ADA, Command), (ADA, Text)])
        => "no input is applied twice";
    what_is_put_aside_counts_as_none: AsideCountsAsNone in together(&[(ADA, Command), (ADA, Text)])
        => "no input is applied twice";
    a_redo_puts_aside_what_is_current_by_then: RedoPutsAside in apart(&[(ADA, Command), (ADA, Command)])
        => "a conversation has one current workflow";
    b_is_done_from_the_entries: RedoFromEntries in with_a_fault(apart(&[(ADA, LastText)]))
        => "what is sent is what the log says";
    handouts_go_out_before_b: HandoutsBeforeB in together(&[(ADA, Text), (BO, Press)])
        => "messages come in order";
    b_is_done_before_handouts: BBeforeHandouts in together(&[(ADA, Text), (BO, Press)])
        => "messages come in order";
    handouts_go_in_the_order_of_the_log: HandoutsInOrder in together(&[(ADA, Text), (ADA, Text)])
        => "messages come in order";
    a_handout_is_created: OutIsCreated in together(&[(ADA, Text)]) => "nothing is put into an outbox twice";
    a_conflict_on_the_head_means_again: HeadConflictMeansAgain
        in Scope { is_coarse: false, ..together(&[(ADA, Text), (BO, Press)]) } => "nothing is left undone";
    only_what_was_handed_out_is_struck: StrikesWhatWasMade in together(&[(ADA, Text), (ADA, Text)])
        => "nothing is left undone";
    handouts_are_due: HandoutsAreDue in with_a_fault(together(&[(ADA, Text)])) => "nothing is left undone";
    an_outbox_is_due: OutboxIsDue in with_a_fault(apart(&[(ADA, Text)])) => "nothing is left undone";
    a_claim_is_respected: ClaimIsRespected in apart(&[(ADA, Text)]) => "only what was in flight is sent twice";
    a_call_needs_time: CallNeedsTime in with_a_fault(apart(&[(ADA, Text)]))
        => "only what was in flight is sent twice";
    a_record_is_repeated: RecordIsRepeated in apart(&[(ADA, Text), (ADA, Text)])
        => "only what was in flight is sent twice";
    an_effect_is_struck_by_its_id: StrikesById in with_a_fault(apart(&[(ADA, Text), (ADA, Text)]))
        => "nothing is left undone";
}

/// With the rule, this scope is a part of the larger one.
#[test]
fn only_failures_count() {
    let scope = with_a_fault(apart(&[(ADA, Text), (BO, Press), (ADA, Text)]));
    breaks(Rule::OnlyFailuresCount, &scope, "only what may have failed is counted");
}

/// Whatever makes an item done writes the head of its conversation too, and that is read first: so the match on the head
/// is enough, and the one on the item is a second lock.
#[test]
fn the_match_of_b_on_the_item_is_a_second_lock() {
    for updates in [&[(ADA, Text)][..], &[(ADA, Command), (ADA, Text)], &[(BO, Press), (BO, Press)]] {
        holds(&Scope { left_out: Some(Rule::BMatchesItem), ..apart(updates) });
    }
    holds(&Scope { left_out: Some(Rule::BMatchesItem), ..with_a_fault(together(&[(ADA, Text)])) });
}
