//! What is read from the tables, row by row.

use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension, Row, params, types::Value};

use super::statements::Statements;
use crate::{
    model::Timestamp,
    store::{Container, Continuation, Document, DocumentId, DueDocument, ETag, Error, Located, Page, Query},
};

pub(super) fn read(
    connection: &Connection,
    now: Timestamp,
    container: Container,
    partition: &str,
    id: &DocumentId,
) -> Result<Option<Document>, Error> {
    connection
        .prepare_cached(&Statements::of(container).read)?
        .query_row(params![now.timestamp_micros(), partition, id.as_str()], |row| Ok(document(row)))
        .optional()?
        .transpose()
}

pub(super) fn query(
    connection: &Connection,
    now: Timestamp,
    container: Container,
    partition: &str,
    query: &Query,
) -> Result<Vec<Document>, Error> {
    let sql = Statements::of(container);
    let sql = if query.due_only { &sql.query_due } else { &sql.query };
    let (from, to) = range(&query.prefix, query.after.as_ref());
    let limit = if query.limit == 0 { -1 } else { count(query.limit) };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![now.timestamp_micros(), partition, from, to, limit])?;
    let mut documents = Vec::new();
    while let Some(row) = rows.next()? {
        documents.push(document(row)?);
    }
    Ok(documents)
}

pub(super) fn due(
    connection: &Connection,
    now: Timestamp,
    container: Container,
    times: &RangeInclusive<Timestamp>,
    limit: usize,
) -> Result<Vec<DueDocument>, Error> {
    let mut statement = connection.prepare_cached(&Statements::of(container).due)?;
    let (from, until) = (times.start().timestamp_micros(), times.end().timestamp_micros());
    let mut rows = statement.query(params![now.timestamp_micros(), from, until, count(limit)])?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(2)?;
        due.push(DueDocument { partition: row.get(0)?, id: id(row, 1)?, due_at: timestamp(at)? });
    }
    Ok(due)
}

pub(super) fn changes(
    connection: &Connection,
    now: Timestamp,
    container: Container,
    after: Option<Continuation>,
    limit: usize,
) -> Result<(Vec<Located>, Continuation), Error> {
    let seen: i64 = match &after {
        None => 0,
        Some(Continuation(text)) => text.parse().map_err(|_| not_ours(text))?,
    };
    let mut statement = connection.prepare_cached(&Statements::of(container).changes)?;
    let mut rows = statement.query(params![now.timestamp_micros(), seen, count(limit)])?;
    let mut changed: Vec<Located> = Vec::new();
    while let Some(row) = rows.next()? {
        changed.push(located(row)?);
    }
    let next = match changed.last() {
        Some(newest) => newest.document.etag.0.clone(),
        None => seen.to_string(),
    };
    Ok((changed, Continuation(next)))
}

pub(super) fn list(
    connection: &Connection,
    now: Timestamp,
    container: Container,
    after: Option<Continuation>,
    limit: usize,
) -> Result<Page, Error> {
    let (partition, id) = match &after {
        // No document comes before this, for ids are not empty.
        None => (String::new(), String::new()),
        Some(Continuation(text)) => serde_json::from_str(text).map_err(|_| not_ours(text))?,
    };
    // A page of nothing would never come to an end.
    let limit = limit.max(1);
    let mut statement = connection.prepare_cached(&Statements::of(container).list)?;
    let one_more = count(limit).saturating_add(1);
    let mut rows = statement.query(params![now.timestamp_micros(), partition, id, one_more])?;
    let mut documents: Vec<Located> = Vec::new();
    let mut next = None;
    while let Some(row) = rows.next()? {
        if documents.len() == limit {
            next = documents.last().map(place);
            break;
        }
        documents.push(located(row)?);
    }
    Ok(Page { documents, next })
}

fn place(of: &Located) -> Continuation {
    Continuation(serde_json::json!([of.partition, of.document.id.as_str()]).to_string())
}

fn not_ours(continuation: &str) -> Error {
    let start: String = continuation.chars().take(60).collect();
    Error::Refused(format!("`{start}` is not a continuation of this store: begin without one"))
}

fn located(row: &Row<'_>) -> Result<Located, Error> {
    Ok(Located { partition: row.get(4)?, document: document(row)? })
}

fn document(row: &Row<'_>) -> Result<Document, Error> {
    let etag: i64 = row.get(1)?;
    let due_at: Option<i64> = row.get(3)?;
    Ok(Document {
        id: id(row, 0)?,
        etag: ETag(etag.to_string()),
        body: row.get(2)?,
        due_at: due_at.map(timestamp).transpose()?,
    })
}

pub(super) fn id(row: &Row<'_>, column: usize) -> Result<DocumentId, Error> {
    row.get_ref(column)?
        .as_str()
        .map_err(|error| Error::Refused(format!("the file is damaged: {error}")))?
        .parse()
}

fn timestamp(micros: i64) -> Result<Timestamp, Error> {
    Timestamp::from_timestamp_micros(micros)
        .ok_or_else(|| Error::Refused(format!("the file is damaged: {micros} is no time")))
}

/// A number of rows as SQLite takes it.
pub(super) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The ids that begin with `prefix` and come after another: from the first, before the second.
pub(super) fn range(prefix: &str, after: Option<&DocumentId>) -> (String, Value) {
    // The smallest text greater than another is that text and a NUL.
    let after = after.map(|id| format!("{id}\0"));
    let from = after.into_iter().chain([prefix.to_owned()]).max().unwrap_or_default();
    // SQLite sorts any blob after every text.
    let to = successor(prefix).map_or(Value::Blob(Vec::new()), Value::Text);
    (from, to)
}

/// The smallest text greater than all that begin with `prefix`; none if there is no end to them.
fn successor(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The range of characters steps over the surrogates by itself.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_successor_of_a_prefix_follows_all_that_begin_with_it() {
        for (prefix, wanted) in [
            ("", None),
            ("inbox:", Some("inbox;")),
            ("a\u{D7FF}", Some("a\u{E000}")),
            ("a\u{10FFFF}", Some("b")),
            ("\u{10FFFF}", None),
        ] {
            assert_eq!(successor(prefix).as_deref(), wanted, "{prefix:?}");
        }
    }
}
