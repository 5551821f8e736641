//! Whole containers, a piece at a time: the change feed and listings.

use std::num::NonZeroU32;

use azure_data_cosmos::{
    CosmosError, FeedScope, Query as Sql,
    clients::ContainerClient,
    feed::ContinuationToken,
    models::ChangeFeedItem,
    options::{ChangeFeedOptions, ChangeFeedStartFrom, MaxItemCountHint, QueryOptions},
};
use futures_util::TryStreamExt;

use super::{failure::failed, item::Stored, reading::columns};
use crate::store::{Container, Continuation, Error, Located, Page};

/// Changes in the latest version only, those of each physical partition in order
/// (<https://learn.microsoft.com/azure/cosmos-db/nosql/change-feed-modes>).
pub(super) async fn changes(
    client: &ContainerClient,
    container: Container,
    after: Option<Continuation>,
    limit: usize,
) -> Result<(Vec<Located>, Continuation), Error> {
    let failed = |error: CosmosError| failed(&format!("tell what changed in `{}`", container.name()), &error);
    // A range that has nothing to tell says so with an empty page; another may have something.
    let ranges = client.read_feed_ranges(None).await.map_err(failed)?.len();
    let mut options = ChangeFeedOptions::default().with_max_item_count(at_most(limit));
    if let Some(Continuation(token)) = after {
        options = options.with_continuation_token(ContinuationToken::from_string(token));
    }
    let mut pages = client
        .query_change_feed::<Stored>(
            FeedScope::full_container(),
            ChangeFeedStartFrom::Beginning,
            Some(options),
        )
        .await
        .map_err(failed)?;
    let mut changed = Vec::new();
    for _ in 0..ranges.max(1) {
        let page = pages.try_next().await.map_err(failed)?;
        let items = page.map(|page| page.into_items()).unwrap_or_default();
        let current = items.iter().filter_map(ChangeFeedItem::current).cloned();
        changed = current.map(Stored::located).collect::<Result<_, _>>()?;
        if !changed.is_empty() {
            break;
        }
    }
    let next = pages.to_continuation_token().map_err(failed)?;
    Ok((changed, Continuation(next.as_str().to_owned())))
}

pub(super) async fn list(
    client: &ContainerClient,
    container: Container,
    after: Option<Continuation>,
    limit: usize,
) -> Result<Page, Error> {
    let failed = |error: CosmosError| failed(&format!("list `{}`", container.name()), &error);
    let mut options = QueryOptions::default().with_max_item_count(at_most(limit));
    if let Some(Continuation(token)) = after {
        options = options.with_continuation_token(ContinuationToken::from_string(token));
    }
    let all = Sql::from(format!("SELECT {} FROM c", columns(container)));
    let found = client.query_items::<Stored>(all, FeedScope::full_container(), Some(options));
    let mut pages = found.await.map_err(failed)?.into_pages();
    while let Some(page) = pages.try_next().await.map_err(failed)? {
        let documents: Vec<Located> =
            page.into_items().into_iter().map(Stored::located).collect::<Result<_, _>>()?;
        if !documents.is_empty() {
            let next = pages.to_continuation_token().map_err(failed)?;
            return Ok(Page { documents, next: Some(Continuation(next.as_str().to_owned())) });
        }
    }
    Ok(Page { documents: Vec::new(), next: None })
}

/// A page of nothing would never come to an end.
fn at_most(limit: usize) -> MaxItemCountHint {
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    MaxItemCountHint::Limit(NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN))
}
