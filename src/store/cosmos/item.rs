//! Documents as Cosmos DB keeps them: an envelope around the body, so that nothing of ours collides with it.

use std::time::Duration;

use chrono::SecondsFormat;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::containers::Layout;
use crate::{
    model::Timestamp,
    store::{Container, Document, DocumentId, Draft, DueDocument, ETag, Error, Located},
};

/// The longest time to live that Cosmos DB takes: 2,147,483,647 seconds
/// (<https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live>).
const LONGEST: u64 = i32::MAX as u64;

/// What is written: `{"id", "<partition property>", "dueAt"?, "ttl"?, "body"}`.
///
/// # Errors
/// `Refused` if the body is no JSON.
pub(super) fn item(
    container: Container,
    partition: &str,
    id: &DocumentId,
    draft: &Draft,
) -> Result<Value, Error> {
    let body = serde_json::from_str(&draft.body)
        .map_err(|error| Error::Refused(format!("the body of `{id}` is no JSON: {error}")))?;
    let mut item = Map::new();
    item.insert("id".into(), id.as_str().into());
    item.insert(Layout::of(container).partition.into(), partition.into());
    if let Some(at) = draft.due_at {
        item.insert("dueAt".into(), sortable(at).into());
    }
    if let Some(ttl) = draft.ttl {
        item.insert("ttl".into(), seconds(ttl).into());
    }
    item.insert("body".into(), body);
    Ok(Value::Object(item))
}

/// A time as text whose order is the order of time.
pub(super) fn sortable(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Whole seconds, never sooner than asked, and never none: Cosmos DB knows no other time to live.
fn seconds(ttl: Duration) -> u64 {
    (ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0)).clamp(1, LONGEST)
}

/// What is read.
#[derive(Clone, Deserialize)]
pub(super) struct Stored {
    id: String,
    #[serde(rename = "_etag")]
    etag: String,
    #[serde(rename = "dueAt", default)]
    due_at: Option<Timestamp>,
    body: Value,
    #[serde(flatten)]
    partition: Partition,
}

/// What is read of something due.
#[derive(Deserialize)]
pub(super) struct Due {
    id: String,
    #[serde(rename = "dueAt")]
    due_at: Timestamp,
    #[serde(flatten)]
    partition: Partition,
}

/// The partition's value, whatever the container calls it.
#[derive(Clone, Deserialize)]
struct Partition {
    #[serde(
        alias = "workflowId",
        alias = "conversationId",
        alias = "subject",
        alias = "bot",
        alias = "area",
        alias = "source"
    )]
    partition: String,
}

impl Stored {
    pub(super) fn document(self) -> Result<Document, Error> {
        Ok(Document {
            id: self.id.parse()?,
            etag: ETag(self.etag),
            body: self.body.to_string(),
            due_at: self.due_at,
        })
    }

    pub(super) fn located(self) -> Result<Located, Error> {
        Ok(Located { partition: self.partition.partition.clone(), document: self.document()? })
    }
}

impl Due {
    pub(super) fn document(self) -> Result<DueDocument, Error> {
        Ok(DueDocument { partition: self.partition.partition, id: self.id.parse()?, due_at: self.due_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_to_any_container_can_be_read() {
        for container in Container::ALL {
            let draft = Draft { body: "[1]".into(), due_at: Some(Timestamp::UNIX_EPOCH), ttl: None };
            let mut written = item(container, "p", &"a".parse().unwrap(), &draft).unwrap();
            written["_etag"] = "e".into();
            written["_rid"] = "r".into();
            let read = serde_json::from_value::<Stored>(written).unwrap().located().unwrap();
            assert_eq!(read.partition, "p");
            assert_eq!((read.document.body.as_str(), read.document.due_at), ("[1]", draft.due_at));
        }
    }

    #[test]
    fn a_time_to_live_is_whole_seconds_and_never_shorter() {
        for (asked, kept) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (60_000, 60), (u64::MAX, LONGEST)] {
            assert_eq!(seconds(Duration::from_millis(asked)), kept, "{asked} ms");
        }
    }

    #[test]
    fn times_sort_as_text() {
        let times = ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000001Z", "2026-03-01T12:00:00.1Z"];
        let texts: Vec<String> = times.map(|time| sortable(time.parse().unwrap())).to_vec();
        assert!(texts.is_sorted() && texts.iter().all(|text| text.len() == texts[0].len()), "{texts:?}");
    }
}
