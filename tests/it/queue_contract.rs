//! What all queues must do, written against the port: those in a file, and those in a storage account.

mod looking;
mod receiving;
mod sending;

use std::{sync::Arc, time::Duration};

use backline::{
    model::Clock,
    queue::{Mailbox, Received, sqlite::SqliteQueue},
};

use crate::azurite;

/// So long nobody else gets a message that a test works on.
const LEASE: Duration = Duration::from_secs(600);
/// The shortest time that Azure counts.
const SECOND: Duration = Duration::from_secs(1);

/// Some queues, which no other test has.
struct Site {
    open: Box<dyn Fn() -> Arc<dyn Mailbox> + Send + Sync>,
}

impl Site {
    /// A handle on the queues, as another process would have it.
    fn open(&self) -> Arc<dyn Mailbox> {
        (self.open)()
    }
}

/// Holds the queues of a site to the contract.
macro_rules! contract {
    ($site:ident) => {
        mod $site {
        contract!($site, sending: [
            what_was_sent_is_received,
            bytes_that_are_no_text_are_received_too,
            the_largest_message_fits_and_one_byte_more_is_refused,
            a_name_that_azure_refuses_is_refused,
            a_delayed_message_is_seen_when_its_time_has_come,
            the_longest_delay_is_seven_days,
            many_may_make_a_queue_at_once,
            a_sender_wakes_who_waits_in_its_own_process,
        ]);
        contract!($site, receiving: [
            each_message_is_received_once,
            a_queue_that_is_not_there_holds_nothing,
            a_lease_that_ends_shows_the_message_again_under_another_receipt,
            a_message_is_shown_at_once_when_its_lease_is_given_back,
            an_extended_lease_has_another_receipt,
            a_deleted_message_is_gone,
            two_processes_share_the_messages_between_them,
            at_most_thirty_two_come_at_once,
        ]);
        contract!($site, looking: [
            who_peeks_takes_nothing,
            lengths_tell_what_waits_and_what_is_worked_on,
        ]);
        }
    };
    ($site:ident, $chapter:ident: [$($test:ident),+ $(,)?]) => {
        mod $chapter {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some(site) = crate::queue_contract::$site() {
                    crate::queue_contract::$chapter::$test(site).await;
                }
            })+
        }
    };
}

// One line and one site for each kind of queues.
contract!(sqlite);
contract!(storage_queue);

fn sqlite() -> Option<Site> {
    let folder = tempfile::tempdir().unwrap();
    let open = move || -> Arc<dyn Mailbox> {
        Arc::new(SqliteQueue::open(&folder.path().join("queues.db"), Clock::real()).unwrap())
    };
    Some(Site { open: Box::new(open) })
}

fn storage_queue() -> Option<Site> {
    let account = azurite::account()?;
    let open = move || -> Arc<dyn Mailbox> { Arc::new(account.open()) };
    Some(Site { open: Box::new(open) })
}

/// Waits until something can be received: those elsewhere go by a clock that nobody winds.
async fn next(queue: &dyn Mailbox, name: &str, lease: Duration) -> Received {
    let look = async {
        loop {
            if let Some(message) = queue.receive(name, 1, lease).await.unwrap().pop() {
                return message;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.expect("the message is seen")
}

async fn send(queue: &dyn Mailbox, name: &str, message: &str) {
    queue.send(name, message, Duration::ZERO).await.unwrap();
}

fn texts(messages: &[Received]) -> Vec<&str> {
    let mut texts: Vec<_> = messages.iter().map(|message| str::from_utf8(&message.body).unwrap()).collect();
    texts.sort_unstable();
    texts
}
