//! Tells what happens in the host: to people as log lines, to listeners as events, and remembers the latest.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::broadcast;
use uuid::Uuid;

use super::{
    events::{Build, Event, HandlerState, Level, Source},
    http1::Response,
    ledger::{Exchange, Invocation, Ledger},
};
use crate::model::{Clock, Timestamp};

/// So many events are kept for who comes late, and for a listener that is slow.
const KEPT: usize = 500;

/// How a function fared.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) runs: u64,
    pub(super) failures: u64,
    pub(super) total_ms: f64,
}

#[derive(Default)]
struct Book {
    recent: VecDeque<Event>,
    ledger: Ledger,
    tallies: BTreeMap<String, Tally>,
    timers: BTreeMap<String, Timestamp>,
    starts: u64,
    build: Option<Build>,
}

/// Tells listeners and remembers. Cheap to clone.
#[derive(Clone)]
pub(super) struct Journal {
    listeners: broadcast::Sender<Event>,
    book: Arc<Mutex<Book>>,
    clock: Clock,
}

impl Journal {
    pub(super) fn new(clock: Clock) -> Self {
        let (listeners, _) = broadcast::channel(KEPT);
        Self { listeners, book: Arc::default(), clock }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Event> {
        self.listeners.subscribe()
    }

    /// Does anybody listen?
    pub(super) fn is_heard(&self) -> bool {
        self.listeners.receiver_count() > 0
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("nobody panics while writing the journal")
    }

    /// Tells listeners alone; for what would drown everything else if it were kept.
    pub(super) fn tell(&self, event: impl FnOnce() -> Event) {
        if self.is_heard() {
            let _ = self.listeners.send(event());
        }
    }

    /// Tells listeners and keeps it.
    pub(super) fn keep(&self, event: Event) {
        let mut book = self.book();
        match &event {
            Event::InvocationEnded { function, duration_ms, failure, .. } => {
                if !book.tallies.contains_key(function) {
                    book.tallies.insert(function.clone(), Tally::default());
                }
                if let Some(tally) = book.tallies.get_mut(function) {
                    tally.runs += 1;
                    tally.failures += u64::from(failure.is_some());
                    tally.total_ms += duration_ms;
                }
            }
            Event::TimerScheduled { function, next } => {
                book.timers.insert(function.clone(), *next);
            }
            Event::HandlerChanged { state: HandlerState::Ready { .. } } => book.starts += 1,
            Event::BuildChanged { build } => book.build = Some(build.clone()),
            _ => {}
        }
        if book.recent.len() == KEPT {
            book.recent.pop_front();
        }
        if self.is_heard() {
            let _ = self.listeners.send(event.clone());
        }
        book.recent.push_back(event);
    }

    /// One line of the host's own log, for people and listeners.
    pub(super) fn log(&self, level: Level, text: impl Into<String>) {
        self.line(Source::Host, level, None, None, text.into());
    }

    /// One line that may belong to a call.
    pub(super) fn line(
        &self,
        source: Source,
        level: Level,
        function: Option<&str>,
        invocation: Option<Uuid>,
        text: String,
    ) {
        let name = function.unwrap_or(match source {
            Source::Host => "host",
            Source::Function => "function",
            Source::Stdout | Source::Stderr => "handler",
        });
        let id = invocation.map(|id| format!(" {id}")).unwrap_or_default();
        match level {
            Level::Information => tracing::info!(target: "backline::host", "{name}{id}: {text}"),
            Level::Warning => tracing::warn!(target: "backline::host", "{name}{id}: {text}"),
            Level::Error => tracing::error!(target: "backline::host", "{name}{id}: {text}"),
        }
        let function = function.map(str::to_owned);
        self.keep(Event::Log { at: self.clock.now(), source, level, function, invocation, text });
    }

    /// A call begins.
    pub(super) fn started(&self, function: &str, trigger: &'static str, invocation: Uuid) {
        tracing::debug!(target: "backline::host", "{function} {invocation}: called by {trigger}");
        let at = self.clock.now();
        self.book().ledger.begun(at, function, trigger, invocation);
        self.tell(|| Event::InvocationStarted { at, function: function.to_owned(), trigger, invocation });
    }

    /// This went over the wire for a call.
    pub(super) fn exchanged(&self, invocation: Uuid, head: &[u8], body: &[u8], answer: Option<&Response>) {
        self.book().ledger.exchanged(invocation, head, body, answer);
    }

    /// A call is over.
    pub(super) fn ended(
        &self,
        function: &str,
        trigger: &'static str,
        invocation: Uuid,
        took: Duration,
        outcome: Result<Option<u32>, String>,
    ) {
        let duration_ms = took.as_secs_f64() * 1000.0;
        let (status, failure) = match outcome {
            Ok(status) => (status, None),
            Err(failure) => (None, Some(failure)),
        };
        match (&failure, status) {
            (Some(failure), _) => {
                tracing::error!(target: "backline::host", "{function} {invocation}: failed after {duration_ms:.1} ms: {failure}");
            }
            (None, Some(status)) => {
                tracing::info!(target: "backline::host", "{function} {invocation}: {status} in {duration_ms:.1} ms");
            }
            (None, None) => {
                tracing::info!(target: "backline::host", "{function} {invocation}: done in {duration_ms:.1} ms");
            }
        }
        self.book().ledger.ended(invocation, duration_ms, failure.as_deref(), status);
        let at = self.clock.now();
        let function = function.to_owned();
        self.keep(Event::InvocationEnded { at, function, trigger, invocation, duration_ms, failure, status });
    }

    /// The handler's build is so far.
    pub(super) fn built(&self, build: Build) {
        match &build {
            Build::Building => tracing::debug!(target: "backline::host", "host: building"),
            Build::UpToDate => tracing::info!(target: "backline::host", "host: the handler is up to date"),
            Build::Failed { message } => {
                tracing::error!(target: "backline::host", "host: the build failed, the handler before serves:\n{message}");
            }
        }
        self.keep(Event::BuildChanged { build });
    }

    pub(super) fn starts(&self) -> u64 {
        self.book().starts
    }

    pub(super) fn build(&self) -> Option<Build> {
        self.book().build.clone()
    }

    pub(super) fn invocations(&self) -> Vec<Invocation> {
        self.book().ledger.list()
    }

    pub(super) fn invocation(&self, n: u64) -> Option<(Invocation, Vec<Exchange>)> {
        self.book().ledger.entry(n)
    }

    pub(super) fn recent(&self) -> Vec<Event> {
        self.book().recent.iter().cloned().collect()
    }

    pub(super) fn tally(&self, function: &str) -> Tally {
        self.book().tallies.get(function).copied().unwrap_or_default()
    }

    pub(super) fn timers(&self) -> BTreeMap<String, Timestamp> {
        self.book().timers.clone()
    }
}
