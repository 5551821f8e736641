//! The embedded store: one SQLite file that any number of processes may share.

mod alive;
mod checkpoints;
mod connection;
mod failure;
mod prepared;
mod rows;
mod statements;
mod syncs;
mod writer;

use std::{
    fs,
    ops::RangeInclusive,
    path::Path,
    sync::mpsc::{Sender, channel},
    thread::{self, JoinHandle},
};

use async_trait::async_trait;
use tokio::sync::oneshot;

use self::{
    alive::{Alive, Opening},
    checkpoints::Checkpoints,
    connection::Readers,
    failure::unavailable,
    syncs::Syncs,
    writer::{Done, Job, PURGE_CHUNK, Work},
};
use super::{
    Batch, Container, Continuation, Document, DocumentId, DueDocument, ETag, Error, Located, NothingDue,
    Page, Query, Store, needs_one_transaction,
};
use crate::model::{Clock, Timestamp};

/// When an answered commit is safe (<https://www.sqlite.org/pragma.html#pragma_synchronous>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// On the disk: it survives the loss of power.
    #[default]
    Full,
    /// With the operating system: it survives the death of the process, of the machine only up to the last checkpoint.
    Normal,
}

/// How the file is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteSettings {
    /// When an answered commit is safe.
    pub synchronous: Synchronous,
    /// Are the batches of one commit one transaction? If not, each is its own, as in Cosmos DB: for tests.
    pub one_transaction: bool,
    /// The file grows to at most so many pages, as on a disk that is full: for tests.
    pub most_pages: Option<u32>,
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self { synchronous: Synchronous::Full, one_transaction: true, most_pages: None }
    }
}

/// A database file with its writer thread. Dropping it waits until what was asked for is written, and ends this life
/// (see [`Store::is_dead`]).
///
/// Due and expiry times are kept to the microsecond.
pub struct Sqlite {
    settings: SqliteSettings,
    clock: Clock,
    readers: Readers,
    /// None only while being dropped.
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    // Last, so that nobody takes us for dead while the writer still writes.
    alive: Alive,
}

impl Sqlite {
    /// Opens the file, making it and its directories where they are missing. Beside it goes a directory
    /// `{path}.alive`, in which each process at the store keeps a file locked. Waits while another process opens the
    /// same file.
    ///
    /// # Errors
    /// `Refused` if the file is no database, another program's or a newer version's; `Unavailable` if it can't be
    /// opened. Both name the file.
    pub fn open(path: &Path, settings: SqliteSettings, clock: Clock) -> Result<Self, Error> {
        Self::enter(path, settings, clock).map_err(|error| {
            let explained = |why: &str| format!("can't use `{}` as the store: {why}", path.display());
            match error {
                Error::Refused(why) => Error::Refused(explained(&why)),
                Error::Unavailable { why, retry_after } => {
                    Error::Unavailable { why: explained(&why), retry_after }
                }
                conflict @ Error::Conflict { .. } => conflict,
            }
        })
    }

