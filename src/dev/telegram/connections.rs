//! The connections to a bot's webhook: how many may be open, and how soon one more.
//!
//! The rules are those of the official server's `WebhookActor::create_new_connections`
//! (<https://github.com/tdlib/telegram-bot-api>): while the webhook answers, ten more within half a second; when it has
//! taken nothing for ten seconds, a single one, tried every two seconds. Connections that are open are used in any case.

use std::collections::VecDeque;

use chrono::TimeDelta;

use super::Limits;
use crate::model::Timestamp;

/// The webhook counts as working for so long after it took an update.
const LIVELY: TimeDelta = TimeDelta::seconds(10);
/// A connection that nobody uses is closed after so long.
const IDLE: TimeDelta = TimeDelta::seconds(60);

/// How a delivery ended, as far as its connection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With a 2xx.
    Taken,
    /// With another answer.
    Refused,
    /// Without an answer: the connection is gone.
    Broken,
}

#[derive(Debug)]
pub(super) struct Connections {
    limits: Limits,
    busy: usize,
    /// Since when each open connection waits.
    idle: Vec<Timestamp>,
    /// When the latest ones were opened.
    opened: VecDeque<Timestamp>,
    /// When the webhook last took an update.
    taken: Option<Timestamp>,
}

impl Connections {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, busy: 0, idle: Vec::new(), opened: VecDeque::new(), taken: None }
    }

    /// May an update go out now, with at most so many at once?
    pub(super) fn have_room(&mut self, now: Timestamp, most: usize) -> bool {
        self.idle.retain(|since| now - *since < IDLE);
        if self.busy >= most || self.limits == Limits::Lifted {
            return self.busy < most;
        }
        let open = self.busy + self.idle.len();
        !self.idle.is_empty() || (self.may_be(open, now) && self.opens(now).is_none_or(|due| due <= now))
    }

    /// Takes a connection; there must be room.
    pub(super) fn take(&mut self, now: Timestamp) {
        self.busy += 1;
        if self.idle.pop().is_none() {
            self.opened.push_back(now);
            if self.opened.len() > 10 {
                self.opened.pop_front();
            }
        }
    }

    /// Gives a connection back.
    pub(super) fn done(&mut self, now: Timestamp, end: End) {
        self.busy = self.busy.saturating_sub(1);
        if end == End::Taken {
            self.taken = Some(now);
        }
        if end != End::Broken {
            self.idle.push(now);
        }
    }

    /// When one more may be opened, if it is this that an update waits for.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let waits = self.limits == Limits::Kept && self.idle.is_empty();
        self.opens(now).filter(|due| waits && *due > now)
    }

    fn is_lively(&self, now: Timestamp) -> bool {
        self.taken.is_some_and(|taken| now - taken <= LIVELY)
    }

    fn may_be(&self, open: usize, now: Timestamp) -> bool {
        self.is_lively(now) || open == 0
    }

    /// When the next may be opened; none if that is so already.
    fn opens(&self, now: Timestamp) -> Option<Timestamp> {
        if self.is_lively(now) {
            self.opened
                .front()
                .filter(|_| self.opened.len() >= 10)
                .map(|at| *at + TimeDelta::milliseconds(500))
        } else {
            self.opened.back().map(|at| *at + TimeDelta::seconds(2))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(milliseconds: i64) -> Timestamp {
        START + TimeDelta::milliseconds(milliseconds)
    }

    /// Takes all connections that may be had now.
    fn all(connections: &mut Connections, now: Timestamp) -> usize {
        let mut taken = 0;
        while connections.have_room(now, 40) {
            connections.take(now);
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_webhook_that_answers_gets_ten_more_connections_in_half_a_second() {
        let mut connections = Connections::new(Limits::Kept);
        assert_eq!(all(&mut connections, at(0)), 1, "nobody knows yet whether it answers");
        connections.done(at(1), End::Taken);
        assert_eq!(all(&mut connections, at(1)), 10, "the open one, and nine besides the one of just now");
        assert_eq!(connections.next_due(at(1)), Some(at(500)));
        assert_eq!((all(&mut connections, at(500)), all(&mut connections, at(501))), (1, 9));
        assert_eq!(all(&mut connections, at(5_000)), 10);
        assert_eq!(all(&mut connections, at(9_000)), 10, "forty is what it has asked for");
        assert_eq!(all(&mut connections, at(9_900)), 0);
    }

    #[test]
    fn a_webhook_that_takes_nothing_gets_one_connection_every_two_seconds() {
        let mut connections = Connections::new(Limits::Kept);
        for second in [0, 2, 4] {
            assert_eq!(all(&mut connections, at(second * 1_000)), 1);
            connections.done(at(second * 1_000), End::Broken);
            assert_eq!(all(&mut connections, at(second * 1_000 + 1_999)), 0);
        }
        assert_eq!(all(&mut connections, at(6_000)), 1);
        connections.done(at(6_000), End::Refused);
        assert_eq!(all(&mut connections, at(6_001)), 1, "a refusal leaves the connection open");
    }

    #[test]
    fn connections_that_are_open_are_used_until_they_have_waited_for_a_minute() {
        let mut connections = Connections::new(Limits::Kept);
        assert_eq!(all(&mut connections, at(0)), 1);
        connections.done(at(0), End::Taken);
        let open = all(&mut connections, at(1));
        (0..open).for_each(|_| connections.done(at(2), End::Taken));
        assert_eq!(all(&mut connections, at(30_000)), open, "they wait to be used");
        (0..open).for_each(|_| connections.done(at(30_000), End::Refused));
        assert_eq!(all(&mut connections, at(90_000)), 1, "after a minute they are closed");
    }

    #[test]
    fn without_limits_only_the_number_counts() {
        assert_eq!(all(&mut Connections::new(Limits::Lifted), at(0)), 40);
    }
}
