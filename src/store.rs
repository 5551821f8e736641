//! The port for everything that must be remembered: documents in partitions, with ETags. Cosmos semantics are the
//! contract; `tests/it/store_contract.rs` holds every store to it.

pub mod cosmos;
mod document;
mod sqlite;

use std::{ops::RangeInclusive, path::PathBuf, sync::Arc};

use async_trait::async_trait;

pub use cosmos::{Cosmos, CosmosSettings};
pub use document::{
    Batch, Container, Continuation, Document, DocumentId, Draft, DueDocument, ETag, Located, NothingDue,
    Page, Query, Write,
};
pub use sqlite::{Sqlite, SqliteSettings, Synchronous};

use crate::model::{Clock, Timestamp};

/// Which store, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settings {
    /// One file on this machine.
    Sqlite {
        /// The file.
        file: PathBuf,
        /// How safe a commit is against a power cut.
        synchronous: Synchronous,
    },
    /// A database in Azure.
    Cosmos(CosmosSettings),
}

/// Opens a store. One on this machine is there when this returns; one elsewhere is asked nothing before it is needed.
///
/// # Errors
/// As [`Sqlite::open`].
pub fn open(settings: &Settings, clock: Clock) -> Result<Arc<dyn Store>, Error> {
    Ok(match settings {
        Settings::Sqlite { file, synchronous } => {
            let settings = SqliteSettings { synchronous: *synchronous, ..SqliteSettings::default() };
            Arc::new(Sqlite::open(file, settings, clock)?)
        }
        Settings::Cosmos(settings) => Arc::new(Cosmos::new(settings.clone(), clock)),
    })
}

/// Why a store did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing of the batch was written: a document was there already, was changed meanwhile, or was gone.
    /// Read again and decide anew.
    #[error("conflict on `{id}` in `{partition}`")]
    Conflict {
        /// The partition of the batch.
        partition: String,
        /// The first document that was not as expected.
        id: DocumentId,
        /// Which batch of the commit this was; those before it may have been written.
        batch: usize,
    },
    /// The store can't serve now; the same call may succeed later. Whether a write happened is unknown.
    #[error("the store is unavailable: {why}")]
    Unavailable {
        /// What happened.
        why: String,
        /// How long the store asks to be left alone.
        retry_after: Option<std::time::Duration>,
    },
    /// The call can never succeed (a document too large, a forbidden id, a damaged file).
    #[error("the store refuses: {0}")]
    Refused(String),
}

impl Error {
    /// May the same call succeed later?
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

fn needs_one_transaction() -> Error {
    Error::Refused("a commit tells what is due only where all of it is one transaction".into())
}

/// What the operations of one process have cost at a store that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// How many operations.
    pub operations: u64,
    /// How many requests they took, retries and pages included.
    pub requests: u64,
    /// Request units, as the store tells them.
    pub ru: f64,
}

/// Documents in partitions. Every method may be called by any number of processes at once.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Does what can be done before the first call, so that it need not pay for it. What fails here is tried again by
    /// the call that needs it.
    async fn warm(&self) {}

    /// One document, as the latest write by anybody left it. An expired one is gone.
    async fn read(
        &self,
        container: Container,
        partition: &str,
        id: &DocumentId,
    ) -> Result<Option<Document>, Error>;

    /// Documents of one partition in the order of their ids (bytewise).
    async fn query(
        &self,
        container: Container,
        partition: &str,
        query: Query,
    ) -> Result<Vec<Document>, Error>;

    /// The only write. The batches are written in order, each all or nothing; a store that can (SQLite) makes all of
    /// them one transaction, another stops at the first that fails. Returns the new ETag of each write, batch by
    /// batch (deletes give the one they deleted).
    ///
    /// # Errors
    /// `Conflict` names the first batch that was not written, nothing of which was.
    async fn commit(&self, batches: Vec<Batch>) -> Result<Vec<Vec<ETag>>, Error>;

    /// The same where nothing of `unless` is due, as the transaction finds it; only at a store that makes all batches of a
    /// commit one transaction.
    ///
    /// # Errors
    /// `Conflict` names the first document that is due, and nothing was written. `Refused` by every other store.
    async fn commit_unless_due(
        &self,
        _batches: Vec<Batch>,
        _unless: NothingDue,
    ) -> Result<Vec<Vec<ETag>>, Error> {
        Err(needs_one_transaction())
    }

    /// Documents of all partitions whose `due_at` is among these times, the earliest first.
    async fn due(
        &self,
        container: Container,
        times: RangeInclusive<Timestamp>,
        limit: usize,
    ) -> Result<Vec<DueDocument>, Error>;

    /// Changes after `after`, oldest first, the latest version of each document only; deletions are not told.
    /// Fewer than `limit` may be told while there are more; none at all are told only when there are no more. Always
    /// returns where to go on, even if nothing changed.
    /// In Azure the order is that of each physical partition, and what was written in one batch comes together even past
    /// the limit (<https://learn.microsoft.com/azure/cosmos-db/nosql/change-feed-modes>).
    async fn changes(
        &self,
        container: Container,
        after: Option<Continuation>,
        limit: usize,
    ) -> Result<(Vec<Located>, Continuation), Error>;

    /// All documents of a container, a page at a time, partition by partition.
    async fn list(
        &self,
        container: Container,
        after: Option<Continuation>,
        limit: usize,
    ) -> Result<Page, Error>;

    /// Removes expired documents and what deletions left behind, where the store does not do so by itself. Returns how many.
    async fn purge(&self) -> Result<usize, Error>;

    /// May an input be applied in the very commit that stores it? Only where all batches of a commit are one transaction,
    /// so that [`commit_unless_due`](Self::commit_unless_due) is served.
    /// A yes is noted first: if this process dies over the input, whoever opens the store next says no, once, so that
    /// it is stored and its attempts are counted.
    fn may_join(&self, _input: &str) -> bool {
        false
    }

    /// The store's clock, which claims and deadlines go by.
    fn now(&self) -> Timestamp;

    /// The name of this process at this store, for claims.
    fn instance(&self) -> &str;

    /// Can the store tell that the process of this name is dead? Then its claims are void at once.
    async fn is_dead(&self, instance: &str) -> bool;

    /// What this process has spent here; none where nothing is counted.
    fn spent(&self) -> Option<Spent> {
        None
    }

    /// `sqlite`, `cosmos`: for people.
    fn kind(&self) -> &'static str;
}
