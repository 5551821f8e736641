//! Receive: an update is stored before anybody is told that it came.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Bot, Error, Runtime, State,
    advance::{By, Done},
    dead_letter::DeadLetter,
    documents::{Item, SAFETY_NET, item_id},
};
use crate::{
    model::{ConversationId, Input, InputKey, Text, TraceParent, What, short_hash},
    store::{Batch, Container, Draft, Error as StoreError, Write},
    telegram,
};

/// What the webhook answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Nothing but 200.
    Taken,
    /// 200 and a method call, which answers the press of a button without a call of its own.
    Call(Value),
}

impl Runtime {
    /// Takes an update that has proved to come from Telegram. Taken twice, it is taken once.
    ///
    /// Returns when all that it causes is done, or after the inline budget; what is left then is left to a hint.
    ///
    /// # Errors
    /// Only if it could not be stored: Telegram shall bring it again.
    pub async fn receive(&self, bot: &Bot, raw: &[u8], trace: TraceParent) -> Result<Answer, Error> {
        let now = self.store().now();
        let input = match telegram::normalize::normalize(&bot.slug, None, raw, now, trace.clone()) {
            Ok(input) => input,
            Err(why) => {
                self.keep(&garbage(bot, raw, &why.to_string(), now, trace)).await?;
                return Ok(Answer::Taken);
            }
        };
        let (conversation, key, what) = (input.conversation.clone(), input.key.clone(), input.what.clone());
        self.create_item(input).await?;
        let done = match what {
            What::Ignored { .. } | What::Edited(_) => None,
            _ => self.go_on(conversation.clone(), key.clone()).await,
        };
        Ok(match what {
            What::Press { callback, .. } => {
                let toast = match done {
                    Some(done) => done.toast,
                    // Somebody else has applied it, perhaps long ago: a redelivered press is answered like the first.
                    None => self.item(&conversation, &key).await?.and_then(|item| item.toast),
                };
                self.answer_press(&conversation, &callback, toast).await
            }
            _ => Answer::Taken,
        })
    }

    /// Stores an input; one that is there already stays as it is. Returns whether it is new.
    pub(super) async fn create_item(&self, input: Input) -> Result<bool, Error> {
        let key = input.key.clone();
        let partition = input.conversation.to_string();
        // What nobody acts on is only kept.
        let idle = matches!(input.what, What::Ignored { .. } | What::Edited(_));
        let state = if idle { State::Done } else { State::Pending };
        let due = (!idle).then(|| input.at + SAFETY_NET);
        let item = Item { input, state, attempts: 0, caused: Vec::new(), toast: None, workflows: Vec::new() };
        let mut draft = Draft::of(&item).due(due);
        if idle {
            draft = draft.ttl(self.settings().retention);
        }
        let batch = Batch {
            container: Container::Conversations,
            partition,
            writes: vec![Write::Create(item_id(&key), draft)],
        };
        match self.store().commit(vec![batch]).await {
            Ok(_) => {
                if !idle {
                    self.fresh().insert(key);
                }
                Ok(true)
            }
            // A redelivery: carry on.
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    pub(super) fn fresh(&self) -> std::sync::MutexGuard<'_, std::collections::HashSet<InputKey>> {
        self.parts.fresh.lock().expect("nobody panics while holding the fresh inputs")
    }

    /// The courtesy: does at once, within bounds, what a hint would do later.
    async fn go_on(&self, conversation: ConversationId, key: InputKey) -> Option<Done> {
        if self.parts.inline.available_permits() == 0 {
            self.fresh().remove(&key);
            self.hint(&conversation, Duration::ZERO).await;
            return None;
        }
        let runtime = self.clone();
        let (place, own) = (conversation.clone(), key.clone());
        let mut work = tokio::spawn(async move {
            let _permit = runtime.parts.inline.acquire().await;
            let done = runtime.advance(&place, Some(&own), By::Arrival).await;
            runtime.fresh().remove(&own);
            done
        });
        match tokio::time::timeout(self.settings().inline_budget, &mut work).await {
            Ok(Ok(Ok(done))) => done,
            // What has started goes on; the hint is for the case that this process does not.
            Err(_) => {
                self.hint(&conversation, Duration::ZERO).await;
                None
            }
            Ok(Ok(Err(why))) => {
                tracing::warn!(%conversation, %key, %why, "left to the sweep");
                self.hint(&conversation, Duration::from_secs(1)).await;
                None
            }
            Ok(Err(why)) => {
                tracing::error!(%conversation, %key, %why, "left to the sweep");
                None
            }
        }
    }

    async fn answer_press(
        &self,
        conversation: &ConversationId,
        callback: &str,
        toast: Option<Text>,
    ) -> Answer {
        let head = match &toast {
            Some(_) => self.conversation(conversation).await.ok(),
            None => None,
        };
        let language = head.as_ref().and_then(|(head, _)| head.language());
        let locales = self.table().locales();
        Answer::Call(telegram::render::webhook_answer(callback, toast.as_ref(), language, locales))
    }

    async fn item(&self, conversation: &ConversationId, key: &InputKey) -> Result<Option<Item>, Error> {
        let read =
            self.store().read(Container::Conversations, &conversation.to_string(), &item_id(key)).await?;
        Ok(read.map(|document| document.parse()).transpose()?)
    }

    /// Leaves a hint that `conversation` may have something to do. Losing one loses nothing but time.
    pub(super) async fn hint(&self, conversation: &ConversationId, delay: Duration) {
        self.send_hint(&json!({ "conversation": conversation }), delay).await;
    }

    pub(super) async fn send_hint(&self, hint: &Value, delay: Duration) {
        if let Err(why) = self.parts.queue.send(super::HINTS, &hint.to_string(), delay).await {
            tracing::warn!(%why, %hint, "no hint left; the sweep will find it");
        }
    }
}

fn garbage(bot: &Bot, raw: &[u8], why: &str, at: crate::model::Timestamp, trace: TraceParent) -> DeadLetter {
    let words = String::from_utf8_lossy(raw).into_owned();
    DeadLetter {
        source: format!("webhook:{}", bot.slug),
        id: short_hash(&words),
        cause: why.to_owned(),
        attempts: 1,
        at,
        conversation: None,
        payload: Value::String(words),
        trace,
    }
}
