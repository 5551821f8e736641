//! The JSON that the Functions host posts to a function, and the JSON that it takes for an answer.
//!
//! Written against what the host does, which differs from its documentation
//! (<https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers>): whatever is no object is encoded
//! twice, and who writes a queue message can forge most of its metadata.

mod outcome;
mod request;

use axum::http::HeaderMap;
use chrono::{DateTime, Datelike};
use serde_json::{Map, Value};

pub use outcome::Outcome;
pub use request::HttpRequest;

use crate::model::{Timestamp, TraceParent};

/// Why an invocation can't be understood. It never will be: bringing it again is no use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not `{"Data":{..},"Metadata":{..}}`. (The parser's own words might quote what somebody wrote.)
    #[error("the invocation is not the host's envelope of `Data` and `Metadata`")]
    NotAnEnvelope,
    /// What the trigger should have brought is missing or something else.
    #[error("the invocation has no {wanted} named `{binding}`")]
    Lacks {
        /// The binding's name in `function.json`.
        binding: String,
        /// What was expected of it.
        wanted: &'static str,
    },
}

/// One call of a function by the host, in JSON mode.
#[derive(Clone, Debug)]
pub struct Invocation {
    data: Map<String, Value>,
    metadata: Map<String, Value>,
}

impl Invocation {
    /// Reads the body of a call.
    ///
    /// # Errors
    /// If it is no envelope at all. What is in it is looked at only when it is asked for.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let Ok(Value::Object(mut envelope)) = serde_json::from_slice(body) else {
            return Err(Error::NotAnEnvelope);
        };
        let mut part = |name| match envelope.remove(name) {
            Some(Value::Object(part)) => Ok(part),
            Some(Value::Null) | None => Ok(Map::new()),
            Some(_) => Err(Error::NotAnEnvelope),
        };
        Ok(Self { data: part("Data")?, metadata: part("Metadata")? })
    }

    /// What a binding brought, decoded: see [`decode`].
    #[must_use]
    pub fn data(&self, binding: &str) -> Option<Value> {
        self.data.get(binding).map(decode)
    }

    /// The text of a queue message, exactly as it was sent, be it JSON or not, or empty. (A binary one, `dataType`
    /// `binary`, stays the base64 that the host makes of it.)
    ///
    /// # Errors
    /// If the binding brought nothing.
    pub fn message(&self, binding: &str) -> Result<String, Error> {
        match self.data.get(binding) {
            Some(Value::String(encoded)) => {
                Ok(serde_json::from_str(encoded).unwrap_or_else(|_| encoded.clone()))
            }
            Some(Value::Null) | None => Err(lacks(binding, "queue message")),
            Some(other) => Ok(other.to_string()),
        }
    }

    /// The documents of a change feed. Dates in them may have been written anew by the host.
    ///
    /// # Errors
    /// If the binding brought no list.
    pub fn documents(&self, binding: &str) -> Result<Vec<Value>, Error> {
        let text = self.message(binding)?;
        // The host sends text in text; one that sends the list itself would do no harm.
        serde_json::from_str(&text).map_err(|_| lacks(binding, "list of documents"))
    }

    /// What a timer tells.
    ///
    /// # Errors
    /// If the binding brought no timer.
    pub fn timer(&self, binding: &str) -> Result<Timer, Error> {
        match self.data(binding) {
            Some(Value::Object(info)) => Ok(Timer::read(&info)),
            _ => Err(lacks(binding, "timer")),
        }
    }

    /// The HTTP request of a function that the host does not forward as it is.
    ///
    /// # Errors
    /// If the binding brought no request.
    pub fn request(&self, binding: &str) -> Result<HttpRequest, Error> {
        let request = self.data(binding).filter(Value::is_object);
        request
            .and_then(|request| serde_json::from_value(request).ok())
            .ok_or_else(|| lacks(binding, "request"))
    }

    /// How often a queue message has been taken out, this time included. `None` if its writer forged the number: the
    /// host's own comes as a number in a string, what a message's properties put over it as a string in a string.
    #[must_use]
    pub fn dequeue_count(&self) -> Option<u64> {
        decode(self.metadata.get("DequeueCount")?).as_u64()
    }

    /// When a queue message was sent, to the second. `None` if its writer forged the time: the host's own is encoded
    /// once, a forged one twice. (`Id`, `PopReceipt` and `sys` can't be told from forged ones, so nobody gets them.)
    #[must_use]
    pub fn inserted_at(&self) -> Option<Timestamp> {
        moment(self.metadata.get("InsertionTime")?)
    }
}

/// What a timer trigger tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Is this the late run for one that was missed?
    pub is_past_due: bool,
    /// The occurrence that is being run. Timers fire up to 4 ms early, so this, not the clock, says which it is.
    /// Schedules of less than a minute do not tell.
    pub next: Option<Timestamp>,
    /// The run before, if there was one.
    pub last: Option<Timestamp>,
}

impl Timer {
    fn read(info: &Map<String, Value>) -> Self {
        let status = |name| moment(info.get("ScheduleStatus")?.get(name)?);
        Self {
            is_past_due: info.get("IsPastDue").and_then(Value::as_bool).unwrap_or(false),
            next: status("Next"),
            // Before the first run it is .NET's beginning of time.
            last: status("Last").filter(|last| last.year() > 1),
        }
    }
}

/// A value as it was before the host encoded it: objects come as they are, everything else as JSON in a string. What is
/// no JSON then (dates, binary data) is the string itself.
#[must_use]
pub fn decode(value: &Value) -> Value {
    match value {
        Value::String(encoded) => serde_json::from_str(encoded).unwrap_or_else(|_| value.clone()),
        other => other.clone(),
    }
}

/// The host's id of the call: the same again for a retry, another one for another dequeue, so it is good for logs alone.
/// A forwarded request may bring a caller's id before the host's own, which follows the last comma.
#[must_use]
pub fn invocation_id(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all("x-azure-functions-invocationid");
    let last = all.iter().next_back()?.to_str().ok()?.rsplit(',').next()?.trim();
    (!last.is_empty()).then_some(last)
}

/// The trace that the call belongs to, if the host (or who called it) told. Without Application Insights it does not.
#[must_use]
pub fn trace_parent(headers: &HeaderMap) -> Option<TraceParent> {
    headers.get("traceparent")?.to_str().ok()?.trim().parse().ok()
}

fn moment(value: &Value) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|time| time.to_utc())
}

fn lacks(binding: &str, wanted: &'static str) -> Error {
    Error::Lacks { binding: binding.to_owned(), wanted }
}
