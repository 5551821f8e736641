//! The steps of a worker that looks at a conversation, decides and commits: `scene.rs`, `advance.rs`, `commit.rs`.

use backline::runtime::rules::{self, Known, Try, Verdict};

use super::{
    row::Row,
    scope::{Kind, Rule},
    state::{Head, Item, Part, SHARED, begun_by, cause, effect},
    step::{Conflict, Step},
    worker::{Act, At, Moving, Read, Sending},
};

impl Step<'_> {
    pub(super) fn read_conversation(&mut self) {
        let head = self.state.conversations[self.at().place];
        let visit = self.at();
        visit.scene.current = head.current;
        visit.scene.is_fresh = true;
        visit.at = head.current.map_or(At::ReadItems, At::ReadHead);
    }

    pub(super) fn read_head(&mut self, workflow: u8) {
        let head = self.state.workflows[usize::from(workflow)];
        let visit = self.at();
        let free = visit.scene.heads.iter_mut().find(|read| read.is_none());
        *free.expect("no input goes to more than two workflows") =
            Some(Read { workflow, head, is_fresh: true });
        visit.at = At::ReadItems;
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
            return self.stop_looking(false);
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

    fn key(&mut self) -> u8 {
        self.at().scene.item.expect("an input was chosen")
    }

    /// What goes out first, what is done already, and whether it may be tried.
    fn weigh(&mut self) {
        if self.keeps(Rule::HandoutsBeforeB) && !self.early_handouts(false).is_empty() {
            self.at().at = At::Early(Moving::ReadWorkflow);
            return;
        }
        if self.keeps(Rule::RedoFromEntries) && self.redo() {
            return;
        }
        let (key, new) = (self.key(), self.me.new);
        let visit = self.at();
        let counted = visit.counted.is_some_and(|(counted, _)| counted == key);
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
            Verdict::NotNow => self.stop_looking(false),
            Verdict::GiveUp | Verdict::Overtaken => {
                self.state.items[usize::from(key)] = Item::Dead;
                self.stop_looking(false);
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
            return self.fail();
        }
        let visit = self.at();
        visit.scene.item_is_fresh = true;
        visit.counted = Some((key, true));
        self.decide();
    }

    pub(super) fn uncount(&mut self) {
        if let Some((key, true)) = self.at().counted
            && let Item::Pending { attempts } = self.state.items[usize::from(key)]
        {
            let mut me = std::mem::take(&mut self.me);
            self.state.item_changed(&mut me, key);
            self.me = me;
            self.state.items[usize::from(key)] = Item::Pending { attempts: attempts - 1 };
        }
        self.at().counted = None;
        self.stop_looking(false);
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
        self.commit();
    }

    fn commit(&mut self) {
        let keeps_heads = !self.keeps(Rule::AMatchesHead);
        let scene = &mut self.at().scene;
        let shared = scene.heads.iter().flatten().find(|read| read.workflow == SHARED);
        scene.leaves =
            scene.known.contains(SHARED) && shared.is_none_or(|read| !read.head.handouts.is_empty());
        // Nothing else of what was read matters from here on.
        let writes = scene.writes;
        for read in &mut scene.heads {
            *read =
                read.filter(|read| writes.iter().flatten().any(|(workflow, _)| *workflow == read.workflow));
            if let Some(read) = read.as_mut().filter(|_| !keeps_heads) {
                read.head = Head::default();
            }
        }
        (scene.current, scene.known, scene.attempts) = Default::default();
        let first = writes.iter().position(Option::is_some);
        self.at().at = first.map_or(At::WriteB, |place| At::WriteA(place as u8));
    }

    /// Where a store can, A and B are one transaction: it begins with the first write and takes the others with it.
    pub(super) fn write_a(&mut self, place: u8) {
        let before = self.scope.one_transaction.then(|| (self.state.clone(), self.me));
        let written = self.log(usize::from(place));
        let Some((state, me)) = before else {
            return match written {
                Err(Conflict) => self.look_again(true),
                Ok(()) if self.loses_answer() => self.fail(),
                Ok(()) => {}
            };
        };
        let mut written = written;
        while let (Ok(()), At::WriteA(next)) = (&written, self.at().at) {
            written = self.log(usize::from(next));
        }
        match written.and_then(|()| self.finish()) {
            Ok(()) if self.loses_answer() => self.fail(),
            Ok(()) => self.is_done(),
            Err(Conflict) => {
                (*self.state, self.me) = (state, me);
                self.look_again(true);
            }
        }
    }

    /// A: the entry is created, and the head follows it.
    fn log(&mut self, place: usize) -> Result<(), Conflict> {
        let key = self.key();
        let (matches, creates) = (self.keeps(Rule::AMatchesHead), self.keeps(Rule::EntryIsCreated));
        let conversation = self.at().place;
        let scene = self.at().scene;
        let (workflow, act) = scene.writes[place].expect("only what was decided is written");
        let read = scene.heads.into_iter().flatten().find(|read| read.workflow == workflow);
        let actual = self.state.workflows[usize::from(workflow)];
        let is_fresh = read.map_or(actual == Head::default(), |read| read.is_fresh);
        if (matches && !is_fresh) || (creates && actual.log.contains(key)) {
            return Err(Conflict);
        }
        let mut head = match read {
            Some(read) if !read.is_fresh => Head { log: actual.log, ..read.head },
            _ => actual,
        };
        head.log.push(key);
        head.last[conversation] = Some(key);
        let tells = workflow == SHARED && self.scope.is_shared && matches!(act, Act::Apply | Act::End);
        if tells {
            head.handouts.push(effect(key, Part::Handout));
        }
        let waits_for_others = workflow == SHARED && self.scope.is_shared;
        head.is_over |= act == Act::End || (act == Act::PutAside && !waits_for_others);
        head.is_aside |= act == Act::PutAside;
        let mut me = std::mem::take(&mut self.me);
        self.state.workflow_changed(&mut me, workflow);
        self.me = me;
        self.state.workflows[usize::from(workflow)] = head;
        self.note_applied(key);
        let visit = self.at();
        visit.scene.leaves |= workflow == SHARED && !head.handouts.is_empty();
        let next = (place + 1..2).find(|next| visit.scene.writes[*next].is_some());
        visit.at = next.map_or(At::WriteB, |place| At::WriteA(place as u8));
        Ok(())
    }

    fn note_applied(&mut self, key: u8) {
        let place = self.at().place;
        let applied = &mut self.state.applied[place];
        if !applied.contains(key) {
            applied.push(key);
        }
    }

    pub(super) fn write_b(&mut self) {
        match self.finish() {
            Err(Conflict) => self.look_again(true),
            Ok(()) if self.loses_answer() => self.fail(),
            Ok(()) => self.is_done(),
        }
    }

    /// B: the item is done, and the head has what it caused in its outbox, and our claim if nobody else's.
    fn finish(&mut self) -> Result<(), Conflict> {
        let key = self.key();
        let (matches_item, matches_head) = (self.keeps(Rule::BMatchesItem), self.keeps(Rule::BMatchesHead));
        let respects = self.keeps(Rule::ClaimIsRespected);
        let (place, scene) = (self.at().place, self.at().scene);
        if (matches_item && !scene.item_is_fresh) || (matches_head && !scene.is_fresh) {
            return Err(Conflict);
        }
        self.note_applied(key);
        let is_logged = self.state.workflows.iter().any(|head| head.log.contains(key));
        self.state.is_contradicted |= scene.is_outside && is_logged;
        let answers = self.scope.kind(key) == Kind::Press && self.at().own != Some(key);
        let is_owner = self.at().is_owner;
        let mut me = std::mem::take(&mut self.me);
        self.state.item_changed(&mut me, key);
        self.state.conversation_changed(&mut me, place);
        self.state.items[usize::from(key)] = Item::Done;
        for part in [Some(Part::Own), answers.then_some(Part::Answer)].into_iter().flatten() {
            self.state.conversations[place].outbox.push(effect(key, part));
            self.state.queued[place].push(effect(key, part));
        }
        let claimed = self.state.claimed(self.scope, place, is_owner);
        let claimed = if respects { claimed } else { rules::Claimed::Free };
        let outbox = self.state.conversations[place].outbox;
        self.state.conversations[place].current = scene.current_after;
        let takes = rules::takes_claim(claimed, outbox.is_empty(), false);
        if takes {
            self.state.claim(&mut me, place);
        }
        self.me = me;
        let visit = self.at();
        visit.leaves |= scene.leaves;
        visit.sending = if takes { Sending::Held } else { Sending::Unknown };
        (visit.outbox, visit.outbox_is_fresh) = if takes { (outbox, true) } else { Default::default() };
        Ok(())
    }

    fn is_done(&mut self) {
        let key = self.key();
        let visit = self.at();
        (visit.conflicts, visit.is_careful, visit.counted) = (0, false, None);
        if visit.own == Some(key) {
            self.stop_looking(false);
        } else {
            self.look();
        }
    }
}
