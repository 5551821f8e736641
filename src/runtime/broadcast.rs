//! Broadcast: one effect for thousands of chats, handed out some chats at a time. How far it is stands in the workflow's
//! head, and `out:` in each chat says that it is there already: so each gets it once, whoever dies on the way.

use serde_json::json;

use super::{
    Error, Runtime, WorkflowDocument,
    documents::{Broadcast, SAFETY_NET},
    hand_out::Stirred,
};
use crate::{
    engine::Effect,
    model::{ConversationId, Delivery, EffectId, Message, PersonId, Send, Text, TraceParent},
};

/// What a broadcast's entry says of it.
struct Content {
    to: Vec<PersonId>,
    text: Text,
    trace: TraceParent,
}

impl Runtime {
    /// Serves the next chats of the oldest broadcast, as many as may be served now, and leaves a hint for those behind
    /// them. `document` is the workflow's head as read before: whoever is served twice because it is old gets nothing
    /// twice.
    pub(super) async fn broadcast_next(
        &self,
        document: &WorkflowDocument,
        stirred: &mut Stirred,
    ) -> Result<(), Error> {
        let (workflow, bot) = (document.head.workflow, &document.head.bot);
        let Some(broadcast) = document.broadcasts.front() else { return Ok(()) };
        let now = self.store().now();
        // One that lies far ahead was written before the clock was set back.
        if broadcast.not_before.is_some_and(|then| then > now && then <= now + SAFETY_NET) {
            return Ok(());
        }
        let Some(Content { to, text, trace }) = self.content(document, broadcast).await? else {
            tracing::error!(effect = %broadcast.id, "a broadcast whose entry says nothing of it is given up");
            return self.strike_broadcast(document, broadcast).await;
        };
        let (count, pause) = self.pace().may_broadcast(bot);
        let mut served = broadcast.served;
        for person in to.iter().skip(broadcast.served).take(count) {
            let receiver = ConversationId::private(bot.clone(), *person);
            if !self.finish_last(document, &receiver, stirred).await? {
                break;
            }
            self.broadcast_one(broadcast, &receiver, &text, &trace).await?;
            stirred.receivers.insert(receiver);
            served += 1;
        }
        let next = now + chrono::TimeDelta::from_std(pause).unwrap_or(SAFETY_NET);
        let is_over = served >= to.len();
        {
            // So that nobody who applies an input here has to do it again.
            let _quiet = self.locks().lock(workflow.to_string()).await;
            self.change_workflow(workflow, |document| {
                let Some(same) = document.broadcasts.iter_mut().find(|other| other.id == broadcast.id) else {
                    return;
                };
                same.served = same.served.max(served);
                same.not_before = Some(next);
                if is_over {
                    document.broadcasts.retain(|other| other.id != broadcast.id);
                }
            })
            .await?;
        }
        if !is_over || document.broadcasts.len() > 1 {
            self.send_hint(&json!({ "workflow": workflow }), pause).await;
        }
        Ok(())
    }

    /// Before something is handed out to a conversation, it gets its share of the broadcasts before it.
    pub(super) async fn broadcast_before(
        &self,
        document: &WorkflowDocument,
        to: &ConversationId,
        effect: &EffectId,
    ) -> Result<(), Error> {
        let Some(place) = effect.place() else { return Ok(()) };
        self.broadcast_to(document, to, place).await.map(drop)
    }

    /// Gives one conversation its share of the broadcasts before this place in the workflow, and returns whether there
    /// was any.
    pub(super) async fn broadcast_to(
        &self,
        document: &WorkflowDocument,
        to: &ConversationId,
        place: (u32, usize),
    ) -> Result<bool, Error> {
        let mut any = false;
        if *to != ConversationId::private(document.head.bot.clone(), to.user) {
            return Ok(false);
        }
        for broadcast in &document.broadcasts {
            let is_before = broadcast.id.place().is_some_and(|its| its < place);
            if !is_before || broadcast.early.contains(&to.user) {
                continue;
            }
            let Some(Content { to: all, text, trace }) = self.content(document, broadcast).await? else {
                continue;
            };
            if !all.iter().skip(broadcast.served).any(|person| *person == to.user) {
                continue;
            }
            self.broadcast_one(broadcast, to, &text, &trace).await?;
            self.change_workflow(document.head.workflow, |document| {
                let same = document.broadcasts.iter_mut().find(|other| other.id == broadcast.id);
                same.into_iter().for_each(|same| same.early.extend([to.user]));
            })
            .await?;
            any = true;
        }
        Ok(any)
    }

    async fn broadcast_one(
        &self,
        broadcast: &Broadcast,
        to: &ConversationId,
        text: &Text,
        trace: &TraceParent,
    ) -> Result<(), Error> {
        let id = EffectId::of_broadcast(&broadcast.id, to.user);
        let send = Send { message: Message::plain(text.clone()), prompt: None };
        self.deliver(to, &id, &Delivery::Send(send).into(), trace).await
    }

    async fn content(
        &self,
        document: &WorkflowDocument,
        broadcast: &Broadcast,
    ) -> Result<Option<Content>, Error> {
        let Some(entry) = self.entry(document.head.workflow, &broadcast.entry).await? else {
            return Ok(None);
        };
        let caused = entry.effects.into_iter().find(|caused| caused.id == broadcast.id);
        Ok(caused.and_then(|caused| match caused.effect {
            Effect::Broadcast { to, text } => Some(Content { to, text, trace: caused.trace }),
            _ => None,
        }))
    }

    async fn strike_broadcast(
        &self,
        document: &WorkflowDocument,
        broadcast: &Broadcast,
    ) -> Result<(), Error> {
        self.change_workflow(document.head.workflow, |document| {
            document.broadcasts.retain(|other| other.id != broadcast.id);
        })
        .await
    }
}
