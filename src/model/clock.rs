//! The one clock of a process: the real one, or one that tests wind by hand.

use std::{
    future::poll_fn,
    sync::{Arc, LazyLock, Mutex},
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serializer;

/// A moment, in UTC.
pub type Timestamp = DateTime<Utc>;

/// Writes a moment as chrono does, but in one piece: for `serialize_with`, where moments are written often. Chrono's own
/// way has each character of it escaped by itself.
pub(crate) fn in_one_piece<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// Tells the time. Cheap to clone; every clone of a hand-wound clock shows the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    wound: Option<Arc<Mutex<Wound>>>,
}

/// What a hand-wound clock shows.
#[derive(Debug)]
struct Wound {
    time: Timestamp,
    passed: Duration,
    /// Whoever waits for a later time.
    waiting: Vec<Waker>,
}

const HELD: &str = "nobody panics while holding the time";

/// Where steady time begins.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn real() -> Self {
        Self::default()
    }

    /// A clock that stands still at `start` until somebody winds it.
    #[must_use]
    pub fn hand_wound(start: Timestamp) -> Self {
        let wound = Wound { time: start, passed: Duration::ZERO, waiting: Vec::new() };
        Self { wound: Some(Arc::new(Mutex::new(wound))) }
    }

    /// The time now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
    pub fn now(&self) -> Timestamp {
        match &self.wound {
            Some(wound) => wound.lock().expect(HELD).time,
            None => Utc::now(),
        }
    }

    /// How long this process has been at work, more or less: it never jumps, and means nothing to another process.
    #[must_use]
    pub fn steady(&self) -> Duration {
        match &self.wound {
            Some(wound) => wound.lock().expect(HELD).passed,
            None => BEGINNING.elapsed(),
        }
    }

    /// Does it stand still until somebody winds it?
    #[must_use]
    pub fn is_hand_wound(&self) -> bool {
        self.wound.is_some()
    }

    /// Waits until a hand-wound clock shows `due` or later. The real clock wakes nobody: with it this never ends.
    pub async fn shows(&self, due: Timestamp) {
        poll_fn(|task| {
            let Some(wound) = &self.wound else { return Poll::Pending };
            let mut wound = wound.lock().expect(HELD);
            if wound.time >= due {
                return Poll::Ready(());
            }
            wound.waiting.push(task.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Winds a hand-wound clock forward: so much time passes. The real clock does not listen.
    pub fn wind(&self, by: TimeDelta) {
        if let Some(wound) = &self.wound {
            let mut wound = wound.lock().expect(HELD);
            wound.time += by;
            wound.passed += by.to_std().unwrap_or_default();
            wound.waiting.drain(..).for_each(Waker::wake);
        }
    }

    /// Sets a hand-wound clock forward or back, as somebody does whose clock is wrong: no time passes.
    pub fn set(&self, by: TimeDelta) {
        if let Some(wound) = &self.wound {
            let mut wound = wound.lock().expect(HELD);
            wound.time += by;
            wound.waiting.drain(..).for_each(Waker::wake);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_in_one_piece_is_written_as_chrono_writes_it() {
        for nanoseconds in [0, 5_000_000, 5_000, 5] {
            let at = DateTime::from_timestamp(1_764_489_600, nanoseconds).unwrap();
            let written = in_one_piece(&at, serde_json::value::Serializer).unwrap();
            assert_eq!(written, serde_json::to_value(at).unwrap());
        }
    }
}
