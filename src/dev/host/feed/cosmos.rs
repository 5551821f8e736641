//! The changes of a container in a Cosmos DB account, range by range, as the change feed processor reads them.
//! <https://learn.microsoft.com/azure/cosmos-db/nosql/change-feed-processor>

use std::collections::BTreeMap;

use azure_core::time::OffsetDateTime;
use azure_data_cosmos::{
    CosmosError, FeedScope,
    clients::ContainerClient,
    feed::{ChangeFeedPageIterator, ContinuationToken, FeedRange},
    models::ChangeFeedItem,
    options::{ChangeFeedOptions, ChangeFeedStartFrom, MaxItemCountHint},
};
use futures_util::StreamExt;
use serde_json::Value;

use super::{Feed, Start, document, source::Page};
use crate::store::{self, CosmosSettings, cosmos::container_client};

/// A range of partition keys: within it changes come in the order in which they were made.
pub(super) struct Range {
    container: ContainerClient,
    range: FeedRange,
    start: ChangeFeedStartFrom,
    options: ChangeFeedOptions,
    after: Option<String>,
    /// None at first, and after an error.
    pages: Option<ChangeFeedPageIterator<ChangeFeedItem<Value>>>,
}

/// Why the account did not do as it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    // The client says much more, and it may hold documents.
    #[error("Cosmos DB says {}", .0.status())]
    Service(#[from] CosmosError),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the feed ended, which no feed does")]
    Ended,
}

/// The ranges of a container with the names of their checkpoints. A range that was begun stays one, also when the
/// service has split it since.
pub(super) async fn open(
    account: &CosmosSettings,
    feed: &Feed,
    parts: BTreeMap<String, String>,
) -> Result<Vec<(String, Range)>, Error> {
    let container = container_client(account, &feed.container).await?;
    let mut options = ChangeFeedOptions::default();
    if let Some(most) = feed.most {
        options = options.with_max_item_count(MaxItemCountHint::Limit(most));
    }
    let begun = parts.into_iter().map(|(range, after)| Ok((range.parse()?, Some(after))));
    let mut ranges: Vec<(FeedRange, Option<String>)> = begun.collect::<Result<_, CosmosError>>()?;
    for range in container.read_feed_ranges(None).await? {
        if !ranges.iter().any(|(begun, _)| begun.overlaps(&range)) {
            ranges.push((range, None));
        }
    }
    let opened = ranges.into_iter().map(|(range, after)| {
        let (container, start, options) = (container.clone(), start(feed.start), options.clone());
        (range.to_string(), Range { container, range, start, options, after, pages: None })
    });
    Ok(opened.collect())
}

fn start(start: Start) -> ChangeFeedStartFrom {
    match start {
        Start::Now => ChangeFeedStartFrom::Now,
        Start::Beginning => ChangeFeedStartFrom::Beginning,
        Start::At(time) => ChangeFeedStartFrom::PointInTime(
            OffsetDateTime::from_unix_timestamp(time.timestamp()).unwrap_or(OffsetDateTime::UNIX_EPOCH),
        ),
    }
}

impl Range {
    pub(super) async fn next(&mut self) -> Result<Page, Error> {
        let mut pages = match self.pages.take() {
            Some(pages) => pages,
            None => self.begin().await?,
        };
        let page = pages.next().await.ok_or(Error::Ended)??;
        let next = pages.to_continuation_token()?.as_str().to_owned();
        self.after = Some(next.clone());
        self.pages = Some(pages);
        let documents = page.items().iter().filter_map(document::of_account).collect();
        Ok(Page { documents, next })
    }

    async fn begin(&mut self) -> Result<ChangeFeedPageIterator<ChangeFeedItem<Value>>, Error> {
        let mut options = self.options.clone();
        if let Some(after) = &self.after {
            options = options.with_continuation_token(ContinuationToken::from_string(after.clone()));
        }
        let scope = FeedScope::range(self.range.clone());
        Ok(self.container.query_change_feed(scope, self.start.clone(), Some(options)).await?)
    }
}
