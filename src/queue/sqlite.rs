//! Queues in one SQLite file, with the semantics of Azure Storage Queues: any number of processes may send and receive.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Error, Queue};
use crate::model::{Clock, Timestamp};

/// Messages live so long unless told otherwise.
/// <https://learn.microsoft.com/rest/api/storageservices/put-message#uri-parameters>
const LIFE: TimeDelta = TimeDelta::days(7);
/// The largest message that fits into 64 KiB of base64.
const LARGEST: usize = 48 * 1024;

/// A message that was received or looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its id, for as long as it lives.
    pub id: String,
    /// What its next deletion or extension must show; another one after every receipt and extension.
    pub pop_receipt: String,
    /// What was sent.
    pub body: Vec<u8>,
    /// How often it has been received, this time included.
    pub dequeue_count: u32,
    /// When it was sent.
    pub inserted_at: Timestamp,
    /// When it is dropped.
    pub expires_at: Timestamp,
    /// When others can see it again.
    pub next_visible_at: Timestamp,
}

/// How much a queue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Length {
    /// Messages that could be received now.
    pub visible: u64,
    /// Messages that are delayed or leased.
    pub hidden: u64,
}

/// Queues in one file. Cheap to clone.
#[derive(Clone)]
pub struct SqliteQueue {
    connection: Arc<Mutex<Connection>>,
    clock: Clock,
    /// How many messages this process has sent, by queue: whoever waits for more hears of it at once.
    sent: Arc<Mutex<BTreeMap<String, watch::Sender<u64>>>>,
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
        Ok(Self { connection: Arc::new(Mutex::new(connection)), clock, sent: Arc::default() })
    }

    /// Sends bytes; see [`Queue::send`].
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn send_bytes(&self, queue: &str, body: &[u8], delay: Duration) -> Result<(), Error> {
        check(queue, body, delay)?;
        let now = self.clock.now();
        let expires_at = now + LIFE;
        let visible_at = now + TimeDelta::from_std(delay).unwrap_or(LIFE);
        let (name, body) = (queue.to_owned(), body.to_vec());
        self.run(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction
                .prepare_cached("INSERT INTO queues (name) VALUES (?1) ON CONFLICT DO NOTHING")?
                .execute([&name])?;
            transaction
                .prepare_cached(
                    "INSERT INTO messages (queue, id, body, inserted_at, expires_at, next_visible_at, pop_receipt)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, '')",
                )?
                .execute(params![
                    name,
                    guid(),
                    body,
                    now.timestamp_millis(),
                    expires_at.timestamp_millis(),
                    visible_at.timestamp_millis(),
                ])?;
            transaction.commit()
        })
        .await?;
        self.sender(queue).send_modify(|count| *count += 1);
        Ok(())
    }

    /// Takes up to `most` visible messages and hides them for `visibility`. Two receivers never get the same one.
    ///
    /// # Errors
    /// `Unavailable`. A queue that is not there holds nothing.
    pub async fn receive(
        &self,
        queue: &str,
        most: usize,
        visibility: Duration,
    ) -> Result<Vec<Received>, Error> {
        let now = self.clock.now();
        let until = now + TimeDelta::from_std(visibility).unwrap_or(LIFE);
        let queue = queue.to_owned();
        self.run(move |connection| {
            let visible = "SELECT 1 FROM messages WHERE queue = ?1 AND next_visible_at <= ?2 AND expires_at > ?2";
            let any = connection
                .prepare_cached(visible)?
                .query_row(params![queue, now.timestamp_millis()], |_| Ok(()))
                .optional()?;
            if any.is_none() {
                return Ok(Vec::new());
            }
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let received = {
                let mut numbers = transaction.prepare_cached(
                    "SELECT number FROM messages WHERE queue = ?1 AND next_visible_at <= ?2 AND expires_at > ?2
                     ORDER BY next_visible_at, number LIMIT ?3",
                )?;
                let numbers: Vec<i64> = numbers
                    .query_map(
                        params![queue, now.timestamp_millis(), i64::try_from(most).unwrap_or(i64::MAX)],
                        |row| row.get(0),
                    )?
                    .collect::<Result<_, _>>()?;
                let mut lease = transaction.prepare_cached(
                    "UPDATE messages SET next_visible_at = ?2, pop_receipt = ?3, dequeue_count = dequeue_count + 1
                     WHERE number = ?1
                     RETURNING id, pop_receipt, body, dequeue_count, inserted_at, expires_at, next_visible_at",
                )?;
                numbers
                    .into_iter()
                    .map(|number| lease.query_row(params![number, until.timestamp_millis(), guid()], message))
                    .collect::<Result<_, _>>()?
            };
            transaction.commit()?;
            Ok(received)
        })
        .await
    }

    /// Removes a message; false if the receipt is no longer the last one, or the message is gone.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn delete(&self, queue: &str, id: &str, pop_receipt: &str) -> Result<bool, Error> {
        let (queue, id, receipt) = (queue.to_owned(), id.to_owned(), pop_receipt.to_owned());
        self.run(move |connection| {
            let sql = "DELETE FROM messages WHERE queue = ?1 AND id = ?2 AND pop_receipt = ?3";
            Ok(connection.prepare_cached(sql)?.execute([queue, id, receipt])? == 1)
        })
        .await
    }

    /// Hides a message for this long from now on (zero shows it at once); returns the new receipt, none if the given
    /// one is no longer the last, or the message is gone.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn extend(
        &self,
        queue: &str,
        id: &str,
        pop_receipt: &str,
        visibility: Duration,
    ) -> Result<Option<String>, Error> {
        let until = self.clock.now() + TimeDelta::from_std(visibility).unwrap_or(LIFE);
        let (queue, id, receipt) = (queue.to_owned(), id.to_owned(), pop_receipt.to_owned());
        self.run(move |connection| {
            let new = guid();
            let sql = "UPDATE messages SET next_visible_at = ?4, pop_receipt = ?5
                       WHERE queue = ?1 AND id = ?2 AND pop_receipt = ?3";
            let changed = connection.prepare_cached(sql)?.execute(params![
                queue,
                id,
                receipt,
                until.timestamp_millis(),
                new
            ])?;
            Ok((changed == 1).then_some(new))
        })
        .await
    }

    /// Has anything ever been sent to this queue?
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn exists(&self, queue: &str) -> Result<bool, Error> {
        let queue = queue.to_owned();
        self.run(move |connection| {
            connection.prepare_cached("SELECT 1 FROM queues WHERE name = ?1")?.exists([queue])
        })
        .await
    }

    /// All queues and how much they hold.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list(&self) -> Result<BTreeMap<String, Length>, Error> {
        let now = self.clock.now().timestamp_millis();
        self.run(move |connection| {
            let sql =
                "SELECT name, coalesce(sum(next_visible_at <= ?1), 0), coalesce(sum(next_visible_at > ?1), 0)
                       FROM queues LEFT JOIN messages ON queue = name AND expires_at > ?1 GROUP BY name";
            let mut statement = connection.prepare_cached(sql)?;
            let lengths = statement.query_map([now], |row| {
                let (visible, hidden): (i64, i64) = (row.get(1)?, row.get(2)?);
                let length = Length { visible: visible.unsigned_abs(), hidden: hidden.unsigned_abs() };
                Ok((row.get(0)?, length))
            })?;
            lengths.collect()
        })
        .await
    }

    /// The first visible messages, without taking them: their receipts are empty.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn peek(&self, queue: &str, most: usize) -> Result<Vec<Received>, Error> {
        let now = self.clock.now().timestamp_millis();
        let queue = queue.to_owned();
        self.run(move |connection| {
            let sql =
                "SELECT id, '', body, dequeue_count, inserted_at, expires_at, next_visible_at FROM messages
                       WHERE queue = ?1 AND next_visible_at <= ?2 AND expires_at > ?2
                       ORDER BY next_visible_at, number LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let messages = statement.query_map(params![queue, now, most], message)?;
            messages.collect()
        })
        .await
    }

    /// Removes expired messages; returns how many.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn purge(&self) -> Result<usize, Error> {
        let now = self.clock.now().timestamp_millis();
        self.run(move |connection| connection.execute("DELETE FROM messages WHERE expires_at <= ?1", [now]))
            .await
    }

    /// Tells how many messages this process has sent to a queue, and of each that follows.
    #[must_use]
    pub fn watch(&self, queue: &str) -> watch::Receiver<u64> {
        self.sender(queue).subscribe()
    }

    fn sender(&self, queue: &str) -> watch::Sender<u64> {
        let mut sent = self.sent.lock().expect("nobody panics while holding the counters");
        match sent.get(queue) {
            Some(sender) => sender.clone(),
            None => sent.entry(queue.to_owned()).or_default().clone(),
        }
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

/// The rules of Azure: a queue's name, a message's size, a delay's length.
/// <https://learn.microsoft.com/rest/api/storageservices/naming-queues-and-metadata>
fn check(queue: &str, body: &[u8], delay: Duration) -> Result<(), Error> {
    let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let named = (3..=63).contains(&queue.len())
        && queue.bytes().all(letters)
        && !queue.starts_with('-')
        && !queue.ends_with('-')
        && !queue.contains("--");
    if !named {
        return Err(Error::Refused(format!(
            "`{queue}` is no queue's name: 3 to 63 lower-case letters, digits and single hyphens inside"
        )));
    }
    if body.len() > LARGEST {
        return Err(Error::Refused(format!("a message of {} bytes: at most {LARGEST} fit", body.len())));
    }
    if delay > Duration::from_secs(7 * 86_400) {
        return Err(Error::Refused(format!("a delay of {delay:?}: at most 7 days")));
    }
    Ok(())
}

fn message(row: &Row<'_>) -> rusqlite::Result<Received> {
    let time = |index| -> rusqlite::Result<Timestamp> {
        Ok(DateTime::from_timestamp_millis(row.get(index)?).unwrap_or(DateTime::UNIX_EPOCH))
    };
    Ok(Received {
        id: row.get(0)?,
        pop_receipt: row.get(1)?,
        body: row.get(2)?,
        dequeue_count: row.get(3)?,
        inserted_at: time(4)?,
        expires_at: time(5)?,
        next_visible_at: time(6)?,
    })
}

#[expect(clippy::disallowed_methods, reason = "ids and receipts of messages are the queue's own dice")]
fn guid() -> String {
    Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(600);

    struct Bench {
        queue: SqliteQueue,
        clock: Clock,
        folder: tempfile::TempDir,
    }

    fn bench() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::hand_wound("2026-01-01T00:00:00Z".parse().unwrap());
        let queue = SqliteQueue::open(&folder.path().join("queues.sqlite"), clock.clone()).unwrap();
        Bench { queue, clock, folder }
    }

    impl Bench {
        async fn received(&self, most: usize) -> Vec<String> {
            let messages = self.queue.receive("hints", most, LEASE).await.unwrap();
            messages.into_iter().map(|message| String::from_utf8(message.body).unwrap()).collect()
        }
    }

    #[tokio::test]
    async fn messages_come_in_order_and_once() {
        let bench = bench();
        assert!(!bench.queue.exists("hints").await.unwrap());
        for text in ["a", "b", "c"] {
            bench.queue.send("hints", text, Duration::ZERO).await.unwrap();
        }
        assert!(bench.queue.exists("hints").await.unwrap());
        assert_eq!(bench.queue.peek("hints", 2).await.unwrap().len(), 2);
        assert_eq!(bench.received(2).await, ["a", "b"]);
        assert_eq!(bench.received(2).await, ["c"]);
        assert!(bench.received(2).await.is_empty());
        assert_eq!(bench.queue.list().await.unwrap()["hints"], Length { visible: 0, hidden: 3 });
    }

    #[tokio::test]
    async fn a_delayed_message_is_seen_when_its_time_has_come() {
        let bench = bench();
        bench.queue.send("hints", "later", Duration::from_secs(60)).await.unwrap();
        bench.queue.send("hints", "now", Duration::ZERO).await.unwrap();
        assert_eq!(bench.received(10).await, ["now"]);
        bench.clock.wind(TimeDelta::seconds(60));
        assert_eq!(bench.received(10).await, ["later"]);
    }

    #[tokio::test]
    async fn a_lease_that_ends_shows_the_message_again_under_another_receipt() {
        let bench = bench();
        bench.queue.send("hints", "x", Duration::ZERO).await.unwrap();
        let first = bench.queue.receive("hints", 1, LEASE).await.unwrap().remove(0);
        assert_eq!(
            (first.dequeue_count, first.next_visible_at),
            (1, bench.clock.now() + TimeDelta::seconds(600))
        );
        bench.clock.wind(TimeDelta::seconds(600));
        let second = bench.queue.receive("hints", 1, LEASE).await.unwrap().remove(0);
        assert_eq!((second.dequeue_count, &second.id), (2, &first.id));
        assert!(!bench.queue.delete("hints", &first.id, &first.pop_receipt).await.unwrap());
        assert_eq!(bench.queue.extend("hints", &first.id, &first.pop_receipt, LEASE).await.unwrap(), None);
        let third =
            bench.queue.extend("hints", &second.id, &second.pop_receipt, Duration::ZERO).await.unwrap();
        assert!(!bench.queue.delete("hints", &first.id, &second.pop_receipt).await.unwrap());
        assert!(bench.queue.delete("hints", &first.id, &third.unwrap()).await.unwrap());
        assert!(bench.received(1).await.is_empty());
    }

    #[tokio::test]
    async fn an_expired_message_is_not_received_and_then_purged() {
        let bench = bench();
        bench.queue.send("hints", "old", Duration::ZERO).await.unwrap();
        bench.clock.wind(TimeDelta::days(7));
        assert!(bench.received(1).await.is_empty());
        assert_eq!(bench.queue.purge().await.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_azure_refuses_is_refused() {
        let queue = bench().queue;
        for name in ["ab", "Hints", "hints-", "a--b", "hi nts", &"q".repeat(64)] {
            let sent = queue.send(name, "x", Duration::ZERO).await;
            assert!(matches!(sent, Err(Error::Refused(_))), "{name}");
        }
        assert!(queue.send("hints", &"x".repeat(LARGEST), Duration::ZERO).await.is_ok());
        let larger = queue.send("hints", &"x".repeat(LARGEST + 1), Duration::ZERO).await;
        assert!(matches!(larger, Err(Error::Refused(_))));
        let later = queue.send("hints", "x", Duration::from_secs(7 * 86_400 + 1)).await;
        assert!(matches!(later, Err(Error::Refused(_))));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn two_processes_share_the_messages_between_them() {
        let bench = bench();
        let other =
            SqliteQueue::open(&bench.folder.path().join("queues.sqlite"), bench.clock.clone()).unwrap();
        for number in 0..100 {
            bench.queue.send("hints", &number.to_string(), Duration::ZERO).await.unwrap();
        }
        let drain = |queue: SqliteQueue| async move {
            let mut taken = Vec::new();
            loop {
                let messages = queue.receive("hints", 7, LEASE).await.unwrap();
                if messages.is_empty() {
                    return taken;
                }
                taken.extend(messages.into_iter().map(|message| message.id));
            }
        };
        let (mine, others) =
            tokio::join!(tokio::spawn(drain(bench.queue.clone())), tokio::spawn(drain(other)));
        let mut all = [mine.unwrap(), others.unwrap()].concat();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 100);
    }

    #[tokio::test]
    async fn a_sender_wakes_who_waits_in_its_own_process() {
        let queue = bench().queue;
        let mut sent = queue.watch("hints");
        queue.send("others", "x", Duration::ZERO).await.unwrap();
        assert!(!sent.has_changed().unwrap());
        queue.send("hints", "x", Duration::ZERO).await.unwrap();
        sent.changed().await.unwrap();
    }
}
