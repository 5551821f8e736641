//! Where a worker is, and what it knows: what it has read may be old by now.

use super::{
    row::Row,
    state::{Head, SHARED},
};

/// What an entry does to its workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Act {
    Apply,
    End,
    PutAside,
    Begin,
}

/// A workflow's head as a worker has read it; is it still so?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Read {
    pub(crate) workflow: u8,
    pub(crate) head: Head,
    pub(crate) is_fresh: bool,
}

/// The heads of a conversation and of its current workflow, as a process wrote them last; is the conversation's still so?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Latest {
    pub(crate) current: Option<u8>,
    pub(crate) is_fresh: bool,
    pub(crate) workflow: Read,
}

impl Latest {
    /// The workflow whose head is to be read yet.
    pub(crate) fn leaves(&self) -> Option<u8> {
        self.current.filter(|current| *current != self.workflow.workflow)
    }
}

/// What a worker has read and decided at one look at a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Scene {
    pub(crate) current: Option<u8>,
    pub(crate) is_fresh: bool,
    /// The heads were remembered, not read.
    pub(crate) is_remembered: bool,
    pub(crate) heads: [Option<Read>; 2],
    /// Items that were read before their time, where a rule is left out.
    pub(crate) early: Option<Row>,
    pub(crate) item: Option<u8>,
    pub(crate) item_is_fresh: bool,
    pub(crate) attempts: u8,
    /// The workflows that know the input.
    pub(crate) known: Row,
    /// The entries that are to be written, and what is current afterwards.
    pub(crate) writes: [Option<(u8, Act)>; 2],
    pub(crate) current_after: Option<u8>,
    /// Something is to leave the shared workflow because of them.
    pub(crate) leaves: bool,
    /// No workflow takes the input.
    pub(crate) is_outside: bool,
}

/// What a worker is about to do at a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum At {
    #[default]
    ReadConversation,
    ReadHead(u8),
    ReadItems,
    ReadEntries,
    /// Stores the input that was to be applied by the commit that stores it: something was in the way.
    Store,
    /// Hands out what goes before B.
    Early(Moving),
    Count,
    WriteA(u8),
    WriteB,
    ReadToUncount,
    Uncount {
        is_fresh: bool,
    },
    ReadClaim,
    WriteClaim,
    Call,
    /// The record of a call, or the renewal of the claim.
    Record,
    ReadAgain,
}

/// What a worker is about to do with a handout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Moving {
    #[default]
    ReadWorkflow,
    /// Is the last input of the receiver still pending?
    ReadLast {
        again: bool,
    },
    ReadReceiver,
    Deliver {
        is_fresh: bool,
    },
    ReadToStrike,
    Strike {
        is_fresh: bool,
    },
    /// The receivers are sent what is theirs now.
    Sending,
}

/// Handouts under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Moved {
    pub(crate) left: Row,
    pub(crate) made: Row,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Sending {
    #[default]
    Unknown,
    Held,
}

/// A worker at a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Visit {
    pub(crate) place: usize,
    pub(crate) at: At,
    pub(crate) own: Option<u8>,
    /// That one is not stored yet: the commit that applies it is to do so.
    pub(crate) joins: bool,
    pub(crate) by_sweep: bool,
    pub(crate) sends_only: bool,
    pub(crate) is_careful: bool,
    pub(crate) conflicts: u8,
    /// The input whose attempt is counted.
    pub(crate) counted: Option<u8>,
    pub(crate) scene: Scene,
    pub(crate) early: Moved,
    pub(crate) sending: Sending,
    /// Its token is in the conversation's head.
    pub(crate) is_owner: bool,
    /// The outbox as its holder knows it; is the head still so?
    pub(crate) outbox: Row,
    pub(crate) outbox_is_fresh: bool,
    /// What is remembered once all is sent.
    pub(crate) latest: Option<Latest>,
    /// What was called for and not yet recorded.
    pub(crate) in_flight: Option<u8>,
    pub(crate) leaves: bool,
    pub(crate) has_failed: bool,
}

/// A worker that hands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Handing {
    pub(crate) at: Moving,
    /// The conversation it is at.
    pub(crate) to: usize,
    pub(crate) moved: Moved,
    pub(crate) last: [Option<u8>; 2],
    pub(crate) may_receive: [Option<bool>; 2],
    pub(crate) receivers: [bool; 2],
    pub(crate) again: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Worker {
    pub(crate) visit: Option<Visit>,
    pub(crate) handing: Option<Handing>,
    /// What it has received, and nobody has tried.
    pub(crate) new: Option<u8>,
    /// What its process remembers of each conversation.
    pub(crate) latest: [Option<Latest>; 2],
}

impl Worker {
    /// It has nothing more to do.
    pub(crate) fn at_rest(&self) -> Self {
        Self { latest: self.latest, ..Self::default() }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.visit.is_none() && self.handing.is_none()
    }

    pub(crate) fn conversation_changed(&mut self, place: usize) {
        let mine = self.visit.as_mut().filter(|visit| visit.place == place);
        let mine = mine.and_then(|visit| visit.latest.as_mut());
        self.latest[place].iter_mut().chain(mine).for_each(|latest| latest.is_fresh = false);
        if let Some(visit) = self.visit.as_mut().filter(|visit| visit.place == place) {
            (visit.scene.is_fresh, visit.outbox_is_fresh) = (false, false);
            if let At::Early(Moving::Deliver { is_fresh }) = &mut visit.at {
                *is_fresh = false;
            }
        }
        if let Some(Handing { at: Moving::Deliver { is_fresh }, to, .. }) = &mut self.handing {
            *is_fresh &= *to != place;
        }
    }

    pub(crate) fn workflow_changed(&mut self, workflow: u8) {
        let visit = self.visit.iter_mut();
        let (heads, mine): (Vec<_>, Vec<_>) =
            visit.map(|visit| (&mut visit.scene.heads, &mut visit.latest)).unzip();
        let latest = self.latest.iter_mut().chain(mine).flatten().map(|latest| &mut latest.workflow);
        for read in heads.into_iter().flatten().flatten().chain(latest) {
            read.is_fresh &= read.workflow != workflow;
        }
        if workflow != SHARED {
            return;
        }
        if let Some(Visit { at: At::Early(Moving::Strike { is_fresh }), .. }) = &mut self.visit {
            *is_fresh = false;
        }
        if let Some(Handing { at: Moving::Strike { is_fresh }, .. }) = &mut self.handing {
            *is_fresh = false;
        }
    }

    pub(crate) fn item_changed(&mut self, key: u8) {
        if let Some(visit) = &mut self.visit {
            visit.scene.item_is_fresh &= visit.scene.item != Some(key);
            if let (At::Uncount { is_fresh }, Some(counted)) = (&mut visit.at, visit.counted) {
                *is_fresh &= counted != key;
            }
        }
    }
}
