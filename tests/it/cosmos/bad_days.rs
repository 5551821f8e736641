//! When the service is busy, slow, cut off, or does half of what it says.

use std::time::Duration;

use backline::store::{Cosmos, Error, Store};

use super::{Account, PLACE, create, id, is_there, put};
use crate::cosmos_bridge::{Fault, Kind};

fn writes(statuses: impl Into<Vec<u16>>) -> Fault {
    Fault::Writes { statuses: statuses.into(), retry_after_ms: 1234 }
}

fn refuse(status: u16, sub_status: u16) -> Fault {
    Fault::Refuse { status, sub_status, retry_after_ms: 1 }
}

/// More often than anybody tries in a second.
const ALWAYS: usize = 10_000;

#[tokio::test]
async fn a_failed_batch_names_the_write_that_failed() {
    let account = Account::provisioned().await;
    let store = account.open();
    for status in [409, 412, 404] {
        account.bridge.fail(1, Kind::Batch, &writes([424, status, 424]));
        match put(&store, [create("a"), create("b"), create("c")]).await {
            Err(Error::Conflict { partition, id, batch: 0 }) => {
                assert_eq!((partition.as_str(), id.as_str()), ("p", "b"));
            }
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_batch_that_met_a_bad_moment_is_no_conflict() {
    let account = Account::provisioned().await;
    let store = account.open();
    // The last is a batch of which all the writes followed another: nobody knows whom.
    for statuses in [[424, 429], [449, 424], [503, 424], [408, 424], [424, 424]] {
        account.bridge.fail(1, Kind::Batch, &writes(statuses));
        match put(&store, [create("a"), create("b")]).await {
            Err(Error::Unavailable { retry_after, .. }) => {
                let wanted = statuses.contains(&429).then(|| Duration::from_millis(1234));
                assert_eq!(retry_after, wanted, "{statuses:?}");
            }
            other => panic!("{statuses:?}: {other:?}"),
        }
    }
    account.bridge.fail(1, Kind::Batch, &writes([413, 424]));
    let too_large = put(&store, [create("a"), create("b")]).await;
    assert!(matches!(too_large, Err(Error::Refused(_))), "{too_large:?}");
    put(&store, [create("a"), create("b")]).await.unwrap();
}

#[tokio::test]
async fn a_hiccup_is_not_noticed() {
    let account = Account::provisioned().await;
    let store = account.open();
    for (n, fault) in [refuse(429, 3200), refuse(449, 0)].iter().enumerate() {
        account.bridge.fail(1, Kind::Write, fault);
        put(&store, [create(&format!("alone {n}"))]).await.unwrap();
        account.bridge.fail(1, Kind::Batch, fault);
        put(&store, [create(&format!("one {n}")), create(&format!("other {n}"))]).await.unwrap();
        account.bridge.fail(1, Kind::Read, fault);
        assert!(is_there(&store, &format!("alone {n}")).await);
    }
    account.bridge.fail(1, Kind::Read, &refuse(503, 0));
    assert!(is_there(&store, "alone 0").await);
    account.bridge.fail(1, Kind::Read, &Fault::Cut);
    assert!(is_there(&store, "alone 0").await);
}

#[tokio::test]
async fn a_busy_service_tells_how_long_to_wait() {
    let account = Account::provisioned().await;
    let store = account.open();
    is_there(&store, "warm").await;
    let busy = Fault::Refuse { status: 429, sub_status: 3200, retry_after_ms: 7 };
    account.bridge.fail(ALWAYS, Kind::Write, &busy);
    match put(&store, [create("a")]).await {
        Err(Error::Unavailable { retry_after, .. }) => {
            assert_eq!(retry_after, Some(Duration::from_millis(7)))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn patience_ends() {
    let account = Account::provisioned().await;
    let store = account.open();
    is_there(&store, "warm").await;
    account.bridge.fail(ALWAYS, Kind::Write, &Fault::Silence);
    match put(&store, [create("a")]).await {
        // It was the operation that ended, and not one request of many.
        Err(Error::Unavailable { why, .. }) => assert!(why.contains("ClientOperationTimeout"), "{why}"),
        other => panic!("{other:?}"),
    }
}

/// Everything a store is asked, against a service that does not do it; what came of it.
async fn ask_everything(store: &Cosmos) -> [Result<(), Error>; 4] {
    let read = store.read(PLACE, "p", &id("there")).await.map(drop);
    let query = store.query(PLACE, "p", backline::store::Query::default()).await.map(drop);
    let alone = put(store, [create("new")]).await.map(drop);
    let batch = put(store, [create("new"), create("newer")]).await.map(drop);
    [read, query, alone, batch]
}

async fn is_weathered(fault: Fault) {
    let account = Account::provisioned().await;
    let store = account.open();
    put(&store, [create("there")]).await.unwrap();
    store.query(PLACE, "p", backline::store::Query::default()).await.unwrap();
    for kind in [Kind::Read, Kind::Query, Kind::Write, Kind::Batch] {
        account.bridge.fail(ALWAYS, kind, &fault);
    }
    for answer in ask_everything(&store).await {
        assert!(matches!(answer, Err(Error::Unavailable { .. })), "{fault:?}: {answer:?}");
    }
    account.bridge.mend();
    assert!(!is_there(&store, "new").await && is_there(&store, "there").await, "{fault:?}");
    for (answer, written) in ask_everything(&store).await.into_iter().zip([true, true, true, false]) {
        // The last meets what the one before it wrote.
        assert_eq!(answer.is_ok(), written, "{fault:?}: {answer:?}");
    }
}

#[tokio::test]
async fn throttling_is_weathered() {
    is_weathered(refuse(429, 3200)).await;
}

#[tokio::test]
async fn being_told_to_retry_is_weathered() {
    is_weathered(refuse(449, 0)).await;
}

#[tokio::test]
async fn a_service_that_is_away_is_weathered() {
    is_weathered(refuse(503, 0)).await;
}

#[tokio::test]
async fn a_service_that_takes_too_long_is_weathered() {
    is_weathered(refuse(408, 0)).await;
}

#[tokio::test]
async fn a_cut_line_is_weathered() {
    is_weathered(Fault::Cut).await;
}

#[tokio::test]
async fn silence_is_weathered() {
    is_weathered(Fault::Silence).await;
}

/// A write whose answer is lost is never told as done, nor as a conflict with somebody else while it is its own.
async fn is_unknown(fault: Fault) {
    let account = Account::provisioned().await;
    let store = account.open();
    is_there(&store, "warm").await;
    account.bridge.fail(1, Kind::Write, &fault);
    let alone = put(&store, [create("alone")]).await;
    assert!(matches!(alone, Err(Error::Unavailable { .. })), "{fault:?}: {alone:?}");
    account.bridge.fail(1, Kind::Batch, &fault);
    let batch = put(&store, [create("one"), create("other")]).await;
    assert!(matches!(batch, Err(Error::Unavailable { .. })), "{fault:?}: {batch:?}");
    for name in ["alone", "one", "other"] {
        assert!(is_there(&store, name).await, "{fault:?}: {name}");
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_cut_off_is_unknown() {
    is_unknown(Fault::CutAfterwards).await;
}

#[tokio::test]
async fn a_write_that_nobody_answers_is_unknown() {
    is_unknown(Fault::SilenceAfterwards).await;
}

#[tokio::test]
async fn a_write_that_is_refused_after_it_was_done_is_unknown() {
    is_unknown(Fault::RefuseAfterwards { status: 408 }).await;
}
