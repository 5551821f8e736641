//! Carries the write-ahead log into the database file on a thread of its own, so that hardly any commit waits for it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tracing::warn;

use super::connection;

/// So many new pages in the log are worth a checkpoint.
const WORTH_PAGES: i32 = 2_000;
/// With so many pages in the log (100 MB) the writer itself makes the checkpoint after which the log begins anew: that
/// takes a moment in which nothing is written, which a busy writer never leaves to the other thread. It waits for a
/// moment when the other thread has left it little to carry, for meanwhile all commits wait.
const MANY_PAGES: i32 = 24_000;
/// Little enough for that: a few milliseconds.
const FEW_PAGES: i32 = 400;
/// With so many it waits no longer.
const MOST_PAGES: i32 = 2 * MANY_PAGES;

/// The writer's side.
pub(super) struct Checkpoints {
    /// Pages in the log after the newest commit.
    pages: Arc<AtomicI32>,
    /// How many of them the other thread had carried over when it was last done.
    carried: Arc<AtomicI32>,
    /// How many they were when the last checkpoint was asked for.
    asked_at: i32,
    bell: SyncSender<()>,
}

impl Checkpoints {
    /// Starts the thread; it ends when the returned value is dropped.
    pub(super) fn start(
        path: &Path,
        writer: &mut Connection,
    ) -> Result<(Self, JoinHandle<()>), crate::store::Error> {
        let pages = Arc::new(AtomicI32::new(0));
        let carried = Arc::new(AtomicI32::new(0));
        let (counter, progress) = (Arc::clone(&pages), Arc::clone(&carried));
        writer.wal_hook(Some(move |_: &mut _, now| {
            counter.store(now, Relaxed);
            Ok(())
        }))?;
        let own = connection::another(path)?;
        let (bell, rings) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("store-checkpoints".into())
            .spawn(move || serve(&own, &rings, &progress))
            .map_err(super::failure::unavailable)?;
        Ok((Self { pages, carried, asked_at: 0, bell }, thread))
    }

    /// To be called by the writer between two transactions.
    pub(super) fn look(&mut self, writer: &Connection) {
        let pages = self.pages.load(Relaxed);
        if pages < self.asked_at {
            // The log has begun anew.
            self.asked_at = 0;
            self.carried.store(0, Relaxed);
        }
        let left = pages - self.carried.load(Relaxed);
        let is_worth_it = pages - self.asked_at >= WORTH_PAGES;
        if pages > MANY_PAGES && (0..FEW_PAGES).contains(&left) || pages > MOST_PAGES && is_worth_it {
            self.asked_at = pages;
            checkpoint(writer);
        } else if is_worth_it {
            self.asked_at = pages;
            // A bell that is still ringing is heard.
            let _ = self.bell.try_send(());
        }
    }
}

fn serve(connection: &Connection, rings: &Receiver<()>, carried: &AtomicI32) {
    while rings.recv().is_ok() {
        // The second pass takes what came during the first: on a quiet store that is nothing, and the log begins anew.
        for _ in 0..2 {
            let Some((all, done)) = checkpoint(connection) else { break };
            carried.store(done, Relaxed);
            if done == all {
                break;
            }
        }
    }
}

/// Carries over what no reader still needs from the log, waiting for nobody. Returns how many pages the log has, and how
/// many of them are carried over; none if somebody else is at it.
fn checkpoint(connection: &Connection) -> Option<(i32, i32)> {
    let done = connection
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
        .and_then(|mut pragma| pragma.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))));
    match done {
        Ok((false, all, carried)) => Some((all, carried)),
        Ok((true, ..)) => None,
        Err(error) => {
            warn!(%error, "a checkpoint failed; the write-ahead log grows until one succeeds");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_a_writer_that_never_rests_begins_anew() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("store.db");
        let mut writer = connection::for_writing(&path).unwrap();
        writer.execute_batch("CREATE TABLE pages (page BLOB)").unwrap();
        let (mut log, thread) = Checkpoints::start(&path, &mut writer).unwrap();
        let mut before = 0;
        loop {
            writer.execute_batch("INSERT INTO pages VALUES (zeroblob(400000)); DELETE FROM pages").unwrap();
            log.look(&writer);
            let pages = log.pages.load(Relaxed);
            if pages < before {
                break;
            }
            before = pages;
            assert!(before < MOST_PAGES + 2 * WORTH_PAGES, "{before} pages in the log");
        }
        assert!(before > MANY_PAGES, "{before} pages in the log");
        drop(log);
        thread.join().unwrap();
    }
}
