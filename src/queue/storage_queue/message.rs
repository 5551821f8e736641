//! Messages as the SDK brings them, in our words.

use azure_core::time::OffsetDateTime;
use azure_storage_queue::models::{PeekedMessage, ReceivedMessage};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::DateTime;

use crate::{model::Timestamp, queue::Received};

pub(super) fn received(message: ReceivedMessage) -> Received {
    let (body, garbled) = decoded(message.message_text);
    Received {
        id: message.message_id.unwrap_or_default(),
        pop_receipt: message.pop_receipt.unwrap_or_default(),
        body,
        garbled,
        dequeue_count: count(message.dequeue_count),
        inserted_at: moment(message.insertion_time),
        expires_at: moment(message.expiration_time),
        next_visible_at: moment(message.time_next_visible),
    }
}

pub(super) fn peeked(message: PeekedMessage) -> Received {
    let (body, garbled) = decoded(message.message_text);
    Received {
        id: message.message_id.unwrap_or_default(),
        pop_receipt: String::new(),
        body,
        garbled,
        dequeue_count: count(message.dequeue_count),
        inserted_at: moment(message.insertion_time),
        expires_at: moment(message.expiration_time),
        // It can be seen, but since when is not told.
        next_visible_at: moment(message.insertion_time),
    }
}

/// What a text in base64 says; or the text itself, and that it is garbled.
fn decoded(text: Option<String>) -> (Vec<u8>, bool) {
    let text = text.unwrap_or_default();
    match STANDARD.decode(&text) {
        Ok(body) => (body, false),
        Err(_) => (text.into_bytes(), true),
    }
}

fn count(told: Option<i64>) -> u32 {
    told.and_then(|count| u32::try_from(count).ok()).unwrap_or_default()
}

fn moment(told: Option<OffsetDateTime>) -> Timestamp {
    told.and_then(|at| DateTime::from_timestamp(at.unix_timestamp(), at.nanosecond())).unwrap_or_default()
}
