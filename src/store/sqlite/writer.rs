//! The one thread of a process that writes: it makes one transaction of whatever waits.

use std::{sync::mpsc::Receiver, time::Duration};

use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;

use super::{
    checkpoints::Checkpoints, failure::unavailable, prepared::Prepared, rows, statements::Statements,
    syncs::Syncs,
};
use crate::{
    model::{Clock, Timestamp},
    store::{Batch, Container, Draft, ETag, Error, NothingDue, Write},
};

/// How many jobs share a transaction at most, so that the first of them is not kept waiting for long.
const GROUP: usize = 256;
/// How many documents one job purges at most.
pub(super) const PURGE_CHUNK: usize = 500;

/// What the writer is asked to do.
pub(super) enum Work {
    /// All of these batches or none; none if anything is due where nothing may be.
    Commit(Vec<Batch>, Option<NothingDue>),
    /// Remove some expired documents of a container. Fewer than [`PURGE_CHUNK`] are the last ones.
    Purge(Container),
}

/// What became of it.
#[derive(Default)]
pub(super) struct Done {
    /// The new ETags, batch by batch.
    pub(super) etags: Vec<Vec<ETag>>,
    /// So many documents were removed.
    pub(super) purged: usize,
}

/// What is to be done, and where the answer goes.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) reply: oneshot::Sender<Result<Done, Error>>,
}

/// What became of a job, for whoever waits.
pub(super) struct Answer {
    pub(super) result: Result<Done, Error>,
    pub(super) reply: oneshot::Sender<Result<Done, Error>>,
}

impl Answer {
    /// Tells it, if its transaction has ended well; else that it is not known what became of it.
    pub(super) fn give(self, end: &Result<(), String>) {
        // A caller that no longer listens has its reasons.
        let _ = self.reply.send(settled(self.result, end));
    }
}

/// Serves until nobody can send a job any more. With `syncs`, answers come when they are on the disk.
pub(super) fn serve(
    connection: &Connection,
    jobs: &Receiver<Job>,
    clock: &Clock,
    mut log: Checkpoints,
    syncs: Option<&Syncs>,
) {
    let prepared = &mut Prepared::new(connection);
    while let Ok(first) = jobs.recv() {
        let group: Vec<Job> = std::iter::once(first).chain(jobs.try_iter().take(GROUP - 1)).collect();
        // Hardly any job fails once it has written something. If one does, all are done again, each so that it can be
        // undone alone.
        let (results, end) = match write(prepared, clock.now(), &group, Undo::Together) {
            Some(written) => written,
            None => write(prepared, clock.now(), &group, Undo::Apart).expect("nothing is left half done"),
        };
        let answers = group.into_iter().zip(results).map(|(job, result)| Answer { result, reply: job.reply });
        match (syncs, &end) {
            (Some(syncs), Ok(())) => syncs.answer(answers.collect()),
            _ => answers.for_each(|answer| answer.give(&end)),
        }
        log.look(connection);
    }
}

/// How what a failed job has written is undone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undo {
    /// With all that its transaction has written.
    Together,
    /// Alone: each job has a savepoint.
    Apart,
}

/// What jobs came to. Nobody may hear of it before the transaction has ended: even a conflict may be with a write of the
/// same group, which the end can still undo.
type Written = (Vec<Result<Done, Error>>, Result<(), String>);

/// Does these jobs in one transaction. None if one of them has failed half done, and all of it had to be undone.
fn write(prepared: &mut Prepared<'_>, now: Timestamp, group: &[Job], undo: Undo) -> Option<Written> {
    let connection = prepared.connection;
    let mut transaction = match Transaction::begin(prepared, now) {
        Ok(transaction) => transaction,
        Err(error) => {
            return Some((group.iter().map(|_| Ok(Done::default())).collect(), Err(error.to_string())));
        }
    };
    let mut results = Vec::with_capacity(group.len());
    for job in group {
        match transaction.attempt(&job.work, undo) {
            Some(result) => results.push(result),
            None => {
                roll_back(connection);
                return None;
            }
        }
    }
    Some((results, transaction.end()))
}

fn settled(result: Result<Done, Error>, end: &Result<(), String>) -> Result<Done, Error> {
    match (result, end) {
        (result, Ok(())) => result,
        (Err(own @ (Error::Refused(_) | Error::Unavailable { .. })), Err(_)) => Err(own),
        (_, Err(why)) => Err(unavailable(why)),
    }
}

struct Transaction<'a, 'c> {
    prepared: &'a mut Prepared<'c>,
    now: i64,
    /// The number of the last write, and what it was at the beginning.
    last: i64,
    began_at: i64,
}

