//! Perform: sends a conversation's outbox in order, one write after each call that takes it out.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    Bot, Error, Runtime,
    commit::claim_end,
    dead_letter::DeadLetter,
    documents::{Claim, Conversation, Outgoing, head_id},
};
use crate::{
    engine::read_prompt_name,
    model::{ChatKind, ConversationId, Delivery, EffectId, Input, InputKey, What},
    store::{Batch, Container, Draft, ETag, Write},
    telegram::{
        client::Refusal,
        render::{Addressee, Call, calls},
    },
};

/// A call may take this long, and is not begun with less of the claim left.
const CALL: TimeDelta = TimeDelta::seconds(15);
/// So often Telegram may be out of reach for one thing, then it is a dead letter: about two hours.
const MOST_ATTEMPTS: u32 = 30;

/// The right to send what is in a conversation's outbox, with its head as we wrote it last.
pub(super) struct Held {
    pub(super) conversation: Conversation,
    pub(super) etag: ETag,
    pub(super) token: String,
}

/// What became of one thing to send.
enum Sent {
    /// It is there; the id of the message, if it is a new one.
    Done(Option<i64>),
    /// Not now: nobody shall send to this chat before so long.
    Later(Duration),
    /// Telegram could not be reached.
    Lost(String),
    /// It will never be there.
    Refused(String),
    /// Nothing can be sent to this chat.
    Unreachable(String),
}

impl Runtime {
    /// Takes the claim in `conversation` if it is free and there is something to send. Whoever writes the head owns it.
    pub(super) async fn take_claim(&self, conversation: &mut Conversation) -> Option<String> {
        let now = self.store().now();
        let waits = conversation.not_before.is_some_and(|then| then > now);
        if conversation.outbox.is_empty() || waits || !self.is_free(conversation.claim.as_ref()).await {
            return None;
        }
        let token = dice();
        let instance = self.store().instance().to_owned();
        conversation.claim = Some(Claim { token: token.clone(), until: claim_end(now), instance });
        Some(token)
    }

    /// The claim of a process that no longer lives is void, where the store can tell.
    async fn is_free(&self, claim: Option<&Claim>) -> bool {
        match claim {
            None => true,
            Some(claim) => claim.until <= self.store().now() || self.store().is_dead(&claim.instance).await,
        }
    }

    /// Sends what is in the outbox. Without `held`, takes the claim first; who can't leaves a hint for its end.
    ///
    /// # Errors
    /// The store's. What was sent and could not be taken down is sent again when the claim has ended.
    pub(super) async fn perform(&self, id: &ConversationId, held: Option<Held>) -> Result<(), Error> {
        let held = match held {
            Some(held) => held,
            None => match self.claim(id).await? {
                Some(held) => held,
                None => return Ok(()),
            },
        };
        match self.bot(id.bot.as_str()) {
            Some(bot) => self.send_all(bot, id, held).await,
            None => {
                tracing::warn!(conversation = %id, "no bot of this name is configured: its messages wait");
                Ok(())
            }
        }
    }

