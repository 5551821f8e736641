//! The one clock of a process: the real one, or one that tests wind by hand.

use std::{
    sync::{Arc, LazyLock, Mutex},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};

/// A moment, in UTC.
pub type Timestamp = DateTime<Utc>;

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
        Self { wound: Some(Arc::new(Mutex::new(Wound { time: start, passed: Duration::ZERO }))) }
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

    /// Winds a hand-wound clock forward: so much time passes. The real clock does not listen.
    pub fn wind(&self, by: TimeDelta) {
        if let Some(wound) = &self.wound {
            let mut wound = wound.lock().expect(HELD);
            wound.time += by;
            wound.passed += by.to_std().unwrap_or_default();
        }
    }

    /// Sets a hand-wound clock forward or back, as somebody does whose clock is wrong: no time passes.
    pub fn set(&self, by: TimeDelta) {
        if let Some(wound) = &self.wound {
            wound.lock().expect(HELD).time += by;
        }
    }
}
