//! Dead letters: what could not be done, with its cause, kept until an operator redrives or drops it.

mod redrive;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::redrive::{KeptLetter, dead_letters};
use super::{Error, Runtime};
use crate::{
    model::{ConversationId, Delivery, EffectId, Message, Send, Text, Timestamp, TraceParent, short_hash},
    store::{Batch, Container, DocumentId, Draft, Write},
    text,
};

/// Something that could not be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Where it came from: `webhook:operations`, `inbox`, `outbox`, `queue:conversations`.
    pub source: String,
    /// What makes it itself: the same letter written twice is one.
    pub id: String,
    /// Why it could not be done.
    pub cause: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub at: Timestamp,
    /// The conversation it concerns, if one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// The thing itself, for redriving.
    pub payload: Value,
    /// The trace it belongs to.
    pub trace: TraceParent,
}

impl DeadLetter {
    pub(super) fn log(&self) {
        let trace = self.trace.trace_id();
        tracing::error!(source = self.source, id = self.id, cause = self.cause, trace, "dead letter");
    }

    /// The write that keeps it.
    #[must_use]
    pub fn batch(&self) -> Batch {
        let clean = self.id.replace(['/', '\\', '?', '#'], "~");
        let id: DocumentId = if clean.len() < 900 { clean } else { short_hash(&clean) }
            .parse()
            .expect("a short text without forbidden characters is an id");
        Batch {
            container: Container::DeadLetters,
            partition: self.source.clone(),
            writes: vec![Write::Upsert(id, Draft::of(self))],
        }
    }
}

impl Runtime {
    /// Keeps a dead letter. Kept twice, it is kept once.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep(&self, letter: &DeadLetter) -> Result<(), Error> {
        letter.log();
        self.store().commit(vec![letter.batch()]).await?;
        Ok(())
    }

    /// Tells the bot's operators what could not be done. Told twice, they hear it once.
    pub(super) async fn tell_operators(&self, letter: &DeadLetter) {
        let Some(conversation) = &letter.conversation else { return };
        let Some(bot) = self.bot(conversation.bot.as_str()) else { return };
        let message = Message::plain(Text::Paragraphs(vec![
            text!("operator-dead-letter", conversation = conversation.to_string(), cause = &letter.cause),
            text!("operator-told", trace = letter.trace.trace_id()),
        ]));
        let delivery = Delivery::Send(Send { message, prompt: None }).into();
        for operator in &bot.operators {
            let to = ConversationId::private(bot.slug.clone(), *operator);
            let effect = format!("told:{}:{}:{operator}", letter.source, letter.id);
            let Ok(effect) = effect.parse::<EffectId>() else { return };
            match self.deliver(&to, &effect, &delivery, &letter.trace).await {
                Ok(()) => self.hint(&to, Duration::ZERO).await,
                Err(why) => tracing::warn!(%why, operator, "an operator could not be told"),
            }
        }
    }

    /// Keeps a message that its queue gave up: its function failed for it every time. Kept twice, it is kept once.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_poison(&self, queue: &str, message: &str) -> Result<(), Error> {
        let letter = DeadLetter {
            source: format!("queue:{queue}"),
            id: short_hash(message),
            cause: "its function failed every time; the log of that function says why".to_owned(),
            attempts: 5,
            at: self.store().now(),
            conversation: None,
            payload: Value::String(message.to_owned()),
            trace: TraceParent::root(),
        };
        self.keep(&letter).await
    }
}
