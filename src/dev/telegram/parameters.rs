//! The parameters of a call, however they came: query, form, multipart or JSON
//! (<https://core.telegram.org/bots/api#making-requests>).

use std::collections::BTreeMap;

use axum::{
    Form, RequestExt,
    body::Bytes,
    extract::{Multipart, Query, Request},
    http::header::CONTENT_TYPE,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{refusal::Refusal, world::File};

/// Parameters by name. Numbers and objects may come as such or as text; both read the same.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    pub(super) values: Map<String, Value>,
    pub(super) files: BTreeMap<String, File>,
}

impl Parameters {
    /// Reads query and body of a request; a parameter of the body replaces one of the query.
    pub(super) async fn of(request: Request) -> Result<Self, Refusal> {
        let mut all = Self::default();
        let query: Query<Vec<(String, String)>> =
            Query::try_from_uri(request.uri()).map_err(|_| Refusal::bad("can't parse parameters"))?;
        all.values.extend(query.0.into_iter().map(|(name, value)| (name, Value::String(value))));
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/json" => {
                let body: Bytes = request.extract().await.map_err(|_| too_large())?;
                all.add_json(&body)?;
            }
            "multipart/form-data" => {
                let parts = request.extract().await;
                all.add_parts(parts.map_err(|_| Refusal::bad("can't parse multipart body"))?).await?;
            }
            "application/x-www-form-urlencoded" if request.method() == axum::http::Method::POST => {
                let Form(pairs): Form<Vec<(String, String)>> =
                    request.extract().await.map_err(|_| Refusal::bad("can't parse form body"))?;
                all.values.extend(pairs.into_iter().map(|(name, value)| (name, Value::String(value))));
            }
            _ => {}
        }
        Ok(all)
    }

    fn add_json(&mut self, body: &[u8]) -> Result<(), Refusal> {
        let body = if body.is_empty() { b"{}" } else { body };
        let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
            return Err(Refusal::bad("can't parse JSON object"));
        };
        self.values.extend(object);
        Ok(())
    }

    async fn add_parts(&mut self, mut parts: Multipart) -> Result<(), Refusal> {
        let broken = |_| Refusal::bad("can't parse multipart body");
        while let Some(part) = parts.next_field().await.map_err(broken)? {
            let name = part.name().unwrap_or_default().to_owned();
            if let Some(file) = part.file_name() {
                let (file, mime) = (file.to_owned(), part.content_type().map(str::to_owned));
                let mime = mime.unwrap_or_else(|| "application/octet-stream".to_owned());
                let bytes = part.bytes().await.map_err(broken)?;
                self.files.insert(name, File { name: file, mime, bytes });
            } else {
                self.values.insert(name, Value::String(part.text().await.map_err(broken)?));
            }
        }
        Ok(())
    }

    /// The parameters for people; of files only what they are.
    pub(super) fn shown(&self) -> Value {
        let mut shown = self.values.clone();
        for (name, file) in &self.files {
            shown.insert(name.clone(), json!({ "file": file.name, "bytes": file.bytes.len() }));
        }
        Value::Object(shown)
    }

    /// A text; empty if it is missing, as at Telegram.
    pub(super) fn text(&self, name: &str) -> String {
        match self.values.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    /// A number; missing and unreadable are the same, as at Telegram.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        match self.values.get(name)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn decimal(&self, name: &str) -> Option<f64> {
        self.text(name).trim().parse().ok()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.text(name).to_ascii_lowercase().as_str(), "true" | "yes" | "1")
    }

    /// An object or array; `None` if it is missing.
    pub(super) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let value = match self.values.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text),
            Some(other) => serde_json::from_value(other.clone()),
        };
        value
            .map(Some)
            .map_err(|_| Refusal::bad(format_args!("can't parse {} JSON object", name.replace('_', " "))))
    }
}

fn too_large() -> Refusal {
    Refusal::new(413, "Request Entity Too Large")
}
