//! What a process has sent: whoever waits in it for more hears of it at once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use tokio::sync::watch;

/// How many messages this process has sent, by queue. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Sent(Arc<Mutex<BTreeMap<String, watch::Sender<u64>>>>);

impl Sent {
    /// One more has been sent.
    pub(super) fn one(&self, queue: &str) {
        self.sender(queue).send_modify(|count| *count += 1);
    }

    /// Tells how many have been sent, and of each that follows.
    pub(super) fn watch(&self, queue: &str) -> watch::Receiver<u64> {
        self.sender(queue).subscribe()
    }

    fn sender(&self, queue: &str) -> watch::Sender<u64> {
        let mut sent = self.0.lock().expect("nobody panics while holding the counters");
        match sent.get(queue) {
            Some(sender) => sender.clone(),
            None => sent.entry(queue.to_owned()).or_default().clone(),
        }
    }
}
