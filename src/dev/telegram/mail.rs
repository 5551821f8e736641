//! One bot's undelivered updates, and which of them may be delivered now.
//!
//! The rules are those of the official server's `WebhookActor` and `Client::get_update_queue_id`
//! (<https://github.com/tdlib/telegram-bot-api>): order is per queue, a queue's first update blocks the rest until it is
//! delivered or expires, and only so many queues are looked at.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::kind::Kind;
use crate::model::Timestamp;

/// An update on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Parcel {
    pub(super) update_id: u64,
    pub(super) kind: Kind,
    pub(super) queue: i64,
    /// The room it happened in.
    pub(super) room: String,
    pub(super) expires: Timestamp,
    /// The whole update as Telegram writes it.
    pub(super) body: String,
    /// Its number in the journal of this run.
    #[serde(skip)]
    pub(super) journal: u64,
}

/// Undelivered updates of one bot.
#[derive(Debug, Default)]
pub(super) struct Mail {
    parcels: BTreeMap<u64, Arc<Parcel>>,
    queues: BTreeMap<i64, Queue>,
    /// Updates up to this one are in `queues`.
    loaded: u64,
}

#[derive(Debug)]
struct Queue {
    parcels: VecDeque<Arc<Parcel>>,
    failures: u32,
    due: Timestamp,
    in_flight: bool,
}

/// What becomes of an update whose delivery failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Again(Timestamp),
    Dropped,
}

impl Mail {
    pub(super) fn add(&mut self, parcel: Arc<Parcel>) {
        self.parcels.insert(parcel.update_id, parcel);
    }

    pub(super) fn len(&self) -> usize {
        self.parcels.len()
    }

    /// The update to deliver now, if one may be, and those that expired meanwhile. It stays the first of its queue until
    /// [`settle`](Self::settle) or [`failed`](Self::failed).
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        max_connections: usize,
    ) -> (Option<Arc<Parcel>>, Vec<Arc<Parcel>>) {
        let mut expired = Vec::new();
        self.load(now, max_connections);
        loop {
            let ready = self.queues.values().filter(|queue| !queue.in_flight && queue.due <= now);
            let Some(parcel) = ready.map(|queue| &queue.parcels[0]).min_by_key(|parcel| parcel.update_id)
            else {
                return (None, expired);
            };
            let parcel = parcel.clone();
            if parcel.expires < now {
                self.settle(&parcel);
                self.load(now, max_connections);
                expired.push(parcel);
                continue;
            }
            if let Some(queue) = self.queues.get_mut(&parcel.queue) {
                queue.in_flight = true;
            }
            return (Some(parcel), expired);
        }
    }

    /// When the next queue that failed may be tried again.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        self.queues
            .values()
            .filter(|queue| !queue.in_flight)
            .map(|queue| queue.due)
            .filter(|due| *due > now)
            .min()
    }

    /// The update is delivered, or given up. Called twice, the second call changes nothing.
    pub(super) fn settle(&mut self, parcel: &Parcel) {
        self.parcels.remove(&parcel.update_id);
        if let Some(queue) = self.queue_headed_by(parcel) {
            queue.parcels.pop_front();
            (queue.in_flight, queue.failures) = (false, 0);
            if queue.parcels.is_empty() {
                self.queues.remove(&parcel.queue);
            }
        }
    }

    /// The delivery failed, with this `Retry-After` in seconds.
    pub(super) fn failed(&mut self, parcel: &Parcel, now: Timestamp, retry_after: Option<u32>) -> Fate {
        let Some(queue) = self.queue_headed_by(parcel) else { return Fate::Dropped };
        queue.in_flight = false;
        let wait = match retry_after {
            Some(seconds) => u64::from(seconds.min(3600)),
            None => {
                queue.failures += 1;
                backoff(queue.failures, parcel.update_id)
            }
        };
        let due = now + TimeDelta::seconds(wait.cast_signed());
        if due > parcel.expires {
            self.settle(parcel);
            return Fate::Dropped;
        }
        queue.due = due;
        Fate::Again(due)
    }

    /// Failed queues may be tried again at once.
    pub(super) fn hurry(&mut self, now: Timestamp) {
        self.queues.values_mut().for_each(|queue| queue.due = queue.due.min(now));
    }

    /// Up to `limit` updates from `offset` on, for long polling.
    pub(super) fn from(&self, offset: u64, limit: usize) -> Vec<Arc<Parcel>> {
        self.parcels.range(offset..).take(limit).map(|(_, parcel)| parcel.clone()).collect()
    }

    /// The id of the `n`th update from the end.
    pub(super) fn nth_last(&self, n: usize) -> Option<u64> {
        self.parcels.keys().rev().nth(n.checked_sub(1)?).copied()
    }

    /// Forgets all updates before `offset`; returns them.
    pub(super) fn confirm(&mut self, offset: u64) -> Vec<Arc<Parcel>> {
        let kept = self.parcels.split_off(&offset);
        let gone = std::mem::replace(&mut self.parcels, kept);
        self.queues.clear();
        self.loaded = 0;
        gone.into_values().collect()
    }

    fn queue_headed_by(&mut self, parcel: &Parcel) -> Option<&mut Queue> {
        self.queues.get_mut(&parcel.queue).filter(|queue| queue.parcels[0].update_id == parcel.update_id)
    }

    /// Spreads updates over their queues while there are few of those. Queues that fail count: enough of them stop
    /// the bot for everybody, as they do at Telegram.
    fn load(&mut self, now: Timestamp, max_connections: usize) {
        while self.queues.len() < 2 * max_connections {
            let Some((id, parcel)) = self.parcels.range(self.loaded + 1..).next() else { return };
            self.loaded = *id;
            let empty = || Queue { parcels: VecDeque::new(), failures: 0, due: now, in_flight: false };
            self.queues.entry(parcel.queue).or_insert_with(empty).parcels.push_back(parcel.clone());
        }
    }
}

