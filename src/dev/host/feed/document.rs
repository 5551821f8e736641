//! Documents as the trigger gives them: what was written, and then the properties that the service adds.
//! <https://learn.microsoft.com/rest/api/cosmos-db/documents>

use azure_data_cosmos::models::ChangeFeedItem;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    dev::host::{base64, date, json::Json},
    model::Timestamp,
    store::{Container, ETag, Error, Located, cosmos::as_kept},
};

/// What the service adds, in the order in which it does.
const SYSTEM: [&str; 6] = ["_rid", "_self", "_etag", "_attachments", "_ts", "_lsn"];

/// A batch as the handler gets it: the text of a list. Newtonsoft has read it and written it again, so dates in it look
/// as Newtonsoft writes them.
pub(in crate::dev::host) fn batch(documents: &[Json]) -> String {
    Json::Array(documents.iter().map(date::rewritten).collect()).compact()
}

/// A document of an account; none for what is no document.
pub(super) fn of_account(item: &ChangeFeedItem<Value>) -> Option<Json> {
    let mut document = item.current()?.as_object()?.clone();
    if let Some(lsn) = item.metadata().and_then(|metadata| metadata.lsn()) {
        document.insert("_lsn".to_owned(), lsn.value().into());
    }
    Some(in_order(document))
}

/// A document of the embedded store, as an account would give it.
///
/// # Errors
/// It is damaged.
pub(super) fn of_store(container: Container, change: &Located, now: Timestamp) -> Result<Json, Error> {
    let Value::Object(mut document) = as_kept(container, change)? else { return Ok(Json::Null) };
    let ETag(number) = &change.document.etag;
    let name = format!("{}/{}/{}", container.name(), change.partition, change.document.id);
    let rid = base64::encoded(&Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).as_bytes()[..12]);
    let path = format!("dbs/backline/colls/{}/docs/{rid}/", container.name());
    // When it was written is not known; when it is brought is near to that.
    let system: [Value; SYSTEM.len()] = [
        rid.into(),
        path.into(),
        format!("\"{number}\"").into(),
        "attachments/".into(),
        now.timestamp().into(),
        number.parse::<i64>().unwrap_or_default().into(),
    ];
    document.extend(SYSTEM.map(str::to_owned).into_iter().zip(system));
    Ok(in_order(document))
}

/// The members by name, as the client sorts them, and at the end what the service adds.
fn in_order(document: Map<String, Value>) -> Json {
    let place = |name: &str| SYSTEM.iter().position(|system| name == *system).map_or(0, |at| at + 1);
    let mut members: Vec<(String, Value)> = document.into_iter().collect();
    members.sort_by_key(|(name, _)| place(name));
    let json = |value: Value| Json::parse_whole(&value.to_string()).unwrap_or_default();
    Json::Object(members.into_iter().map(|(name, value)| (name, json(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Document;

    #[test]
    fn a_document_of_the_store_looks_as_one_of_an_account() {
        let change = |body: &str| Located {
            partition: "p".to_owned(),
            document: Document {
                id: "a".parse().unwrap(),
                etag: ETag("7".to_owned()),
                body: body.to_owned(),
                due_at: Some(Timestamp::UNIX_EPOCH),
            },
        };
        let now = Timestamp::UNIX_EPOCH;
        let one =
            of_store(Container::Events, &change(r#"{"n": 1.50, "at": "2024-10-24T14:32:17.500Z"}"#), now);
        let one = one.unwrap();
        let text = batch(std::slice::from_ref(&one));
        let start = r#"[{"body":{"at":"2024-10-24T14:32:17.5Z","n":1.5},"dueAt":"1970-01-01T00:00:00Z","id":"a","subject":"p","_rid":""#;
        let end = r#"/","_etag":"\"7\"","_attachments":"attachments/","_ts":0,"_lsn":7}]"#;
        assert!(text.starts_with(start) && text.ends_with(end), "{text}");
        let later = of_store(Container::Events, &change("[]"), now).unwrap();
        assert_eq!(later.exact("_rid"), one.exact("_rid"), "it stays the same document");
    }
}
