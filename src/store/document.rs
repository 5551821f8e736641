//! Documents, the containers they live in, and what can be asked of them.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Error;
use crate::model::Timestamp;

/// Where documents live. What each holds, and by what it is partitioned, is told in `docs/ARCHITECTURE.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Container {
    /// Workflows: heads and the entries of their logs, by workflow.
    Inputs,
    /// Conversations: heads, inbox items, and what was sent from elsewhere, by conversation.
    Conversations,
    /// Domain events, by subject.
    Events,
    /// People who have talked to a bot, by bot.
    People,
    /// Places of the event, by id.
    Areas,
    /// What could not be done, by where it came from.
    DeadLetters,
}

impl Container {
    /// Every container.
    pub const ALL: [Self; 6] =
        [Self::Inputs, Self::Conversations, Self::Events, Self::People, Self::Areas, Self::DeadLetters];

    /// The container's name in every store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Conversations => "conversations",
            Self::Events => "events",
            Self::People => "people",
            Self::Areas => "areas",
            Self::DeadLetters => "deadLetters",
        }
    }
}

/// A document's name inside its partition: 1 to 1,023 bytes without `/ \ ? #`, which Cosmos DB forbids
/// (<https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits>).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId(String);

impl DocumentId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DocumentId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.is_empty() || text.len() > 1023 || text.contains(['/', '\\', '?', '#']) {
            let start: String = text.chars().take(60).collect();
            return Err(Error::Refused(format!(
                "`{start}` is not a document id (1 to 1,023 bytes without / \\ ? #)"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which version of a document this is; opaque.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ETag(pub String);

/// Where a listing or feed goes on; opaque.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continuation(pub String);

/// A document as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its name inside its partition.
    pub id: DocumentId,
    /// Its version.
    pub etag: ETag,
    /// Its JSON text.
    pub body: String,
    /// When somebody should look at it.
    pub due_at: Option<Timestamp>,
}

impl Document {
    /// The document's body as a type.
    ///
    /// # Errors
    /// `Refused` if the body is no such thing: written by a stranger, or damaged.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.body).map_err(|e| Error::Refused(format!("document `{}`: {e}", self.id)))
    }
}

/// What a document shall be after a write.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its JSON text.
    pub body: String,
    /// When somebody should look at it; [`Store::due`](super::Store::due) finds it by this.
    pub due_at: Option<Timestamp>,
    /// How long after the write it expires; without, never.
    pub ttl: Option<Duration>,
}

/// So many bytes or less are most documents.
const MOST_HAVE: usize = 2048;

impl Draft {
    /// A draft of this body that is never due and never expires.
    #[must_use]
    pub fn of(body: &impl Serialize) -> Self {
        let mut json = Vec::with_capacity(MOST_HAVE);
        serde_json::to_writer(&mut json, body)
            .expect("our documents have text keys and no failing serializers");
        Self { body: String::from_utf8(json).expect("JSON is UTF-8"), due_at: None, ttl: None }
    }

    /// The same, to be looked at then.
    #[must_use]
    pub fn due(mut self, at: Option<Timestamp>) -> Self {
        self.due_at = at;
        self
    }

    /// The same, expiring this long after the write.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }
}

/// One write of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Conflict if the document is there.
    Create(DocumentId, Draft),
    /// Conflict if the document is not there in this version.
    Replace(DocumentId, ETag, Draft),
    /// Whatever was there.
    Upsert(DocumentId, Draft),
    /// Conflict if the document is not there in this version.
    Delete(DocumentId, ETag),
}

impl Write {
    /// Creates the document if nothing was read, else replaces what was read.
    #[must_use]
    pub fn put(id: DocumentId, read: Option<&ETag>, draft: Draft) -> Self {
        match read {
            None => Self::Create(id, draft),
            Some(etag) => Self::Replace(id, etag.clone(), draft),
        }
    }

    /// Which document.
    #[must_use]
    pub fn id(&self) -> &DocumentId {
        match self {
            Self::Create(id, _) | Self::Replace(id, ..) | Self::Upsert(id, _) | Self::Delete(id, _) => id,
        }
    }

    /// What the document shall be, unless it shall be gone.
    #[must_use]
    pub fn draft(&self) -> Option<&Draft> {
        match self {
            Self::Create(_, draft) | Self::Replace(_, _, draft) | Self::Upsert(_, draft) => Some(draft),
            Self::Delete(..) => None,
        }
    }
}

/// Writes to one partition, all or none of which happen. At most 100 (Cosmos DB's limit:
/// <https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-request-limits>).
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Where.
    pub container: Container,
    /// The partition key's value.
    pub partition: String,
    /// What, in order; no document twice.
    pub writes: Vec<Write>,
}

impl Batch {
    /// Could every store write this? Each store asks before it writes anything, so that what works on one works on all.
    /// The limits are Cosmos DB's: 100 writes and 2 MB in a batch, 2,048 bytes in a partition key
    /// (<https://learn.microsoft.com/azure/cosmos-db/concepts-limits>).
    ///
    /// # Errors
    /// `Refused` says which limit is broken.
    pub fn check(&self) -> Result<(), Error> {
        let Self { partition, writes, .. } = self;
        let refuse = |why: String| Err(Error::Refused(format!("a batch in `{partition}`: {why}")));
        if partition.len() > 2048 {
            let start: String = partition.chars().take(60).collect();
            return Err(Error::Refused(format!("the partition `{start}` has more than 2,048 bytes")));
        }
        if writes.len() > 100 {
            return refuse(format!("{} writes are more than 100", writes.len()));
        }
        let bytes: usize = writes.iter().filter_map(Write::draft).map(|draft| draft.body.len()).sum();
        if bytes > 2 * 1024 * 1024 {
            return refuse(format!("{bytes} bytes are more than 2 MB"));
        }
        match writes.iter().enumerate().find(|(n, write)| writes[..*n].iter().any(|w| w.id() == write.id())) {
            Some((_, twice)) => refuse(format!("`{}` is in it twice", twice.id())),
            None => Ok(()),
        }
    }
}

/// Where nothing may be due when a commit is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NothingDue {
    /// In this container,
    pub container: Container,
    /// in this partition,
    pub partition: String,
    /// of the documents whose ids begin so.
    pub prefix: String,
}

/// Which documents of a partition to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Only ids that begin so.
    pub prefix: String,
    /// Only ids after this one.
    pub after: Option<DocumentId>,
    /// Only documents with a `due_at`.
    pub due_only: bool,
    /// At most so many; zero means all.
    pub limit: usize,
}

/// A document that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct DueDocument {
    /// Its partition.
    pub partition: String,
    /// Its name.
    pub id: DocumentId,
    /// When it was due.
    pub due_at: Timestamp,
}

/// A document of the change feed or a listing, with where it lives.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// Its partition.
    pub partition: String,
    /// The document.
    pub document: Document,
}

/// A page of a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The documents.
    pub documents: Vec<Located>,
    /// Where the next page begins; none after the last.
    pub next: Option<Continuation>,
}