/// Seconds before the next attempt: at once after the first failure, then 2, 4, 8, 16, 32, 64, then 60 to 120.
fn backoff(failures: u32, spread: u64) -> u64 {
    match failures {
        0 | 1 => 0,
        2..=7 => 1 << (failures - 1),
        _ => 60 + spread.wrapping_mul(31).wrapping_add(u64::from(failures) * 17) % 61,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn parcel(update_id: u64, kind: Kind, base: i64) -> Arc<Parcel> {
        Arc::new(Parcel {
            update_id,
            kind,
            queue: kind.queue(base),
            room: String::new(),
            expires: START + kind.kept_for(),
            body: String::new(),
            journal: 0,
        })
    }

    fn mail(parcels: impl IntoIterator<Item = Arc<Parcel>>) -> Mail {
        let mut mail = Mail::default();
        parcels.into_iter().for_each(|parcel| mail.add(parcel));
        mail
    }

    fn taken(mail: &mut Mail, at: Timestamp) -> Option<u64> {
        mail.take(at, 40).0.map(|parcel| parcel.update_id)
    }

    #[test]
    fn texts_of_a_chat_wait_for_one_another_and_not_for_presses() {
        let (first, second) = (parcel(1, Kind::Message, 7), parcel(2, Kind::EditedMessage, 7));
        let mut mail =
            mail([first.clone(), second, parcel(3, Kind::CallbackQuery, 7), parcel(4, Kind::Message, 8)]);
        assert_eq!(taken(&mut mail, START), Some(1));
        assert_eq!(taken(&mut mail, START), Some(3));
        assert_eq!(taken(&mut mail, START), Some(4));
        assert_eq!(taken(&mut mail, START), None, "the second text waits for the first");
        mail.settle(&first);
        assert_eq!(taken(&mut mail, START), Some(2));
    }

    #[test]
    fn a_failed_update_is_retried_at_once_then_ever_later_until_it_expires() {
        let press = parcel(1, Kind::CallbackQuery, 7);
        let mut mail = mail([press.clone()]);
        let mut now = START;
        let mut waits = Vec::new();
        loop {
            assert_eq!(taken(&mut mail, now), Some(1));
            match mail.failed(&press, now, None) {
                Fate::Again(due) => waits.push((due - now).num_seconds()),
                Fate::Dropped => break,
            }
            now = mail.next_due(now).unwrap_or(now);
        }
        assert_eq!(waits, [0, 2, 4, 8, 16, 32, 64], "150 s are over before the eighth");
        assert_eq!(mail.len(), 0);
    }

    #[test]
    fn what_fails_on_and_on_is_tried_every_one_or_two_minutes_for_a_day() {
        let text = parcel(1, Kind::Message, 7);
        let mut mail = mail([text.clone()]);
        let (mut now, mut attempts) = (START, 0);
        while taken(&mut mail, now).is_some() {
            attempts += 1;
            let Fate::Again(due) = mail.failed(&text, now, None) else { break };
            assert!(attempts <= 7 || (60..=120).contains(&(due - now).num_seconds()), "{attempts}");
            now = due;
        }
        assert!(now - START <= TimeDelta::days(1) && now - START > TimeDelta::hours(23), "{now}");
        assert!((700..1500).contains(&attempts), "{attempts}");
    }

    #[test]
    fn a_retry_after_beyond_the_expiry_drops_the_update_at_once() {
        let (press, text) = (parcel(1, Kind::CallbackQuery, 7), parcel(2, Kind::Message, 7));
        let mut mail = mail([press.clone(), text.clone()]);
        mail.take(START, 40);
        mail.take(START, 40);
        assert_eq!(mail.failed(&press, START, Some(200)), Fate::Dropped);
        assert_eq!(mail.failed(&text, START, Some(9_999)), Fate::Again(START + TimeDelta::hours(1)));
    }

    #[test]
    fn chats_that_fail_stop_the_bot_for_everybody() {
        let mut mail = mail((1..=5).map(|id| parcel(id, Kind::Message, id.cast_signed())));
        for _ in 0..4 {
            let (poison, _) = mail.take(START, 2);
            mail.failed(&poison.unwrap(), START, Some(60));
        }
        assert!(mail.take(START, 2).0.is_none(), "four queues are all that two connections look at");
        assert_eq!(mail.take(START, 3).0.map(|parcel| parcel.update_id), Some(5));
    }

    #[test]
    fn confirmed_updates_are_gone() {
        let mut mail = mail((1..=3).map(|id| parcel(id, Kind::Message, 7)));
        assert_eq!(mail.confirm(3).len(), 2);
        assert_eq!(mail.from(0, 10).len(), 1);
        assert_eq!(taken(&mut mail, START), Some(3));
    }
}
