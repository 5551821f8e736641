//! Perform: sends a conversation's outbox in order, one write after each message that takes it out.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::{
    Bot, Error, Runtime,
    claim::{Held, Sending},
    commit::introduction,
    dead_letter::DeadLetter,
    documents::{Conversation, LEFT_BEHIND, Outgoing},
    rules,
    send_files::without_files,
};
use crate::{
    engine::read_prompt_name,
    model::{ConversationId, Delivery, Edit, EffectId, Input, InputKey, What},
    telegram::{
        client::Refusal,
        render::{Addressee, calls},
    },
};

/// So often Telegram may be out of reach for one thing, then it is a dead letter: about two hours.
const MOST_ATTEMPTS: u32 = 30;

/// What became of one call.
enum Sent {
    /// It is made; the id of the message, if it is a new one. A long text needs further ones.
    Done { message: Option<i64>, is_last: bool },
    /// Not now: nobody shall send to this chat before so long.
    Later(Duration),
    /// Not now, by our own pace: no call was made.
    Paced(Duration),
    /// Telegram could not be reached.
    Lost(String),
    /// Its files can't be sent: this is said in its place.
    Instead(Delivery),
    /// It will never be there.
    Refused(String),
    /// Nothing can be sent to this chat.
    Unreachable(String),
    /// The chat has this id now.
    Moved(i64),
}

impl Runtime {
    /// Sends what is in the outbox. Unless the claim is held, takes it first; who can't leaves a hint for its end. Returns
    /// the head as it was written last, if all is sent by us.
    ///
    /// # Errors
    /// The store's. What was sent and could not be taken down is sent again when the claim has ended.
    pub(super) async fn perform(
        &self,
        id: &ConversationId,
        sending: Sending,
        token: String,
    ) -> Result<Option<Held>, Error> {
        let held = match sending {
            Sending::Nothing => return Ok(None),
            Sending::Held(held) => *held,
            Sending::Unknown => match self.claim(id, token).await? {
                Some(held) => held,
                None => return Ok(None),
            },
        };
        match self.bot(id.bot.as_str()) {
            Some(bot) => self.send_all(bot, id, held).await,
            None => {
                tracing::warn!(conversation = %id, "no bot of this name is configured: its messages wait");
                Ok(None)
            }
        }
    }

    async fn send_all(&self, bot: &Bot, id: &ConversationId, mut held: Held) -> Result<Option<Held>, Error> {
        let is_here = self.find_chat(id, &mut held.conversation).await?;
        // Edits are taken out together with the send after them: done twice, they change nothing.
        let mut edited: Vec<EffectId> = Vec::new();
        loop {
            let outbox = held.conversation.outbox.iter();
            let left: Vec<_> = outbox.filter(|outgoing| !edited.contains(&outgoing.id)).collect();
            let (change, outgoing) = match left[..] {
                [change, next, ..] if goes_beside(&change.delivery, &next.delivery, id) => {
                    (Some(change.clone()), next.clone())
                }
                [first, ..] => (None, first.clone()),
                [] => return Ok(Some(held)),
            };
            let is_followed = left.len() > 1;
            if is_here
                && counts(&outgoing.delivery, id)
                && let Err(wait) = self.pace().may_send(&bot.slug, id.chat)
            {
                self.record(id, &mut held, &edited, &outgoing, &Sent::Paced(wait)).await?;
                return Ok(None);
            }
            if !self.may_call(id, &mut held).await? {
                return Ok(None);
            }
            let call = async |outgoing| self.send(bot, id, is_here, &held.conversation, outgoing).await;
            let changing = async { Some(call(change.as_ref()?).await) };
            let (changed, sent) = tokio::join!(changing, call(&outgoing));
            let mut failed = None;
            match change.zip(changed) {
                Some((change, Sent::Done { .. })) => edited.push(change.id),
                other => failed = other,
            }
            if let (Delivery::Edit(_), Sent::Done { .. }, true) = (&*outgoing.delivery, &sent, is_followed) {
                edited.push(outgoing.id);
                continue;
            }
            let goes_on = self.record(id, &mut held, &edited, &outgoing, &sent).await?;
            edited.clear();
            let goes_on = match failed {
                Some((change, sent)) if goes_on => self.record(id, &mut held, &[], &change, &sent).await?,
                _ => goes_on,
            };
            if !goes_on {
                return Ok(None);
            }
        }
    }

