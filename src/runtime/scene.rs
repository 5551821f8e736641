//! Scene: what a decision is made from, read in the order that the commit protocol needs.

use std::collections::BTreeMap;

use super::{
    Error, Runtime,
    documents::{Conversation, INBOX, Item, State, WorkflowDocument, entry_id, head_id, item_id},
    latest::Heads,
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

/// An item that is to be applied, and its version.
type Pending = (Item, ETag);

/// The heads of workflows, as far as they are there.
type Workflows = BTreeMap<WorkflowId, Option<Read>>;

/// An input that is to be applied, with the heads it is judged against.
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
    /// The pending input that goes first, with all it is judged against; nothing if none is pending. The conversation's
    /// head is not read if it is given.
    ///
    /// The order of the reads matters: conversation head, workflow heads, pending items. So whatever a workflow knows
    /// as its last is either still pending here, or truly done.
    pub(super) async fn scene(
        &self,
        id: &ConversationId,
        head: Option<(Conversation, Option<ETag>)>,
    ) -> Result<Option<Scene>, Error> {
        let (conversation, conversation_etag, mut heads) = self.heads(id, head, None).await?;
        loop {
            let mut pending = self.pending(id).await?;
            self.see_unfinished(id, &heads, &mut pending).await?;
            let Some((place, unfinished)) = choose(&pending, &heads, id) else { return Ok(None) };
            if self.see_named(&pending[place].0, &conversation, &mut heads).await? {
                // The items are always read after the head of the workflow that they go to.
                continue;
            }
            let overtaken = pending.iter().any(|(item, _)| is_start(item));
            let (item, etag) = pending.swap_remove(place);
            return Ok(Some(Scene {
                conversation,
                conversation_etag,
                item,
                item_etag: Some(etag),
                workflows: those_there(heads),
                unfinished,
                overtaken,
                known: Vec::new(),
            }));
        }
    }

    /// An input that is not stored yet, with all it is judged against. The heads that are `latest` are not read. Whether
    /// anything is pending, the commit tells that stores it.
    pub(super) async fn scene_of(
        &self,
        id: &ConversationId,
        item: Item,
        latest: Option<Heads>,
    ) -> Result<Scene, Error> {
        let (head, workflow) = latest.map(Heads::known).unzip();
        let (conversation, conversation_etag, mut heads) = self.heads(id, head, workflow).await?;
        self.see_named(&item, &conversation, &mut heads).await?;
        Ok(Scene {
            conversation,
            conversation_etag,
            item,
            item_etag: None,
            workflows: those_there(heads),
            unfinished: false,
            overtaken: false,
            known: Vec::new(),
        })
    }

    /// The heads of a conversation and of its current workflow. Those that are given are not read.
    async fn heads(
        &self,
        id: &ConversationId,
        head: Option<(Conversation, Option<ETag>)>,
        workflow: Option<(WorkflowId, Read)>,
    ) -> Result<(Conversation, Option<ETag>, Workflows), Error> {
        let (conversation, etag) = match head {
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
        Ok((conversation, etag, heads))
    }

    /// Reads the head of the workflow that an item names, if that is not among `heads`. Was it read?
    async fn see_named(
        &self,
        item: &Item,
        conversation: &Conversation,
        heads: &mut Workflows,
    ) -> Result<bool, Error> {
        let Some(named) = self.named(item, conversation).filter(|named| !heads.contains_key(named)) else {
            return Ok(false);
        };
        heads.insert(named, self.workflow(named).await?);
        Ok(true)
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
        documents.into_iter().map(|document| Ok((document.parse()?, document.etag))).collect()
    }

    /// A full page of items may hide the one that a workflow knows as its last.
    async fn see_unfinished(
        &self,
        id: &ConversationId,
        heads: &Workflows,
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
                pending.push((item, etag));
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

fn those_there(heads: Workflows) -> BTreeMap<WorkflowId, Read> {
    heads.into_iter().filter_map(|(id, read)| Some((id, read?))).collect()
}

/// Which pending item goes first, and whether its A is done.
fn choose(pending: &[Pending], heads: &Workflows, id: &ConversationId) -> Option<(usize, bool)> {
    let lasts = heads.values().flatten().filter_map(|(document, _)| document.last.get(id));
    rules::goes_first(pending.iter().map(|(item, _)| &item.input.key), lasts)
}

pub(super) fn is_start(item: &Item) -> bool {
    matches!(&item.input.what, What::Command { name, .. } if name == "start")
}
