//! What the sweep and the change feed go by.

use backline::store::{Batch, Container, Continuation, Store, Write};

use super::{PLACE, Site, create, draft, id, noon, put, seconds};

pub(super) async fn the_longest_overdue_comes_first(site: Site) {
    let store = site.open();
    for (partition, name, at) in [("p", "a", 30), ("q", "b", 10), ("r", "c", 20), ("p", "d", 31)] {
        let due = draft(0).due(Some(noon() + seconds(at)));
        put(&*store, partition, [Write::Create(id(name), due)]).await.unwrap();
    }
    put(&*store, "p", [create("never", 0)]).await.unwrap();
    let due = |from, until, limit| {
        let store = store.clone();
        async move {
            let due =
                store.due(PLACE, noon() + seconds(from)..=noon() + seconds(until), limit).await.unwrap();
            due.into_iter().map(|d| (d.partition, d.id.to_string(), d.due_at - noon())).collect::<Vec<_>>()
        }
    };
    let told = |partition: &str, name: &str, at| (partition.to_owned(), name.to_owned(), seconds(at));
    assert_eq!(due(0, 9, 10).await, []);
    assert_eq!(due(10, 30, 10).await, [told("q", "b", 10), told("r", "c", 20), told("p", "a", 30)]);
    assert_eq!(due(0, 30, 1).await, [told("q", "b", 10)]);
    assert_eq!(due(11, 30, 1).await, [told("r", "c", 20)]);
    assert!(store.due(Container::Inputs, noon()..=noon() + seconds(60), 10).await.unwrap().is_empty());
}

pub(super) async fn what_is_no_longer_due_is_not_due(site: Site) {
    let store = site.open();
    let due = draft(0).due(Some(noon()));
    let etag = put(&*store, "p", [Write::Create(id("a"), due.clone())]).await.unwrap();
    let gone = put(&*store, "p", [Write::Create(id("b"), due)]).await.unwrap();
    put(&*store, "p", [Write::Replace(id("a"), etag, draft(1)), Write::Delete(id("b"), gone)]).await.unwrap();
    assert!(store.due(PLACE, noon()..=noon(), 10).await.unwrap().is_empty());
}

/// Follows the feed to its end; what it told, and where it ended.
async fn follow(
    store: &dyn Store,
    mut from: Option<Continuation>,
    limit: usize,
) -> (Vec<String>, Continuation) {
    let mut told = Vec::new();
    loop {
        let (changes, next) = store.changes(PLACE, from, limit).await.unwrap();
        assert!(changes.len() <= limit);
        if changes.is_empty() {
            return (told, next);
        }
        for change in changes {
            let n = &change.document.parse::<serde_json::Value>().unwrap()["n"];
            told.push(format!("{}/{}={n}", change.partition, change.document.id));
        }
        assert!(told.len() < 100, "no end in sight");
        from = Some(next);
    }
}

pub(super) async fn the_feed_tells_changes_in_order(site: Site) {
    let store = site.open();
    put(&*store, "p", [create("b", 1)]).await.unwrap();
    put(&*store, "p", [create("a", 2), create("c", 3)]).await.unwrap();
    let elsewhere =
        Batch { container: Container::Events, partition: "p".into(), writes: vec![create("e", 9)] };
    store.commit(vec![elsewhere]).await.unwrap();
    put(&*store, "p", [create("0", 4)]).await.unwrap();
    for limit in [1, 2, 100] {
        assert_eq!(follow(&*store, None, limit).await.0, ["p/b=1", "p/a=2", "p/c=3", "p/0=4"]);
    }
}

pub(super) async fn the_feed_tells_the_latest_version_only(site: Site) {
    let store = site.open();
    put(&*store, "p", [create("a", 1)]).await.unwrap();
    let gone = put(&*store, "p", [create("b", 1)]).await.unwrap();
    put(&*store, "p", [create("c", 1)]).await.unwrap();
    put(&*store, "p", [Write::Upsert(id("a"), draft(2))]).await.unwrap();
    put(&*store, "p", [Write::Delete(id("b"), gone)]).await.unwrap();
    assert_eq!(follow(&*store, None, 10).await.0, ["p/c=1", "p/a=2"]);
}

pub(super) async fn the_feed_goes_on_where_it_stopped(site: Site) {
    let store = site.open();
    put(&*store, "p", [create("a", 1), create("b", 1)]).await.unwrap();
    let (_, end) = follow(&*store, None, 1).await;
    assert_eq!(follow(&*store, Some(end.clone()), 10).await.0, [""; 0]);
    put(&*store, "q", [create("c", 1)]).await.unwrap();
    put(&*store, "p", [Write::Upsert(id("a"), draft(2))]).await.unwrap();
    // Another process may go on with it.
    assert_eq!(follow(&*site.open(), Some(end), 10).await.0, ["q/c=1", "p/a=2"]);
}

pub(super) async fn the_feed_of_a_quiet_container_can_be_followed(site: Site) {
    let store = site.open();
    let (told, start) = follow(&*store, None, 10).await;
    assert_eq!(told, [""; 0]);
    put(&*store, "p", [create("a", 1)]).await.unwrap();
    assert_eq!(follow(&*store, Some(start), 10).await.0, ["p/a=1"]);
}
