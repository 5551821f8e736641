//! The statements: what is asked of the file, and messages as its rows.

use std::collections::BTreeMap;

use chrono::DateTime;
use rusqlite::{Connection, OptionalExtension, Result, Row, TransactionBehavior, params};
use uuid::Uuid;

use super::{Length, Received};
use crate::model::Timestamp;

/// A message as it is known by: its queue, its id, its last receipt.
type Key = [String; 3];

/// When a new message was sent, can be seen, and is dropped.
pub(super) struct Times {
    pub(super) inserted: Timestamp,
    pub(super) visible: Timestamp,
    pub(super) expires: Timestamp,
}

pub(super) fn put(connection: &mut Connection, queue: &str, body: &[u8], times: Times) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction
        .prepare_cached("INSERT INTO queues (name) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([queue])?;
    transaction
        .prepare_cached(
            "INSERT INTO messages (queue, id, body, inserted_at, expires_at, next_visible_at, pop_receipt)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, '')",
        )?
        .execute(params![
            queue,
            guid(),
            body,
            times.inserted.timestamp_millis(),
            times.expires.timestamp_millis(),
            times.visible.timestamp_millis(),
        ])?;
    transaction.commit()
}

pub(super) fn take(
    connection: &mut Connection,
    queue: &str,
    most: usize,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<Received>> {
    let visible = "SELECT 1 FROM messages WHERE queue = ?1 AND next_visible_at <= ?2 AND expires_at > ?2";
    // An empty queue is looked at without a lock that others would wait for.
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
            .query_map(params![queue, now.timestamp_millis(), limit(most)], |row| row.get(0))?
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
}

pub(super) fn delete(connection: &Connection, [queue, id, receipt]: &Key) -> Result<bool> {
    let sql = "DELETE FROM messages WHERE queue = ?1 AND id = ?2 AND pop_receipt = ?3";
    Ok(connection.prepare_cached(sql)?.execute(params![queue, id, receipt])? == 1)
}

pub(super) fn extend(
    connection: &Connection,
    [queue, id, receipt]: &Key,
    until: Timestamp,
) -> Result<Option<String>> {
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
}

pub(super) fn peek(
    connection: &Connection,
    queue: &str,
    most: usize,
    now: Timestamp,
) -> Result<Vec<Received>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, '', body, dequeue_count, inserted_at, expires_at, next_visible_at FROM messages
         WHERE queue = ?1 AND next_visible_at <= ?2 AND expires_at > ?2
         ORDER BY next_visible_at, number LIMIT ?3",
    )?;
    let messages = statement.query_map(params![queue, now.timestamp_millis(), limit(most)], message)?;
    messages.collect()
}

pub(super) fn list(connection: &Connection, now: Timestamp) -> Result<BTreeMap<String, Length>> {
    let mut statement = connection.prepare_cached(
        "SELECT name, coalesce(sum(next_visible_at <= ?1), 0), coalesce(sum(next_visible_at > ?1), 0)
         FROM queues LEFT JOIN messages ON queue = name AND expires_at > ?1 GROUP BY name",
    )?;
    let lengths = statement.query_map([now.timestamp_millis()], |row| {
        let (visible, hidden): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok((row.get(0)?, Length { visible: visible.unsigned_abs(), hidden: hidden.unsigned_abs() }))
    })?;
    lengths.collect()
}

pub(super) fn purge(connection: &Connection, now: Timestamp) -> Result<usize> {
    connection.execute("DELETE FROM messages WHERE expires_at <= ?1", [now.timestamp_millis()])
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

fn message(row: &Row<'_>) -> Result<Received> {
    let time = |index| -> Result<Timestamp> {
        Ok(DateTime::from_timestamp_millis(row.get(index)?).unwrap_or(DateTime::UNIX_EPOCH))
    };
    Ok(Received {
        id: row.get(0)?,
        pop_receipt: row.get(1)?,
        body: row.get(2)?,
        // Bytes are kept as they are.
        garbled: false,
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
