//! A state of the model: what the store holds, and what has happened.

use backline::runtime::rules::Claimed;

use super::{
    row::Row,
    scope::{ADA, Scope},
    worker::{At, Worker},
};

/// The workflow that Ada has begun before anything happens. The one that the command `k` begins is `k + 1`.
pub(crate) const SHARED: u8 = 0;
/// Stands for the input that began the shared workflow: it is done.
pub(crate) const BEGINNING: u8 = 14;
/// So many updates at most, so that effects fit into a row.
pub(crate) const MOST_UPDATES: usize = 5;

/// The workflow that an update begins.
pub(crate) fn begun_by(key: u8) -> u8 {
    key + 1
}

/// What an update causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A message to whoever sent it.
    Own,
    /// A message to the other one.
    Handout,
    /// The answer to a press that no webhook waits to answer.
    Answer,
}

pub(crate) fn effect(key: u8, part: Part) -> u8 {
    3 * key + part as u8
}

/// Which update has caused it.
pub(crate) fn cause(effect: u8) -> u8 {
    effect / 3
}

pub(crate) fn is_handout(effect: u8) -> bool {
    effect % 3 == Part::Handout as u8
}

/// The head of a workflow; its log is in it, for brevity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Head {
    pub(crate) log: Row,
    pub(crate) is_aside: bool,
    pub(crate) is_over: bool,
    pub(crate) last: [Option<u8>; 2],
    pub(crate) handouts: Row,
}

impl Head {
    pub(crate) fn takes(&self) -> bool {
        !self.is_over && !self.is_aside
    }
}

/// The claim in a conversation's head. Its holder is the worker that is its `owner`, if that lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Claim {
    pub(crate) is_held: bool,
    pub(crate) has_ended: bool,
    pub(crate) holder_is_dead: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Conversation {
    pub(crate) current: Option<u8>,
    pub(crate) outbox: Row,
    pub(crate) claim: Claim,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Item {
    #[default]
    Absent,
    Pending {
        attempts: u8,
    },
    Done,
    Dead,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) items: [Item; MOST_UPDATES],
    pub(crate) workflows: [Head; MOST_UPDATES + 1],
    pub(crate) conversations: [Conversation; 2],
    /// Effects that have a document of their own where they were handed to.
    pub(crate) outs: Row,
    pub(crate) workers: Vec<Worker>,
    pub(crate) faults: u8,
    // What happened, for the properties.
    /// What an input found stored in its conversation that goes before it.
    pub(crate) ahead: [Row; MOST_UPDATES],
    pub(crate) applied: [Row; 2],
    pub(crate) queued: [Row; 2],
    pub(crate) sent: [Row; 2],
    /// Effects in flight at a crash, or at a stall longer than a claim.
    pub(crate) excused: Row,
    /// Inputs whose worker died while it tried them, or never heard that it had counted.
    pub(crate) poorer: Row,
    /// Something was answered as if no workflow had taken it, and one has.
    pub(crate) is_contradicted: bool,
}

impl State {
    pub(crate) fn first(scope: &Scope) -> Self {
        let mut state =
            Self { faults: scope.faults, workers: vec![Worker::default(); scope.workers], ..Self::default() };
        state.conversations[ADA].current = Some(SHARED);
        state.workflows[usize::from(SHARED)].last[ADA] = Some(BEGINNING);
        state
    }

    pub(crate) fn conversation_changed(&mut self, me: &mut Worker, place: usize) {
        self.workers.iter_mut().chain([me]).for_each(|worker| worker.conversation_changed(place));
    }

    pub(crate) fn workflow_changed(&mut self, me: &mut Worker, workflow: u8) {
        self.workers.iter_mut().chain([me]).for_each(|worker| worker.workflow_changed(workflow));
    }

    pub(crate) fn item_changed(&mut self, me: &mut Worker, key: u8) {
        self.workers.iter_mut().chain([me]).for_each(|worker| worker.item_changed(key));
    }

    /// The claim as a worker sees it that is, or is not, its owner.
    pub(crate) fn claimed(&self, scope: &Scope, place: usize, is_owner: bool) -> Claimed {
        let Claim { is_held, has_ended, holder_is_dead } = self.conversations[place].claim;
        match is_held {
            false => Claimed::Free,
            true if is_owner => Claimed::Ours,
            true if has_ended || (holder_is_dead && scope.one_transaction) => Claimed::Void,
            true => Claimed::Taken,
        }
    }

    /// The claim goes to a new owner, or is renewed by the old one.
    pub(crate) fn claim(&mut self, me: &mut Worker, place: usize) {
        for visit in self.workers.iter_mut().filter_map(|worker| worker.visit.as_mut()) {
            visit.is_owner &= visit.place != place;
        }
        if let Some(visit) = &mut me.visit {
            visit.is_owner = true;
        }
        self.conversations[place].claim = Claim { is_held: true, ..Claim::default() };
    }

    pub(crate) fn is_pending(&self, key: u8) -> bool {
        matches!(self.items.get(usize::from(key)), Some(Item::Pending { .. }))
    }

    /// What is pending in a conversation, in the order of the keys.
    pub(crate) fn pending(&self, scope: &Scope, place: usize) -> Row {
        scope.keys().filter(|key| scope.place(*key) == place && self.is_pending(*key)).collect()
    }

    /// An input finds what is stored by now; what goes before it is to be applied before it.
    pub(crate) fn comes(&mut self, scope: &Scope, key: u8) {
        let is_ahead = |other: &u8| scope.place(*other) == scope.place(key) && self.is_stored(*other);
        self.ahead[usize::from(key)] = (0..key).filter(is_ahead).collect();
    }

    /// Does a worker try to apply it by the commit that stores it?
    pub(crate) fn is_joined(&self, key: u8) -> bool {
        let mut visits = self.workers.iter().filter_map(|worker| worker.visit);
        visits.any(|visit| visit.own == Some(key) && (visit.joins || visit.at == At::Store))
    }

    pub(crate) fn is_stored(&self, key: u8) -> bool {
        self.items[usize::from(key)] != Item::Absent
    }

    /// Everything is stored, applied, handed out and sent, and nobody works.
    pub(crate) fn is_complete(&self, scope: &Scope) -> bool {
        self.workers.iter().all(Worker::is_idle)
            && scope.keys().all(|key| matches!(self.items[usize::from(key)], Item::Done | Item::Dead))
            && self.conversations.iter().all(|head| head.outbox.is_empty())
            && self.workflows.iter().all(|head| head.handouts.is_empty())
    }
}
