//! What the file adds to the contract of all queues (`tests/it/queue_contract.rs`): an order, and a clock that tests wind.

use super::*;

const LEASE: Duration = Duration::from_secs(600);

struct Bench {
    queue: SqliteQueue,
    clock: Clock,
    _folder: tempfile::TempDir,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::hand_wound("2026-01-01T00:00:00Z".parse().unwrap());
    let queue = SqliteQueue::open(&folder.path().join("queues.sqlite"), clock.clone()).unwrap();
    Bench { queue, clock, _folder: folder }
}

impl Bench {
    async fn received(&self, most: usize) -> Vec<String> {
        let messages = self.queue.receive("hints", most, LEASE).await.unwrap();
        messages.into_iter().map(|message| String::from_utf8(message.body).unwrap()).collect()
    }
}

#[tokio::test]
async fn messages_come_in_order_and_once() {
    let bench = bench();
    assert!(bench.queue.list().await.unwrap().is_empty());
    for text in ["a", "b", "c"] {
        bench.queue.send("hints", text, Duration::ZERO).await.unwrap();
    }
    assert_eq!(bench.queue.peek("hints", 2).await.unwrap().len(), 2);
    assert_eq!(bench.received(2).await, ["a", "b"]);
    assert_eq!(bench.received(2).await, ["c"]);
    assert!(bench.received(2).await.is_empty());
    assert_eq!(bench.queue.list().await.unwrap()["hints"], Length { visible: 0, hidden: 3 });
}

#[tokio::test]
async fn a_delayed_message_is_seen_when_its_time_has_come() {
    let bench = bench();
    bench.queue.send("hints", "later", Duration::from_secs(60)).await.unwrap();
    bench.queue.send("hints", "now", Duration::ZERO).await.unwrap();
    assert_eq!(bench.received(10).await, ["now"]);
    bench.clock.wind(TimeDelta::seconds(60));
    assert_eq!(bench.received(10).await, ["later"]);
}

#[tokio::test]
async fn a_lease_that_ends_shows_the_message_again_under_another_receipt() {
    let bench = bench();
    bench.queue.send("hints", "x", Duration::ZERO).await.unwrap();
    let first = bench.queue.receive("hints", 1, LEASE).await.unwrap().remove(0);
    assert_eq!(
        (first.dequeue_count, first.next_visible_at),
        (1, bench.clock.now() + TimeDelta::seconds(600))
    );
    bench.clock.wind(TimeDelta::seconds(600));
    let second = bench.queue.receive("hints", 1, LEASE).await.unwrap().remove(0);
    assert_eq!((second.dequeue_count, &second.id), (2, &first.id));
    assert!(!bench.queue.delete("hints", &first.id, &first.pop_receipt).await.unwrap());
    assert_eq!(bench.queue.extend("hints", &first.id, &first.pop_receipt, LEASE).await.unwrap(), None);
    let third = bench.queue.extend("hints", &second.id, &second.pop_receipt, Duration::ZERO).await.unwrap();
    assert!(!bench.queue.delete("hints", &first.id, &second.pop_receipt).await.unwrap());
    assert!(bench.queue.delete("hints", &first.id, &third.unwrap()).await.unwrap());
    assert!(bench.received(1).await.is_empty());
}

#[tokio::test]
async fn an_expired_message_is_not_received_and_then_purged() {
    let bench = bench();
    bench.queue.send("hints", "old", Duration::ZERO).await.unwrap();
    bench.clock.wind(TimeDelta::days(7));
    assert!(bench.received(1).await.is_empty());
    assert_eq!(bench.queue.purge().await.unwrap(), 1);
}
