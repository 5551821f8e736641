//! The port for hints: queue messages that name something which may have work to do.

pub mod sqlite;
pub mod storage_queue;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;

use self::{sqlite::SqliteQueue, storage_queue::StorageSettings};
use crate::model::Clock;

/// Which queues, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settings {
    /// One file on this machine.
    Sqlite(PathBuf),
    /// A storage account in Azure, or its emulator.
    Storage(StorageSettings),
}

/// Opens the queues. Those elsewhere are asked nothing before they are needed.
///
/// # Errors
/// As [`SqliteQueue::open`].
pub fn open(settings: &Settings, clock: Clock) -> Result<Arc<dyn Queue>, Error> {
    Ok(match settings {
        Settings::Sqlite(file) => Arc::new(SqliteQueue::open(file, clock)?),
        Settings::Storage(_) => return Err(Error::Refused("not yet".into())),
    })
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The queue can't serve now; the same call may succeed later.
    #[error("the queue is unavailable: {0}")]
    Unavailable(String),
    /// The message can never be sent (larger than 48 KiB before base64, a wrong queue name).
    #[error("the queue refuses: {0}")]
    Refused(String),
}

/// Sends messages. Who receives them is the host's business: it calls our queue functions.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Puts `message` into `queue` (made if it is not there), to be seen no sooner than after `delay`
    /// (at most 7 days: <https://learn.microsoft.com/rest/api/storageservices/put-message>). Called twice, it puts two.
    async fn send(&self, queue: &str, message: &str, delay: Duration) -> Result<(), Error>;
}
