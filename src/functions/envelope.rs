//! What the host says in JSON mode, and what it is answered.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An invocation as the host writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Envelope {
    #[serde(default)]
    data: Map<String, Value>,
}

impl Envelope {
    /// Reads an invocation; what can't be read is empty.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// The text of a queue message: JSON text in a JSON string.
    #[must_use]
    pub fn message(&self) -> String {
        match self.data.values().next() {
            Some(Value::String(text)) => {
                serde_json::from_str::<String>(text).unwrap_or_else(|_| text.clone())
            }
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }
}

/// The order to the host: done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outcome {
    outputs: Map<String, Value>,
    logs: Vec<String>,
    return_value: Option<Value>,
}

impl Outcome {
    /// Done, with these lines for the log.
    #[must_use]
    pub fn done(logs: Vec<String>) -> Self {
        Self { outputs: Map::new(), logs, return_value: None }
    }
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}