    /// Makes the next call of one thing to send: a long text is several.
    async fn send(
        &self,
        bot: &Bot,
        id: &ConversationId,
        is_here: bool,
        conversation: &Conversation,
        outgoing: &Outgoing,
    ) -> Sent {
        match &*outgoing.delivery {
            Delivery::Send(_) if !is_here => {
                return Sent::Unreachable("the bot may not write there".to_owned());
            }
            Delivery::Edit(_) if !is_here => return Sent::Done { message: None, is_last: true },
            _ => {}
        }
        let there = ConversationId { chat: conversation.moved_to.unwrap_or(id.chat), ..id.clone() };
        let message_id = match &*outgoing.delivery {
            Delivery::Edit(edit) => match conversation.message_to_change(edit) {
                None => return Sent::Done { message: None, is_last: true },
                known => known,
            },
            _ => None,
        };
        let addressee =
            Addressee { conversation: &there, language: conversation.language(), message_id, reply_to: None };
        let all = calls(&outgoing.delivery, &addressee, self.table().locales());
        let is_last = outgoing.parts + 1 >= all.len();
        // An edit of a message that nobody knows is no call.
        let Some(call) = all.get(outgoing.parts) else { return Sent::Done { message: None, is_last } };
        match self.call(bot, call).await {
            Ok(made) => Sent::Done { message: made.map(|made| made.message_id), is_last },
            Err(Refusal::NotModified) => Sent::Done { message: None, is_last },
            Err(Refusal::RetryAfter(delay)) => Sent::Later(delay),
            Err(Refusal::Transient(why)) => Sent::Lost(why),
            Err(Refusal::Unauthorized) => Sent::Lost("telegram does not know this bot's token".to_owned()),
            Err(Refusal::Unreachable(why)) => Sent::Unreachable(why),
            // Once: a supergroup stays what it is.
            Err(Refusal::Moved { to }) if conversation.moved_to.is_none() => Sent::Moved(to),
            Err(why @ Refusal::Moved { .. }) => Sent::Refused(why.to_string()),
            Err(why @ Refusal::Final { .. }) => {
                let instead = match &*outgoing.delivery {
                    Delivery::Send(send) => without_files(send, outgoing.parts),
                    _ => None,
                };
                match instead {
                    Some(instead) => {
                        tracing::warn!(conversation = %id, effect = %outgoing.id, %why, "files can't be sent");
                        Sent::Instead(instead)
                    }
                    None => Sent::Refused(why.to_string()),
                }
            }
        }
    }

    /// What a choice of language, or a refusal, leads to elsewhere. It is written before the refused thing is taken out, and can be repeated.
    async fn settle(
        &self,
        id: &ConversationId,
        conversation: &Conversation,
        outgoing: &Outgoing,
        sent: &Sent,
    ) -> Result<(), Error> {
        if let Delivery::Language { language } = &*outgoing.delivery {
            return self.reintroduce(id, conversation, language.clone()).await;
        }
        if let Sent::Moved(to) = sent {
            return self.note_migration(id, *to, outgoing.trace.clone()).await;
        }
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
            && let Delivery::Send(send) = &*outgoing.delivery
            && let Some((workflow, question)) = send.prompt.as_deref().and_then(read_prompt_name)
        {
            // That a person can't be reached is an answer too.
            let key = InputKey::unreachable(&outgoing.id);
            let what = What::Unreachable { workflow, question: question.to_owned() };
            let now = self.store().now();
            self.create_item(Input::of_ours(key, now, id.clone(), outgoing.trace.clone(), what)).await?;
            self.hint(id, Duration::ZERO).await;
        }
        Ok(())
    }

    /// Somebody chose a language: other conversations of theirs hear of it as they hear of a new name.
    async fn reintroduce(
        &self,
        id: &ConversationId,
        conversation: &Conversation,
        language: Option<String>,
    ) -> Result<(), Error> {
        let chosen = Conversation { language, ..conversation.clone() };
        let Some(person) = chosen.acquaintance().filter(|_| id.is_private()) else { return Ok(()) };
        self.store().commit(vec![introduction(id, &person)]).await?;
        self.has_met_somebody().await;
        Ok(())
    }