    async fn claim(&self, id: &ConversationId) -> Result<Option<Held>, Error> {
        let (mut conversation, etag) = self.conversation(id).await?;
        let Some(etag) = etag else { return Ok(None) };
        let Some(token) = self.take_claim(&mut conversation).await else {
            let due = conversation.due_at(self.store().now());
            if let Some(due) = due {
                let delay = (due - self.store().now()).to_std().unwrap_or_default();
                self.hint(id, delay + Duration::from_millis(100)).await;
            }
            return Ok(None);
        };
        let mut held = Held { conversation, etag, token };
        match self.write(id, &mut held).await {
            Ok(()) => Ok(Some(held)),
            // Somebody was faster; whoever wrote sends, or left a hint.
            Err(error) if error.is_conflict() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn send_all(&self, bot: &Bot, id: &ConversationId, mut held: Held) -> Result<(), Error> {
        // Edits are taken out together with the send after them: done twice, they change nothing.
        let mut edited: Vec<EffectId> = Vec::new();
        loop {
            let next =
                held.conversation.outbox.iter().find(|outgoing| !edited.contains(&outgoing.id)).cloned();
            let Some(outgoing) = next else { break };
            if !self.may_go_on(id, &mut held).await? {
                return Ok(());
            }
            let (sent, parts) = self.send(bot, id, &held.conversation, &outgoing).await;
            let is_edit = matches!(outgoing.delivery, Delivery::Edit(_));
            let later = held
                .conversation
                .outbox
                .iter()
                .any(|other| other.id != outgoing.id && !edited.contains(&other.id));
            if is_edit && later && matches!(sent, Sent::Done(_)) {
                edited.push(outgoing.id);
                continue;
            }
            edited.push(outgoing.id.clone());
            let goes_on = matches!(sent, Sent::Done(_) | Sent::Refused(_) | Sent::Unreachable(_));
            let settled = self.settle(id, &outgoing, &sent).await;
            if !self.record(id, &mut held, &edited, &outgoing, &sent, parts).await? {
                return Ok(());
            }
            settled?;
            edited.clear();
            if !goes_on {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Is there enough of the claim left for a call? Renews it if not.
    async fn may_go_on(&self, id: &ConversationId, held: &mut Held) -> Result<bool, Error> {
        let now = self.store().now();
        let left = held.conversation.claim.as_ref().map_or(TimeDelta::zero(), |claim| claim.until - now);
        if left >= CALL {
            return Ok(true);
        }
        self.update(id, held, |_| {}).await
    }

    /// Makes the calls of one thing to send, from the part on that was reached before.
    async fn send(
        &self,
        bot: &Bot,
        id: &ConversationId,
        conversation: &Conversation,
        outgoing: &Outgoing,
    ) -> (Sent, usize) {
        let message_id = match &outgoing.delivery {
            Delivery::Edit(edit) => conversation.prompts.get(&edit.prompt).copied(),
            _ => None,
        };
        let addressee =
            Addressee { conversation: id, language: conversation.language(), message_id, reply_to: None };
        let all = calls(&outgoing.delivery, &addressee, self.table().locales());
        let mut message = None;
        for (part, call) in all.iter().enumerate().skip(outgoing.parts) {
            match self.call(bot, call).await {
                Sent::Done(id) => message = id.or(message),
                other => return (other, part),
            }
        }
        (Sent::Done(message), all.len())
    }

    async fn call(&self, bot: &Bot, call: &Call) -> Sent {
        match bot.api.call(&bot.token, call.method, &call.parameters).await {
            Ok(result) => Sent::Done(result.get("message_id").and_then(Value::as_i64)),
            Err(Refusal::NotModified) => Sent::Done(None),
            Err(Refusal::RetryAfter(delay)) => Sent::Later(delay),
            Err(Refusal::Transient(why)) => Sent::Lost(why),
            Err(Refusal::Unauthorized) => Sent::Lost("telegram does not know this bot's token".to_owned()),
            Err(Refusal::Unreachable(why)) => Sent::Unreachable(why),
            Err(why @ (Refusal::Moved { .. } | Refusal::Final { .. })) => Sent::Refused(why.to_string()),
        }
    }

    /// What a refusal leads to elsewhere. It is written before the refused thing is taken out, and can be repeated.
    async fn settle(&self, id: &ConversationId, outgoing: &Outgoing, sent: &Sent) -> Result<(), Error> {
        let why = match sent {
            Sent::Refused(why) | Sent::Unreachable(why) => why,
            Sent::Lost(why) if outgoing.attempts + 1 >= MOST_ATTEMPTS => why,
            _ => return Ok(()),
        };
        let letter = DeadLetter {
            source: "outbox".to_owned(),
            id: outgoing.id.to_string(),
            cause: why.clone(),
            attempts: outgoing.attempts + 1,
            at: self.store().now(),
            conversation: Some(id.clone()),
            payload: json!(outgoing),
            trace: outgoing.trace.clone(),
        };
        self.keep(&letter).await?;
        if let Sent::Unreachable(_) = sent
            && let Delivery::Send(send) = &outgoing.delivery
            && let Some((workflow, question)) = send.prompt.as_deref().and_then(read_prompt_name)
        {
            // That a person can't be reached is an answer too.
            let key = InputKey::unreachable(&outgoing.id);
            let what = What::Unreachable { workflow, question: question.to_owned() };
            self.create_item(self.happened(key, id, outgoing, what)).await?;
            self.hint(id, Duration::ZERO).await;
        }
        Ok(())
    }

    fn happened(&self, key: InputKey, id: &ConversationId, outgoing: &Outgoing, what: What) -> Input {
        Input {
            key,
            at: self.store().now(),
            conversation: id.clone(),
            chat: ChatKind::Private,
            from: None,
            message_id: None,
            reply_to: None,
            trace: outgoing.trace.clone(),
            what,
        }
    }

    /// The write after a call: strikes the effect by its id (never «the first»), keeps a prompt's message id, releases
    /// the claim after the last one or when nothing can be sent now. Returns whether we still hold the claim.
    async fn record(
        &self,
        id: &ConversationId,
        held: &mut Held,
        struck: &[EffectId],
        outgoing: &Outgoing,
        sent: &Sent,
        parts: usize,
    ) -> Result<bool, Error> {
        let now = self.store().now();
        let gone = match sent {
            Sent::Later(_) => false,
            Sent::Lost(_) => outgoing.attempts + 1 >= MOST_ATTEMPTS,
            _ => true,
        };
        let not_before = match sent {
            Sent::Later(delay) => Some(*delay),
            Sent::Lost(_) => Some(Duration::from_secs(1 << outgoing.attempts.min(8))),
            _ => None,
        };
        let change = |conversation: &mut Conversation| {
            for outgoing in &conversation.outbox {
                if let (Delivery::Edit(edit), true) = (&outgoing.delivery, struck.contains(&outgoing.id))
                    && edit.closes
                {
                    conversation.prompts.remove(&edit.prompt);
                }
            }
            conversation
                .outbox
                .retain(|other| !struck.contains(&other.id) || (!gone && other.id == outgoing.id));
            if let (Sent::Done(Some(message)), Delivery::Send(send)) = (sent, &outgoing.delivery)
                && let Some(prompt) = &send.prompt
            {
                conversation.prompts.insert(prompt.clone(), *message);
            }
            if let Some(same) = conversation.outbox.iter_mut().find(|other| other.id == outgoing.id) {
                same.parts = parts;
                same.attempts += u32::from(matches!(sent, Sent::Lost(_)));
            }
            if matches!(sent, Sent::Unreachable(_)) {
                conversation.reachable = false;
            }
            if let Some(delay) = not_before {
                conversation.not_before = TimeDelta::from_std(delay).ok().map(|delay| now + delay);
                conversation.claim = None;
            } else if conversation.outbox.is_empty() {
                conversation.not_before = None;
                conversation.claim = None;
            }
        };
        let holds = self.update(id, held, change).await?;
        if let Some(delay) = not_before {
            let why = match sent {
                Sent::Lost(why) => why.as_str(),
                _ => "too many messages",
            };
            tracing::warn!(conversation = %id, effect = %outgoing.id, delay_s = delay.as_secs(), why, "sending waits");
            self.hint(id, delay + Duration::from_millis(50)).await;
        }
        Ok(holds)
    }

    /// Changes the head as the holder of its claim, who writes until it succeeds: on a conflict the head is read again
    /// and, if the token is still ours, changed; if it isn't, we stop.
    async fn update(
        &self,
        id: &ConversationId,
        held: &mut Held,
        change: impl Fn(&mut Conversation),
    ) -> Result<bool, Error> {
        loop {
            let until = claim_end(self.store().now());
            if let Some(claim) = &mut held.conversation.claim {
                claim.until = until;
            }
            let before = held.conversation.clone();
            change(&mut held.conversation);
            let Err(error) = self.write_patiently(id, held).await else { return Ok(true) };
            if !error.is_conflict() {
                return Err(error);
            }
            let (conversation, etag) = self.conversation(id).await?;
            let ours = conversation.claim.as_ref().is_some_and(|claim| claim.token == held.token);
            let Some(etag) = etag else { return Ok(false) };
            if !ours {
                // Either our own write of unknown outcome has released it, or the claim is somebody else's.
                tracing::debug!(conversation = %id, was = before.outbox.len(), "the claim is ours no longer");
                return Ok(false);
            }
            *held = Held { conversation, etag, token: held.token.clone() };
        }
    }

    /// A store that can't serve now is asked again, as long as the claim is worth something.
    async fn write_patiently(&self, id: &ConversationId, held: &mut Held) -> Result<(), Error> {
        let patience = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(20))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(12);
        let held = tokio::sync::Mutex::new(held);
        (|| async { self.write(id, &mut **held.lock().await).await })
            .retry(patience)
            .when(|error: &Error| error.is_transient() && !error.is_conflict())
            .await
    }

    async fn write(&self, id: &ConversationId, held: &mut Held) -> Result<(), Error> {
        let due = held.conversation.due_at(self.store().now());
        let draft = Draft::of(&held.conversation).due(due);
        let batch = Batch {
            container: Container::Conversations,
            partition: id.to_string(),
            writes: vec![Write::Replace(head_id(), held.etag.clone(), draft)],
        };
        let etags = self.store().commit(vec![batch]).await?;
        if let Some(etag) = etags.into_iter().flatten().next() {
            held.etag = etag;
        }
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where the dice for claims are thrown")]
fn dice() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
