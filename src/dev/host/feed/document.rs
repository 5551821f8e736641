//! Documents as the trigger gives them: what was written, and then the properties that the service adds.
//! <https://learn.microsoft.com/rest/api/cosmos-db/documents>

use azure_data_cosmos::models::ChangeFeedItem;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    dev::host::{base64, date, json::Json},
    model::Timestamp,
    store::{Container, Located},
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
    let mut document = Json::parse_whole(&item.current()?.to_string()).ok()?;
    let Json::Object(members) = &mut document else { return None };
    if let Some(lsn) = item.metadata().and_then(|metadata| metadata.lsn()) {
        members.push(("_lsn".to_owned(), Json::number(lsn.value())));
    }
    // The client sorts members by name.
    members.sort_by_key(|(name, _)| SYSTEM.iter().position(|system| name == system).map_or(0, |at| at + 1));
    Some(document)
}

/// A document of the embedded store, as it would be in an account.
pub(super) fn of_store(container: Container, change: &Located, now: Timestamp) -> Json {
    let Located { partition, document } = change;
    let key = format!("{}/{partition}/{}", container.name(), document.id);
    let rid = base64::encoded(&Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()).as_bytes()[..12]);
    let number = Json::Integer(document.etag.0.clone());
    let mut members = vec![
        ("id", Json::of(document.id.as_str())),
        (partition_key(container), Json::of(partition)),
        // What is no JSON was damaged; whoever follows is to see it.
        ("body", Json::parse_whole(&document.body).unwrap_or_else(|_| Json::of(&document.body))),
    ];
    if let Some(due) = document.due_at {
        members.push(("dueAt", Json::of(date::with_z(due))));
    }
    let system = [
        Json::of(&rid),
        Json::of(format!("dbs/backline/colls/{}/docs/{rid}/", container.name())),
        Json::of(format!("\"{}\"", document.etag.0)),
        Json::of("attachments/"),
        // When it was written is not known: when it was brought is near to that.
        Json::number(now.timestamp()),
        number,
    ];
    members.extend(SYSTEM.into_iter().zip(system));
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// What a container is partitioned by.
fn partition_key(container: Container) -> &'static str {
    match container {
        Container::Inputs => "workflowId",
        Container::Conversations => "conversationId",
        Container::Events => "subject",
        Container::People => "bot",
        Container::Areas => "id",
        Container::DeadLetters => "source",
    }
}
