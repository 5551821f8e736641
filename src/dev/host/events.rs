//! What happens in the host, told to whoever listens: structured events, and a snapshot of where things stand.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde::Serialize;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{
    model::{Clock, Timestamp},
    queue::sqlite::Length,
};

/// So many events are kept for who comes late, and for a listener that is slow.
const KEPT: usize = 500;

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A function was called.
    InvocationStarted {
        /// When.
        at: Timestamp,
        /// Which function.
        function: String,
        /// `httpTrigger`, `queueTrigger`, `timerTrigger`, `manual`.
        trigger: &'static str,
        /// Which call; repeated attempts at a queue message keep it.
        invocation: Uuid,
    },
    /// A function's call is over.
    InvocationEnded {
        /// When.
        at: Timestamp,
        /// Which function.
        function: String,
        /// What called it.
        trigger: &'static str,
        /// Which call.
        invocation: Uuid,
        /// How long it took, in milliseconds.
        duration_ms: f64,
        /// Why it failed; none if it did not.
        failure: Option<String>,
        /// The status the client got, if a request was answered.
        status: Option<u32>,
    },
    /// Somebody said something.
    Log {
        /// When.
        at: Timestamp,
        /// Who.
        source: Source,
        /// How bad it is.
        level: Level,
        /// The function it belongs to, if any.
        function: Option<String>,
        /// The call it belongs to, if any.
        invocation: Option<Uuid>,
        /// What.
        text: String,
    },
    /// Lengths of the queues, when they changed.
    Queues {
        /// How much each queue holds.
        lengths: BTreeMap<String, Length>,
    },
    /// A timer will run.
    TimerScheduled {
        /// Which function.
        function: String,
        /// When.
        next: Timestamp,
    },
    /// The handler's process is in another state.
    HandlerChanged {
        /// Which.
        state: HandlerState,
    },
    /// The app's files changed, and it was read again.
    Reloaded,
}

/// Who says a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The host itself.
    Host,
    /// The `Logs` of a function's answer.
    Function,
    /// The handler's standard output.
    Stdout,
    /// The handler's standard error.
    Stderr,
}

/// How bad a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For information.
    Information,
    /// Something is odd.
    Warning,
    /// Something failed.
    Error,
}

/// Where the handler's process stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum HandlerState {
    /// There are no functions, so there is no process.
    Unneeded,
    /// Started, not yet answering.
    Starting,
    /// Answering.
    Ready {
        /// Its process id.
        process: u32,
        /// The loopback port it listens on.
        port: u16,
    },
    /// It ended by itself with code 0 and is not started again.
    Ended,
    /// It failed too often and is not started again.
    Failed {
        /// How.
        why: String,
    },
    /// The host ended it.
    Stopped,
}

/// Where things stand.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// `http://127.0.0.1:7071`.
    pub address: String,
    /// The handler's process.
    pub handler: HandlerState,
    /// All functions, those that could not be loaded too.
    pub functions: Vec<FunctionSnapshot>,
    /// How much each queue holds.
    pub queues: BTreeMap<String, Length>,
    /// When each timer runs next.
    pub timers: BTreeMap<String, Timestamp>,
    /// The latest events, oldest first.
    pub recent: Vec<Event>,
}

/// One function and how it has fared.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FunctionSnapshot {
    /// Its name.
    pub name: String,
    /// What calls it; empty if it could not be loaded.
    pub trigger: &'static str,
    /// Its route, queue or schedule.
    pub what: String,
    /// Why it could not be loaded.
    pub fault: Option<String>,
    /// Switched off by a setting.
    pub disabled: bool,
    /// Calls that ended since the host started.
    pub runs: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Milliseconds they took together.
    pub total_ms: f64,
}

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
    tallies: BTreeMap<String, Tally>,
    timers: BTreeMap<String, Timestamp>,
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
        self.tell(|| Event::InvocationStarted {
            at: self.clock.now(),
            function: function.to_owned(),
            trigger,
            invocation,
        });
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
        let at = self.clock.now();
        let function = function.to_owned();
        self.keep(Event::InvocationEnded { at, function, trigger, invocation, duration_ms, failure, status });
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
