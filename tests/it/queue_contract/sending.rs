//! What may be sent, and when it is seen.

use std::time::Duration;

use backline::queue::{Error, LARGEST};

use super::{LEASE, SECOND, Site, next, send};

const DAY: Duration = Duration::from_secs(86_400);

pub(super) async fn what_was_sent_is_received(site: Site) {
    let queue = site.open();
    for text in [
        "",
        " \r\n\t ",
        "hint",
        // What could be taken for the encoding, or for markup around it.
        "aGludA==",
        "{\"conversation\":\"operations:101:0:101\"}",
        "<MessageText>&amp;]]></MessageText>",
        "Привет, 世界! 👩‍👩‍👧 \u{202e}abc\u{0}\u{1}\u{7f}",
    ] {
        send(&*queue, "hints", text).await;
        let message = next(&*queue, "hints", LEASE).await;
        assert_eq!((String::from_utf8(message.body).unwrap().as_str(), message.garbled), (text, false));
        assert!(queue.delete("hints", &message.id, &message.pop_receipt).await.unwrap());
    }
}

pub(super) async fn bytes_that_are_no_text_are_received_too(site: Site) {
    let queue = site.open();
    let bytes: Vec<u8> = (0..=255).collect();
    queue.send_bytes("hints", &bytes, Duration::ZERO).await.unwrap();
    assert_eq!(next(&*queue, "hints", LEASE).await.body, bytes);
}

pub(super) async fn the_largest_message_fits_and_one_byte_more_is_refused(site: Site) {
    let queue = site.open();
    let largest = "ж".repeat(LARGEST / 2);
    send(&*queue, "hints", &largest).await;
    assert_eq!(next(&*queue, "hints", LEASE).await.body, largest.as_bytes());
    let larger = queue.send("hints", &format!("{largest}x"), Duration::ZERO).await;
    let Err(Error::Refused(why)) = larger else { panic!("{larger:?}") };
    assert!(why.contains("49153 bytes") && why.contains("49152"), "{why}");
    assert!(queue.peek("hints", 32).await.unwrap().is_empty(), "not even a part of it was sent");
}

pub(super) async fn a_name_that_azure_refuses_is_refused(site: Site) {
    let queue = site.open();
    for name in ["ab", "Hints", "hints-", "-hints", "a--b", "hi nts", "hints/x", "hïnts", &"q".repeat(64)] {
        let sent = queue.send(name, "x", Duration::ZERO).await;
        assert!(matches!(sent, Err(Error::Refused(_))), "{name}: {sent:?}");
    }
    send(&*queue, &"q".repeat(63), "x").await;
    send(&*queue, "3-x", "x").await;
}

pub(super) async fn a_delayed_message_is_seen_when_its_time_has_come(site: Site) {
    let queue = site.open();
    queue.send("hints", "later", SECOND).await.unwrap();
    send(&*queue, "hints", "now").await;
    assert_eq!(next(&*queue, "hints", LEASE).await.body, b"now");
    assert_eq!(next(&*queue, "hints", LEASE).await.body, b"later");
}

pub(super) async fn the_longest_delay_is_seven_days(site: Site) {
    let queue = site.open();
    queue.send("hints", "x", 7 * DAY).await.unwrap();
    let length = queue.list().await.unwrap()["hints"];
    assert_eq!((length.visible, length.hidden), (0, 1));
    let longer = queue.send("hints", "x", 7 * DAY + SECOND).await;
    assert!(matches!(longer, Err(Error::Refused(_))), "{longer:?}");
}

pub(super) async fn many_may_make_a_queue_at_once(site: Site) {
    let sending = (0..8).map(|_| {
        let queue = site.open();
        tokio::spawn(async move { queue.send("hints", "x", Duration::ZERO).await })
    });
    for sent in sending.collect::<Vec<_>>() {
        sent.await.unwrap().unwrap();
    }
    assert_eq!(site.open().receive("hints", 32, LEASE).await.unwrap().len(), 8);
}

pub(super) async fn a_sender_wakes_who_waits_in_its_own_process(site: Site) {
    let queue = site.open();
    let mut sent = queue.watch("hints");
    send(&*queue, "others", "x").await;
    assert!(!sent.has_changed().unwrap());
    send(&*queue, "hints", "x").await;
    sent.changed().await.unwrap();
}
