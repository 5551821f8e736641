//! Receive: an update is stored before anybody is told that it came.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Bot, Error, Runtime, State,
    advance::Done,
    dead_letter::DeadLetter,
    documents::{Item, SAFETY_NET, item_id, position_id},
};
use crate::{
    model::{
        ChatKind, Content, ConversationId, Input, InputKey, Position, Shared, Timestamp, TraceParent, What,
        short_hash,
    },
    store::{Batch, Container, Draft, Error as StoreError, Write},
    telegram,
};

/// Asking Telegram what the bot is called may take so long.
const GET_ME: Duration = Duration::from_secs(2);

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
        let input = match self.normalized(bot, raw, now, &trace).await {
            Ok(input) => self.at_home(input).await?,
            Err(why) => {
                self.keep(&garbage(bot, raw, &why.to_string(), now, trace)).await?;
                return Ok(Answer::Taken);
            }
        };
        let (conversation, key, what) = (input.conversation.clone(), input.key.clone(), input.what.clone());
        let done = if is_idle(&input) {
            self.create_item(input).await?;
            None
        } else {
            self.take(input).await?
        };
        let What::Press { callback, .. } = what else { return Ok(Answer::Taken) };
        let Done { toast, language } = match done {
            Some(done) => done,
            // Somebody else has applied it, perhaps long ago: a redelivered press is answered like the first.
            None => self.done_before(&conversation, &key).await,
        };
        let locales = self.table().locales();
        Ok(Answer::Call(telegram::render::webhook_answer(
            &callback,
            toast.as_ref(),
            language.as_deref(),
            locales,
        )))
    }

    /// The update in our own words. What the bot is called is asked only for a command that may be another bot's.
    pub(super) async fn normalized(
        &self,
        bot: &Bot,
        raw: &[u8],
        now: Timestamp,
        trace: &TraceParent,
    ) -> Result<Input, telegram::update::Error> {
        let normalize =
            |username| telegram::normalize::normalize(&bot.slug, username, raw, now, trace.clone());
        let input = normalize(None)?;
        let may_be_anothers = matches!(input.what, What::Command { .. })
            && input.chat != ChatKind::Private
            && raw.contains(&b'@');
        if !may_be_anothers {
            return Ok(input);
        }
        match self.username(bot).await {
            Some(username) => normalize(Some(&username)),
            None => Ok(input),
        }
    }

    /// What the bot is called, asked once; none if Telegram does not tell now.
    async fn username(&self, bot: &Bot) -> Option<String> {
        let mut usernames = self.parts.usernames.lock().await;
        if let Some(known) = usernames.get(&bot.slug) {
            return Some(known.clone());
        }
        let me = bot.api.call_within::<Value>(GET_ME, &bot.token, "getMe", &json!({})).await.ok()?;
        let name = me["username"].as_str()?.to_owned();
        usernames.insert(bot.slug.clone(), name.clone());
        Some(name)
    }

    /// Stores an input; one that is there already stays as it is. Returns whether it is new.
    pub(super) async fn create_item(&self, input: impl Into<Shared<Input>>) -> Result<bool, Error> {
        let input: Shared<Input> = input.into();
        let partition = input.conversation.to_string();
        // What nobody acts on is only kept.
        let idle = is_idle(&input);
        let state = if idle { State::Done } else { State::Pending };
        let due = (!idle).then(|| input.at + SAFETY_NET);
        let position = position(&input);
        let item = Item { state, ..Item::new(input.clone()) };
        let mut draft = Draft::of(&item).due(due);
        if idle {
            draft = draft.ttl(self.settings().retention);
        }
        // A redelivery is a conflict: then an old position does not overwrite a new one.
        let writes = [Write::Create(item_id(&input.key), draft)].into_iter().chain(position).collect();
        let batch = Batch { container: Container::Conversations, partition, writes };
        match self.store().commit(vec![batch]).await {
            Ok(_) => Ok(true),
            // A redelivery: carry on.
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Stores an input. The courtesy: does at once, within bounds, what a hint would do later.
    async fn take(&self, input: Input) -> Result<Option<Done>, Error> {
        let Ok(permit) = self.parts.inline.clone().try_acquire_owned() else {
            self.create_item(input.clone()).await?;
            self.hint(&input.conversation, Duration::ZERO).await;
            return Ok(None);
        };
        // Before anybody who comes later.
        let turn = self.turn(&input.conversation);
        let (runtime, input) = (self.clone(), Shared::from(input));
        let own = input.clone();
        // A task of its own: what has started goes on when the budget is used up, or whoever asked has gone.
        // Boxed, for `spawn` moves it a dozen times, and it is large.
        let work = tokio::spawn(Box::pin(async move {
            let _permit = permit;
            runtime.take_in(turn, &own).await
        }));
        let ended = match tokio::time::timeout(self.settings().inline_budget, work).await {
            Ok(Ok(Ok(done))) => return Ok(done),
            Ok(Ok(Err(why))) => Err((why.retry_after(), why.to_string())),
            Ok(Err(panic)) => Err((None, panic.to_string())),
            // The hint is for the case that this process does not go on.
            Err(_) => Ok(()),
        };
        // Most likely it is: but nobody is told that it was taken before it is stored.
        self.create_item(input.clone()).await?;
        let Input { conversation, key, .. } = &*input;
        let delay = match ended {
            Ok(()) => Duration::ZERO,
            Err((asked, why)) => {
                tracing::warn!(%conversation, %key, why, "left to a hint");
                asked.unwrap_or(Duration::from_secs(1))
            }
        };
        self.hint(conversation, delay).await;
        Ok(None)
    }

    /// What whoever pressed was told, or would have been; nothing where the store does not say.
    async fn done_before(&self, conversation: &ConversationId, key: &InputKey) -> Done {
        let item = self.item(conversation, key).await.ok().flatten();
        let toast = item.and_then(|(item, _)| item.toast);
        let head = match &toast {
            Some(_) => self.conversation(conversation).await.ok(),
            None => None,
        };
        Done { toast, language: head.and_then(|(head, _)| Some(head.language()?.to_owned())) }
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

/// Is it only kept? Nobody is told that they moved, or that a group saw them change their words.
fn is_idle(input: &Input) -> bool {
    match input.what {
        What::Edited(Content::Text(_)) => input.chat != ChatKind::Private,
        What::Edited(_) | What::Ignored { .. } => true,
        _ => false,
    }
}

/// The write that remembers where somebody is, if the input tells: a location, or the move of a live one
/// (<https://core.telegram.org/bots/api#location>).
pub(super) fn position(input: &Input) -> Option<Write> {
    let (What::Said(Content::Location(place)) | What::Edited(Content::Location(place))) = input.what else {
        return None;
    };
    let position = Draft::of(&Position { place, at: input.at });
    let kept_for = Position::RECENT.to_std().unwrap_or_default();
    Some(Write::Upsert(position_id(), position.ttl(kept_for)))
}

fn garbage(bot: &Bot, raw: &[u8], why: &str, at: Timestamp, trace: TraceParent) -> DeadLetter {
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
