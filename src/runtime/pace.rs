//! Pace: how fast an instance may send, so that Telegram seldom has to say 429. Nobody waits here: who may not send now is
//! told how long, and comes back by a hint.
//!
//! Telegram's guide (<https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this>): about 30 messages
//! a second in all, one a second to a chat with short bursts allowed, 20 a minute to a group. Each instance keeps to it by
//! itself; where several together are too fast, Telegram's 429s correct them.
//!
//! The limits are leaky buckets (<https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm>), as in the crate `governor`.
//! That has no call that asks two limits and takes from both or none, and tells everybody whom it refuses at one moment the
//! same time to come back: thousands of chats would wake at once.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
    time::Duration,
};

use crate::model::{BotSlug, Clock};

/// A chat takes so many at once, then one a second.
const CHAT: Limit = Limit { every: Duration::from_secs(1), burst: 10 };
/// A group takes so many at once, then one every four seconds: never more than 20 within a minute.
const GROUP: Limit = Limit { every: Duration::from_secs(4), burst: 5 };
/// So many chats of a broadcast are served at once, then one after the other.
pub(super) const CHUNK: usize = 20;

/// One message `every` so often, and `burst` of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    every: Duration,
    burst: u32,
}

/// What has gone through a limit, and who was told to come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bucket {
    /// Then nothing would be left of what has gone through.
    empty_at: Duration,
    /// The last of those who wait comes back then.
    last_waits_until: Duration,
}

impl Bucket {
    /// How long nothing may go through.
    fn wait(self, limit: Limit, now: Duration) -> Duration {
        let room = limit.every * limit.burst.saturating_sub(1);
        self.empty_at.saturating_sub(room).saturating_sub(now)
    }

    fn pass(&mut self, limit: Limit, now: Duration) {
        self.empty_at = self.empty_at.max(now) + limit.every;
    }

    /// When somebody who may not pass comes back: each a little later than the one before.
    fn turn_away(&mut self, limit: Limit, wait: Duration, now: Duration) -> Duration {
        let again = (now + wait).max(self.last_waits_until + limit.every);
        self.last_waits_until = again;
        again - now
    }
}

/// What an instance has sent lately.
pub(super) struct Pace {
    /// Nothing is paced without.
    per_second: Option<u32>,
    clock: Clock,
    bots: Mutex<BTreeMap<BotSlug, Sent>>,
}

/// What it has sent through one bot.
#[derive(Default)]
struct Sent {
    all: Bucket,
    broadcasts: Bucket,
    chats: HashMap<i64, Bucket>,
}

impl Pace {
    /// At most so many messages a second through each bot, by this clock; any number if it is zero.
    pub(super) fn new(per_second: u32, clock: Clock) -> Self {
        Self { per_second: (per_second > 0).then_some(per_second), clock, bots: Mutex::default() }
    }

    /// May a message go to this chat now? Then it is counted; else, how long its chat should be left alone.
    pub(super) fn may_send(&self, bot: &BotSlug, chat: i64) -> Result<(), Duration> {
        let Some(per_second) = self.per_second else { return Ok(()) };
        let (here, whole) = (if chat < 0 { GROUP } else { CHAT }, whole(per_second));
        self.with(bot, |sent, now| {
            let Sent { all, chats, .. } = sent;
            if chats.len() > 1024 && chats.len() == chats.capacity() {
                chats.retain(|_, bucket| bucket.empty_at.max(bucket.last_waits_until) > now);
            }
            let this = chats.entry(chat).or_default();
            let (for_all, for_this) = (all.wait(whole, now), this.wait(here, now));
            if !for_this.is_zero() {
                return Err(this.turn_away(here, for_this.max(for_all), now));
            }
            if !for_all.is_zero() {
                return Err(all.turn_away(whole, for_all, now));
            }
            all.pass(whole, now);
            this.pass(here, now);
            Ok(())
        })
    }

    /// How many chats of a broadcast may be served now, and how long until the next ones may. Broadcasts get two thirds
    /// of what a bot may send, and never all that it may send at once: people who talk to it go first.
    pub(super) fn may_broadcast(&self, bot: &BotSlug) -> (usize, Duration) {
        let Some(per_second) = self.per_second else { return (CHUNK, Duration::ZERO) };
        let share = share(per_second);
        self.with(bot, |sent, now| {
            let bucket = &mut sent.broadcasts;
            let mut count = 0;
            while count < CHUNK && bucket.wait(share, now).is_zero() {
                bucket.pass(share, now);
                count += 1;
            }
            (count, bucket.empty_at.saturating_sub(now).max(share.every))
        })
    }

