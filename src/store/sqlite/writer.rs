//! The one thread of a process that writes: it makes one transaction of whatever waits.

use std::{sync::mpsc::Receiver, time::Duration};

use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use super::{checkpoints::Checkpoints, failure::unavailable, rows, statements::Statements};
use crate::{
    model::{Clock, Timestamp},
    store::{Batch, Container, Draft, ETag, Error, Write},
};

/// How many jobs share a transaction at most, so that the first of them is not kept waiting for long.
const GROUP: usize = 256;
/// How many documents one job purges at most.
pub(super) const PURGE_CHUNK: usize = 500;

/// What the writer is asked to do, and where the answer goes.
pub(super) enum Job {
    /// All of these batches or none.
    Commit(Vec<Batch>, Reply<Vec<Vec<ETag>>>),
    /// Some expired documents of a container. Fewer than [`PURGE_CHUNK`] are the last ones.
    Purge(Container, Reply<usize>),
}

pub(super) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// Serves until nobody can send a job any more.
pub(super) fn serve(connection: &Connection, jobs: &Receiver<Job>, clock: &Clock, mut log: Checkpoints) {
    while let Ok(first) = jobs.recv() {
        let group = std::iter::once(first).chain(jobs.try_iter().take(GROUP - 1));
        let (answers, end) = match Transaction::begin(connection, clock.now()) {
            Ok(mut transaction) => {
                let answers: Vec<Answer> = group.map(|job| transaction.attempt(job)).collect();
                (answers, transaction.end())
            }
            Err(error) => (group.map(Answer::none).collect(), Err(error.to_string())),
        };
        for answer in answers {
            answer.give(&end);
        }
        log.look(connection);
    }
}

/// What a job came to. Nobody may hear of it before the transaction has ended: even a conflict may be with a write of
/// the same group, which the end can still undo.
enum Answer {
    Commit(Result<Vec<Vec<ETag>>, Error>, Reply<Vec<Vec<ETag>>>),
    Purge(Result<usize, Error>, Reply<usize>),
}

impl Answer {
    fn none(job: Job) -> Self {
        match job {
            Job::Commit(_, reply) => Self::Commit(Ok(Vec::new()), reply),
            Job::Purge(_, reply) => Self::Purge(Ok(0), reply),
        }
    }

    fn give(self, end: &Result<(), String>) {
        // A caller that no longer listens has its reasons.
        match self {
            Self::Commit(result, reply) => drop(reply.send(settled(result, end))),
            Self::Purge(result, reply) => drop(reply.send(settled(result, end))),
        }
    }
}

fn settled<T>(result: Result<T, Error>, end: &Result<(), String>) -> Result<T, Error> {
    match (result, end) {
        (result, Ok(())) => result,
        (Err(own @ (Error::Refused(_) | Error::Unavailable { .. })), Err(_)) => Err(own),
        (_, Err(why)) => Err(unavailable(why)),
    }
}

struct Transaction<'a> {
    connection: &'a Connection,
    now: i64,
    /// The number of the last write, and what it was at the beginning.
    last: i64,
    began_at: i64,
}

impl<'a> Transaction<'a> {
    fn begin(connection: &'a Connection, now: Timestamp) -> Result<Self, rusqlite::Error> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let last = connection
            .prepare_cached("SELECT last FROM sequence")
            .and_then(|mut select| select.query_row([], |row| row.get(0)))
            .inspect_err(|_| undo(connection))?;
        Ok(Self { connection, now: now.timestamp_micros(), last, began_at: last })
    }

    /// Makes what was attempted last, or undoes all of it.
    fn end(self) -> Result<(), String> {
        let Self { connection, last, began_at, .. } = self;
        self.check_open()?;
        let counted = if last == began_at {
            Ok(())
        } else {
            connection
                .prepare_cached("UPDATE sequence SET last = ?1")
                .and_then(|mut update| update.execute([last]).map(drop))
        };
        counted
            .and_then(|()| self.execute("COMMIT"))
            .inspect_err(|_| undo(connection))
            .map_err(|error| error.to_string())
    }

    /// Some errors (a full disk) make SQLite undo the whole transaction at once: <https://www.sqlite.org/lang_transaction.html>.
    fn check_open(&self) -> Result<(), String> {
        if self.connection.is_autocommit() {
            return Err("the failure of another commit undid this one".into());
        }
        Ok(())
    }

    /// Does a job so that its failure undoes it alone: inside a savepoint, unless it is a single write, which SQLite
    /// undoes by itself (<https://www.sqlite.org/lang_conflict.html>).
    fn attempt(&mut self, job: Job) -> Answer {
        match job {
            Job::Commit(batches, reply) => {
                let is_single = matches!(&batches[..], [batch] if batch.writes.len() == 1);
                let result = match is_single {
                    true => self.check_open().map_err(unavailable).and_then(|()| self.commit(batches)),
                    false => self.saving(|it| it.commit(batches)),
                };
                Answer::Commit(result, reply)
            }
            Job::Purge(container, reply) => Answer::Purge(self.saving(|it| it.purge(container)), reply),
        }
    }

