//! One step of a worker: one operation at the store, or one call of the Bot API.

use super::{
    scope::{Rule, Scope},
    state::State,
    worker::{At, Handing, Latest, Moving, Scene, Sending, Visit, Worker},
};

/// A worker that takes a step. It is out of the state meanwhile.
pub(super) struct Step<'a> {
    pub(super) scope: &'a Scope,
    pub(super) state: &'a mut State,
    pub(super) me: Worker,
    /// What it writes is written, and the answer is lost.
    pub(super) is_lost: bool,
}

/// A write came too late.
pub(super) struct Conflict;

impl Step<'_> {
    /// Takes the step; false if it is none in which an answer could be lost.
    pub(super) fn take(&mut self) -> bool {
        let had_faults = self.state.faults;
        self.go();
        while self.scope.is_coarse && self.is_inside_a_step() {
            let reads_again = matches!(self.me.visit, Some(Visit { at: At::ReadAgain, .. }));
            self.go();
            if reads_again && matches!(self.me.visit, Some(Visit { at: At::Record, .. })) {
                self.go();
            }
        }
        !self.is_lost || self.state.faults < had_faults
    }

    fn go(&mut self) {
        if self.me.visit.is_some() {
            self.visit();
        } else if self.me.handing.is_some() {
            self.hand_out();
        }
    }

    /// Is it between a read and a write that is repeated until it succeeds?
    fn is_inside_a_step(&self) -> bool {
        let moving = match (&self.me.visit, &self.me.handing) {
            (Some(Visit { at: At::ReadAgain | At::Uncount { .. }, .. }), _) => return true,
            (Some(Visit { at: At::Early(moving), .. }), _) | (None, Some(Handing { at: moving, .. })) => {
                moving
            }
            _ => return false,
        };
        match moving {
            Moving::Deliver { .. } | Moving::Strike { .. } => true,
            Moving::ReadWorkflow | Moving::ReadLast { .. } | Moving::ReadReceiver => false,
            Moving::ReadToStrike | Moving::Sending => false,
        }
    }

    pub(super) fn keeps(&self, rule: Rule) -> bool {
        self.scope.keeps(rule)
    }

    pub(super) fn at(&mut self) -> &mut Visit {
        self.me.visit.as_mut().expect("a worker at a conversation has a visit")
    }

    pub(super) fn handing(&mut self) -> &mut Handing {
        self.me.handing.as_mut().expect("a worker that hands out has something to hand out")
    }

    /// After a write that succeeded: is its answer lost?
    pub(super) fn loses_answer(&mut self) -> bool {
        if self.is_lost {
            self.state.faults -= 1;
        }
        self.is_lost
    }

    /// Takes the steps that can only come too late: nobody can tell when they are taken.
    pub(super) fn take_hopeless(&mut self) {
        if !self.scope.is_coarse {
            return;
        }
        loop {
            let Some(visit) = &self.me.visit else { return };
            let scene = &visit.scene;
            let key = scene.item.unwrap_or_default();
            let is_hopeless = match visit.at {
                At::Count => !scene.item_is_fresh,
                At::WriteB => {
                    (self.keeps(Rule::BMatchesItem) && !scene.item_is_fresh)
                        || (self.keeps(Rule::BMatchesHead) && !scene.is_fresh)
                }
                At::WriteA(place) => {
                    let (workflow, _) =
                        scene.writes[usize::from(place)].expect("what is written was decided");
                    let mut reads = scene.heads.iter().flatten();
                    let is_stale = reads.any(|read| read.workflow == workflow && !read.is_fresh);
                    let is_there = self.state.workflows[usize::from(workflow)].log.contains(key);
                    (is_stale && self.keeps(Rule::AMatchesHead))
                        || (is_there && self.keeps(Rule::EntryIsCreated))
                }
                At::WriteClaim => !visit.outbox_is_fresh,
                _ => false,
            };
            if !is_hopeless {
                return;
            }
            self.go();
        }
    }

    fn visit(&mut self) {
        match self.at().at {
            At::ReadConversation => self.read_conversation(),
            At::ReadHead(workflow) => self.read_head(workflow),
            At::ReadItems => self.read_items(),
            At::ReadEntries => self.read_entries(),
            At::Store => self.store(),
            At::Early(at) => self.hand_out_early(at),
            At::Count => self.count(),
            At::WriteA(place) => self.write_a(place),
            At::WriteB => self.write_b(),
            At::ReadToUncount => self.read_to_uncount(),
            At::Uncount { is_fresh } => self.uncount(is_fresh),
            At::ReadClaim => self.read_claim(),
            At::WriteClaim => self.write_claim(),
            At::Call => self.call(),
            At::Record => self.record(),
            At::ReadAgain => self.read_again(),
        }
    }

    /// The worker begins to look at its conversation, perhaps not for the first time.
    pub(super) fn look(&mut self) {
        let heads_first = self.keeps(Rule::HeadsBeforeItems) || self.at().joins;
        let at = if heads_first { At::ReadConversation } else { At::ReadItems };
        let place = self.at().place;
        let latest = self.me.latest[place].take();
        let visit = self.at();
        visit.scene = Default::default();
        visit.early = Default::default();
        visit.at = at;
        if let Some(latest) = latest.filter(|_| visit.joins) {
            self.remember(latest);
        }
    }

    /// As if the heads had been read.
    fn remember(&mut self, latest: Latest) {
        let Latest { current, is_fresh, workflow } = latest;
        let heads = [Some(workflow).filter(|_| current == Some(workflow.workflow)), None];
        let visit = self.at();
        visit.scene = Scene { current, is_fresh, heads, is_remembered: true, ..Scene::default() };
        match latest.leaves() {
            Some(current) => visit.at = At::ReadHead(current),
            None => self.heads_are_known(),
        }
    }

    /// Something was in the way: it looks again, or gives way.
    pub(super) fn look_again(&mut self, is_conflict: bool) {
        if self.at().joins {
            return self.store_first();
        }
        let visit = self.at();
        visit.is_careful = true;
        visit.conflicts += u8::from(is_conflict);
        if backline::runtime::rules::gives_way(visit.conflicts.into()) {
            self.stop_looking();
        } else {
            self.look();
        }
    }

    /// What was to be applied by the commit that stores it is stored like any other.
    pub(super) fn store_first(&mut self) {
        let Visit { place, own, is_owner, .. } = *self.at();
        self.me.visit = Some(Visit { place, own, is_owner, at: At::Store, ..Visit::default() });
    }

    /// The store did not answer.
    pub(super) fn fail(&mut self) {
        if self.at().joins {
            return self.store_first();
        }
        self.at().has_failed = true;
        self.stop_looking();
    }

    /// Whatever went wrong: what is committed is sent.
    pub(super) fn stop_looking(&mut self) {
        let visit = self.at();
        visit.scene = Default::default();
        visit.early = Default::default();
        (visit.is_careful, visit.conflicts, visit.own) = (false, 0, None);
        if visit.counted.is_some() {
            visit.at = At::ReadToUncount;
            return;
        }
        match visit.sending {
            Sending::Held => self.send_next(),
            Sending::Unknown => visit.at = At::ReadClaim,
        }
    }

    /// The visit is over: back to the handouts it was a part of, or on to those it led to.
    pub(super) fn leave(&mut self) {
        let visit = self.me.visit.take().expect("a visit that is left was begun");
        if visit.has_failed && !(visit.sends_only && self.me.handing.is_some()) {
            self.me = self.me.at_rest();
        } else if let Some(handing) = &mut self.me.handing {
            handing.again |= visit.leaves;
            self.go_on_handing();
        } else if visit.leaves {
            self.me.handing = Some(Handing::default());
        } else {
            self.me = self.me.at_rest();
        }
    }
}
