//! Writes: all or nothing, and only over what the writer has read.

use backline::store::{Draft, ETag, Error, NothingDue, Write};
use futures_util::future::join_all;

use super::{
    PLACE, Site, assert_conflict, assert_refused, batch, create, draft, get, id, noon, number, put, seconds,
};

pub(super) async fn a_batch_is_all_or_nothing(site: Site) {
    let store = site.open();
    put(&*store, "p", [create("b", 1)]).await.unwrap();
    assert_conflict(put(&*store, "p", [create("a", 2), create("b", 2), create("c", 2)]).await, "b");
    assert_eq!(get(&*store, "p", "a").await, None);
    assert_eq!(get(&*store, "p", "c").await, None);
    put(&*store, "p", [create("a", 3), create("c", 3)]).await.unwrap();
    assert_eq!(number(&*store, "p", "a").await, Some(3));
    assert_eq!(number(&*store, "p", "c").await, Some(3));
}

pub(super) async fn creating_what_is_there_conflicts(site: Site) {
    let store = site.open();
    put(&*store, "p", [create("a", 1)]).await.unwrap();
    assert_conflict(put(&*store, "p", [create("a", 2)]).await, "a");
    assert_eq!(number(&*store, "p", "a").await, Some(1));
}

pub(super) async fn replacing_another_version_conflicts(site: Site) {
    let store = site.open();
    let first = put(&*store, "p", [create("a", 1)]).await.unwrap();
    put(&*store, "p", [Write::Replace(id("a"), first.clone(), draft(2))]).await.unwrap();
    assert_conflict(put(&*store, "p", [Write::Replace(id("a"), first, draft(3))]).await, "a");
    assert_eq!(number(&*store, "p", "a").await, Some(2));
}

pub(super) async fn replacing_what_is_gone_conflicts(site: Site) {
    let store = site.open();
    let etag = put(&*store, "p", [create("a", 1)]).await.unwrap();
    put(&*store, "p", [Write::Delete(id("a"), etag.clone())]).await.unwrap();
    assert_conflict(put(&*store, "p", [Write::Replace(id("a"), etag.clone(), draft(2))]).await, "a");
    // The version of one document is no version of another.
    let other = put(&*store, "p", [create("b", 1)]).await.unwrap();
    assert_conflict(put(&*store, "p", [Write::Replace(id("a"), other, draft(2))]).await, "a");
    assert_eq!(number(&*store, "p", "b").await, Some(1));
}

pub(super) async fn replacing_with_a_foreign_etag_conflicts(site: Site) {
    let store = site.open();
    put(&*store, "p", [create("a", 1)]).await.unwrap();
    for foreign in ["", "\"0000-0000\"", "no version"] {
        let foreign = ETag(foreign.into());
        assert_conflict(put(&*store, "p", [Write::Replace(id("a"), foreign, draft(2))]).await, "a");
    }
}

pub(super) async fn deleting_another_version_conflicts(site: Site) {
    let store = site.open();
    let first = put(&*store, "p", [create("a", 1)]).await.unwrap();
    let second = put(&*store, "p", [Write::Upsert(id("a"), draft(2))]).await.unwrap();
    assert_conflict(put(&*store, "p", [Write::Delete(id("a"), first)]).await, "a");
    put(&*store, "p", [Write::Delete(id("a"), second.clone())]).await.unwrap();
    assert_eq!(get(&*store, "p", "a").await, None);
    assert_conflict(put(&*store, "p", [Write::Delete(id("a"), second)]).await, "a");
}

pub(super) async fn an_upsert_asks_nothing(site: Site) {
    let store = site.open();
    put(&*store, "p", [Write::Upsert(id("a"), draft(1))]).await.unwrap();
    put(&*store, "p", [Write::Upsert(id("a"), draft(2))]).await.unwrap();
    assert_eq!(number(&*store, "p", "a").await, Some(2));
}

