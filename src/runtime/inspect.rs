//! Inspect: what stands behind a conversation, and whether a log still folds to its head.

use serde_json::Value;

use super::{Conversation, Error, Item, WorkflowDocument, documents::INBOX};
use crate::{
    engine::{Entry, Head},
    model::{ConversationId, WorkflowId},
    store::{Container, Query, Store},
};

/// What stands behind one conversation.
#[derive(Debug)]
pub struct Behind {
    /// Its head.
    pub conversation: Conversation,
    /// Its inputs, oldest first.
    pub items: Vec<Item>,
    /// Its workflows with their logs, newest first.
    pub workflows: Vec<Logged>,
    /// The events they published.
    pub events: Vec<Value>,
}

/// A workflow with its log.
#[derive(Debug)]
pub struct Logged {
    /// Its head.
    pub document: WorkflowDocument,
    /// Its entries, in order.
    pub log: Vec<Entry>,
}

/// A workflow as its log rebuilds it, beside the head that is stored.
#[derive(Debug)]
pub struct Rebuilt {
    /// What the log folds to.
    pub folded: Head,
    /// What the store holds.
    pub stored: Head,
    /// How many entries the log has.
    pub entries: usize,
}

impl Rebuilt {
    /// Are the two the same?
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.folded == self.stored
    }
}

/// Folds the log of `workflow` and reads its head.
///
/// # Errors
/// There is no such workflow, its log has a gap, or the store fails.
pub async fn rebuild(store: &dyn Store, workflow: WorkflowId) -> Result<Rebuilt, Error> {
    let (document, log) = logged(store, workflow)
        .await?
        .ok_or_else(|| Error::Data(format!("there is no workflow `{workflow}` in this store")))?;
    let mut folded = None;
    for (place, entry) in log.iter().enumerate() {
        if usize::try_from(entry.n) != Ok(place) {
            return Err(Error::Data(format!("the log of `{workflow}` has no entry {place}")));
        }
        folded = Head::fold(folded, workflow, entry);
    }
    let folded = folded.ok_or_else(|| Error::Data(format!("the log of `{workflow}` has no beginning")))?;
    Ok(Rebuilt { folded, stored: document.head, entries: log.len() })
}

async fn logged(
    store: &dyn Store,
    workflow: WorkflowId,
) -> Result<Option<(WorkflowDocument, Vec<Entry>)>, Error> {
    let documents = store.query(Container::Inputs, &workflow.to_string(), Query::default()).await?;
    let mut head = None;
    let mut log: Vec<Entry> = Vec::new();
    for document in documents {
        if document.id.as_str() == "head" {
            head = Some(document.parse()?);
        } else {
            log.push(document.parse()?);
        }
    }
    // An entry's order is its number, never its key.
    log.sort_by_key(|entry| entry.n);
    Ok(head.map(|head| (head, log)))
}

/// Everything behind a conversation, for people to look at.
///
/// # Errors
/// The store's.
pub async fn behind(store: &dyn Store, id: &ConversationId) -> Result<Behind, Error> {
    let documents = store.query(Container::Conversations, &id.to_string(), Query::default()).await?;
    let mut conversation = Conversation::default();
    let mut items: Vec<Item> = Vec::new();
    for document in documents {
        if document.id.as_str() == "head" {
            conversation = document.parse()?;
        } else if document.id.as_str().starts_with(INBOX) {
            items.push(document.parse()?);
        }
    }
    items.sort_by_key(|item| item.input.at);
    let mut ids: Vec<WorkflowId> = Vec::new();
    for workflow in items.iter().rev().flat_map(|item| item.workflows.iter().copied()) {
        if !ids.contains(&workflow) {
            ids.push(workflow);
        }
    }
    let mut workflows = Vec::new();
    let mut events = Vec::new();
    for workflow in ids {
        let Some((document, log)) = logged(store, workflow).await? else { continue };
        for caused in log.iter().flat_map(|entry| &entry.effects) {
            if let crate::engine::Effect::Publish(event) = &caused.effect {
                events.push(serde_json::to_value(event).unwrap_or_default());
            }
        }
        workflows.push(Logged { document, log });
    }
    Ok(Behind { conversation, items, workflows, events })
}