impl<'a, 'c> Transaction<'a, 'c> {
    fn begin(prepared: &'a mut Prepared<'c>, now: Timestamp) -> Result<Self, rusqlite::Error> {
        prepared.execute("BEGIN IMMEDIATE", [])?;
        let last = prepared
            .row("SELECT last FROM sequence", [], |row| row.get(0))
            .inspect_err(|_| roll_back(prepared.connection))?;
        Ok(Self { prepared, now: now.timestamp_micros(), last, began_at: last })
    }

    /// Makes what was attempted last, or undoes all of it.
    fn end(self) -> Result<(), String> {
        self.check_open()?;
        let Self { prepared, last, began_at, .. } = self;
        let counted = match last == began_at {
            true => Ok(0),
            false => prepared.execute("UPDATE sequence SET last = ?1", [last]),
        };
        counted
            .and_then(|_| prepared.execute("COMMIT", []))
            .map(drop)
            .inspect_err(|_| roll_back(prepared.connection))
            .map_err(|error| error.to_string())
    }

    /// Some errors (a full disk) make SQLite undo the whole transaction at once: <https://www.sqlite.org/lang_transaction.html>.
    fn check_open(&self) -> Result<(), String> {
        if self.prepared.connection.is_autocommit() {
            return Err("the failure of another commit undid this one".into());
        }
        Ok(())
    }

    /// Does a job so that its failure can be undone. None if it has failed half done: its transaction is to be rolled back.
    fn attempt(&mut self, work: &Work, undo: Undo) -> Option<Result<Done, Error>> {
        if let Err(why) = self.check_open() {
            return Some(Err(unavailable(why)));
        }
        // A single write SQLite undoes by itself (https://www.sqlite.org/lang_conflict.html).
        let is_single = match work {
            Work::Commit(batches, _) => matches!(&batches[..], [batch] if batch.writes.len() == 1),
            Work::Purge(_) => true,
        };
        if undo == Undo::Apart && !is_single {
            return Some(self.saving(|it| it.carry_out(work)));
        }
        let before = self.prepared.connection.total_changes();
        let result = self.carry_out(work);
        let is_whole = result.is_ok() || self.prepared.connection.total_changes() == before;
        // What undid the whole transaction has left nothing.
        (is_whole || is_single || self.prepared.connection.is_autocommit()).then_some(result)
    }

    fn carry_out(&mut self, work: &Work) -> Result<Done, Error> {
        Ok(match work {
            Work::Commit(batches, unless) => {
                if let Some(place) = unless {
                    self.check_nothing_due(place)?;
                }
                Done { etags: self.commit(batches)?, ..Done::default() }
            }
            Work::Purge(container) => Done { purged: self.purge(*container)?, ..Done::default() },
        })
    }

