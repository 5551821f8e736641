//! The one clock of a process: the real one, or one that tests wind by hand.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};

/// A moment, in UTC.
pub type Timestamp = DateTime<Utc>;

/// Tells the time. Cheap to clone; every clone of a hand-wound clock shows the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    wound: Option<Arc<Mutex<Timestamp>>>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn real() -> Self {
        Self::default()
    }

    /// A clock that stands still at `start` until somebody winds it.
    #[must_use]
    pub fn hand_wound(start: Timestamp) -> Self {
        Self { wound: Some(Arc::new(Mutex::new(start))) }
    }

    /// The time now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
    pub fn now(&self) -> Timestamp {
        match &self.wound {
            Some(time) => *time.lock().expect("nobody panics while holding the time"),
            None => Utc::now(),
        }
    }

    /// Winds a hand-wound clock forward (or back). The real clock does not listen.
    pub fn wind(&self, by: TimeDelta) {
        if let Some(time) = &self.wound {
            *time.lock().expect("nobody panics while holding the time") += by;
        }
    }
}
