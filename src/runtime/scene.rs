//! Scene: what a decision is made from, read in the order that the commit protocol needs.

use std::collections::BTreeMap;

use super::{
    Error, Runtime,
    documents::{Conversation, INBOX, Item, State, WorkflowDocument, entry_id, head_id, item_id},
    rules,
};
use crate::{
    engine::{Album, Entry, Route, route},
    model::{ConversationId, InputKey, What, WorkflowId},
    store::{Container, ETag, Query},
};

/// Inbox items that are read at once: enough to see the lowest, and whether `last` is among them.
const ITEMS: usize = 50;

/// A workflow's head as it was read.
pub(super) type Read = (WorkflowDocument, ETag);

/// An item that is to be applied, and its version, if it is stored.
type Pending = (Item, Option<ETag>);

/// A pending input with the heads it is judged against.
pub(super) struct Scene {
    pub(super) conversation: Conversation,
    pub(super) conversation_etag: Option<ETag>,
    pub(super) item: Item,
    /// None if it is not stored yet.
    pub(super) item_etag: Option<ETag>,
    /// The heads of the current workflow and of the one that the input names.
    pub(super) workflows: BTreeMap<WorkflowId, Read>,
    /// A workflow knows the input as its last: A is done, at least in part.
    pub(super) unfinished: bool,
    /// `/start` waits behind it.
    pub(super) overtaken: bool,
    /// The entries that an earlier attempt has written.
    pub(super) known: Vec<(WorkflowId, Entry)>,
}

impl Scene {
    /// The workflow that this input starts, if it starts one.
    pub(super) fn begun(&self) -> WorkflowId {
        WorkflowId::begun_by(&self.item.input.conversation, &self.item.input.key)
    }
}

impl Runtime {
    /// The pending input that goes first, with all it is judged against; nothing if none is pending. With an input that
    /// is not stored yet, that one; nothing if any is pending. The heads that are given are not read.
    ///
    /// The order of the reads matters: conversation head, workflow heads, pending items. So whatever a workflow knows
    /// as its last is either still pending here, or truly done.
    pub(super) async fn scene(
        &self,
        id: &ConversationId,
        head: Option<(Conversation, Option<ETag>)>,
        workflow: Option<(WorkflowId, Read)>,
        mut unstored: Option<Item>,
    ) -> Result<Option<Scene>, Error> {
        let (conversation, conversation_etag) = match head {
            Some(read) => read,
            None => self.conversation(id).await?,
        };
        let mut heads = BTreeMap::new();
        if let Some(current) = conversation.current {
            let read = match workflow {
                Some((known, read)) if known == current => Some(read),
                _ => self.workflow(current).await?,
            };
            heads.insert(current, read);
        }
        loop {
            let mut pending = self.pending(id).await?;
            self.see_unfinished(id, &heads, &mut pending).await?;
            if let Some(item) = unstored.take() {
                if !rules::may_join(pending.is_empty()) {
                    return Ok(None);
                }
                pending.push((item, None));
            }
            let Some((place, unfinished)) = choose(&pending, &heads, id) else { return Ok(None) };
            if let Some(named) = self.named(&pending[place].0, &conversation)
                && !heads.contains_key(&named)
            {
                // The items are always read after the head of the workflow that they go to.
                heads.insert(named, self.workflow(named).await?);
                unstored = pending.pop().filter(|(_, etag)| etag.is_none()).map(|(item, _)| item);
                continue;
            }
            let overtaken = pending.iter().any(|(item, _)| is_start(item));
            let (item, item_etag) = pending.swap_remove(place);
            let workflows = heads.into_iter().filter_map(|(id, read)| Some((id, read?))).collect();
            let known = Vec::new();
            return Ok(Some(Scene {
                conversation,
                conversation_etag,
                item,
                item_etag,
                workflows,
                unfinished,
                overtaken,
                known,
            }));
        }
    }

    /// The head of a conversation and its version; a new one if there is none.
    pub(super) async fn conversation(
        &self,
        id: &ConversationId,
    ) -> Result<(Conversation, Option<ETag>), Error> {
        match self.store().read(Container::Conversations, &id.to_string(), &head_id()).await? {
            None => Ok((Conversation::default(), None)),
            Some(document) => Ok((document.parse()?, Some(document.etag))),
        }
    }

