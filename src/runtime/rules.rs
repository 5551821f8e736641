//! Rules: the decisions of the commit protocol, as pure functions of plain data.
//!
//! The runtime asks them, and so does the model in `tests/it/protocol/` that tries every schedule
//! (`docs/RELIABILITY.md`). They know nothing of stores: keys, workflows and effects are whatever can be compared.

use chrono::TimeDelta;

/// So many conflicts on an input, then somebody else goes first.
const MOST_CONFLICTS: u32 = 2;
/// From this attempt on only the sweep tries.
const PATIENT_FROM: u32 = 2;
/// So many attempts, then it is a dead letter.
const MOST_ATTEMPTS: u32 = 5;
/// A call may take this long, and is not begun with less of the claim left.
const CALL: TimeDelta = TimeDelta::seconds(15);

/// Which pending input goes first, by its place, and whether it is unfinished: in some log, and not yet done.
///
/// `lasts` is what the workflows it may go to know as their last input of the conversation. Before another input of the
/// conversation is applied, that one is finished: so a late input with a lower key can never make an applied one be
/// applied again. Else the lowest key goes first. `pending` is in the order of the keys and was read after `lasts`.
pub fn goes_first<K: PartialEq>(
    mut pending: impl Iterator<Item = K> + Clone,
    lasts: impl Iterator<Item = K>,
) -> Option<(usize, bool)> {
    let unfinished = lasts.filter_map(|last| pending.clone().position(|key| key == last)).min();
    match unfinished {
        Some(place) => Some((place, true)),
        None => pending.next().map(|_| (0, false)),
    }
}

/// Is a workflow's head worth remembering by whoever wrote it? Not if others write it too: what leaves the workflow is struck
/// from it, and each conversation that feeds it changes it.
#[must_use]
pub fn is_remembered(leaves: bool, fed_by: usize) -> bool {
    !leaves && fed_by == 1
}

/// May a decision be committed that was made from these heads? Heads that were remembered, and not read, may be old: of one
/// that stays as it is, nobody would notice.
#[must_use]
pub fn may_decide(heads_are_read: bool, replaces_them_all: bool) -> bool {
    heads_are_read || replaces_them_all
}

/// Must the entries that an earlier attempt may have written be looked for? Not for an input that nobody has tried.
#[must_use]
pub fn looks_for_entries(is_careful: bool, is_unfinished: bool, attempts: u32) -> bool {
    is_careful || is_unfinished || attempts > 0
}

/// An entry of the input that an earlier attempt has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known<W> {
    /// Into the log of this workflow.
    pub workflow: W,
    /// It only puts the workflow aside.
    pub puts_aside: bool,
    /// The workflow runs on after it.
    pub runs: bool,
}

/// How an input is finished whose A is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redo<W> {
    /// The conversation's current workflow afterwards.
    pub current: Option<W>,
    /// This one has to be put aside first.
    pub aside: Option<W>,
}

/// Where A is done, B is done from the entries, and no script runs. Nothing if A is still to be done, at least in part:
/// a command that has put the old workflow aside has not begun the new one (`begun`) by that.
///
/// A command may have begun its workflow while the head of its conversation was old, and what is current by now knows
/// nothing of it: if that still `takes` what is said, it is put aside like any other. Else it would be nobody's current
/// workflow, and never end.
pub fn redo<W: Copy + PartialEq>(
    known: impl Iterator<Item = Known<W>> + Clone,
    begun: W,
    current: Option<W>,
    takes: bool,
) -> Option<Redo<W>> {
    let by_start = known.clone().find(|entry| entry.workflow == begun);
    let entry = by_start.or_else(|| known.clone().find(|entry| !entry.puts_aside))?;
    let is_current = by_start.is_some() || current == Some(entry.workflow);
    let runs_on = entry.runs.then_some(entry.workflow);
    let is_known = |workflow: &W| known.clone().any(|entry| entry.workflow == *workflow);
    let aside = current.filter(|workflow| by_start.is_some() && takes && !is_known(workflow));
    Some(Redo { current: if is_current { runs_on } else { current }, aside })
}

/// The handouts of entries before this one go out before B, so that the messages of one workflow cannot overtake each
/// other; those of later entries wait until B is done. `applied` is the input's entry, if it has one; `n` is how many
/// the log has.
#[must_use]
pub fn handouts_before(applied: Option<u32>, n: u32) -> u32 {
    applied.unwrap_or(n)
}