    fn saving<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.check_open().map_err(unavailable)?;
        self.execute("SAVEPOINT job")?;
        let result = work(self);
        let undone = match &result {
            Ok(_) => Ok(()),
            Err(_) if self.connection.is_autocommit() => return result,
            Err(_) => self.execute("ROLLBACK TO job"),
        };
        if let Err(error) = undone.and_then(|()| self.execute("RELEASE job")) {
            // Half a job must not become part of the transaction.
            undo(self.connection);
            return Err(error.into());
        }
        result
    }

    fn commit(&mut self, batches: Vec<Batch>) -> Result<Vec<Vec<ETag>>, Error> {
        let mut etags = Vec::with_capacity(batches.len());
        for (number, batch) in batches.into_iter().enumerate() {
            let mut written = Vec::with_capacity(batch.writes.len());
            for write in &batch.writes {
                let Some(etag) = self.write(batch.container, &batch.partition, write)? else {
                    let id = write.id().clone();
                    return Err(Error::Conflict { partition: batch.partition, id, batch: number });
                };
                written.push(etag);
            }
            etags.push(written);
        }
        Ok(etags)
    }

    /// The new ETag, or none if the document is not as expected.
    fn write(
        &mut self,
        container: Container,
        partition: &str,
        write: &Write,
    ) -> Result<Option<ETag>, rusqlite::Error> {
        let sql = Statements::of(container);
        let (now, seq) = (self.now, self.last + 1);
        let id = write.id().as_str();
        let changed = match write {
            Write::Create(_, draft) => {
                let (due_at, expires_at) = self.times(draft);
                self.connection
                    .prepare_cached(&sql.create)?
                    .execute(params![now, partition, id, seq, draft.body, due_at, expires_at])?
            }
            Write::Upsert(_, draft) => {
                let (due_at, expires_at) = self.times(draft);
                self.connection
                    .prepare_cached(&sql.upsert)?
                    .execute(params![partition, id, seq, draft.body, due_at, expires_at])?
            }
            Write::Replace(_, etag, draft) => {
                let Some(old) = version(etag) else { return Ok(None) };
                let (due_at, expires_at) = self.times(draft);
                self.connection
                    .prepare_cached(&sql.replace)?
                    .execute(params![now, partition, id, old, seq, draft.body, due_at, expires_at])?
            }
            Write::Delete(_, etag) => {
                let Some(old) = version(etag) else { return Ok(None) };
                let gone =
                    self.connection.prepare_cached(&sql.delete)?.execute(params![now, partition, id, old])?;
                return Ok((gone == 1).then(|| etag.clone()));
            }
        };
        if changed == 0 {
            return Ok(None);
        }
        self.last = seq;
        Ok(Some(ETag(seq.to_string())))
    }

    /// When it is due and when it expires.
    fn times(&self, draft: &Draft) -> (Option<i64>, Option<i64>) {
        let micros = |ttl: Duration| i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
        let expires_at = draft.ttl.map(|ttl| self.now.saturating_add(micros(ttl)));
        (draft.due_at.map(|at| at.timestamp_micros()), expires_at)
    }

    fn purge(&mut self, container: Container) -> Result<usize, Error> {
        let sql = &Statements::of(container).purge;
        Ok(self.connection.prepare_cached(sql)?.execute(params![self.now, rows::count(PURGE_CHUNK)])?)
    }

    fn execute(&self, sql: &str) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }
}

/// An ETag of another store is no version of anything here.
fn version(etag: &ETag) -> Option<i64> {
    etag.0.parse().ok()
}

fn undo(connection: &Connection) {
    if !connection.is_autocommit() {
        // What can't be undone now, SQLite undoes when it next opens the file.
        let _ = connection.execute_batch("ROLLBACK");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::store::{
        Synchronous,
        sqlite::{connection, rows},
    };

    /// Has the writer do these commits as one group, on a connection that was first tampered with; for each of them
    /// the answer, and whether its document is there.
    fn write(
        tamper: impl FnOnce(&mut Connection),
        documents: &[(&str, usize)],
    ) -> Vec<(Result<(), Error>, bool)> {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("store.db");
        let mut connection = connection::for_writing(&path, Synchronous::Normal).unwrap();
        let (log, thread) = Checkpoints::start(&path, &mut connection).unwrap();
        tamper(&mut connection);

        let (jobs, waiting) = channel();
        let answers: Vec<_> = documents
            .iter()
            .map(|(id, bytes)| {
                let draft = Draft { body: "x".repeat(*bytes), due_at: None, ttl: None };
                let writes = vec![Write::Create(id.parse().unwrap(), draft)];
                let batch = Batch { container: Container::Areas, partition: "p".into(), writes };
                let (reply, answer) = oneshot::channel();
                jobs.send(Job::Commit(vec![batch], reply)).unwrap();
                answer
            })
            .collect();
        drop(jobs);
        let clock = Clock::hand_wound(Timestamp::UNIX_EPOCH);
        serve(&connection, &waiting, &clock, log);
        thread.join().unwrap();
        let there = |id: &str| {
            let id = id.parse().unwrap();
            rows::read(&connection, clock.now(), Container::Areas, "p", &id).unwrap().is_some()
        };
        let answers = answers.into_iter().map(|answer| answer.blocking_recv().unwrap().map(drop));
        answers.zip(documents).map(|(answer, (id, _))| (answer, there(id))).collect()
    }

    #[test]
    fn nobody_is_answered_but_by_the_end_of_the_transaction() {
        let refuse = |connection: &mut Connection| {
            connection.commit_hook(Some(|| true)).unwrap();
        };
        for (answer, there) in write(refuse, &[("a", 10), ("a", 10), ("b", 10)]) {
            assert!(matches!(answer, Err(Error::Unavailable { .. })), "{answer:?}");
            assert!(!there);
        }
    }

    #[test]
    fn a_full_disk_is_told_to_those_it_concerns() {
        let fill = |connection: &mut Connection| {
            connection.pragma_update(None, "max_page_count", 60).unwrap();
        };
        let outcome = write(fill, &[("a", 10), ("huge", 1 << 20), ("b", 10)]);
        assert!(matches!(outcome[1].0, Err(Error::Unavailable { .. })), "{outcome:?}");
        for (answer, there) in outcome {
            assert_eq!(answer.is_ok(), there);
        }
    }
}
