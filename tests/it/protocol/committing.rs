//! The steps of a worker that commits what it has decided: `commit.rs`.

use backline::runtime::rules;

use super::{
    scope::{Kind, Rule},
    state::{Head, Item, Part, SHARED, effect},
    step::{Conflict, Step},
    worker::{Act, At, Latest, Read, Sending},
};

impl Step<'_> {
    /// What was decided is to be written.
    pub(super) fn commit(&mut self) {
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
        let matches_item = if self.at().joins { self.keeps(Rule::ItemIsCreated) } else { matches_item };
        if (matches_item && !scene.item_is_fresh) || (matches_head && !scene.is_fresh) {
            return Err(Conflict);
        }
        if self.at().joins {
            if self.keeps(Rule::JoinsAlone) && !self.state.pending(self.scope, place).is_empty() {
                return Err(Conflict);
            }
            if scene.item_is_fresh {
                self.state.comes(self.scope, key);
            }
        }
        let joined = std::mem::take(&mut self.at().joins);
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
        let is_written = |current: &u8| scene.writes.iter().flatten().any(|(id, _)| id == current);
        let current = scene.current_after.filter(is_written).filter(|_| joined);
        let latest = current.and_then(|id| {
            let head = self.state.workflows[usize::from(id)];
            let fed_by = head.last.iter().flatten().count();
            let workflow = Read { workflow: id, head, is_fresh: true };
            rules::is_remembered(!head.handouts.is_empty(), fed_by).then_some(Latest {
                current,
                is_fresh: true,
                workflow,
            })
        });
        let visit = self.at();
        visit.latest = latest;
        visit.leaves |= scene.leaves;
        visit.sending = if takes { Sending::Held } else { Sending::Unknown };
        (visit.outbox, visit.outbox_is_fresh) = if takes { (outbox, true) } else { Default::default() };
        Ok(())
    }

    fn is_done(&mut self) {
        let key = self.key();
        let visit = self.at();
        (visit.conflicts, visit.is_careful) = (0, false);
        visit.counted = visit.counted.filter(|counted| *counted != key);
        if visit.own == Some(key) {
            self.stop_looking();
        } else {
            self.look();
        }
    }
}
