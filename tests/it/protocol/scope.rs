//! What the model tries: who says what, how many workers, how much goes wrong, and which rule is left out.

/// Who: Ada, whose workflow it is, and Bo, whom it asks.
pub(crate) const ADA: usize = 0;
pub(crate) const BO: usize = 1;

/// What somebody sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It goes to the current workflow of its conversation.
    Text,
    /// So does this, and the workflow ends with it.
    LastText,
    /// It puts the current workflow aside and begins another.
    Command,
    /// It goes to the shared workflow, which it names.
    Press,
}

/// An update. The updates of a scope are numbered in the order of their keys.
pub(crate) type Update = (usize, Kind);

/// A rule of the commit protocol. One that is left out must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// An update is stored by creating it: a redelivery changes nothing.
    ItemIsCreated,
    /// It is applied by that very commit only where nothing else is pending.
    JoinsAlone,
    /// The items are read after the heads.
    HeadsBeforeItems,
    /// They are read again after the head of a workflow that an input names.
    ItemsAfterNamedHead,
    /// A workflow knows the last input of each conversation, and that one is finished first.
    LastIsFinishedFirst,
    /// An entry's id is the input's key.
    EntryIsCreated,
    /// A replaces the workflow's head only if nobody else has.
    AMatchesHead,
    /// B replaces the item only if nobody else has.
    BMatchesItem,
    /// B replaces the conversation's head only if nobody else has.
    BMatchesHead,
    /// A command writes to the old workflow first.
    CommandPutsAside,
    /// A workflow that is put aside counts as none.
    AsideCountsAsNone,
    /// A command that is done again puts aside what is current by then.
    RedoPutsAside,
    /// Where A is done, B is done from the entries.
    RedoFromEntries,
    /// The handouts of earlier entries to a conversation go out before its B.
    HandoutsBeforeB,
    /// The B of an earlier entry is done before a handout to its conversation.
    BBeforeHandouts,
    /// Handouts go in the order of the log.
    HandoutsInOrder,
    /// A handout creates a document of its own: done twice, it is done once.
    OutIsCreated,
    /// Only a conflict on that document means that it is there already.
    HeadConflictMeansAgain,
    /// Only what was handed out is struck.
    StrikesWhatWasMade,
    /// A head with something to hand out is due.
    HandoutsAreDue,
    /// A head with something to send is due.
    OutboxIsDue,
    /// An attempt that came to nothing through no fault of its input is not counted, whatever else the worker does.
    OnlyFailuresCount,
    /// Only the holder of the claim sends.
    ClaimIsRespected,
    /// A call is not begun with little of the claim left.
    CallNeedsTime,
    /// The holder writes its record until it succeeds.
    RecordIsRepeated,
    /// It strikes the effect by its id.
    StrikesById,
}

/// What is tried.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) updates: Vec<Update>,
    pub(crate) workers: usize,
    /// So many crashes, lost answers and stalls.
    pub(crate) faults: u8,
    /// Are A and B one transaction, perhaps with the storing of the input; and can the store tell that a process is dead?
    pub(crate) one_transaction: bool,
    /// Does Ada's workflow ask Bo, and tell each of them what the other does?
    pub(crate) is_shared: bool,
    /// Workers are interchangeable: states that differ in their order alone are one.
    pub(crate) is_symmetric: bool,
    /// Is a read one step with its write, where that is repeated until it succeeds? The attempts that fail leave nothing
    /// behind, so nothing is missed, and there is much less to try.
    pub(crate) is_coarse: bool,
    /// Does Telegram bring an update again before it is applied?
    pub(crate) redelivers: bool,
    pub(crate) left_out: Option<Rule>,
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let who = ["Ada", "Bo"];
        let updates: Vec<_> =
            self.updates.iter().map(|(place, kind)| format!("{} {kind:?}", who[*place])).collect();
        write!(f, "{}; {} workers, {} faults", updates.join(", "), self.workers, self.faults)?;
        let told = [
            (self.one_transaction, "A and B in one"),
            (!self.is_shared, "Bo not asked"),
            (self.redelivers, "updates come again"),
            (!self.is_coarse, "in small steps"),
        ];
        told.iter().filter(|(is_so, _)| *is_so).try_for_each(|(_, words)| write!(f, ", {words}"))?;
        self.left_out.map_or(Ok(()), |rule| write!(f, ", without {rule:?}"))
    }
}

impl Scope {
    pub(crate) fn of(updates: &[Update]) -> Self {
        Self {
            updates: updates.to_vec(),
            workers: 2,
            faults: 1,
            one_transaction: false,
            is_shared: true,
            is_symmetric: true,
            is_coarse: true,
            redelivers: false,
            left_out: None,
        }
    }

    pub(crate) fn keeps(&self, rule: Rule) -> bool {
        self.left_out != Some(rule)
    }

    pub(crate) fn place(&self, key: u8) -> usize {
        self.updates[usize::from(key)].0
    }

    pub(crate) fn kind(&self, key: u8) -> Kind {
        self.updates[usize::from(key)].1
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = u8> + Clone + use<> {
        0..self.updates.len() as u8
    }
}
