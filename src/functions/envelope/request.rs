//! An HTTP request as the host wraps it in JSON.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

/// A request to a function that has more bindings than its own answer, which the host does not forward as it is. Bodies
/// sent in chunks are lost on the way, and those that are no UTF-8 are damaged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HttpRequest {
    /// Scheme, host, path and query as the host saw them.
    pub url: String,
    /// `GET`, `POST` ..
    pub method: String,
    /// Values of a repeated key are joined by commas.
    pub query: BTreeMap<String, String>,
    /// In the caller's spelling; see [`header`](Self::header).
    pub headers: BTreeMap<String, Vec<String>>,
    /// What the route's placeholders stand for; optional ones may stand for nothing. `%2F` is left as it is.
    pub params: BTreeMap<String, Option<String>>,
    body: Option<String>,
}

impl HttpRequest {
    /// The first value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, values) = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name))?;
        values.first().map(String::as_str)
    }

    /// The body's bytes, none if there was no body. The host encodes `application/octet-stream` and `multipart/*` as
    /// base64, everything else comes as text, even if it looks like base64.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let body = self.body.as_deref().unwrap_or_default();
        let content_type = self.header("content-type").unwrap_or_default().trim().to_ascii_lowercase();
        let encoded =
            content_type.starts_with("application/octet-stream") || content_type.starts_with("multipart/");
        match STANDARD.decode(body) {
            Ok(bytes) if encoded => bytes,
            _ => body.as_bytes().to_vec(),
        }
    }
}
