//! The steps of a worker that sends: `claim.rs`, `perform.rs`.

use backline::runtime::rules::{self, Claimed};
use chrono::TimeDelta;

use super::{
    row::Row,
    scope::Rule,
    state::Claim,
    step::Step,
    worker::{At, Visit},
};

impl Step<'_> {
    fn claimed(&mut self) -> Claimed {
        let (place, is_owner) = (self.at().place, self.at().is_owner);
        self.state.claimed(self.scope, place, is_owner)
    }

    pub(super) fn read_claim(&mut self) {
        let place = self.at().place;
        self.me.latest[place] = None;
        let outbox = self.state.conversations[place].outbox;
        let claimed = if self.keeps(Rule::ClaimIsRespected) { self.claimed() } else { Claimed::Free };
        if !rules::takes_claim(claimed, outbox.is_empty(), false) {
            return self.leave();
        }
        let visit = self.at();
        (visit.outbox, visit.outbox_is_fresh, visit.at) = (outbox, true, At::WriteClaim);
    }

    pub(super) fn write_claim(&mut self) {
        if !self.at().outbox_is_fresh {
            return self.leave();
        }
        self.write(|_| {});
        if self.loses_answer() {
            self.at().has_failed = true;
            return self.leave();
        }
        self.send_next();
    }

    /// Writes the head as it was read, with the claim renewed.
    fn write(&mut self, change: impl FnOnce(&mut Row)) {
        let place = self.at().place;
        let mut me = std::mem::take(&mut self.me);
        self.state.conversation_changed(&mut me, place);
        self.state.claim(&mut me, place);
        self.me = me;
        let current = self.state.conversations[place].current;
        let visit = self.at();
        change(&mut visit.outbox);
        visit.outbox_is_fresh = true;
        if let Some(latest) = &mut visit.latest {
            (latest.current, latest.is_fresh) = (current, true);
        }
        self.state.conversations[place].outbox = self.at().outbox;
    }

    pub(super) fn send_next(&mut self) {
        let Visit { place, outbox, latest, .. } = *self.at();
        if outbox.is_empty() {
            self.me.latest[place] = latest;
            self.leave();
        } else {
            self.at().at = At::Call;
        }
    }

    pub(super) fn call(&mut self) {
        let place = self.at().place;
        let is_ours = self.claimed() == Claimed::Ours;
        let plenty = is_ours && !self.state.conversations[place].claim.has_ended;
        let left = TimeDelta::seconds(if plenty { 30 } else { 0 });
        if self.keeps(Rule::CallNeedsTime) && !rules::may_call(left) {
            return self.record();
        }
        let visit = self.at();
        let effect = visit.outbox.first().expect("nothing is called for an empty outbox");
        (visit.in_flight, visit.at) = (Some(effect), At::Record);
        self.state.sent[place].push(effect);
    }

    /// The record of a call; without one, the claim is only renewed.
    pub(super) fn record(&mut self) {
        if !self.at().outbox_is_fresh {
            if self.keeps(Rule::RecordIsRepeated) {
                self.at().at = At::ReadAgain;
            } else {
                self.leave();
            }
            return;
        }
        let by_id = self.keeps(Rule::StrikesById);
        let called = self.at().in_flight;
        self.write(|outbox| {
            let struck = if by_id { called } else { called.and(outbox.first()) };
            *outbox = outbox.filter(|effect| !rules::is_struck(&effect, struck.as_ref(), &[]));
        });
        let place = self.at().place;
        if called.is_some() && rules::releases(self.at().outbox.is_empty(), false) {
            self.state.conversations[place].claim = Claim::default();
            self.at().is_owner = false;
        }
        if self.loses_answer() {
            // It is written again, and is too late.
            (self.at().outbox_is_fresh, self.at().at) = (false, At::Record);
            return;
        }
        self.at().in_flight = None;
        self.send_next();
    }

    pub(super) fn read_again(&mut self) {
        let outbox = self.state.conversations[self.at().place].outbox;
        if !rules::still_holds(self.claimed()) {
            return self.leave();
        }
        let visit = self.at();
        (visit.outbox, visit.outbox_is_fresh, visit.at) = (outbox, true, At::Record);
    }
}
