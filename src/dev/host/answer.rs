//! What a client gets.

use super::http1::HeadWriter;

/// An answer, ready to be written.
pub(super) struct Answer {
    pub(super) status: u32,
    pub(super) head: Vec<u8>,
    pub(super) body: Vec<u8>,
    /// Must the connection be closed after it?
    pub(super) closes: bool,
}

impl Answer {
    /// An answer without a body.
    pub(super) fn empty(status: u32) -> Self {
        Self::of(status, &[], Vec::new())
    }

    /// An answer in JSON.
    pub(super) fn json(status: u32, body: &serde_json::Value) -> Self {
        let fields = [("Content-Type", "application/json; charset=utf-8")];
        Self::of(status, &fields, body.to_string().into_bytes())
    }

    /// An answer with these headers; the length is added.
    pub(super) fn of(status: u32, fields: &[(&str, &str)], body: Vec<u8>) -> Self {
        let mut head = HeadWriter::response(status, reason(status));
        for (name, value) in fields {
            head.field(name, value);
        }
        let body = if matches!(status, 204 | 304) {
            Vec::new()
        } else {
            head.field("Content-Length", body.len().to_string());
            body
        };
        Self { status, head: head.finish(), body, closes: false }
    }
}

/// The usual phrase beside a status.
fn reason(status: u32) -> &'static str {
    u16::try_from(status)
        .ok()
        .and_then(|status| axum::http::StatusCode::from_u16(status).ok())
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default()
}
