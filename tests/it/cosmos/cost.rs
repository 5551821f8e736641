//! What is asked of the service, when, and what it costs; and that no key is ever shown.

use std::{
    io,
    sync::{Arc, Mutex},
};

use azure_core::credentials::Secret;
use backline::{
    azure::Access,
    store::{Draft, Error, Store, Write},
};
use futures_util::future::join_all;
use tracing::subscriber::DefaultGuard;

use super::{Account, PLACE, create, id, put};
use crate::cosmos_bridge::{Fault, Kind};

#[tokio::test]
async fn nothing_is_asked_before_it_is_needed_and_the_way_is_found_once() {
    let account = Account::provisioned().await;
    let before = account.bridge.seen().len();
    let store = account.open();
    assert_eq!((store.kind(), account.bridge.seen().len()), ("cosmos", before));

    let nobody = id("nobody");
    join_all((0..10).map(|_| store.read(PLACE, "p", &nobody))).await;
    let seen = account.bridge.seen();
    let asked = |path: &str| seen[before..].iter().filter(|seen| seen.path == path).count();
    assert_eq!(asked("/"), 1, "the account");
    assert_eq!(asked("/dbs/backline"), 1, "the database");
    assert_eq!(asked("/dbs/backline/colls/conversations"), 1, "the container");
    assert_eq!(account.count(Kind::Read), 10);
}

#[tokio::test]
async fn what_was_warmed_pays_for_nothing_but_its_work() {
    let account = Account::provisioned().await;
    let store = account.open();
    store.warm().await;
    let before = account.bridge.seen().len();
    put(&store, [create("a")]).await.unwrap();
    put(&store, [create("b"), create("c")]).await.unwrap();
    store.read(PLACE, "p", &id("a")).await.unwrap();
    let kinds: Vec<Kind> = account.bridge.seen()[before..].iter().map(|seen| seen.kind).collect();
    assert_eq!(kinds, [Kind::Write, Kind::Batch, Kind::Read]);
}

#[tokio::test]
async fn what_was_spent_is_what_the_service_charged() {
    let account = Account::provisioned().await;
    let store = account.open();
    store.warm().await;
    let (cold, before) = (store.spent().unwrap(), account.bridge.seen().len());
    account.bridge.fail(1, Kind::Write, &Fault::Refuse { status: 429, sub_status: 3200, retry_after_ms: 1 });
    let etag = put(&store, [create("a")]).await.unwrap();
    put(&store, [create("b"), Write::Replace(id("a"), etag, Draft::of(&2))]).await.unwrap();
    store.read(PLACE, "p", &id("a")).await.unwrap();
    store.query(PLACE, "p", backline::store::Query::default()).await.unwrap();
    let spent = store.spent().unwrap();
    let charged: f64 = account.bridge.seen()[before..].iter().map(|seen| seen.ru).sum();
    assert!(charged > 20.0, "{charged}");
    assert!((spent.ru - cold.ru - charged).abs() < 0.1, "{spent:?} and {charged}");
    // The write was made twice.
    assert_eq!((spent.operations - cold.operations, spent.requests - cold.requests), (4, 5));
}

#[tokio::test]
async fn a_small_document_costs_what_the_documentation_says() {
    let account = Account::provisioned().await;
    let store = account.open();
    store.warm().await;
    let before = account.bridge.seen().len();
    let etag = put(&store, [create("a")]).await.unwrap();
    put(&store, [create("b"), Write::Replace(id("a"), etag, Draft::of(&2))]).await.unwrap();
    store.read(PLACE, "p", &id("a")).await.unwrap();
    let listed: Vec<f64> = account.bridge.seen()[before..].iter().map(|seen| seen.listed).collect();
    assert_eq!(listed, [5.5, 16.5, 2.0]);
}

/// Everything that is logged here while this lives, whatever its level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen(&self) -> DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn each_operation_tells_the_log_what_it_cost() {
    let account = Account::provisioned().await;
    let (store, log) = (account.open(), Log::default());
    // What speaks for the first time while another thread makes it known to no listener would not be heard.
    put(&store, [create("b")]).await.unwrap();
    let _listening = log.listen();
    put(&store, [create("a")]).await.unwrap();
    let text = log.text();
    let line = text.lines().find(|line| line.contains("create_item") && line.contains("ru=")).unwrap();
    for told in ["container=\"conversations\"", "requests=1", "status=201", "ru=6.7"] {
        assert!(line.contains(told), "{told} is not in: {line}");
    }
}

#[tokio::test]
async fn no_key_is_shown_anywhere() {
    let mut account = Account::provisioned().await;
    let log = Log::default();
    let _listening = log.listen();
    let right = account.settings.access.clone();
    let Access::Key(right) = right else { panic!("no key") };
    let mut told = String::new();
    let wrong = ["c2VzYW1lLCBvcGVuISBzZXNhbWUsIG9wZW4h", "no base 64"];
    for key in [right.secret(), wrong[0], wrong[1]] {
        account.settings.access = Access::Key(Secret::new(key.to_owned()));
        let store = account.open();
        account.bridge.fail(1, Kind::Write, &Fault::SilenceAfterwards);
        let written = put(&store, [create("a")]).await;
        assert!(matches!(written, Err(Error::Unavailable { .. })), "{written:?}");
        told += &format!("{:?} {written:?} {}", account.settings, written.as_ref().unwrap_err());
    }
    assert!(told.contains("check the key"), "{told}");
    let logged = log.text();
    assert!(logged.len() > 1_000, "nothing was logged");
    for key in [right.secret(), wrong[0], wrong[1]] {
        assert!(!told.contains(key) && !logged.contains(key), "{key} is shown");
    }
}
