//! The steps of a worker that looks at a conversation and decides: `scene.rs`, `advance.rs`, `attempts.rs`.

use backline::runtime::rules::{self, Known, Try, Verdict};

use super::{
    row::Row,
    scope::{Kind, Rule},
    state::{Head, Item, SHARED, begun_by, cause},
    step::Step,
    worker::{Act, At, Moving, Read},
};

impl Step<'_> {
    pub(super) fn read_conversation(&mut self) {
        let head = self.state.conversations[self.at().place];
        let visit = self.at();
        visit.scene.current = head.current;
        visit.scene.is_fresh = true;
        match head.current {
            Some(current) => visit.at = At::ReadHead(current),
            None => self.heads_are_known(),
        }
    }

    pub(super) fn read_head(&mut self, workflow: u8) {
        let head = self.state.workflows[usize::from(workflow)];
        let visit = self.at();
        let free = visit.scene.heads.iter_mut().find(|read| read.is_none());
        *free.expect("no input goes to more than two workflows") =
            Some(Read { workflow, head, is_fresh: true });
        self.heads_are_known();
    }

    /// What is pending is read next; what is to be applied by the commit that stores it leaves that to the commit.
    pub(super) fn heads_are_known(&mut self) {
        match self.at().joins {
            true => self.join(),
            false => self.at().at = At::ReadItems,
        }
    }

    pub(super) fn read_items(&mut self) {
        let place = self.at().place;
        let pending = self.state.pending(self.scope, place);
        if !self.keeps(Rule::HeadsBeforeItems) && self.at().scene.early.is_none() {
            self.at().scene.early = Some(pending);
            self.at().at = At::ReadConversation;
            return;
        }
        let pending = self.at().scene.early.unwrap_or(pending);
        let keeps_last = self.keeps(Rule::LastIsFinishedFirst);
        let heads = self.at().scene.heads;
        let lasts = heads.iter().flatten().filter(|_| keeps_last).filter_map(|read| read.head.last[place]);
        let Some((first, is_unfinished)) = rules::goes_first(pending.iter(), lasts) else {
            return self.stop_looking();
        };
        let key = pending.iter().nth(first).expect("what goes first is pending");
        let names_shared = self.scope.kind(key) == Kind::Press;
        if names_shared && !heads.iter().flatten().any(|read| read.workflow == SHARED) {
            if !self.keeps(Rule::ItemsAfterNamedHead) {
                self.at().scene.early = Some(pending);
            }
            self.at().at = At::ReadHead(SHARED);
            return;
        }
        let item = self.state.items[usize::from(key)];
        let visit = self.at();
        visit.scene.early = None;
        visit.scene.item = Some(key);
        visit.scene.item_is_fresh = matches!(item, Item::Pending { .. });
        visit.scene.attempts = if let Item::Pending { attempts } = item { attempts } else { 0 };
        if rules::looks_for_entries(visit.is_careful, is_unfinished, visit.scene.attempts.into()) {
            visit.at = At::ReadEntries;
        } else {
            self.weigh();
        }
    }

    /// An input that is not stored yet is applied.
    fn join(&mut self) {
        let key = self.at().own.expect("a worker joins what it has received");
        let mut reads = self.at().scene.heads.into_iter().flatten();
        if self.scope.kind(key) == Kind::Press && !reads.any(|read| read.workflow == SHARED) {
            self.at().at = At::ReadHead(SHARED);
            return;
        }
        let is_new = !self.state.is_stored(key);
        let visit = self.at();
        visit.scene.item = Some(key);
        visit.scene.item_is_fresh = is_new;
        self.weigh();
    }

    /// An update is stored: created, if it is not there.
    pub(super) fn store(&mut self) {
        let key = self.at().own.expect("a worker stores what it has received");
        let is_new = !self.state.is_stored(key);
        if is_new || !self.keeps(Rule::ItemIsCreated) {
            if is_new {
                self.state.comes(self.scope, key);
            }
            let mut me = std::mem::take(&mut self.me);
            self.state.item_changed(&mut me, key);
            self.me = me;
            self.me.new = Some(key);
            self.state.items[usize::from(key)] = Item::Pending { attempts: 0 };
            if self.loses_answer() {
                // Telegram is told that it was not taken.
                self.me = self.me.at_rest();
                return;
            }
        }
        self.look();
    }

    pub(super) fn read_entries(&mut self) {
        let key = self.key();
        let candidates = self.at().scene.heads.map(|read| read.map(|read| read.workflow));
        let candidates = candidates.into_iter().flatten().chain([begun_by(key)]);
        let logs = &self.state.workflows;
        let creates = self.scope.keeps(Rule::EntryIsCreated);
        let knows = |workflow: &u8| creates && logs[usize::from(*workflow)].log.contains(key);
        let known = candidates.filter(knows).collect();
        self.at().scene.known = known;
        self.weigh();
    }

    pub(super) fn key(&mut self) -> u8 {
        self.at().scene.item.expect("an input was chosen")
    }

    /// What goes out first, what is done already, and whether it may be tried.
    fn weigh(&mut self) {
        if self.keeps(Rule::HandoutsBeforeB) && !self.early_handouts(false).is_empty() {
            self.at().at = At::Early(Moving::ReadWorkflow);
            return;
        }
        if self.at().joins {
            return self.decide();
        }
        if self.keeps(Rule::RedoFromEntries) && self.redo() {
            return;
        }
        let (key, new, uncounts) = (self.key(), self.me.new, self.keeps(Rule::OnlyFailuresCount));
        let visit = self.at();
        let counted = visit.counted == Some(key);
        if uncounts && !counted && visit.counted.is_some() {
            visit.at = At::ReadToUncount;
            return;
        }
        let verdict = rules::may_try(Try {
            attempts: visit.scene.attempts.into(),
            needs_no_count: counted || new == Some(key),
            by_sweep: visit.by_sweep,
            is_start: false,
            overtaken: false,
        });
        match verdict {
            Verdict::Go => self.decide(),
            Verdict::Count => visit.at = At::Count,
            Verdict::NotNow => self.stop_looking(),
            Verdict::GiveUp | Verdict::Overtaken => {
                self.state.items[usize::from(key)] = Item::Dead;
                self.stop_looking();
            }
        }
    }

    /// What earlier entries still have to hand out to this conversation; as it was read, or as it is.
    pub(super) fn early_handouts(&mut self, now: bool) -> Row {
        let (scope, actual) = (self.scope, self.state.workflows[usize::from(SHARED)]);
        let visit = self.at();
        let Some(read) = visit.scene.heads.iter().flatten().find(|read| read.workflow == SHARED) else {
            return Row::default();
        };
        let n = |head: &Head, key| head.log.position(key).map(|n| n as u32);
        let is_known = visit.scene.known.contains(SHARED);
        let applied = visit.scene.item.filter(|_| is_known).and_then(|key| n(&actual, key));
        let before = rules::handouts_before(applied, read.head.log.len() as u32);
        let head = if now { &actual } else { &read.head };
        let is_due = |handout| {
            scope.place(cause(handout)) != visit.place && n(head, cause(handout)).is_some_and(|n| n < before)
        };
        head.handouts.filter(is_due)
    }

    /// Finishes an input whose A is done.
    fn redo(&mut self) -> bool {
        let key = self.key();
        let (scope, puts_aside) = (self.scope, self.keeps(Rule::RedoPutsAside));
        let visit = self.at();
        let current = visit.scene.current;
        let mut reads = visit.scene.heads.iter().flatten();
        let takes = reads.any(|read| Some(read.workflow) == current && read.head.takes());
        let known = visit.scene.known.iter().map(|workflow| Known {
            workflow,
            puts_aside: scope.kind(key) == Kind::Command && workflow != begun_by(key),
            runs: scope.kind(key) != Kind::LastText,
        });
        let Some(redo) = rules::redo(known, begun_by(key), current, takes && puts_aside) else {
            return false;
        };
        visit.scene.writes = [redo.aside.map(|workflow| (workflow, Act::PutAside)), None];
        visit.scene.current_after = redo.current;
        self.commit();
        true
    }

    pub(super) fn count(&mut self) {
        let key = self.key();
        let visit = self.at();
        if !visit.scene.item_is_fresh {
            return self.look_again(true);
        }
        visit.scene.attempts += 1;
        let attempts = visit.scene.attempts;
        let mut me = std::mem::take(&mut self.me);
        self.state.item_changed(&mut me, key);
        self.me = me;
        self.state.items[usize::from(key)] = Item::Pending { attempts };
        if self.loses_answer() {
            self.state.poorer.push(key);
            return self.fail();
        }
        let visit = self.at();
        visit.scene.item_is_fresh = true;
        visit.counted = Some(key);
        self.decide();
    }

    pub(super) fn read_to_uncount(&mut self) {
        let counted = self.at().counted.expect("only what was counted is uncounted");
        if self.state.is_pending(counted) {
            self.at().at = At::Uncount { is_fresh: true };
        } else {
            self.is_uncounted();
        }
    }

    pub(super) fn uncount(&mut self, is_fresh: bool) {
        let counted = self.at().counted.expect("only what was counted is uncounted");
        let item = self.state.items[usize::from(counted)];
        let (true, Item::Pending { attempts }) = (is_fresh, item) else {
            self.at().at = At::ReadToUncount;
            return;
        };
        let mut me = std::mem::take(&mut self.me);
        self.state.item_changed(&mut me, counted);
        self.me = me;
        self.state.items[usize::from(counted)] = Item::Pending { attempts: attempts.saturating_sub(1) };
        self.is_uncounted();
    }

    /// It was another input's attempt, and this one's turn now; or the worker leaves.
    fn is_uncounted(&mut self) {
        self.at().counted = None;
        if self.at().scene.item.is_some() {
            self.weigh();
        } else {
            self.stop_looking();
        }
    }

    /// What the engine would decide (`engine/decide.rs`).
    fn decide(&mut self) {
        let key = self.key();
        let kind = self.scope.kind(key);
        let (aside_is_none, puts_aside) =
            (self.keeps(Rule::AsideCountsAsNone), self.keeps(Rule::CommandPutsAside));
        let scene = &mut self.at().scene;
        let heads = scene.heads;
        let head = |workflow| heads.iter().flatten().find(|read| read.workflow == workflow);
        let takes = |workflow: &u8| {
            head(*workflow).is_some_and(|read| !(read.head.is_over || aside_is_none && read.head.is_aside))
        };
        let current = scene.current.filter(takes);
        let (writes, current_after) = match (kind, current) {
            (Kind::Text, Some(id)) => ([Some((id, Act::Apply)), None], Some(id)),
            (Kind::LastText, Some(id)) => ([Some((id, Act::End)), None], None),
            (Kind::Text | Kind::LastText, None) => ([None, None], None),
            (Kind::Command, _) => {
                let aside = current.filter(|_| puts_aside).map(|id| (id, Act::PutAside));
                ([aside, Some((begun_by(key), Act::Begin))], Some(begun_by(key)))
            }
            (Kind::Press, _) => {
                let runs = head(SHARED).is_some_and(|read| !read.head.is_over);
                ([runs.then_some((SHARED, Act::Apply)), None], current)
            }
        };
        let known = scene.known;
        scene.writes = writes.map(|write| write.filter(|(workflow, _)| !known.contains(*workflow)));
        scene.current_after = current_after;
        scene.is_outside = writes == [None, None];
        let is_replaced = |read: &Read| scene.writes.iter().flatten().any(|(id, _)| *id == read.workflow);
        let replaces_all = scene.heads.iter().flatten().all(is_replaced);
        if rules::may_decide(!scene.is_remembered, replaces_all) {
            self.commit();
        } else {
            self.store_first();
        }
    }
}