    fn saving<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.execute("SAVEPOINT job")?;
        let result = work(self);
        let undone = match &result {
            Ok(_) => Ok(()),
            Err(_) if self.prepared.connection.is_autocommit() => return result,
            Err(_) => self.execute("ROLLBACK TO job"),
        };
        if let Err(error) = undone.and_then(|()| self.execute("RELEASE job")) {
            // Half a job must not become part of the transaction.
            roll_back(self.prepared.connection);
            return Err(error.into());
        }
        result
    }

    fn check_nothing_due(&mut self, place: &NothingDue) -> Result<(), Error> {
        let NothingDue { container, partition, prefix } = place;
        let sql = &Statements::of(*container).query_due;
        let (from, to) = rows::range(prefix, None);
        let row = params![self.now, partition, from, to, 1];
        let first = self.prepared.row(sql, row, |row| Ok(rows::id(row, 0))).optional()?.transpose()?;
        match first {
            None => Ok(()),
            Some(id) => Err(Error::Conflict { partition: partition.clone(), id, batch: 0 }),
        }
    }

    fn commit(&mut self, batches: &[Batch]) -> Result<Vec<Vec<ETag>>, Error> {
        let mut etags = Vec::with_capacity(batches.len());
        for (number, batch) in batches.iter().enumerate() {
            let mut written = Vec::with_capacity(batch.writes.len());
            for write in &batch.writes {
                let Some(etag) = self.write(batch.container, &batch.partition, write)? else {
                    let (partition, id) = (batch.partition.clone(), write.id().clone());
                    return Err(Error::Conflict { partition, id, batch: number });
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
                let row = params![now, partition, id, seq, draft.body, due_at, expires_at];
                self.prepared.execute(&sql.create, row)?
            }
            Write::Upsert(_, draft) => {
                let (due_at, expires_at) = self.times(draft);
                let row = params![partition, id, seq, draft.body, due_at, expires_at];
                self.prepared.execute(&sql.upsert, row)?
            }
            Write::Replace(_, etag, draft) => {
                let Some(old) = version(etag) else { return Ok(None) };
                let (due_at, expires_at) = self.times(draft);
                let row = params![now, partition, id, old, seq, draft.body, due_at, expires_at];
                self.prepared.execute(&sql.replace, row)?
            }
            Write::Delete(_, etag) => {
                let Some(old) = version(etag) else { return Ok(None) };
                let gone = self.prepared.execute(&sql.delete, params![now, partition, id, old])?;
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
        Ok(self.prepared.execute(sql, params![self.now, rows::count(PURGE_CHUNK)])?)
    }

    fn execute(&mut self, sql: &'static str) -> Result<(), rusqlite::Error> {
        self.prepared.execute(sql, []).map(drop)
    }
}

/// An ETag of another store is no version of anything here.
fn version(etag: &ETag) -> Option<i64> {
    etag.0.parse().ok()
}

fn roll_back(connection: &Connection) {
    if !connection.is_autocommit() {
        // What can't be undone now, SQLite undoes when it next opens the file.
        let _ = connection.execute_batch("ROLLBACK");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::store::sqlite::{connection, rows};

    /// Has the writer do these commits as one group, on a connection that was first tampered with; for each of them
    /// the answer, and whether its documents are there.
    fn write(
        tamper: impl FnOnce(&mut Connection),
        commits: &[&[(&str, usize)]],
    ) -> Vec<(Result<(), Error>, Vec<bool>)> {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("store.db");
        let mut connection = connection::for_writing(&path).unwrap();
        let (log, thread) = Checkpoints::start(&path, &mut connection).unwrap();
        tamper(&mut connection);

        let (jobs, waiting) = channel();
        let create = |(id, bytes): &(&str, usize)| {
            Write::Create(id.parse().unwrap(), Draft { body: "x".repeat(*bytes), due_at: None, ttl: None })
        };
        let answers: Vec<_> = commits
            .iter()
            .map(|documents| {
                let writes = documents.iter().map(create).collect();
                let batch = Batch { container: Container::Areas, partition: "p".into(), writes };
                let (reply, answer) = oneshot::channel();
                jobs.send(Job { work: Work::Commit(vec![batch], None), reply }).unwrap();
                answer
            })
            .collect();
        drop(jobs);
        let clock = Clock::hand_wound(Timestamp::UNIX_EPOCH);
        serve(&connection, &waiting, &clock, log, None);
        thread.join().unwrap();
        let there = |(id, _): &(&str, usize)| {
            let id = id.parse().unwrap();
            rows::read(&connection, clock.now(), Container::Areas, "p", &id).unwrap().is_some()
        };
        let answers = answers.into_iter().map(|answer| answer.blocking_recv().unwrap().map(drop));
        answers.zip(commits).map(|(answer, ids)| (answer, ids.iter().map(there).collect())).collect()
    }

    #[test]
    fn nobody_is_answered_but_by_the_end_of_the_transaction() {
        let refuse = |connection: &mut Connection| {
            connection.commit_hook(Some(|| true)).unwrap();
        };
        for (answer, there) in write(refuse, &[&[("a", 10)], &[("a", 10)], &[("b", 10), ("a", 10)]]) {
            assert!(matches!(answer, Err(Error::Unavailable { .. })), "{answer:?}");
            assert!(!there.contains(&true));
        }
    }

    #[test]
    fn a_full_disk_is_told_to_those_it_concerns() {
        let fill = |connection: &mut Connection| {
            connection.pragma_update(None, "max_page_count", 60).unwrap();
        };
        for huge in [&[("huge", 1 << 20)][..], &[("small", 10), ("huge", 1 << 20)]] {
            let outcome = write(fill, &[&[("a", 10)], huge, &[("b", 10)]]);
            assert!(matches!(outcome[1].0, Err(Error::Unavailable { .. })), "{outcome:?}");
            for (answer, there) in outcome {
                assert!(there.iter().all(|there| *there == answer.is_ok()), "{answer:?}");
            }
        }
    }

    #[test]
    fn what_fails_half_done_is_undone_alone() {
        let commits: [&[_]; 4] =
            [&[("a", 10)], &[("b", 10), ("a", 10)], &[("c", 10), ("d", 10)], &[("d", 10), ("e", 10)]];
        let [first, half, whole, late] = write(|_| {}, &commits).try_into().unwrap();
        assert!(matches!(first, (Ok(()), there) if there == [true]));
        assert!(matches!(half.0, Err(Error::Conflict { id, .. }) if id.as_str() == "a"));
        assert_eq!(half.1, [false, true]);
        assert!(matches!(whole, (Ok(()), there) if there == [true, true]));
        assert!(matches!(late.0, Err(Error::Conflict { id, .. }) if id.as_str() == "d"));
        assert_eq!(late.1, [true, false]);
    }
}