pub(super) async fn every_write_has_an_etag_of_its_own(site: Site) {
    let store = site.open();
    let mut seen = Vec::new();
    for round in 0..3 {
        let writes = ["a", "b"].map(|name| Write::Upsert(id(name), draft(round)));
        let etags = store.commit(vec![batch("p", writes.clone()), batch("q", writes)]).await.unwrap();
        assert_eq!(etags.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
        assert_eq!(get(&*store, "q", "b").await.unwrap().etag, etags[1][1]);
        seen.extend(etags.into_iter().flatten().map(|etag| etag.0));
    }
    // A document that is made again is another version, too.
    for _ in 0..2 {
        let etag = put(&*store, "p", [create("again", 1)]).await.unwrap();
        put(&*store, "p", [Write::Delete(id("again"), etag.clone())]).await.unwrap();
        seen.push(etag.0);
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count);
}

pub(super) async fn a_deletion_gives_the_etag_it_deleted(site: Site) {
    let store = site.open();
    let etag = put(&*store, "p", [create("a", 1)]).await.unwrap();
    assert_eq!(put(&*store, "p", [Write::Delete(id("a"), etag.clone())]).await.unwrap(), etag);
}

pub(super) async fn a_conflict_names_the_batch_and_leaves_it_unwritten(site: Site) {
    let store = site.open();
    put(&*store, "q", [create("there", 1)]).await.unwrap();
    let batches = vec![
        batch("p", [create("a", 1)]),
        batch("q", [create("b", 1), create("there", 2)]),
        batch("r", [create("c", 1)]),
    ];
    match store.commit(batches).await {
        Err(Error::Conflict { partition, id, batch }) => {
            assert_eq!((partition.as_str(), id.as_str(), batch), ("q", "there", 1));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(get(&*store, "q", "b").await, None);
    assert_eq!(get(&*store, "r", "c").await, None);
}

pub(super) async fn what_is_due_is_in_the_way_of_who_says_so(site: Site) {
    let store = site.open();
    let due = Draft { due_at: Some(noon() + seconds(30)), ..draft(1) };
    let etag = put(&*store, "p", [create("inbox:0", 0), Write::Create(id("inbox:1"), due)]).await.unwrap();
    let commit = async |partition: &str, prefix: &str, name: &str| {
        let (container, partition, prefix) = (PLACE, partition.to_owned(), prefix.to_owned());
        let batches = vec![batch("q", [create(name, 1)]), batch("p", [create(name, 1)])];
        store.commit_unless_due(batches, NothingDue { container, partition, prefix }).await
    };
    if !store.may_join("x") {
        assert_refused(commit("p", "inbox:", "a").await);
        return;
    }
    assert_conflict(commit("p", "inbox:", "a").await, "inbox:1");
    assert_eq!((get(&*store, "q", "a").await, get(&*store, "p", "a").await), (None, None));
    // Elsewhere nothing is due; and what is due no longer is in nobody's way.
    assert_eq!(commit("p", "out:", "b").await.unwrap().len(), 2);
    commit("q", "inbox:", "c").await.unwrap();
    put(&*store, "p", [Write::Replace(id("inbox:1"), etag, draft(2))]).await.unwrap();
    commit("p", "inbox:", "d").await.unwrap();
    assert_conflict(commit("p", "inbox:", "d").await, "d");
}

pub(super) async fn a_document_may_be_once_in_a_batch(site: Site) {
    let store = site.open();
    let twice = [Write::Upsert(id("a"), draft(1)), create("b", 1), Write::Upsert(id("a"), draft(2))];
    assert_refused(put(&*store, "p", twice).await);
    assert_eq!(get(&*store, "p", "b").await, None);
}

pub(super) async fn a_batch_has_at_most_a_hundred_writes(site: Site) {
    let store = site.open();
    let mut writes: Vec<Write> = (0..101).map(|n| create(&format!("{n:03}"), n)).collect();
    // No batch is written if another of the same commit can't be.
    let refused = store.commit(vec![batch("before", [create("a", 1)]), batch("p", writes.clone())]).await;
    assert_refused(refused);
    assert_eq!(get(&*store, "before", "a").await, None);
    assert_eq!(get(&*store, "p", "000").await, None);
    writes.pop();
    put(&*store, "p", writes).await.unwrap();
    assert_eq!(number(&*store, "p", "099").await, Some(99));
}

pub(super) async fn a_batch_has_at_most_two_megabytes(site: Site) {
    let store = site.open();
    let large = |bytes: usize| Draft::of(&"x".repeat(bytes - 2));
    let most = 2 * 1024 * 1024;
    assert_refused(put(&*store, "p", [Write::Create(id("a"), large(most + 1))]).await);
    let halves = [Write::Create(id("a"), large(most / 2)), Write::Create(id("b"), large(most / 2 + 1))];
    assert_refused(put(&*store, "p", halves).await);
    assert_eq!(get(&*store, "p", "a").await, None);
    put(&*store, "p", [Write::Create(id("c"), large(most - 4096))]).await.unwrap();
    assert_eq!(get(&*store, "p", "c").await.unwrap().body.len(), most - 4096);
}

pub(super) async fn nothing_to_write_is_written(site: Site) {
    let store = site.open();
    assert!(store.commit(Vec::new()).await.unwrap().is_empty());
}

pub(super) async fn many_tasks_on_two_handles_lose_no_increment(site: Site) {
    const TASKS: i64 = 12;
    const EACH: i64 = 8;
    let handles = [site.open(), site.open()];
    put(&*handles[0], "p", [create("counter", 0)]).await.unwrap();
    let tasks = (0..TASKS).map(|task| {
        let store = handles[usize::try_from(task).unwrap() % 2].clone();
        tokio::spawn(async move {
            let mut done = 0;
            while done < EACH {
                let read = get(&*store, "p", "counter").await.unwrap();
                let n = read.parse::<serde_json::Value>().unwrap()["n"].as_i64().unwrap();
                match put(&*store, "p", [Write::Replace(id("counter"), read.etag, draft(n + 1))]).await {
                    Ok(_) => {
                        done += 1;
                        assert!(number(&*store, "p", "counter").await.unwrap() > n, "own write not seen");
                    }
                    Err(Error::Conflict { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    assert_eq!(number(&*handles[1], "p", "counter").await, Some(TASKS * EACH));
}

pub(super) async fn what_one_handle_wrote_another_reads(site: Site) {
    let (one, other) = (site.open(), site.open());
    for n in 0..20 {
        put(&*one, "p", [Write::Upsert(id("a"), draft(n))]).await.unwrap();
        assert_eq!(number(&*other, "p", "a").await, Some(n));
    }
}
