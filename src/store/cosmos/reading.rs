//! Reads: a document, a partition, what is due.

use std::ops::RangeInclusive;

use azure_data_cosmos::{FeedScope, Query as Sql, clients::ContainerClient};
use futures_util::TryStreamExt;

use super::{
    containers::Layout,
    failure::{Meaning, failed, meaning},
    item::{Due, Stored, sortable},
};
use crate::{
    model::Timestamp,
    store::{Container, Document, DocumentId, DueDocument, Error, Query},
};

/// The cheapest of all reads: 1 RU for the first KB, twice that at `Strong`
/// (<https://learn.microsoft.com/azure/cosmos-db/request-units>).
pub(super) async fn read(
    client: &ContainerClient,
    container: Container,
    partition: &str,
    id: &DocumentId,
) -> Result<Option<Document>, Error> {
    let deed = || format!("read in `{}`", container.name());
    match client.read_item(partition.to_owned(), id.as_str(), None).await {
        Ok(found) => {
            let stored: Stored = found.into_model().map_err(|error| failed(&deed(), &error))?;
            stored.document().map(Some)
        }
        Err(error) if meaning(&error) == Meaning::Gone => Ok(None),
        Err(error) => Err(failed(&deed(), &error)),
    }
}

/// Cosmos DB compares texts by their UTF-16 units, which is the order of bytes up to U+D7FF: a limit could cut in another
/// place only among ids with characters that ours never have.
pub(super) async fn query(
    client: &ContainerClient,
    container: Container,
    partition: &str,
    query: &Query,
) -> Result<Vec<Document>, Error> {
    let failed = |error| failed(&format!("query `{}`", container.name()), &error);
    let sql = select_of_partition(container, query).map_err(failed)?;
    let scope = FeedScope::partition(partition.to_owned());
    let found = client.query_items::<Stored>(sql, scope, None).await.map_err(failed)?;
    let found: Vec<Stored> = found.try_collect().await.map_err(failed)?;
    let mut found: Vec<Document> = found.into_iter().map(Stored::document).collect::<Result<_, _>>()?;
    found.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    Ok(found)
}

pub(super) async fn due(
    client: &ContainerClient,
    container: Container,
    times: &RangeInclusive<Timestamp>,
    limit: usize,
) -> Result<Vec<DueDocument>, Error> {
    let failed = |error| failed(&format!("look for what is due in `{}`", container.name()), &error);
    if limit == 0 {
        return Ok(Vec::new());
    }
    // The index on `dueAt` holds only what is due at all, in order: a sweep with nothing to do costs next to nothing.
    let key = Layout::of(container).partition;
    let text = format!(
        "SELECT TOP {limit} c.id, c.{key}, c.dueAt FROM c \
         WHERE c.dueAt >= @from AND c.dueAt <= @until ORDER BY c.dueAt"
    );
    let sql = Sql::from(text)
        .with_parameter("@from", sortable(*times.start()))
        .and_then(|sql| sql.with_parameter("@until", sortable(*times.end())))
        .map_err(failed)?;
    let found = client.query_items::<Due>(sql, FeedScope::full_container(), None).await.map_err(failed)?;
    let found: Vec<Due> = found.try_collect().await.map_err(failed)?;
    found.into_iter().map(Due::document).collect()
}

/// What a document needs to be read, in the words of a query.
pub(super) fn columns(container: Container) -> String {
    format!("c.id, c._etag, c.dueAt, c.body, c.{}", Layout::of(container).partition)
}

fn select_of_partition(container: Container, query: &Query) -> azure_data_cosmos::Result<Sql> {
    let mut conditions = Vec::new();
    if !query.prefix.is_empty() {
        conditions.push("STARTSWITH(c.id, @prefix)");
    }
    if query.after.is_some() {
        conditions.push("c.id > @after");
    }
    if query.due_only {
        conditions.push("IS_DEFINED(c.dueAt)");
    }
    let top = if query.limit == 0 { String::new() } else { format!("TOP {} ", query.limit) };
    let only =
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let mut sql = Sql::from(format!("SELECT {top}{} FROM c{only} ORDER BY c.id", columns(container)));
    if !query.prefix.is_empty() {
        sql = sql.with_parameter("@prefix", &query.prefix)?;
    }
    if let Some(after) = &query.after {
        sql = sql.with_parameter("@after", after.as_str())?;
    }
    Ok(sql)
}
