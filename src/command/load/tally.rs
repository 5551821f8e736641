//! What is counted while people talk, and how it is told.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;

/// What has happened so far. Times are in microseconds.
#[derive(Debug, Default)]
struct Inner {
    begun: u64,
    ended: u64,
    updates: u64,
    answers: Vec<u32>,
    replies: Vec<u32>,
    missing: u64,
    doubled: u64,
    wrong: BTreeMap<String, u64>,
}

/// Counts, from many tasks.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<Inner>);

impl Counts {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// May one more conversation begin, of so many? Then it is counted.
    pub(super) fn may_begin(&self, most: u64) -> bool {
        let mut inner = self.inner();
        let may = inner.begun < most;
        inner.begun += u64::from(may);
        may
    }

    pub(super) fn ended(&self) {
        self.inner().ended += 1;
    }

    /// The app has taken an update, and took so long to say so.
    pub(super) fn answered(&self, took: Duration) {
        let mut inner = self.inner();
        inner.updates += 1;
        inner.answers.push(micros(took));
    }

    /// The first message came so long after somebody had done something.
    pub(super) fn replied(&self, took: Duration) {
        self.inner().replies.push(micros(took));
    }

    pub(super) fn missing(&self, messages: usize) {
        self.inner().missing += messages as u64;
    }

    pub(super) fn doubled(&self, messages: usize) {
        self.inner().doubled += messages as u64;
    }

    /// Something is not as it should be; the same words are counted together.
    pub(super) fn wrong(&self, what: impl Into<String>) {
        *self.inner().wrong.entry(what.into()).or_default() += 1;
    }

    /// What it has come to, with so many people after so long.
    pub(super) fn tally(&self, people: usize, took: Duration) -> Tally {
        let mut inner = self.inner();
        let Inner { ended, updates, missing, doubled, .. } = *inner;
        Tally {
            people,
            seconds: took.as_secs_f64(),
            conversations: ended,
            updates,
            updates_per_second: updates as f64 / took.as_secs_f64().max(0.001),
            answer_ms: Spread::of(&mut inner.answers),
            reply_ms: Spread::of(&mut inner.replies),
            missing,
            doubled,
            errors: inner.wrong.clone(),
        }
    }
}

fn micros(took: Duration) -> u32 {
    took.as_micros().try_into().unwrap_or(u32::MAX)
}

/// How long things took, in milliseconds: half of them no longer than `p50`, 99 of 100 no longer than `p99`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Spread {
    p50: f64,
    p99: f64,
    most: f64,
}

impl Spread {
    fn of(micros: &mut [u32]) -> Self {
        micros.sort_unstable();
        let at = |share: usize| {
            let place = (micros.len() * share).div_ceil(100).saturating_sub(1);
            micros.get(place).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
        };
        Self { p50: at(50), p99: at(99), most: at(100) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms", self.p50, self.p99, self.most)
    }
}

/// What it came to.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Tally {
    people: usize,
    seconds: f64,
    conversations: u64,
    updates: u64,
    updates_per_second: f64,
    /// How long the app took to take an update.
    answer_ms: Spread,
    /// How long somebody waited for the first message.
    reply_ms: Spread,
    missing: u64,
    doubled: u64,
    errors: BTreeMap<String, u64>,
}

impl Tally {
    /// Has all gone as it should?
    pub(super) fn is_well(&self) -> bool {
        self.missing == 0 && self.doubled == 0 && self.errors.is_empty() && self.conversations > 0
    }

    fn wrong(&self) -> u64 {
        self.missing + self.doubled + self.errors.values().sum::<u64>()
    }

    /// What has happened since `before`, in a line.
    pub(super) fn since(&self, before: &Self) -> String {
        let seconds = self.seconds - before.seconds;
        let updates = self.updates - before.updates;
        format!(
            "{:>4.0} s: {} conversations, {:.0} updates/s, reply {}, {} wrong",
            self.seconds,
            self.conversations,
            updates as f64 / seconds.max(0.001),
            self.reply_ms,
            self.wrong(),
        )
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { people, seconds, conversations, updates, updates_per_second, .. } = self;
        writeln!(f, "{conversations} conversations of {people} people in {seconds:.1} s")?;
        writeln!(f, "updates  {updates}, {updates_per_second:.0} a second")?;
        writeln!(f, "answer   {}", self.answer_ms)?;
        writeln!(f, "reply    {}", self.reply_ms)?;
        writeln!(f, "missing  {}", self.missing)?;
        writeln!(f, "doubled  {}", self.doubled)?;
        writeln!(f, "errors   {}", self.errors.values().sum::<u64>())?;
        self.errors.iter().try_for_each(|(what, times)| writeln!(f, "  {times} × {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_them_and_99_of_100_took_no_longer() {
        let mut micros: Vec<u32> = (1..=100).rev().map(|ms| ms * 1000).collect();
        assert_eq!(Spread::of(&mut micros), Spread { p50: 50.0, p99: 99.0, most: 100.0 });
        assert_eq!(Spread::of(&mut [7000]), Spread { p50: 7.0, p99: 7.0, most: 7.0 });
        assert_eq!(Spread::of(&mut []), Spread::default());
    }

    #[test]
    fn all_is_well_only_if_something_happened_and_nothing_went_wrong() {
        let counts = Counts::default();
        let is_well = |counts: &Counts| counts.tally(1, Duration::from_secs(1)).is_well();
        assert!(!is_well(&counts));
        assert!(counts.may_begin(1) && !counts.may_begin(1));
        counts.ended();
        assert!(is_well(&counts));
        counts.doubled(0);
        assert!(is_well(&counts));
        counts.wrong("a refusal");
        counts.wrong("a refusal");
        let told = counts.tally(1, Duration::from_secs(2)).to_string();
        assert!(told.contains("errors   2\n  2 × a refusal"), "{told}");
        assert!(!is_well(&counts));
    }
}
