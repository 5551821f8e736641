//! What queues hold, and the rules that Azure has for it.
//! <https://learn.microsoft.com/azure/storage/queues/scalability-targets>

use std::time::Duration;

use super::Error;
use crate::model::Timestamp;

/// Messages live so long after they can first be seen.
/// <https://learn.microsoft.com/rest/api/storageservices/put-message#uri-parameters>
pub(super) const LIFE: Duration = Duration::from_secs(7 * 86_400);
/// No message is hidden longer than this from its receipt, its extension or its sending.
const LONGEST_DELAY: Duration = Duration::from_secs(7 * 86_400);
/// The largest message, in bytes: as base64 it fills the 64 KiB that Azure takes.
pub const LARGEST: usize = 48 * 1024;

/// A message that was received or looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its id, for as long as it lives.
    pub id: String,
    /// What its next deletion or extension must show; another one after every receipt and extension.
    pub pop_receipt: String,
    /// What was sent; of a garbled message the text as it stands.
    pub body: Vec<u8>,
    /// Was it sent by somebody who does not encode as the host expects (base64)?
    pub garbled: bool,
    /// How often it has been received, this time included.
    pub dequeue_count: u32,
    /// When it was sent.
    pub inserted_at: Timestamp,
    /// When it is dropped.
    pub expires_at: Timestamp,
    /// When others can see it again.
    pub next_visible_at: Timestamp,
}

/// How much a queue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Length {
    /// Messages that could be received now.
    pub visible: u64,
    /// Messages that are delayed or leased.
    pub hidden: u64,
}

/// Refuses what Azure would refuse: a queue's name, a message's size, a delay's length.
/// <https://learn.microsoft.com/rest/api/storageservices/naming-queues-and-metadata>
pub(super) fn check(queue: &str, body: &[u8], delay: Duration) -> Result<(), Error> {
    let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let named = (3..=63).contains(&queue.len())
        && queue.bytes().all(letters)
        && !queue.starts_with('-')
        && !queue.ends_with('-')
        && !queue.contains("--");
    if !named {
        return Err(Error::Refused(format!(
            "`{queue}` is no queue's name: 3 to 63 lower-case letters, digits and single hyphens inside"
        )));
    }
    if body.len() > LARGEST {
        return Err(Error::Refused(format!(
            "a message of {} bytes: at most {LARGEST} fit; put what is larger elsewhere and send where it is",
            body.len()
        )));
    }
    if delay > LONGEST_DELAY {
        return Err(Error::Refused(format!("a delay of {delay:?}: at most 7 days")));
    }
    Ok(())
}