    /// The head of a workflow and its version.
    pub(super) async fn workflow(&self, id: WorkflowId) -> Result<Option<Read>, Error> {
        match self.store().read(Container::Inputs, &id.to_string(), &head_id()).await? {
            None => Ok(None),
            Some(document) => Ok(Some((document.parse()?, document.etag))),
        }
    }

    /// An entry of a workflow's log.
    pub(super) async fn entry(&self, workflow: WorkflowId, key: &InputKey) -> Result<Option<Entry>, Error> {
        let read = self.store().read(Container::Inputs, &workflow.to_string(), &entry_id(key)?).await?;
        Ok(read.map(|document| document.parse()).transpose()?)
    }

    /// An inbox item, whatever became of it.
    pub(super) async fn item(
        &self,
        conversation: &ConversationId,
        key: &InputKey,
    ) -> Result<Option<(Item, ETag)>, Error> {
        let partition = conversation.to_string();
        match self.store().read(Container::Conversations, &partition, &item_id(key)).await? {
            None => Ok(None),
            Some(document) => Ok(Some((document.parse()?, document.etag))),
        }
    }

    /// The entries that an earlier attempt at this input has written already.
    pub(super) async fn known_entries(&self, scene: &Scene) -> Result<Vec<(WorkflowId, Entry)>, Error> {
        let mut known = Vec::new();
        for workflow in scene.workflows.keys().copied().chain([scene.begun()]) {
            if let Some(entry) = self.entry(workflow, &scene.item.input.key).await? {
                known.push((workflow, entry));
            }
        }
        Ok(known)
    }

    async fn pending(&self, conversation: &ConversationId) -> Result<Vec<Pending>, Error> {
        let query = Query { prefix: INBOX.to_owned(), due_only: true, limit: ITEMS, after: None };
        let documents =
            self.store().query(Container::Conversations, &conversation.to_string(), query).await?;
        documents.into_iter().map(|document| Ok((document.parse()?, Some(document.etag)))).collect()
    }

    /// A full page of items may hide the one that a workflow knows as its last.
    async fn see_unfinished(
        &self,
        id: &ConversationId,
        heads: &BTreeMap<WorkflowId, Option<Read>>,
        pending: &mut Vec<Pending>,
    ) -> Result<(), Error> {
        if pending.len() < ITEMS {
            return Ok(());
        }
        for last in heads.values().flatten().filter_map(|(document, _)| document.last.get(id)) {
            if pending.iter().any(|(known, _)| known.input.key == *last) {
                continue;
            }
            if let Some((item, etag)) = self.item(id, last).await?
                && item.state == State::Pending
            {
                pending.push((item, Some(etag)));
            }
        }
        Ok(())
    }

    /// Where an input goes. While the conversation has no workflow of its own, what is written answers the question
    /// that somebody else's workflow put here last.
    pub(super) fn routed<'a>(&'a self, item: &'a Item, conversation: &'a Conversation) -> Route<'a> {
        let newest = conversation.newest_prompt().filter(|_| conversation.current.is_none());
        route(self.table(), &item.input, prompt(item, conversation), newest)
    }

    /// The workflow that an input names.
    fn named(&self, item: &Item, conversation: &Conversation) -> Option<WorkflowId> {
        match self.routed(item, conversation) {
            Route::Named(id, _) => Some(id),
            _ => None,
        }
    }
}

fn prompt<'a>(item: &'a Item, conversation: &'a Conversation) -> Option<&'a str> {
    let album = || Album::of(conversation.album.as_ref(), &item.input)?.prompt.as_deref();
    item.prompt.as_deref().or_else(album).or_else(|| conversation.prompt_of(item.input.reply_to?))
}

/// Which pending item goes first, and whether its A is done.
fn choose(
    pending: &[Pending],
    heads: &BTreeMap<WorkflowId, Option<Read>>,
    id: &ConversationId,
) -> Option<(usize, bool)> {
    let lasts = heads.values().flatten().filter_map(|(document, _)| document.last.get(id));
    rules::goes_first(pending.iter().map(|(item, _)| &item.input.key), lasts)
}

pub(super) fn is_start(item: &Item) -> bool {
    matches!(&item.input.what, What::Command { name, .. } if name == "start")
}
