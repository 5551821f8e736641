//! Reference data: each instance keeps what it has seen and asks only for what is newer.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::sync::Mutex;

use super::{Error, Runtime};
use crate::{
    engine::Wanted,
    model::BotSlug,
    store::{Container, Continuation},
};

/// What an instance has seen of the reference containers.
#[derive(Default)]
pub(super) struct Reference {
    seen: Mutex<BTreeMap<Container, Seen>>,
}

#[derive(Default)]
struct Seen {
    after: Option<Continuation>,
    /// By partition and id.
    documents: BTreeMap<(String, String), Value>,
}

/// So many changes are read at once.
const PAGE: usize = 500;

impl Runtime {
    /// The reference data that a script asks for: what comes with the app, and over it what the store holds. People
    /// are those who have talked to this bot.
    pub(super) async fn look_up(&self, wanted: &Wanted, bot: &BotSlug) -> Result<Value, Error> {
        let container = match wanted.what.as_str() {
            "people" => Container::People,
            "areas" => Container::Areas,
            other => {
                return Err(Error::Data(format!(
                    "there is no reference data `{other}` (known: areas, people)"
                )));
            }
        };
        let mut by_id: BTreeMap<String, Value> = BTreeMap::new();
        for own in self.table().own_reference(&wanted.what) {
            by_id.insert(id_of(own), own.clone());
        }
        let mut all = self.parts.reference.seen.lock().await;
        let seen = all.entry(container).or_default();
        self.refresh(container, seen).await?;
        for ((partition, id), document) in &seen.documents {
            if container != Container::People || partition == bot.as_str() {
                by_id.insert(id.clone(), document.clone());
            }
        }
        Ok(by_id
            .into_values()
            .filter(|document| document.get("deleted") != Some(&Value::Bool(true)))
            .collect())
    }

    async fn refresh(&self, container: Container, seen: &mut Seen) -> Result<(), Error> {
        loop {
            let (changes, after) = self.store().changes(container, seen.after.take(), PAGE).await?;
            seen.after = Some(after);
            let count = changes.len();
            for change in changes {
                let document: Value = change.document.parse()?;
                seen.documents.insert((change.partition, change.document.id.to_string()), document);
            }
            if count < PAGE {
                return Ok(());
            }
        }
    }
}

fn id_of(document: &Value) -> String {
    match document.get("id") {
        Some(Value::String(id)) => id.clone(),
        Some(id) => id.to_string(),
        None => String::new(),
    }
}
