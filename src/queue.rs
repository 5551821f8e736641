//! The port for hints: queue messages that name something which may have work to do.

mod message;
mod sent;
pub mod sqlite;
pub mod storage_queue;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::watch;

pub use message::{LARGEST, Length, Received};

use self::{sqlite::SqliteQueue, storage_queue::StorageQueue};
use crate::{azure::StorageAccount, model::Clock};

/// Which queues, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settings {
    /// One file on this machine.
    Sqlite(PathBuf),
    /// A storage account in Azure, or its emulator.
    Storage(StorageAccount),
}

/// Opens the queues. Those elsewhere are asked nothing before they are needed.
///
/// # Errors
/// As [`SqliteQueue::open`] and [`StorageQueue::new`].
pub fn open(settings: &Settings, clock: Clock) -> Result<Arc<dyn Mailbox>, Error> {
    Ok(match settings {
        Settings::Sqlite(file) => Arc::new(SqliteQueue::open(file, clock)?),
        Settings::Storage(account) => Arc::new(StorageQueue::new(account.clone(), clock)?),
    })
}

/// Why a queue did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The queue can't serve now; the same call may succeed later.
    #[error("the queue is unavailable: {0}")]
    Unavailable(String),
    /// The same call can never succeed: a message larger than 48 KiB before base64, a wrong queue name, a wrong key.
    #[error("the queue refuses: {0}")]
    Refused(String),
}

/// Sends messages. Who receives them is the host's business: it calls our queue functions.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Does what can be done before the first call, so that it need not pay for it. What fails here fails again, and is
    /// told, in the call that needs it.
    async fn warm(&self) {}

    /// Puts `message` into `queue` (made if it is not there), to be seen no sooner than after `delay`
    /// (at most 7 days: <https://learn.microsoft.com/rest/api/storageservices/put-message>). Called twice, it puts two.
    async fn send(&self, queue: &str, message: &str, delay: Duration) -> Result<(), Error>;
}

/// Receives messages as well: what the Functions host does with queues, and whoever looks into them.
#[async_trait]
pub trait Mailbox: Queue {
    /// Sends bytes; see [`Queue::send`].
    ///
    /// # Errors
    /// As [`Queue::send`].
    async fn send_bytes(&self, queue: &str, body: &[u8], delay: Duration) -> Result<(), Error>;

    /// Takes up to `most` (and at most 32) visible messages and hides them for `visibility`. Two receivers never get
    /// the same one. A queue that is not there holds nothing.
    async fn receive(&self, queue: &str, most: usize, visibility: Duration) -> Result<Vec<Received>, Error>;

    /// Removes a message; false if the receipt is no longer the last one, or the message is gone.
    async fn delete(&self, queue: &str, id: &str, pop_receipt: &str) -> Result<bool, Error>;

    /// Hides a message for this long from now on (zero shows it at once); returns the new receipt, none if the given
    /// one is no longer the last, or the message is gone.
    async fn extend(
        &self,
        queue: &str,
        id: &str,
        pop_receipt: &str,
        visibility: Duration,
    ) -> Result<Option<String>, Error>;

    /// The first visible messages, at most 32, without taking them: their receipts are empty.
    async fn peek(&self, queue: &str, most: usize) -> Result<Vec<Received>, Error>;

    /// All queues and how much they hold. Where it would cost much to know exactly, about how much.
    async fn list(&self) -> Result<BTreeMap<String, Length>, Error>;

    /// Removes expired messages, where that does not happen by itself; returns how many.
    async fn purge(&self) -> Result<usize, Error>;

    /// Tells how many messages this process has sent to a queue, and of each that follows. What others send is told by
    /// looking alone.
    fn watch(&self, queue: &str) -> watch::Receiver<u64>;
}

/// So many messages are received or peeked at in one call.
/// <https://learn.microsoft.com/rest/api/storageservices/get-messages#uri-parameters>
const MOST: usize = 32;