    fn enter(path: &Path, settings: SqliteSettings, clock: Clock) -> Result<Self, Error> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(unavailable)?;
        }
        let opening = Opening::wait(path).map_err(unavailable)?;
        let mut connection = connection::for_writing(path)?;
        if let Some(pages) = settings.most_pages {
            connection.pragma_update(None, "max_page_count", pages)?;
        }
        let (log, checkpoints) = Checkpoints::start(path, &mut connection)?;
        let (syncs, syncing) = match settings.synchronous {
            Synchronous::Full => Some(Syncs::start(&connection)?),
            Synchronous::Normal => None,
        }
        .unzip();
        let alive = opening.enter().map_err(unavailable)?;
        drop(opening);

        let (jobs, waiting) = channel();
        let writer_clock = clock.clone();
        let writer = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer::serve(&connection, &waiting, &writer_clock, log, syncs.as_ref()))
            .map_err(unavailable)?;
        let threads = [writer, checkpoints].into_iter().chain(syncing).collect();
        Ok(Self { settings, clock, readers: Readers::new(path.into()), jobs: Some(jobs), threads, alive })
    }

    async fn ask(&self, work: Work) -> Result<Done, Error> {
        let gone = || unavailable("the writer thread is gone: restart the process");
        let (reply, answer) = oneshot::channel();
        self.jobs.as_ref().ok_or_else(gone)?.send(Job { work, reply }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Each batch on its own, up to the first that fails.
    async fn commit_apart(&self, batches: Vec<Batch>) -> Result<Vec<Vec<ETag>>, Error> {
        let mut etags = Vec::with_capacity(batches.len());
        for (number, batch) in batches.into_iter().enumerate() {
            let written = self.ask(Work::Commit(vec![batch], None)).await.map_err(|error| match error {
                Error::Conflict { partition, id, .. } => Error::Conflict { partition, id, batch: number },
                other => other,
            })?;
            etags.extend(written.etags);
        }
        Ok(etags)
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn read(
        &self,
        container: Container,
        partition: &str,
        id: &DocumentId,
    ) -> Result<Option<Document>, Error> {
        self.readers.read(|connection| rows::read(connection, self.now(), container, partition, id))
    }

    async fn query(
        &self,
        container: Container,
        partition: &str,
        query: Query,
    ) -> Result<Vec<Document>, Error> {
        self.readers.read(|connection| rows::query(connection, self.now(), container, partition, &query))
    }

    async fn commit(&self, batches: Vec<Batch>) -> Result<Vec<Vec<ETag>>, Error> {
        batches.iter().try_for_each(Batch::check)?;
        if self.settings.one_transaction {
            Ok(self.ask(Work::Commit(batches, None)).await?.etags)
        } else {
            self.commit_apart(batches).await
        }
    }

    async fn commit_unless_due(
        &self,
        batches: Vec<Batch>,
        unless: NothingDue,
    ) -> Result<Vec<Vec<ETag>>, Error> {
        batches.iter().try_for_each(Batch::check)?;
        if !self.settings.one_transaction {
            return Err(needs_one_transaction());
        }
        Ok(self.ask(Work::Commit(batches, Some(unless))).await?.etags)
    }

    async fn due(
        &self,
        container: Container,
        times: RangeInclusive<Timestamp>,
        limit: usize,
    ) -> Result<Vec<DueDocument>, Error> {
        self.readers.read(|connection| rows::due(connection, self.now(), container, &times, limit))
    }

    async fn changes(
        &self,
        container: Container,
        after: Option<Continuation>,
        limit: usize,
    ) -> Result<(Vec<Located>, Continuation), Error> {
        self.readers.read(|connection| rows::changes(connection, self.now(), container, after, limit))
    }

    async fn list(
        &self,
        container: Container,
        after: Option<Continuation>,
        limit: usize,
    ) -> Result<Page, Error> {
        self.readers.read(|connection| rows::list(connection, self.now(), container, after, limit))
    }

    async fn purge(&self) -> Result<usize, Error> {
        let mut purged = 0;
        for container in Container::ALL {
            loop {
                let chunk = self.ask(Work::Purge(container)).await?.purged;
                purged += chunk;
                if chunk < PURGE_CHUNK {
                    break;
                }
            }
        }
        Ok(purged)
    }

    fn may_join(&self, input: &str) -> bool {
        self.settings.one_transaction && self.alive.dares(input)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn instance(&self) -> &str {
        self.alive.name()
    }

    async fn is_dead(&self, instance: &str) -> bool {
        self.alive.is_dead(instance)
    }

    fn kind(&self) -> &'static str {
        "sqlite"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_alone_has_a_thread_that_waits_for_the_disk() {
        let directory = tempfile::TempDir::new().unwrap();
        for (synchronous, threads) in [(Synchronous::Normal, 2), (Synchronous::Full, 3)] {
            let settings = SqliteSettings { synchronous, ..SqliteSettings::default() };
            let store = Sqlite::open(&directory.path().join("store.db"), settings, Clock::real()).unwrap();
            assert_eq!(store.threads.len(), threads, "{synchronous:?}");
        }
    }
}
