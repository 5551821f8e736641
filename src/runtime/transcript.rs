//! Transcript: every input and output of a conversation, in the order of time, as long as it is kept.

use std::collections::BTreeSet;

use super::{
    Conversation, Error, Item, Outgoing,
    documents::{Handed, INBOX, OUT, head_id},
};
use crate::{
    model::{ConversationId, EffectId, Person, Timestamp},
    store::{Container, Document, Query, Store},
};

/// So many documents are read at once.
const PAGE: usize = 200;

/// What was said in one conversation.
#[derive(Debug)]
pub struct Transcript {
    /// Its head.
    pub conversation: Conversation,
    /// What was told, the oldest first.
    pub told: Vec<Told>,
}

/// An input with what was sent because of it, or something that came from elsewhere.
#[derive(Debug)]
pub struct Told {
    /// When it came.
    pub at: Option<Timestamp>,
    /// What came in; nothing if this came from elsewhere.
    pub item: Option<Item>,
    /// What was sent, in order.
    pub sent: Vec<Outgoing>,
}

impl Transcript {
    /// What is still to be sent.
    #[must_use]
    pub fn unsent(&self) -> BTreeSet<&EffectId> {
        self.conversation.outbox.iter().map(|outgoing| &outgoing.id).collect()
    }
}

/// What was said in a conversation; none if the store knows nothing of it.
///
/// # Errors
/// The store's, or a document that can't be read.
pub async fn transcript(store: &dyn Store, id: &ConversationId) -> Result<Option<Transcript>, Error> {
    let mut found = Transcript { conversation: Conversation::default(), told: Vec::new() };
    let mut query = Query { limit: PAGE, ..Query::default() };
    let mut is_known = false;
    loop {
        let page = store.query(Container::Conversations, &id.to_string(), query.clone()).await?;
        is_known |= !page.is_empty();
        query.after = page.last().map(|last| last.id.clone());
        let is_last = page.len() < PAGE;
        for document in page {
            if document.id == head_id() {
                found.conversation = document.parse()?;
            } else {
                found.told.extend(told(&document)?);
            }
        }
        if is_last {
            break;
        }
    }
    // The ids of one moment are in the order of their keys already.
    found.told.sort_by_key(|told| told.at);
    Ok(is_known.then_some(found))
}

fn told(document: &Document) -> Result<Option<Told>, Error> {
    let id = document.id.as_str();
    if id.starts_with(INBOX) {
        let item: Item = document.parse()?;
        let (at, sent) = (Some(item.input.at), item.caused.clone());
        return Ok(Some(Told { at, item: Some(item), sent }));
    }
    if id.starts_with(OUT) {
        let Handed { at, outgoing } = document.parse()?;
        return Ok(Some(Told { at, item: None, sent: vec![outgoing] }));
    }
    Ok(None)
}

/// Everybody who talks to a bot in private, with the conversation in which they do.
///
/// # Errors
/// The store's, or a document that can't be read.
pub async fn people(store: &dyn Store) -> Result<Vec<(ConversationId, Person)>, Error> {
    let mut people = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(Container::People, after, PAGE).await?;
        for located in page.documents {
            let bot = located.partition.parse().map_err(|why| Error::Data(format!("{why}")))?;
            let person: Person = located.document.parse()?;
            people.push((ConversationId::private(bot, person.id), person));
        }
        after = page.next;
        if after.is_none() {
            return Ok(people);
        }
    }
}
