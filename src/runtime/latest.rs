//! Latest: the heads of a conversation and of its workflow as this process wrote them last, for what comes there next.
//!
//! They may be old: somebody else may have written since. So they are good only for a decision that replaces them all,
//! each with If-Match: then one that is old is a conflict, and is read again.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard},
};

use lru::LruCache;
use serde::{Serialize, de::DeserializeOwned};

use super::{documents::Conversation, scene::Read};
use crate::{
    model::{ConversationId, WorkflowId},
    store::{Draft, ETag},
};

/// So many conversations are remembered: those that were talked in last.
const MOST: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
/// A workflow's head that is larger in bytes, with the entry that it was written with, is not.
pub(super) const LARGEST: usize = 8 * 1024;

/// The heads of a conversation and of its current workflow.
pub(super) struct Heads {
    pub(super) conversation: (Conversation, ETag),
    pub(super) workflow: (WorkflowId, Read),
}

impl Heads {
    /// As if they had been read.
    pub(super) fn known(self) -> ((Conversation, Option<ETag>), (WorkflowId, Read)) {
        let (head, etag) = self.conversation;
        ((head, Some(etag)), self.workflow)
    }
}

/// What one process wrote last.
pub(super) struct Latest(Mutex<LruCache<ConversationId, Heads>>);

impl Default for Latest {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }
}

impl Latest {
    /// Remembers these, until they are taken or others are talked in.
    pub(super) fn keep(&self, id: &ConversationId, heads: Heads) {
        debug_assert!(reads_back(&heads.conversation.0) && reads_back(&heads.workflow.1.0), "{id}");
        self.heads().put(id.clone(), heads);
    }

    /// What is remembered of a conversation, once.
    pub(super) fn take(&self, id: &ConversationId) -> Option<Heads> {
        self.heads().pop(id)
    }

    fn heads(&self) -> MutexGuard<'_, LruCache<ConversationId, Heads>> {
        self.0.lock().expect("nobody panics while holding the latest heads")
    }
}

/// Would a process that reads it know the same?
fn reads_back<T: Serialize + DeserializeOwned + PartialEq>(head: &T) -> bool {
    serde_json::from_str::<T>(&Draft::of(head).body).is_ok_and(|read| read == *head)
}
