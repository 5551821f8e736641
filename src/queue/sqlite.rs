//! Queues in one SQLite file, with the semantics of Azure Storage Queues: any number of processes may send and receive.

mod rows;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::TimeDelta;
use rusqlite::Connection;
use tokio::sync::watch;

use super::{
    Error, Length, MOST, Mailbox, Queue, Received,
    message::{LIFE, check},
    sent::Sent,
};
use crate::model::{Clock, Timestamp};

/// Queues in one file. Cheap to clone.
#[derive(Clone)]
pub struct SqliteQueue {
    connection: Arc<Mutex<Connection>>,
    clock: Clock,
    sent: Sent,
}

impl SqliteQueue {
    /// Opens the file, making it and its directories where they are missing.
    ///
    /// # Errors
    /// `Refused` if it is no such file or cannot be written.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, Error> {
        let refused = |e: rusqlite::Error| Error::Refused(format!("{}: {e}", path.display()));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|e| Error::Refused(format!("can't make the folder `{}`: {e}", folder.display())))?;
        }
        let connection = Connection::open(path).map_err(refused)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(refused)?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;",
            )
            .map_err(refused)?;
        connection.execute_batch(include_str!("sqlite.sql")).map_err(refused)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), clock, sent: Sent::default() })
    }

    /// When it is so much later than now.
    fn after(&self, delay: Duration) -> Timestamp {
        self.clock.now() + TimeDelta::from_std(delay).unwrap_or(TimeDelta::days(7))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let connection = self.connection.clone();
        let done = tokio::task::spawn_blocking(move || {
            work(&mut connection.lock().expect("nobody panics while holding the connection"))
        });
        match done.await {
            Ok(result) => result.map_err(|e| Error::Unavailable(e.to_string())),
            Err(e) => Err(Error::Unavailable(e.to_string())),
        }
    }
}

#[async_trait]
impl Queue for SqliteQueue {
    async fn send(&self, queue: &str, message: &str, delay: Duration) -> Result<(), Error> {
        self.send_bytes(queue, message.as_bytes(), delay).await
    }
}

#[async_trait]
impl Mailbox for SqliteQueue {
    async fn send_bytes(&self, queue: &str, body: &[u8], delay: Duration) -> Result<(), Error> {
        check(queue, body, delay)?;
        let (name, body) = (queue.to_owned(), body.to_vec());
        let times = rows::Times {
            inserted: self.clock.now(),
            visible: self.after(delay),
            expires: self.after(delay + LIFE),
        };
        self.run(move |connection| rows::put(connection, &name, &body, times)).await?;
        self.sent.one(queue);
        Ok(())
    }

    async fn receive(&self, queue: &str, most: usize, visibility: Duration) -> Result<Vec<Received>, Error> {
        let (now, until) = (self.clock.now(), self.after(visibility));
        let queue = queue.to_owned();
        self.run(move |connection| rows::take(connection, &queue, most.min(MOST), now, until)).await
    }

    async fn delete(&self, queue: &str, id: &str, pop_receipt: &str) -> Result<bool, Error> {
        let key = [queue, id, pop_receipt].map(str::to_owned);
        self.run(move |connection| rows::delete(connection, &key)).await
    }

    async fn extend(
        &self,
        queue: &str,
        id: &str,
        pop_receipt: &str,
        visibility: Duration,
    ) -> Result<Option<String>, Error> {
        let until = self.after(visibility);
        let key = [queue, id, pop_receipt].map(str::to_owned);
        self.run(move |connection| rows::extend(connection, &key, until)).await
    }

    async fn peek(&self, queue: &str, most: usize) -> Result<Vec<Received>, Error> {
        let now = self.clock.now();
        let queue = queue.to_owned();
        self.run(move |connection| rows::peek(connection, &queue, most.min(MOST), now)).await
    }

    async fn list(&self) -> Result<BTreeMap<String, Length>, Error> {
        let now = self.clock.now();
        self.run(move |connection| rows::list(connection, now)).await
    }

    async fn purge(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        self.run(move |connection| rows::purge(connection, now)).await
    }

    fn watch(&self, queue: &str) -> watch::Receiver<u64> {
        self.sent.watch(queue)
    }
}
