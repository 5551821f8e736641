//! What has a time to live, and what becomes of it.

use std::time::Duration;

use backline::store::{Query, Write};

use super::{PLACE, Site, assert_conflict, create, draft, get, id, noon, number, put, seconds};

fn for_a_minute(name: &str) -> Write {
    Write::Create(id(name), draft(1).due(Some(noon())).ttl(Duration::from_secs(60)))
}

pub(super) async fn an_expired_document_is_gone_from_everywhere(site: Site) {
    let store = site.open();
    put(&*store, "p", [for_a_minute("a"), create("b", 1)]).await.unwrap();
    for (passing, left) in [(59, 1), (1, 0)] {
        site.clock.wind(seconds(passing));
        assert_eq!(get(&*store, "p", "a").await.iter().count(), left);
        assert_eq!(store.query(PLACE, "p", Query::default()).await.unwrap().len(), left + 1);
        let due_only = Query { due_only: true, ..Query::default() };
        assert_eq!(store.query(PLACE, "p", due_only).await.unwrap().len(), left);
        assert_eq!(store.due(PLACE, noon()..=noon(), 10).await.unwrap().len(), left);
        assert_eq!(store.changes(PLACE, None, 10).await.unwrap().0.len(), left + 1);
        assert_eq!(store.list(PLACE, None, 10).await.unwrap().documents.len(), left + 1);
    }
}

pub(super) async fn a_document_without_ttl_stays(site: Site) {
    let store = site.open();
    put(&*store, "p", [create("a", 1)]).await.unwrap();
    site.clock.wind(chrono::TimeDelta::days(10_000));
    assert_eq!(number(&*store, "p", "a").await, Some(1));
}

pub(super) async fn an_expired_document_may_be_created_again(site: Site) {
    let store = site.open();
    let old = put(&*store, "p", [for_a_minute("a")]).await.unwrap();
    assert_conflict(put(&*store, "p", [create("a", 2)]).await, "a");
    site.clock.wind(seconds(60));
    let new = put(&*store, "p", [create("a", 2)]).await.unwrap();
    assert_ne!(old, new);
    let read = get(&*store, "p", "a").await.unwrap();
    assert_eq!((read.etag, read.due_at), (new, None));
    // It has the time to live of its new life.
    site.clock.wind(seconds(600));
    assert_eq!(number(&*store, "p", "a").await, Some(2));
}

pub(super) async fn an_expired_document_is_no_version_to_replace_or_delete(site: Site) {
    let store = site.open();
    let etag = put(&*store, "p", [for_a_minute("a")]).await.unwrap();
    site.clock.wind(seconds(60));
    assert_conflict(put(&*store, "p", [Write::Replace(id("a"), etag.clone(), draft(2))]).await, "a");
    assert_conflict(put(&*store, "p", [Write::Delete(id("a"), etag)]).await, "a");
}

pub(super) async fn a_write_without_ttl_takes_it_away(site: Site) {
    let store = site.open();
    let etag = put(&*store, "p", [for_a_minute("a"), for_a_minute("b")]).await.unwrap();
    put(&*store, "p", [Write::Upsert(id("a"), draft(2)), Write::Replace(id("b"), etag, draft(2))])
        .await
        .unwrap();
    site.clock.wind(seconds(60));
    assert_eq!(number(&*store, "p", "a").await, Some(2));
    assert_eq!(number(&*store, "p", "b").await, Some(2));
}

pub(super) async fn purging_removes_what_expired_and_nothing_else(site: Site) {
    let store = site.open();
    for chunk in 0..12 {
        let writes: Vec<Write> = (0..100).map(|n| for_a_minute(&format!("{chunk}:{n}"))).collect();
        put(&*store, "p", writes).await.unwrap();
    }
    put(&*store, "p", [create("stays", 1)]).await.unwrap();
    store.purge().await.unwrap();
    assert_eq!(store.query(PLACE, "p", Query::default()).await.unwrap().len(), 1201);
    site.clock.wind(seconds(60));
    store.purge().await.unwrap();
    // A store that removes by itself may wait until it is asked.
    assert_eq!(store.query(PLACE, "p", Query::default()).await.unwrap().len(), 1);
    // Winding back shows what is really left.
    site.clock.wind(seconds(-60));
    let left = store.query(PLACE, "p", Query::default()).await.unwrap();
    assert_eq!(super::names(&left), ["stays"]);
}
