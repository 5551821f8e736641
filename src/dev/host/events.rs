//! What happens in the host, as data, and a snapshot of where things stand.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use crate::{model::Timestamp, queue::Length};

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
        /// `httpTrigger`, `queueTrigger`, `timerTrigger`, `cosmosDBTrigger`.
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
    /// The handler is being built anew, or has been.
    BuildChanged {
        /// How far it is.
        build: Build,
    },
    /// The app's files changed, and it was read again.
    Reloaded,
}

/// How far the handler's build is, where it is built when its sources change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "build", rename_all = "snake_case")]
pub enum Build {
    /// The compiler works, or the new handler is starting; the one before serves.
    Building,
    /// It failed, and the handler before serves.
    Failed {
        /// What the compiler said.
        message: String,
    },
    /// What serves is what the sources say.
    UpToDate,
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
    /// How often a handler has come to answer; every time after the first one was a restart.
    pub starts: u64,
    /// How far its build is; none if it is not built here.
    pub build: Option<Build>,
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
    /// Its route, queue, schedule or container.
    pub what: String,
    /// The methods a request may have; none for any.
    pub methods: Vec<String>,
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
