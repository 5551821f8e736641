//! How messages are received, held, given back and deleted.

use std::{sync::Arc, time::Duration};

use backline::queue::Mailbox;

use super::{LEASE, SECOND, Site, next, send, texts};

pub(super) async fn each_message_is_received_once(site: Site) {
    let queue = site.open();
    for text in ["a", "b", "c"] {
        send(&*queue, "hints", text).await;
    }
    let mut messages = queue.receive("hints", 2, LEASE).await.unwrap();
    assert_eq!(messages.len(), 2);
    messages.extend(queue.receive("hints", 2, LEASE).await.unwrap());
    assert_eq!(texts(&messages), ["a", "b", "c"]);
    assert!(queue.receive("hints", 2, LEASE).await.unwrap().is_empty());
    for message in &messages {
        assert_eq!(message.dequeue_count, 1);
        assert!(message.next_visible_at - message.inserted_at >= chrono::TimeDelta::seconds(599));
        assert_eq!((message.expires_at - message.inserted_at).num_days(), 7);
    }
}

pub(super) async fn a_queue_that_is_not_there_holds_nothing(site: Site) {
    let queue = site.open();
    let (id, receipt) = ("c1b4e0d2-9f5c-4d3e-8f61-0f2a6a6f7a11", "AgAAAAMAAAAAAAAA");
    assert!(queue.receive("nowhere", 32, LEASE).await.unwrap().is_empty());
    assert!(queue.peek("nowhere", 32).await.unwrap().is_empty());
    assert!(!queue.delete("nowhere", id, receipt).await.unwrap());
    assert_eq!(queue.extend("nowhere", id, receipt, LEASE).await.unwrap(), None);
    assert!(queue.list().await.unwrap().is_empty(), "looking makes no queue");
}

pub(super) async fn a_lease_that_ends_shows_the_message_again_under_another_receipt(site: Site) {
    let queue = site.open();
    send(&*queue, "hints", "x").await;
    let first = next(&*queue, "hints", SECOND).await;
    let second = next(&*queue, "hints", LEASE).await;
    assert_eq!((second.dequeue_count, &second.id), (2, &first.id));
    assert!(!queue.delete("hints", &first.id, &first.pop_receipt).await.unwrap());
    assert_eq!(queue.extend("hints", &first.id, &first.pop_receipt, LEASE).await.unwrap(), None);
    assert!(queue.delete("hints", &second.id, &second.pop_receipt).await.unwrap());
}

pub(super) async fn a_message_is_shown_at_once_when_its_lease_is_given_back(site: Site) {
    let queue = site.open();
    send(&*queue, "hints", "x").await;
    let first = next(&*queue, "hints", LEASE).await;
    let given_back = queue.extend("hints", &first.id, &first.pop_receipt, Duration::ZERO).await.unwrap();
    assert!(given_back.is_some());
    let second = next(&*queue, "hints", LEASE).await;
    assert_eq!((second.dequeue_count, second.body), (2, b"x".to_vec()));
}

pub(super) async fn an_extended_lease_has_another_receipt(site: Site) {
    let queue = site.open();
    send(&*queue, "hints", "x").await;
    let message = next(&*queue, "hints", SECOND).await;
    let receipt = queue.extend("hints", &message.id, &message.pop_receipt, LEASE).await.unwrap().unwrap();
    assert!(!queue.delete("hints", &message.id, &message.pop_receipt).await.unwrap());
    // Its first lease is over when one that begins later is.
    send(&*queue, "others", "x").await;
    next(&*queue, "others", SECOND).await;
    next(&*queue, "others", SECOND).await;
    assert!(queue.receive("hints", 1, LEASE).await.unwrap().is_empty());
    assert!(queue.delete("hints", &message.id, &receipt).await.unwrap());
}

pub(super) async fn a_deleted_message_is_gone(site: Site) {
    let queue = site.open();
    send(&*queue, "hints", "x").await;
    let message = next(&*queue, "hints", LEASE).await;
    assert!(queue.delete("hints", &message.id, &message.pop_receipt).await.unwrap());
    assert!(!queue.delete("hints", &message.id, &message.pop_receipt).await.unwrap());
    assert_eq!(queue.extend("hints", &message.id, &message.pop_receipt, Duration::ZERO).await.unwrap(), None);
    let length = queue.list().await.unwrap()["hints"];
    assert_eq!((length.visible, length.hidden), (0, 0), "the queue itself stays");
}

pub(super) async fn two_processes_share_the_messages_between_them(site: Site) {
    let (mine, other) = (site.open(), site.open());
    for number in 0..40 {
        send(&*mine, "hints", &number.to_string()).await;
    }
    let drain = |queue: Arc<dyn Mailbox>| async move {
        let mut taken = Vec::new();
        loop {
            let messages = queue.receive("hints", 7, LEASE).await.unwrap();
            if messages.is_empty() {
                return taken;
            }
            taken.extend(messages.into_iter().map(|message| message.id));
        }
    };
    let (one, two) = tokio::join!(tokio::spawn(drain(mine)), tokio::spawn(drain(other)));
    let mut all = [one.unwrap(), two.unwrap()].concat();
    assert_eq!(all.len(), 40);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 40, "nobody got another one's");
}

pub(super) async fn at_most_thirty_two_come_at_once(site: Site) {
    let queue = site.open();
    for _ in 0..33 {
        send(&*queue, "hints", "x").await;
    }
    assert_eq!(queue.peek("hints", 100).await.unwrap().len(), 32);
    assert_eq!(queue.receive("hints", 100, LEASE).await.unwrap().len(), 32);
    assert_eq!(queue.receive("hints", 100, LEASE).await.unwrap().len(), 1);
}
