//! A queue of hints that a test delivers, or loses.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use backline::{
    model::{Clock, Timestamp},
    queue::{Error, Queue},
};

pub(crate) struct Hints {
    clock: Clock,
    waiting: Mutex<Vec<(Timestamp, String)>>,
    absent: AtomicBool,
}

impl Hints {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, waiting: Mutex::default(), absent: AtomicBool::new(false) }
    }

    /// Takes the hints that can be seen now, the earliest first.
    pub(crate) fn take(&self) -> Vec<String> {
        let now = self.clock.now();
        let mut waiting = self.waiting.lock().unwrap();
        waiting.sort();
        let later = waiting.iter().position(|(at, _)| *at > now).unwrap_or(waiting.len());
        waiting.drain(..later).map(|(_, hint)| hint).collect()
    }

    /// In how many seconds each hint can be seen, the earliest first.
    pub(crate) fn delays(&self) -> Vec<i64> {
        let now = self.clock.now();
        let mut delays: Vec<i64> =
            self.waiting.lock().unwrap().iter().map(|(at, _)| (*at - now).num_seconds()).collect();
        delays.sort_unstable();
        delays
    }

    pub(crate) fn lose_all(&self) {
        self.waiting.lock().unwrap().clear();
    }

    /// Refuses every hint from now on.
    pub(crate) fn go_away(&self) {
        self.absent.store(true, Ordering::Relaxed);
    }
}

#[async_trait::async_trait]
impl Queue for Hints {
    async fn send(&self, queue: &str, message: &str, delay: Duration) -> Result<(), Error> {
        assert_eq!(queue, backline::runtime::HINTS);
        if self.absent.load(Ordering::Relaxed) {
            return Err(Error::Unavailable("gone for lunch".into()));
        }
        self.waiting.lock().unwrap().push((self.clock.now() + delay, message.to_owned()));
        Ok(())
    }
}
