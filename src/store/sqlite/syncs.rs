//! Puts commits on the disk, on a thread of its own: while the disk works the writer goes on, and whatever it commits
//! meanwhile shares the next sync.
//!
//! A commit is seen by readers before it is safe. Nobody is told of it so early, and what somebody writes because of it
//! comes later in the log: of the log a loss of power leaves the beginning, so never that without this. Who acts on it
//! without writing acts on a hint, and what hints are about stands in the store as due.

use std::{
    fs::File,
    io, iter,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tracing::error;

use super::{connection, failure::unavailable, writer::Answer};
use crate::store::Error;

/// The writer's side.
pub(super) struct Syncs(Sender<Vec<Answer>>);

impl Syncs {
    /// Starts the thread for the log that this connection writes; it ends when the returned value is dropped.
    pub(super) fn start(writer: &Connection) -> Result<(Self, JoinHandle<()>), Error> {
        // As SQLite names them: it follows links to the database's own place.
        let database = PathBuf::from(writer.path().unwrap_or_default());
        let mut log = database.clone().into_os_string();
        log.push("-wal");
        // It is the log as long as anybody has the database open. SQLite holds no locks on it that closing ours would end.
        let log = File::open(log).map_err(unavailable)?;
        let (answers, written) = channel();
        let thread = thread::Builder::new()
            .name("store-syncs".into())
            .spawn(move || serve(&written, || log.sync_data(), || begin_anew(&database)))
            .map_err(unavailable)?;
        Ok((Self(answers), thread))
    }

    /// Gives these answers when what was written until now is on the disk.
    pub(super) fn answer(&self, answers: Vec<Answer>) {
        // The thread is gone only if it has panicked: then nobody is answered, which says that.
        let _ = self.0.send(answers);
    }
}

/// After a sync that failed nobody knows what of the log is on the disk, and the next sync will not tell
/// (<https://wiki.postgresql.org/wiki/Fsync_Errors>): then it is made to begin anew.
fn serve(
    written: &Receiver<Vec<Answer>>,
    sync: impl Fn() -> io::Result<()>,
    begin_anew: impl Fn() -> Result<(), String>,
) {
    let mut is_sound = true;
    while let Ok(first) = written.recv() {
        let answers: Vec<Answer> = iter::once(first).chain(written.try_iter()).flatten().collect();
        let safe = if is_sound { sync().map_err(|error| error.to_string()) } else { begin_anew() };
        is_sound = safe.is_ok();
        if let Err(why) = &safe {
            error!(why, "the disk does not take the write-ahead log");
        }
        for answer in answers {
            answer.give(&safe);
        }
    }
}

/// Carries the whole log into the database file, and that onto the disk, so that the next write begins a new log.
fn begin_anew(database: &Path) -> Result<(), String> {
    let restart =
        |connection: Connection| connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| row.get(0));
    match connection::another(database).and_then(restart) {
        Ok(false) => Ok(()),
        Ok(true) => Err("somebody is still using the log".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc::sync_channel};

    use tokio::sync::oneshot;

    use super::*;
    use crate::store::sqlite::writer::Done;

    type Told = oneshot::Receiver<Result<Done, Error>>;

    /// As many answers as that, and where they are told.
    fn answers<const N: usize>() -> (Vec<Answer>, [Told; N]) {
        let (replies, told): (Vec<_>, Vec<_>) = (0..N).map(|_| oneshot::channel()).unzip();
        let answers = replies.into_iter().map(|reply| Answer { result: Ok(Done::default()), reply });
        (answers.collect(), told.try_into().ok().unwrap())
    }

    fn is_well(told: Told) -> bool {
        match told.blocking_recv().unwrap() {
            Ok(_) => true,
            Err(Error::Unavailable { .. }) => false,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn nobody_is_answered_before_the_sync_and_those_who_wait_share_the_next() {
        let (to_sync, begun) = sync_channel::<()>(0);
        let (go, may_end) = sync_channel::<()>(0);
        let (to, written) = channel();
        let may_end = Mutex::new(may_end);
        let sync = move || {
            to_sync.send(()).unwrap();
            may_end.lock().unwrap().recv().map_err(io::Error::other)
        };
        let thread = thread::spawn(move || serve(&written, sync, || unreachable!("no sync fails")));
        let (first, [mut one, mut two]) = answers();
        to.send(first).unwrap();
        begun.recv().unwrap();
        let (second, [mut three]) = answers();
        let (third, [mut four]) = answers();
        to.send(second).unwrap();
        to.send(third).unwrap();
        for told in [&mut one, &mut two, &mut three, &mut four] {
            assert!(told.try_recv().is_err(), "told before the sync");
        }
        go.send(()).unwrap();
        assert!(is_well(one) && is_well(two));
        begun.recv().unwrap();
        for told in [&mut three, &mut four] {
            assert!(told.try_recv().is_err(), "the sync began before it was written");
        }
        go.send(()).unwrap();
        assert!(is_well(three) && is_well(four));
        drop(to);
        thread.join().unwrap();
        assert!(begun.recv().is_err(), "there was a sync for nobody");
    }

    #[test]
    fn after_a_failed_sync_nobody_is_told_that_all_is_well_until_the_log_has_begun_anew() {
        let syncs = Mutex::new([Ok(()), Err(io::Error::other("broken")), Ok(())].into_iter());
        let anews = Mutex::new([Err("still broken".to_owned()), Ok(())].into_iter());
        let sync = move || syncs.lock().unwrap().next().unwrap();
        let anew = move || anews.lock().unwrap().next().unwrap();
        let (to, written) = channel();
        let thread = thread::spawn(move || serve(&written, sync, anew));
        let outcomes = [(); 5].map(|()| {
            let (answers, [told]) = answers();
            to.send(answers).unwrap();
            is_well(told)
        });
        // A sync, one that fails, two attempts to begin anew, a sync.
        assert_eq!(outcomes, [true, false, false, true, true]);
        drop(to);
        thread.join().unwrap();
    }

    #[test]
    fn the_log_begins_anew_when_it_must() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("store.db");
        let writer = connection::for_writing(&path).unwrap();
        let pages = || {
            let of_log = |row: &rusqlite::Row<'_>| row.get::<_, i32>(1);
            writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], of_log).unwrap()
        };
        writer
            .execute_batch("CREATE TABLE pages (page BLOB); INSERT INTO pages VALUES (zeroblob(400000))")
            .unwrap();
        assert!(pages() > 100);
        begin_anew(&path).unwrap();
        writer.execute_batch("DELETE FROM pages").unwrap();
        assert!(pages() < 100, "{}", pages());
    }
}