    /// The write after a call: strikes effects by their ids (never «the first»), keeps a prompt's message id, releases
    /// the claim after the last one or when nothing can be sent now. May more be sent now, and by us?
    async fn record(
        &self,
        id: &ConversationId,
        held: &mut Held,
        edited: &[EffectId],
        outgoing: &Outgoing,
        sent: &Sent,
    ) -> Result<bool, Error> {
        // Before the refused thing is taken out.
        self.settle(id, &held.conversation, outgoing, sent).await?;
        let now = self.store().now();
        let is_over = match sent {
            Sent::Done { is_last, .. } => *is_last,
            Sent::Later(_) | Sent::Paced(_) | Sent::Moved(_) | Sent::Instead(_) => false,
            Sent::Lost(_) => outgoing.attempts + 1 >= MOST_ATTEMPTS,
            Sent::Refused(_) | Sent::Unreachable(_) => true,
        };
        let pause = match sent {
            Sent::Later(delay) | Sent::Paced(delay) => Some(*delay),
            Sent::Lost(_) => Some(Duration::from_secs(1 << outgoing.attempts.min(8))),
            _ => None,
        };
        let moved_to = match sent {
            Sent::Moved(to) => Some(*to),
            _ => held.conversation.moved_to,
        };
        let change = |conversation: &mut Conversation| {
            moved_to.into_iter().for_each(|to| conversation.move_to(to));
            let over = is_over.then_some(&outgoing.id);
            let is_struck = |other: &Outgoing| rules::is_struck(&other.id, over, edited);
            forget_closed(conversation, is_struck);
            conversation.outbox.retain(|other| !is_struck(other));
            if let Some(same) = conversation.outbox.iter_mut().find(|other| other.id == outgoing.id) {
                same.parts = outgoing.parts + usize::from(matches!(sent, Sent::Done { .. }));
                same.attempts = outgoing.attempts + u32::from(matches!(sent, Sent::Lost(_)));
                if let Sent::Instead(delivery) = sent {
                    (same.delivery, same.parts) = (delivery.clone().into(), 0);
                }
            }
            if let (Sent::Done { message: Some(message), .. }, Delivery::Send(send)) =
                (sent, &*outgoing.delivery)
                && let Some(prompt) = &send.prompt
            {
                conversation.prompts.insert(prompt.clone(), *message);
            }
            if let Delivery::Language { language } = &*outgoing.delivery {
                conversation.language.clone_from(language);
            }
            if matches!(sent, Sent::Unreachable(_)) {
                conversation.reachable = false;
            }
            conversation.not_before = pause.and_then(|pause| Some(now + TimeDelta::from_std(pause).ok()?));
            if rules::releases(conversation.outbox.is_empty(), pause.is_some()) {
                conversation.claim = None;
            }
        };
        let is_ours = self.update(id, held, change).await?;
        if let Some(pause) = pause {
            let pause_s = pause.as_secs_f32();
            match sent {
                Sent::Paced(_) => {
                    tracing::debug!(conversation = %id, effect = %outgoing.id, pause_s, "sending waits its turn")
                }
                Sent::Lost(why) => {
                    tracing::warn!(conversation = %id, effect = %outgoing.id, pause_s, why, "sending waits")
                }
                _ => {
                    tracing::warn!(conversation = %id, effect = %outgoing.id, pause_s, why = "too many messages", "sending waits")
                }
            }
            self.hint(id, pause + Duration::from_millis(50)).await;
        }
        Ok(is_ours && pause.is_none())
    }
}

impl Conversation {
    /// The message that an edit changes, if there is one. In a group that has moved, one that an input named may be the
    /// old chat's: it is left alone.
    fn message_to_change(&self, edit: &Edit) -> Option<i64> {
        let named = edit.message_id.filter(|_| self.moved_to.is_none());
        named.or_else(|| self.prompts.get(&edit.prompt).copied()).filter(|message| *message != LEFT_BEHIND)
    }
}

/// Can a change of an earlier message be made while what follows it is sent? Who waits for the next question then need not
/// wait until the one before has lost its buttons. A question that takes the place of another by its name does wait: both
/// are known by one prompt.
fn goes_beside(change: &Delivery, next: &Delivery, id: &ConversationId) -> bool {
    match (change, next) {
        (Delivery::Edit(edit), Delivery::Send(send)) => {
            !counts(change, id) && send.prompt.as_ref() != Some(&edit.prompt)
        }
        _ => false,
    }
}

/// Does Telegram's guide count this? A button's answer and a change are no messages, but in a group a change is.
fn counts(delivery: &Delivery, id: &ConversationId) -> bool {
    match delivery {
        Delivery::Send(_) => true,
        Delivery::Edit(_) => !id.is_private(),
        Delivery::Language { .. } | Delivery::Answer { .. } => false,
    }
}

/// The message id of a question that is over need not be kept once its prompt shows so.
fn forget_closed(conversation: &mut Conversation, is_struck: impl Fn(&Outgoing) -> bool) {
    let Conversation { outbox, prompts, .. } = conversation;
    for outgoing in outbox.iter().filter(|outgoing| is_struck(outgoing)) {
        if let Delivery::Edit(edit) = &*outgoing.delivery
            && edit.closes
        {
            prompts.remove(&edit.prompt);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn a_change_goes_beside_a_message_in_private_unless_both_are_known_by_one_prompt() {
        let change = json!({ "edit": { "prompt": "w size#0", "closes": true } });
        let question =
            |prompt| json!({ "send": { "message": { "text": { "id": "what" } }, "prompt": prompt } });
        let words = json!({ "send": { "message": { "text": { "id": "done" } } } });
        let answer = json!({ "answer": { "callback": "1" } });
        for (here, first, second, beside) in [
            ("bot:7:0:7", &change, &question("w name#0"), true),
            ("bot:7:0:7", &change, &words, true),
            ("bot:7:0:7", &change, &question("w size#0"), false),
            ("bot:7:0:7", &change, &change, false),
            ("bot:7:0:7", &change, &answer, false),
            ("bot:7:0:7", &words, &words, false),
            ("bot:-7:0:7", &change, &words, false),
        ] {
            let read = |delivery| Delivery::deserialize(delivery).unwrap();
            let said = goes_beside(&read(first), &read(second), &here.parse().unwrap());
            assert_eq!(said, beside, "{here}: {first}, {second}");
        }
    }
}
