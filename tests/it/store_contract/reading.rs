//! Reads: one document, one partition, a whole container.

use backline::store::{Batch, Container, Continuation, Draft, Query, Store, Write};

use super::{PLACE, Site, assert_refused, batch, create, draft, get, id, names, noon, put};

pub(super) async fn what_was_written_is_read_as_it_was(site: Site) {
    let store = site.open();
    let body = "{\"b\":1, \"a\" : \"\u{1F980} \\u0000\"}".to_owned();
    let draft = Draft { body: body.clone(), due_at: Some(noon()), ttl: None };
    let etag = put(&*store, "p:-1:\u{e9}", [Write::Create(id("x y%'\""), draft)]).await.unwrap();
    let read = get(&*store, "p:-1:\u{e9}", "x y%'\"").await.unwrap();
    assert_eq!(read.id, id("x y%'\""));
    assert_eq!(read.etag, etag);
    assert_eq!(read.due_at, Some(noon()));
    assert_eq!(
        read.parse::<serde_json::Value>().unwrap(),
        serde_json::from_str::<serde_json::Value>(&body).unwrap()
    );
}

pub(super) async fn containers_and_partitions_are_apart(site: Site) {
    let store = site.open();
    for (n, container) in Container::ALL.into_iter().enumerate() {
        let one =
            Batch { container, partition: "p".into(), writes: vec![create("a", i64::try_from(n).unwrap())] };
        store.commit(vec![one]).await.unwrap();
    }
    for (n, container) in Container::ALL.into_iter().enumerate() {
        let read = store.read(container, "p", &id("a")).await.unwrap().unwrap();
        assert_eq!(read.parse::<serde_json::Value>().unwrap()["n"], n);
        assert_eq!(store.read(container, "q", &id("a")).await.unwrap(), None);
        assert!(store.query(container, "q", Query::default()).await.unwrap().is_empty());
    }
}

async fn filled(site: &Site, ids: &[&str]) -> std::sync::Arc<dyn Store> {
    let store = site.open();
    for name in ids {
        put(&*store, "p", [create(name, 0)]).await.unwrap();
    }
    store
}

async fn ask(store: &dyn Store, query: Query) -> Vec<String> {
    let found = store.query(PLACE, "p", query).await.unwrap();
    names(&found).into_iter().map(str::to_owned).collect()
}

fn begins(prefix: &str) -> Query {
    Query { prefix: prefix.into(), ..Query::default() }
}

pub(super) async fn a_query_is_in_the_order_of_bytes(site: Site) {
    let mut ids = ["b", "a", "B", "a:10", "a:9", "\u{e9}", "z", "\u{1F980}", "\u{FF5E}"];
    let store = filled(&site, &ids).await;
    ids.sort_unstable();
    assert_eq!(ask(&*store, Query::default()).await, ids);
}

pub(super) async fn a_prefix_is_taken_literally(site: Site) {
    let store =
        filled(&site, &["in%box:1", "inXbox:1", "in_box:2", "IN%BOX:1", "in", "in%", "in\u{10FFFF}z"]).await;
    assert_eq!(ask(&*store, begins("in%")).await, ["in%", "in%box:1"]);
    assert_eq!(ask(&*store, begins("in_")).await, ["in_box:2"]);
    assert_eq!(ask(&*store, begins("in\u{10FFFF}")).await, ["in\u{10FFFF}z"]);
    assert_eq!(ask(&*store, begins("x")).await, [""; 0]);
}

pub(super) async fn a_query_goes_on_after_an_id(site: Site) {
    let store = filled(&site, &["a:1", "a:2", "a:20", "a:3", "b:1"]).await;
    let after = |prefix, after| Query { after: Some(id(after)), ..begins(prefix) };
    assert_eq!(ask(&*store, after("a:", "a:2")).await, ["a:20", "a:3"]);
    assert_eq!(ask(&*store, after("a:", "a:15")).await, ["a:2", "a:20", "a:3"]);
    assert_eq!(ask(&*store, after("b:", "a:2")).await, ["b:1"]);
    assert_eq!(ask(&*store, after("a:", "b:0")).await, [""; 0]);
}

pub(super) async fn a_query_stops_at_its_limit(site: Site) {
    let store = filled(&site, &["a", "b", "c"]).await;
    let limited = |limit| Query { limit, ..Query::default() };
    assert_eq!(ask(&*store, limited(2)).await, ["a", "b"]);
    assert_eq!(ask(&*store, limited(0)).await, ["a", "b", "c"]);
}

pub(super) async fn a_query_can_ask_for_due_documents_alone(site: Site) {
    let store = filled(&site, &["i:1", "i:2", "i:5"]).await;
    let due = |name| Write::Create(id(name), draft(0).due(Some(noon())));
    put(&*store, "p", [due("i:3"), due("i:4"), due("o:1")]).await.unwrap();
    put(&*store, "q", [due("i:9")]).await.unwrap();
    let due_only = Query { due_only: true, ..begins("i:") };
    assert_eq!(ask(&*store, due_only.clone()).await, ["i:3", "i:4"]);
    assert_eq!(ask(&*store, Query { limit: 1, ..due_only.clone() }).await, ["i:3"]);
    assert_eq!(ask(&*store, Query { after: Some(id("i:3")), ..due_only }).await, ["i:4"]);
}

pub(super) async fn a_listing_has_each_document_once(site: Site) {
    let store = site.open();
    let mut wanted = Vec::new();
    for partition in ["p", "q", "r"] {
        for n in 0..5 {
            put(&*store, partition, [create(&format!("d{n}"), n)]).await.unwrap();
            wanted.push((partition.to_owned(), format!("d{n}")));
        }
    }
    for limit in [1, 4, 5, 15, 100] {
        let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = store.list(PLACE, after, limit).await.unwrap();
            assert!(page.documents.len() <= limit);
            found.extend(page.documents.into_iter().map(|d| (d.partition, d.document.id.to_string())));
            pages += 1;
            assert!(pages < 20, "no end in sight");
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        found.sort();
        assert_eq!(found, wanted, "pages of {limit}");
    }
}

pub(super) async fn a_listing_of_nothing_ends_at_once(site: Site) {
    let page = site.open().list(PLACE, None, 10).await.unwrap();
    assert!(page.documents.is_empty() && page.next.is_none());
}

pub(super) async fn a_foreign_continuation_is_refused(site: Site) {
    let store = site.open();
    store.commit(vec![batch("p", [create("a", 1)])]).await.unwrap();
    let foreign = || Some(Continuation("of another world".into()));
    assert_refused(store.list(PLACE, foreign(), 10).await);
    assert_refused(store.changes(PLACE, foreign(), 10).await);
}