/// May a conversation be handed something? `last_is_pending` tells of the input that the workflow knows as its last
/// there, if it knows one: until that is done, what it was answered is not yet in the outbox.
#[must_use]
pub fn may_receive(last_is_pending: Option<bool>) -> bool {
    last_is_pending != Some(true)
}

/// What a handout's batch came too late for says what that means: only if it was `out:` it is there already; if it was
/// the head, again.
pub fn is_there_already<D: PartialEq>(conflicting: &D, out: &D) -> bool {
    conflicting == out
}

/// Does a worker leave an input to somebody else, after so many conflicts?
#[must_use]
pub fn gives_way(conflicts: u32) -> bool {
    conflicts > MOST_CONFLICTS
}

/// An attempt that may be about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// How many began before, but for the first.
    pub attempts: u32,
    /// It was counted on the item already, or it is the first one of whoever received the input.
    pub needs_no_count: bool,
    /// The sweep makes it.
    pub by_sweep: bool,
    /// It is `/start`.
    pub is_start: bool,
    /// `/start` waits behind it.
    pub overtaken: bool,
}

/// May an input be tried now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Go,
    /// Yes, once it is counted: a script may take the process with it.
    Count,
    /// Only by the sweep.
    NotNow,
    /// Never again: it failed too often.
    GiveUp,
    /// Never again: it has failed, and the person began anew.
    Overtaken,
}

/// Every attempt but the first is counted before it is made. From the third on only the sweep tries; after five the
/// input is given up. `/start` always works: it does not wait behind something that has failed.
#[must_use]
pub fn may_try(this: Try) -> Verdict {
    let Try { attempts, needs_no_count, by_sweep, is_start, overtaken } = this;
    match attempts {
        _ if needs_no_count => Verdict::Go,
        MOST_ATTEMPTS.. => Verdict::GiveUp,
        PATIENT_FROM.. if overtaken && !is_start => Verdict::Overtaken,
        PATIENT_FROM.. if !by_sweep => Verdict::NotNow,
        _ => Verdict::Count,
    }
}

/// Is the next attempt a hint's, or the sweep's?
#[must_use]
pub fn is_hinted_again(attempts: u32) -> bool {
    attempts < PATIENT_FROM
}

/// The claim in a conversation's head, as a worker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// By nobody.
    Free,
    /// Its token is the worker's own, also after a write of unknown outcome.
    Ours,
    /// Its time is over, or its process is dead and the store can tell.
    Void,
    /// By somebody else.
    Taken,
}

/// Does a worker that writes the head take the claim with it? `waits` is whether Telegram wants to be left alone.
#[must_use]
pub fn takes_claim(claimed: Claimed, outbox_is_empty: bool, waits: bool) -> bool {
    !outbox_is_empty && !waits && claimed != Claimed::Taken
}

/// May the holder begin a call with so much of its claim left? Else it renews the claim first.
#[must_use]
pub fn may_call(left: TimeDelta) -> bool {
    left >= CALL
}

/// What a write that came too late means to the holder of a claim: it goes on, from the head as it is now, while the
/// token there is still its own. If it isn't, either its own write of unknown outcome has released the claim, or
/// somebody else has taken it over.
#[must_use]
pub fn still_holds(claimed: Claimed) -> bool {
    claimed == Claimed::Ours
}

/// The write after a call strikes what was called for by its id, never «the first»: the head may have changed since.
pub fn is_struck<E: PartialEq>(effect: &E, over: Option<&E>, edited: &[E]) -> bool {
    over == Some(effect) || edited.contains(effect)
}

/// Does that write release the claim? After the last call, or when nothing can be sent now.
#[must_use]
pub fn releases(outbox_is_empty: bool, pauses: bool) -> bool {
    outbox_is_empty || pauses
}

/// Must somebody look at a conversation's head, should whoever is at it die?
#[must_use]
pub fn is_conversation_due(outbox_is_empty: bool) -> bool {
    !outbox_is_empty
}

/// Must somebody look at a workflow's head because of what leaves it?
#[must_use]
pub fn is_workflow_due(handouts_are_empty: bool) -> bool {
    !handouts_are_empty
}

/// May a workflow's log expire? Only of one that has ended, whose handouts are out, and whose last inputs are done in
/// their conversations: a redo looks for their entries.
#[must_use]
pub fn may_retire(runs: bool, handouts_are_empty: bool, last_is_pending: bool) -> bool {
    !runs && handouts_are_empty && !last_is_pending
}
