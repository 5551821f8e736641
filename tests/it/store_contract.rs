//! What every store must do, written against the port.

mod batches;
mod expiry;
mod feeds;
mod reading;
mod sqlite_only;

use std::sync::Arc;

use backline::{
    model::{Clock, Timestamp},
    store::{
        self, Batch, Container, Cosmos, CosmosSettings, Document, DocumentId, Draft, ETag, Error, Sqlite,
        SqliteSettings, Store, Write,
    },
};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Handle;

use crate::cosmos_bridge::{Bridge, ConsistencyLevel, Options};

/// Where the documents of most tests live.
const PLACE: Container = Container::Conversations;

/// One database and the clock that its stores go by.
struct Site {
    clock: Clock,
    open: Box<dyn Fn() -> Arc<dyn Store>>,
}

impl Site {
    /// Another handle on the same database, as another process would have it.
    fn open(&self) -> Arc<dyn Store> {
        (self.open)()
    }

    fn sqlite(settings: SqliteSettings) -> Self {
        let directory = TempDir::new().unwrap();
        let clock = Clock::hand_wound(noon());
        let own = clock.clone();
        let open = move || -> Arc<dyn Store> {
            Arc::new(Sqlite::open(&directory.path().join("store.db"), settings, own.clone()).unwrap())
        };
        Self { clock, open: Box::new(open) }
    }
}

/// Holds the stores of a site to the contract.
macro_rules! contract {
    ($site:ident) => {
        mod $site {
        contract!($site, batches: [
            a_batch_is_all_or_nothing,
            creating_what_is_there_conflicts,
            replacing_another_version_conflicts,
            replacing_what_is_gone_conflicts,
            replacing_with_a_foreign_etag_conflicts,
            deleting_another_version_conflicts,
            an_upsert_asks_nothing,
            every_write_has_an_etag_of_its_own,
            a_deletion_gives_the_etag_it_deleted,
            a_conflict_names_the_batch_and_leaves_it_unwritten,
            what_is_due_is_in_the_way_of_who_says_so,
            a_document_may_be_once_in_a_batch,
            a_batch_has_at_most_a_hundred_writes,
            a_batch_has_at_most_two_megabytes,
            nothing_to_write_is_written,
            many_tasks_on_two_handles_lose_no_increment,
            what_one_handle_wrote_another_reads,
        ]);
        contract!($site, reading: [
            what_was_written_is_read_as_it_was,
            containers_and_partitions_are_apart,
            a_query_is_in_the_order_of_bytes,
            a_prefix_is_taken_literally,
            a_query_goes_on_after_an_id,
            a_query_stops_at_its_limit,
            a_query_can_ask_for_due_documents_alone,
            a_listing_has_each_document_once,
            a_listing_of_nothing_ends_at_once,
            a_foreign_continuation_is_refused,
        ]);
        contract!($site, feeds: [
            the_longest_overdue_comes_first,
            what_is_no_longer_due_is_not_due,
            the_feed_tells_changes_in_order,
            the_feed_tells_the_latest_version_only,
            the_feed_goes_on_where_it_stopped,
            the_feed_of_a_quiet_container_can_be_followed,
        ]);
        contract!($site, expiry: [
            an_expired_document_is_gone_from_everywhere,
            a_document_without_ttl_stays,
            an_expired_document_may_be_created_again,
            an_expired_document_is_no_version_to_replace_or_delete,
            a_write_without_ttl_takes_it_away,
            purging_removes_what_expired_and_nothing_else,
        ]);
        }
    };
    ($site:ident, $chapter:ident: [$($test:ident),+ $(,)?]) => {
        mod $chapter {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::store_contract::$chapter::$test(crate::store_contract::$site()).await;
            })+
        }
    };
}

// One line and one site for each store.
contract!(sqlite);
contract!(sqlite_in_parts);
contract!(cosmos);

fn sqlite() -> Site {
    Site::sqlite(SqliteSettings::default())
}

fn cosmos() -> Site {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let clock = Clock::hand_wound(noon());
    let bridge =
        Bridge::start(&Options { port: 0, clock: clock.clone(), consistency: ConsistencyLevel::Strong })
            .unwrap();
    let settings = CosmosSettings::of_connection_string(&bridge.connection_string(), "backline").unwrap();
    let provisioning = store::cosmos::provision(&settings);
    tokio::task::block_in_place(|| Handle::current().block_on(provisioning)).unwrap();
    let own = clock.clone();
    let open = move || -> Arc<dyn Store> {
        // The account answers as long as somebody may open it.
        let _ = &bridge;
        Arc::new(Cosmos::new(settings.clone(), own.clone()))
    };
    Site { clock, open: Box::new(open) }
}

fn sqlite_in_parts() -> Site {
    Site::sqlite(SqliteSettings { one_transaction: false, ..SqliteSettings::default() })
}

fn noon() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn seconds(n: i64) -> chrono::TimeDelta {
    chrono::TimeDelta::seconds(n)
}

fn id(text: &str) -> DocumentId {
    text.parse().unwrap()
}

fn draft(n: i64) -> Draft {
    Draft::of(&json!({ "n": n }))
}

fn batch(partition: &str, writes: impl Into<Vec<Write>>) -> Batch {
    Batch { container: PLACE, partition: partition.into(), writes: writes.into() }
}

fn create(name: &str, n: i64) -> Write {
    Write::Create(id(name), draft(n))
}

/// Commits one batch; the ETag of its last write.
async fn put(store: &dyn Store, partition: &str, writes: impl Into<Vec<Write>>) -> Result<ETag, Error> {
    let etags = store.commit(vec![batch(partition, writes)]).await?;
    Ok(etags.into_iter().flatten().next_back().unwrap())
}

async fn get(store: &dyn Store, partition: &str, name: &str) -> Option<Document> {
    store.read(PLACE, partition, &id(name)).await.unwrap()
}

/// The number in a document's body, if it is there.
async fn number(store: &dyn Store, partition: &str, name: &str) -> Option<i64> {
    let document = get(store, partition, name).await?;
    document.parse::<serde_json::Value>().unwrap()["n"].as_i64()
}

fn names(documents: &[Document]) -> Vec<&str> {
    documents.iter().map(|document| document.id.as_str()).collect()
}

#[track_caller]
fn assert_conflict<T: std::fmt::Debug>(result: Result<T, Error>, wanted: &str) {
    match result {
        Err(Error::Conflict { id, .. }) => assert_eq!(id.as_str(), wanted),
        other => panic!("{other:?} is no conflict"),
    }
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::Refused(_))), "{result:?}");
}
