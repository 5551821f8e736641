//! What went over the wire lately: calls of the Bot API and deliveries of updates.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::model::Timestamp;

/// So many calls and so many deliveries are remembered; older ones are forgotten first.
const KEPT: usize = 10_000;

/// One call of the Bot API.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// Calls and deliveries are numbered together, in the order in which they began.
    pub n: u64,
    /// When it came.
    pub at: Timestamp,
    /// The bot's slug.
    pub bot: String,
    /// The room it was about, if it named one.
    pub room: Option<String>,
    /// The method as it was called.
    pub method: String,
    /// What it was called with; of a file only its name and size.
    pub parameters: Value,
    /// The status of the answer; zero where a fault let the caller go without one.
    pub status: u16,
    /// The answer, as it was sent.
    pub answer: Value,
    /// How long the fake took, in microseconds.
    pub micros: u64,
    /// Did it come as the answer of a webhook?
    pub from_webhook: bool,
}

/// The way of one update.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// Calls and deliveries are numbered together, in the order in which they began.
    pub n: u64,
    /// When somebody did something.
    pub at: Timestamp,
    /// The bot's slug.
    pub bot: String,
    /// Telegram's number of the update.
    pub update_id: u64,
    /// `message`, `callback_query`, …
    pub kind: &'static str,
    /// The room it happened in.
    pub room: String,
    /// How far it has come.
    pub state: State,
    /// How often it was tried.
    pub attempts: u32,
    /// The status of the last answer; none where there was no answer.
    pub status: Option<u16>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// How long the last attempt took, in microseconds.
    pub micros: u64,
    /// When it is tried again.
    pub next: Option<Timestamp>,
    /// The update, as it was sent.
    pub update: String,
}

/// How far an update has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for its turn, its next attempt, or a webhook.
    Waiting,
    /// The webhook has been called and hasn't answered yet.
    InFlight,
    /// The webhook answered 2xx, or the update was fetched and confirmed.
    Delivered,
    /// It expired.
    Dropped,
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    next: u64,
    calls: BTreeMap<u64, Call>,
    deliveries: BTreeMap<u64, Delivery>,
}

impl Journal {
    /// The next number; the journal's entries are in the order in which their numbers were taken.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn called(&mut self, call: Call) {
        put(&mut self.calls, call.n, call);
    }

    pub(super) fn sending(&mut self, delivery: Delivery) {
        put(&mut self.deliveries, delivery.n, delivery);
    }

    pub(super) fn delivery(&mut self, n: u64) -> Option<&mut Delivery> {
        self.deliveries.get_mut(&n)
    }

    pub(super) fn calls(&self) -> impl DoubleEndedIterator<Item = &Call> {
        self.calls.values()
    }

    pub(super) fn deliveries(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        self.deliveries.values()
    }
}

fn put<T>(entries: &mut BTreeMap<u64, T>, n: u64, entry: T) {
    entries.insert(n, entry);
    if entries.len() > KEPT {
        entries.pop_first();
    }
}
