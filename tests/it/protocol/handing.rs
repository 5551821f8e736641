//! The steps of a worker that hands out what leaves the shared workflow: `hand_out.rs`.

use backline::runtime::rules;

use super::{
    row::Row,
    scope::Rule,
    state::{SHARED, cause},
    step::Step,
    worker::{At, Handing, Moved, Moving, Visit},
};

/// What came of delivering.
enum Delivered {
    Yes,
    Again,
    Lost,
}

impl Step<'_> {
    pub(super) fn hand_out(&mut self) {
        match self.handing().at {
            Moving::ReadWorkflow => self.begin_handing(),
            Moving::ReadLast { again } => self.read_last(again),
            Moving::ReadReceiver => self.handing().at = Moving::Deliver { is_fresh: true },
            Moving::Deliver { is_fresh } => {
                let handout = self.handing().moved.left.first().expect("something is left");
                let to = self.handing().to;
                match self.deliver(handout, to, is_fresh) {
                    Delivered::Again => self.handing().at = Moving::ReadReceiver,
                    Delivered::Lost => self.me = self.me.at_rest(),
                    Delivered::Yes => {
                        let handing = self.handing();
                        handing.moved = handing.moved.next();
                        handing.receivers[to] = true;
                        self.hand_next();
                    }
                }
            }
            Moving::ReadToStrike => self.handing().at = Moving::Strike { is_fresh: true },
            Moving::Strike { is_fresh: false } => self.handing().at = Moving::ReadToStrike,
            Moving::Strike { is_fresh: true } => {
                let made = self.handing().moved.made;
                if self.strike(made) {
                    self.me = self.me.at_rest();
                } else {
                    self.handing().at = Moving::Sending;
                    self.go_on_handing();
                }
            }
            Moving::Sending => self.go_on_handing(),
        }
    }

    fn begin_handing(&mut self) {
        let head = self.state.workflows[usize::from(SHARED)];
        if head.handouts.is_empty() {
            self.me = self.me.at_rest();
            return;
        }
        let mut left = head.handouts;
        if !self.keeps(Rule::HandoutsInOrder) {
            let mut all: Vec<u8> = left.iter().collect();
            all.reverse();
            left = all.into_iter().collect();
        }
        let handing = self.handing();
        *handing = Handing { last: head.last, moved: Moved { left, made: Row::default() }, ..*handing };
        self.hand_next();
    }

    /// On to the next handout whose receiver may have it.
    fn hand_next(&mut self) {
        let (scope, waits) = (self.scope, self.keeps(Rule::BBeforeHandouts));
        let handing = self.handing();
        while let Some(handout) = handing.moved.left.first() {
            let to = 1 - scope.place(cause(handout));
            handing.to = to;
            match handing.may_receive[to] {
                None if waits && handing.last[to].is_some() => {
                    handing.at = Moving::ReadLast { again: false };
                    return;
                }
                None => handing.may_receive[to] = Some(rules::may_receive(None)),
                Some(true) => {
                    handing.at = Moving::ReadReceiver;
                    return;
                }
                Some(false) => handing.moved.left = handing.moved.left.filter(|other| other != handout),
            }
        }
        handing.last = [None; 2];
        if handing.moved.made.is_empty() {
            handing.at = Moving::Sending;
            self.go_on_handing();
        } else {
            handing.at = Moving::ReadToStrike;
        }
    }

    fn read_last(&mut self, again: bool) {
        let to = self.handing().to;
        let key = self.handing().last[to].expect("only where one is known it is looked at");
        let may_receive = rules::may_receive(Some(self.state.is_pending(key)));
        if may_receive || again {
            self.handing().may_receive[to] = Some(may_receive);
            self.hand_next();
        } else {
            self.handing().at = Moving::ReadLast { again: true };
            self.me.visit = Some(Visit { place: to, own: Some(key), ..Visit::default() });
            self.look();
        }
    }

    /// A visit that belongs to these handouts is over.
    pub(super) fn go_on_handing(&mut self) {
        let handing = self.handing();
        if handing.at != Moving::Sending {
            return;
        }
        if let Some(place) = handing.receivers.iter().position(|is_one| *is_one) {
            handing.receivers[place] = false;
            self.me.visit = Some(Visit { place, sends_only: true, at: At::ReadClaim, ..Visit::default() });
        } else if handing.again {
            *handing = Handing::default();
        } else {
            self.me = self.me.at_rest();
        }
    }

    /// Before B: what earlier entries have for this conversation.
    pub(super) fn hand_out_early(&mut self, at: Moving) {
        let place = self.at().place;
        match at {
            Moving::ReadWorkflow => {
                let left = self.early_handouts(true);
                self.at().early = Moved { left, made: Row::default() };
                self.next_early();
            }
            Moving::Deliver { is_fresh } => {
                let handout = self.at().early.left.first().expect("something is left");
                match self.deliver(handout, place, is_fresh) {
                    Delivered::Again => self.at().at = At::Early(Moving::ReadReceiver),
                    Delivered::Lost => self.fail(),
                    Delivered::Yes => {
                        self.at().early = self.at().early.next();
                        self.next_early();
                    }
                }
            }
            Moving::ReadToStrike => self.at().at = At::Early(Moving::Strike { is_fresh: true }),
            Moving::Strike { is_fresh: false } => self.at().at = At::Early(Moving::ReadToStrike),
            Moving::Strike { is_fresh: true } => {
                let made = self.at().early.made;
                if self.strike(made) {
                    self.fail();
                } else {
                    self.look_again(false);
                }
            }
            Moving::ReadReceiver | Moving::ReadLast { .. } | Moving::Sending => {
                self.at().at = At::Early(Moving::Deliver { is_fresh: true });
            }
        }
    }

    fn next_early(&mut self) {
        let Moved { left, made } = self.at().early;
        match (left.is_empty(), made.is_empty()) {
            (false, _) => self.at().at = At::Early(Moving::ReadReceiver),
            (true, false) => self.at().at = At::Early(Moving::ReadToStrike),
            (true, true) => self.look_again(false),
        }
    }

    /// `out:` is created, and the outbox appended to.
    fn deliver(&mut self, handout: u8, to: usize, is_fresh: bool) -> Delivered {
        let is_out = self.keeps(Rule::OutIsCreated) && self.state.outs.contains(handout);
        if is_out || !is_fresh {
            let conflicting = if is_out { "out" } else { "head" };
            let is_there =
                rules::is_there_already(&conflicting, &"out") || !self.keeps(Rule::HeadConflictMeansAgain);
            return if is_there { Delivered::Yes } else { Delivered::Again };
        }
        let mut me = std::mem::take(&mut self.me);
        self.state.conversation_changed(&mut me, to);
        self.me = me;
        if !self.state.outs.contains(handout) {
            self.state.outs.push(handout);
        }
        self.state.conversations[to].outbox.push(handout);
        self.state.queued[to].push(handout);
        if self.loses_answer() { Delivered::Lost } else { Delivered::Yes }
    }

    /// Strikes what is handed out; returns whether the answer is lost.
    fn strike(&mut self, made: Row) -> bool {
        let only_made = self.keeps(Rule::StrikesWhatWasMade);
        let mut me = std::mem::take(&mut self.me);
        self.state.workflow_changed(&mut me, SHARED);
        self.me = me;
        let handouts = &mut self.state.workflows[usize::from(SHARED)].handouts;
        *handouts = handouts.filter(|handout| only_made && !made.contains(handout));
        self.loses_answer()
    }
}

impl Moved {
    fn next(self) -> Self {
        let first = self.left.first();
        let mut made = self.made;
        first.into_iter().for_each(|handout| made.push(handout));
        Self { left: self.left.filter(|handout| Some(handout) != first), made }
    }
}