    fn with<T>(&self, bot: &BotSlug, ask: impl FnOnce(&mut Sent, Duration) -> T) -> T {
        let now = self.clock.steady();
        let mut bots = self.bots.lock().expect("nobody panics while counting");
        match bots.get_mut(bot) {
            Some(sent) => ask(sent, now),
            None => ask(bots.entry(bot.clone()).or_default(), now),
        }
    }
}

/// All that may go through a bot.
fn whole(per_second: u32) -> Limit {
    Limit { every: Duration::from_secs(1) / per_second, burst: per_second }
}

/// What of it is for broadcasts.
fn share(per_second: u32) -> Limit {
    let share = (per_second * 2 / 3).max(1);
    let chunk = u32::try_from(CHUNK).unwrap_or(u32::MAX);
    Limit { every: Duration::from_secs(1) / share, burst: share.min(chunk) }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace(per_second: u32) -> (Pace, Clock, BotSlug) {
        let clock = Clock::hand_wound("2026-07-01T12:00:00Z".parse().unwrap());
        (Pace::new(per_second, clock.clone()), clock, "operations".parse().unwrap())
    }

    /// How many of `tries` in each tenth of a second get through, within `seconds`.
    fn through(
        pace: &Pace,
        clock: &Clock,
        bot: &BotSlug,
        seconds: i32,
        chats: impl Fn(usize) -> i64,
    ) -> usize {
        let mut through = 0;
        for _ in 0..seconds * 10 {
            through += (0..20).filter(|n| pace.may_send(bot, chats(*n)).is_ok()).count();
            clock.wind(TimeDelta::milliseconds(100));
        }
        through
    }

    #[test]
    fn a_group_gets_at_most_20_a_minute_and_a_chat_one_a_second_after_a_burst() {
        let (pace, clock, bot) = pace(30);
        assert_eq!(through(&pace, &clock, &bot, 60, |_| -7), 19);
        assert_eq!(through(&pace, &clock, &bot, 60, |_| 7), 70 - 1);
    }

    #[test]
    fn a_bot_sends_30_a_second_to_all_chats_together() {
        let (pace, clock, bot) = pace(30);
        let next = std::cell::Cell::new(0);
        let another = |_| {
            next.set(next.get() + 1);
            next.get()
        };
        let sent = through(&pace, &clock, &bot, 10, another);
        assert!((300..=330).contains(&sent), "{sent}");
        let (unpaced, clock, bot) = self::pace(0);
        assert_eq!(through(&unpaced, &clock, &bot, 1, |_| 7), 200);
    }

    #[test]
    fn those_who_wait_come_back_one_after_the_other() {
        let (pace, _, bot) = pace(30);
        assert_eq!((1..=30).filter(|chat| pace.may_send(&bot, *chat).is_ok()).count(), 30);
        let waits: Vec<Duration> = (101..=160).map(|chat| pace.may_send(&bot, chat).unwrap_err()).collect();
        assert!(waits.windows(2).all(|two| two[1] - two[0] == SECOND / 30), "{waits:?}");
        assert!(waits[59] > SECOND * 19 / 10);
    }

    #[test]
    fn a_broadcast_leaves_room_for_others() {
        let (pace, clock, bot) = pace(30);
        let mut broadcast = 0;
        for _ in 0..100 {
            let (count, wait) = pace.may_broadcast(&bot);
            assert_eq!(count, CHUNK);
            for _ in 0..count {
                broadcast += 1;
                assert_eq!(pace.may_send(&bot, broadcast), Ok(()));
            }
            // Ten people talk meanwhile.
            assert!((-10..0).all(|chat| pace.may_send(&bot, chat * 1000 - broadcast).is_ok()));
            clock.wind(TimeDelta::from_std(wait).unwrap());
        }
        assert!(clock.steady() <= SECOND * 101, "{:?} for {broadcast}", clock.steady());
    }

    #[test]
    fn a_clock_that_is_set_changes_nothing() {
        let (pace, clock, bot) = pace(30);
        assert_eq!((0..20).filter(|_| pace.may_send(&bot, 7).is_ok()).count(), 10);
        for minutes in [-10, 10] {
            clock.set(TimeDelta::minutes(minutes));
            assert!(pace.may_send(&bot, 7).unwrap_err() <= SECOND * 15);
        }
        clock.wind(TimeDelta::seconds(1));
        assert_eq!(pace.may_send(&bot, 7), Ok(()));
    }

    #[test]
    fn chats_that_are_quiet_take_no_room() {
        let (pace, clock, bot) = pace(1000);
        for chat in 0..100_000 {
            clock.wind(TimeDelta::milliseconds(1));
            assert_eq!(pace.may_send(&bot, chat), Ok(()));
        }
        assert!(pace.bots.lock().unwrap()[&bot].chats.len() < 10_000);
    }
}
