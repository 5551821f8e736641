//! What a function that the host called in JSON mode answers when it is done.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};

/// A function that is done. Always 200 with a JSON object: on an answer without content the host waits until the function
/// times out, and then kills the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outcome {
    outputs: Map<String, Value>,
    logs: Vec<String>,
    return_value: (),
}

impl Outcome {
    /// Done, with nothing to tell.
    #[must_use]
    pub fn done() -> Self {
        Self::default()
    }

    /// Adds a line to the invocation's log at the host.
    #[must_use]
    pub fn log(mut self, line: impl Into<String>) -> Self {
        self.logs.push(line.into());
        self
    }

    /// Sends messages through a queue output binding, in order, each as it stands. They go as a list because the host
    /// takes a lone string apart: as base64 if it looks like it, as JSON if it starts with a brace. (A message that is
    /// nothing but an ISO date and time it would still write anew.)
    #[must_use]
    pub fn send(mut self, binding: &str, messages: Vec<String>) -> Self {
        self.outputs.insert(binding.to_owned(), messages.into());
        self
    }
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}
