//! A fact for the rest of the business.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EffectId, Timestamp, TraceParent};

/// A domain event as CloudEvents 1.0 JSON (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>).
/// Its id is the id of the effect that published it, so publishing twice is publishing once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Always `1.0`.
    pub specversion: String,
    /// The effect that published it.
    pub id: EffectId,
    /// Past tense and versioned: `backline.issue-reported.v1`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who published it: `/workflows/{script}`.
    pub source: String,
    /// What it is about; events of one subject are in order.
    pub subject: String,
    /// When the input came that led to it.
    pub time: Timestamp,
    /// The fact itself.
    pub data: Value,
    /// The trace it belongs to (CloudEvents' distributed tracing extension).
    pub traceparent: TraceParent,
}
