//! Carries the write-ahead log into the database file on a thread of its own, so that no commit waits for it.

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
/// With so many pages in the log (64 MB) the writer itself makes the checkpoint after which the log begins anew: that
/// takes a moment in which nothing is written, which a busy writer never leaves to the other thread.
const MOST_PAGES: i32 = 16_000;

/// The writer's side.
pub(super) struct Checkpoints {
    /// Pages in the log after the newest commit.
    pages: Arc<AtomicI32>,
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
        let counter = Arc::clone(&pages);
        writer.wal_hook(Some(move |_: &mut _, now| {
            counter.store(now, Relaxed);
            Ok(())
        }))?;
        let own = connection::another(path)?;
        let (bell, rings) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("store-checkpoints".into())
            .spawn(move || serve(&own, &rings))
            .map_err(super::failure::unavailable)?;
        Ok((Self { pages, asked_at: 0, bell }, thread))
    }

    /// To be called by the writer between two transactions.
    pub(super) fn look(&mut self, writer: &Connection) {
        let pages = self.pages.load(Relaxed);
        if pages < self.asked_at {
            // The log has begun anew.
            self.asked_at = 0;
        }
        if pages - self.asked_at < WORTH_PAGES {
            return;
        }
        self.asked_at = pages;
        if pages > MOST_PAGES {
            checkpoint(writer);
        } else {
            // A bell that is still ringing is heard.
            let _ = self.bell.try_send(());
        }
    }
}

fn serve(connection: &Connection, rings: &Receiver<()>) {
    while rings.recv().is_ok() {
        // The second pass takes what came during the first: on a quiet store that is nothing, and the log begins anew.
        if !checkpoint(connection) {
            checkpoint(connection);
        }
    }
}

/// Carries over what no reader still needs from the log, waiting for nobody. Was that all of it?
fn checkpoint(connection: &Connection) -> bool {
    let done = connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)").and_then(|mut pragma| {
        pragma.query_row([], |row| Ok(row.get::<_, i64>(1)? == row.get::<_, i64>(2)?))
    });
    done.unwrap_or_else(|error| {
        warn!(%error, "a checkpoint failed; the write-ahead log grows until one succeeds");
        true
    })
}
