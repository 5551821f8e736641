//! How queues are looked into.

use super::{LEASE, Site, next, send, texts};

pub(super) async fn who_peeks_takes_nothing(site: Site) {
    let queue = site.open();
    for text in ["a", "b", "c"] {
        send(&*queue, "hints", text).await;
    }
    assert_eq!(queue.peek("hints", 2).await.unwrap().len(), 2);
    let seen = queue.peek("hints", 32).await.unwrap();
    assert_eq!(texts(&seen), ["a", "b", "c"]);
    for message in &seen {
        assert_eq!((message.dequeue_count, message.pop_receipt.as_str()), (0, ""));
        assert_eq!((message.expires_at - message.inserted_at).num_days(), 7);
    }
    assert_eq!(queue.receive("hints", 32, LEASE).await.unwrap().len(), 3);
    assert!(queue.peek("hints", 32).await.unwrap().is_empty(), "what is worked on is not seen");
}

pub(super) async fn lengths_tell_what_waits_and_what_is_worked_on(site: Site) {
    let queue = site.open();
    assert!(queue.list().await.unwrap().is_empty());
    for text in ["a", "b", "c"] {
        send(&*queue, "hints", text).await;
    }
    queue.send("hints-poison", "x", LEASE).await.unwrap();
    next(&*queue, "hints", LEASE).await;
    let lengths = queue.list().await.unwrap();
    let told: Vec<_> =
        lengths.iter().map(|(name, length)| (name.as_str(), length.visible, length.hidden)).collect();
    assert_eq!(told, [("hints", 2, 1), ("hints-poison", 0, 1)]);
}
