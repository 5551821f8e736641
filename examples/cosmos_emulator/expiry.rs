//! Documents with a time to live, by the clock of the bridge: the emulator has none.

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use backline::model::Timestamp;
use chrono::TimeDelta;
use serde_json::Value;

use super::asked::{Asked, Kind, decoded};

/// A document: where it is, its partition as the header says it, its name.
type Place = (String, String, String);

#[derive(Default)]
pub(super) struct Expiry {
    ends: HashMap<Place, Timestamp>,
    /// No document ends before.
    first: Option<Timestamp>,
}

impl Expiry {
    /// Notes what a request that was answered so has left behind.
    pub(super) fn note(&mut self, asked: &Asked, status: StatusCode, now: Timestamp) {
        let Some(partition) = asked.header("x-ms-documentdb-partitionkey") else { return };
        let place = |name: &str| (asked.documents(), partition.to_owned(), name.to_owned());
        match asked.kind {
            // A batch of which nothing was written is a success, too: 207.
            Kind::Batch if status == StatusCode::OK => {
                for operation in asked.json().as_array().into_iter().flatten() {
                    let body = &operation["resourceBody"];
                    let name = operation["id"].as_str().or(body["id"].as_str()).unwrap_or_default();
                    self.keep(place(name), body, now);
                }
            }
            Kind::Write if status.is_success() => {
                let body = asked.json();
                let named = asked.document().map(decoded);
                let name = named.as_deref().or(body["id"].as_str()).unwrap_or_default();
                self.keep(place(name), &body, now);
            }
            _ => {}
        }
    }

    fn keep(&mut self, place: Place, body: &Value, now: Timestamp) {
        match body["ttl"].as_i64().filter(|seconds| *seconds > 0) {
            Some(seconds) => {
                let end = now + TimeDelta::seconds(seconds);
                self.first = Some(self.first.map_or(end, |first| first.min(end)));
                self.ends.insert(place, end);
            }
            None => {
                self.ends.remove(&place);
            }
        }
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.first.is_some_and(|first| first <= now)
    }

    /// The requests that remove what has ended.
    pub(super) fn take(&mut self, now: Timestamp) -> Vec<Asked> {
        let ended: Vec<Place> = self.ends.extract_if(|_, end| *end <= now).map(|(place, _)| place).collect();
        self.first = self.ends.values().min().copied();
        ended.into_iter().map(deletion).collect()
    }
}

fn deletion((documents, partition, name): Place) -> Asked {
    let mut headers = HeaderMap::new();
    if let Ok(partition) = HeaderValue::from_str(&partition) {
        headers.insert("x-ms-documentdb-partitionkey", partition);
    }
    // Every byte by its number: no name is then anything but a name.
    let name: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!("{documents}/{name}");
    Asked { kind: Kind::Write, method: Method::DELETE, path, headers, body: Default::default() }
}
