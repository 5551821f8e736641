//! Hand out: what leaves a workflow for elsewhere, each by a write that can be repeated, then struck from the head.

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;

use super::{
    Error, Runtime,
    advance::By,
    dead_letter::DeadLetter,
    documents::{Item, Outgoing, State, head_id, item_id, out_id},
};
use crate::{
    engine::{Caused, Decided, Effect, Route, Target, decide, route},
    model::{
        BotSlug, ChatKind, ConversationId, Delivery, EffectId, Event, Input, InputKey, Message, Send,
        TraceParent, What, WorkflowId,
    },
    store::{Batch, Container, Draft, Error as StoreError, Write},
    text,
};

/// So many conflicts in a row, then the sweep goes on.
const MOST_CONFLICTS: u32 = 20;

impl Runtime {
    /// Hands out all that leaves `workflow`, in the order of its log, then has its calls made. Done twice, it is done
    /// once, but for activities that were under way.
    ///
    /// # Errors
    /// The store's. What is left stays in the head, which is due.
    pub(super) async fn hand_out(&self, workflow: WorkflowId) -> Result<(), Error> {
        let Some((document, _)) = self.workflow(workflow).await? else { return Ok(()) };
        if document.handouts.is_empty() && document.head.calls.is_empty() {
            return Ok(());
        }
        let mut receivers = BTreeSet::new();
        let mut started = Vec::new();
        {
            let _turn = self.locks().lock(format!("handouts of {workflow}")).await;
            // Read again: somebody may have done it while we waited for our turn.
            let Some((document, _)) = self.workflow(workflow).await? else { return Ok(()) };
            let mut struck = Vec::new();
            for caused in &document.handouts {
                match &caused.effect {
                    Effect::Deliver { to, delivery } => {
                        self.finish_last(&document.last, to).await?;
                        self.deliver(to, &caused.id, delivery, &caused.trace).await?;
                        receivers.insert(to.clone());
                    }
                    Effect::Publish(event) => self.publish(event).await?,
                    Effect::Start { workflow: new, .. } => {
                        self.start(&document.head.bot, &document.head.conversation, caused).await?;
                        started.push(*new);
                    }
                    Effect::Call { .. } => {}
                }
                struck.push(caused.id.clone());
            }
            self.strike(workflow, &struck).await?;
        }
        for receiver in receivers {
            self.perform_in_turn(&receiver).await?;
        }
        for new in started {
            Box::pin(self.hand_out(new)).await?;
        }
        self.make_calls(workflow).await
    }

    /// The handouts to one conversation alone, for whoever is about to add to it.
    pub(super) async fn hand_out_to(&self, workflow: WorkflowId, id: &ConversationId) -> Result<(), Error> {
        let Some((document, _)) = self.workflow(workflow).await? else { return Ok(()) };
        let mut struck = Vec::new();
        for caused in &document.handouts {
            if let Effect::Deliver { to, delivery } = &caused.effect
                && to == id
            {
                self.deliver(to, &caused.id, delivery, &caused.trace).await?;
                struck.push(caused.id.clone());
            }
        }
        self.strike(workflow, &struck).await
    }

    /// Before a handout to a conversation, the B of its earlier entry is finished.
    async fn finish_last(
        &self,
        last: &std::collections::BTreeMap<ConversationId, InputKey>,
        to: &ConversationId,
    ) -> Result<(), Error> {
        let Some(key) = last.get(to) else { return Ok(()) };
        let read = self.store().read(Container::Conversations, &to.to_string(), &item_id(key)).await?;
        let pending = match read {
            Some(document) => document.parse::<Item>()?.state == State::Pending,
            None => false,
        };
        if pending {
            Box::pin(self.advance(to, Some(key), By::Hint)).await?;
        }
        Ok(())
    }

    /// Puts something into the outbox of a conversation. `out:<effect>` says that it is there already.
    pub(super) async fn deliver(
        &self,
        to: &ConversationId,
        id: &EffectId,
        delivery: &Delivery,
        trace: &TraceParent,
    ) -> Result<(), Error> {
        let outgoing = Outgoing {
            id: id.clone(),
            delivery: delivery.clone(),
            trace: trace.clone(),
            parts: 0,
            attempts: 0,
        };
        let out = out_id(id);
        for _ in 0..MOST_CONFLICTS {
            let (mut conversation, etag) = self.conversation(to).await?;
            conversation.outbox.push_back(outgoing.clone());
            let due = conversation.due_at(self.store().now());
            let batch = Batch {
                container: Container::Conversations,
                partition: to.to_string(),
                writes: vec![
                    Write::Create(out.clone(), Draft::of(&outgoing).ttl(self.settings().retention)),
                    Write::put(head_id(), etag.as_ref(), Draft::of(&conversation).due(due)),
                ],
            };
            match self.store().commit(vec![batch]).await {
                Ok(_) => return Ok(()),
                // Only a conflict on `out:` means that it is there already; one on the head means again.
                Err(StoreError::Conflict { id, .. }) if id == out => return Ok(()),
                Err(StoreError::Conflict { .. }) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Store(StoreError::Unavailable {
            why: format!("`{to}` is written to by too many at once"),
            retry_after: None,
        }))
    }

    async fn perform_in_turn(&self, id: &ConversationId) -> Result<(), Error> {
        let _turn = self.locks().lock(id.to_string()).await;
        self.perform(id, None).await
    }

    /// An event's id is its effect's: publishing twice is publishing once.
    async fn publish(&self, event: &Event) -> Result<(), Error> {
        let id = event.id.to_string().parse()?;
        let batch = Batch {
            container: Container::Events,
            partition: event.subject.clone(),
            writes: vec![Write::Create(id, Draft::of(event))],
        };
        match self.store().commit(vec![batch]).await {
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// Starts a workflow that nobody chats with: its first entry is all there is to write.
    async fn start(
        &self,
        bot: &BotSlug,
        parent: &Option<ConversationId>,
        caused: &Caused,
    ) -> Result<(), Error> {
        let Effect::Start { workflow, script, payload } = &caused.effect else { return Ok(()) };
        let conversation = parent.clone().unwrap_or_else(|| ConversationId::private(bot.clone(), 0));
        let input = Input {
            key: InputKey::start(&caused.id),
            at: self.store().now(),
            conversation,
            chat: ChatKind::Private,
            from: None,
            message_id: None,
            reply_to: None,
            trace: caused.trace.clone(),
            what: What::Started {
                workflow: *workflow,
                script: script.clone(),
                payload: payload.clone(),
                by: caused.id.clone(),
            },
        };
        self.advance_workflow(*workflow, &input).await
    }

    /// Applies an input that goes straight to its workflow: commit A alone. Applied twice, it is applied once.
    pub(super) async fn advance_workflow(&self, workflow: WorkflowId, input: &Input) -> Result<(), Error> {
        let _turn = self.locks().lock(workflow.to_string()).await;
        for _ in 0..MOST_CONFLICTS {
            if self.entry(workflow, &input.key).await?.is_some() {
                return Ok(());
            }
            let read = self.workflow(workflow).await?;
            let Some(decision) = self.decide_alone(workflow, input, read.as_ref()).await? else {
                return Ok(());
            };
            let (batch, _) = self.log(workflow, decision, read.as_ref(), None)?;
            match self.store().commit(vec![batch]).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict { .. }) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Store(StoreError::Unavailable {
            why: format!("`{workflow}` is written to by too many at once"),
            retry_after: None,
        }))
    }

    async fn decide_alone(
        &self,
        workflow: WorkflowId,
        input: &Input,
        read: Option<&(super::WorkflowDocument, crate::store::ETag)>,
    ) -> Result<Option<crate::engine::Entry>, Error> {
        let mut head = read.map(|(document, _)| document.head.clone());
        if let Some(head) = &mut head {
            let needed: Vec<InputKey> = head.needed_entries().cloned().collect();
            for key in needed {
                if let Some(entry) = self.entry(workflow, &key).await? {
                    head.recall(&entry);
                }
            }
        }
        let route = route(self.table(), input, None, None);
        if let (Route::Begin(_), Some(_)) = (&route, &head) {
            return Ok(None);
        }
        let target = Target { current: None, named: head.as_ref() };
        let mut looked_up = std::collections::BTreeMap::new();
        loop {
            match decide(self.table(), input, &route, target, &looked_up) {
                Ok(Decided::Done(decision)) => {
                    return Ok(decision.entries.into_iter().next().map(|(_, entry)| entry));
                }
                Ok(Decided::Wants(wanted)) => {
                    for wanted in wanted {
                        let value = self.look_up(&wanted, &input.conversation.bot).await?;
                        looked_up.insert(wanted.name, value);
                    }
                }
                Err(why) => {
                    self.give_up(input, &why.to_string()).await?;
                    return Ok(None);
                }
            }
        }
    }

    /// Nobody waits in a chat for this input: it is a dead letter at once, and can be redriven.
    async fn give_up(&self, input: &Input, why: &str) -> Result<(), Error> {
        let letter = DeadLetter {
            source: "workflow".to_owned(),
            id: input.key.to_string(),
            cause: why.to_owned(),
            attempts: 1,
            at: self.store().now(),
            conversation: Some(input.conversation.clone()),
            payload: json!(input),
            trace: input.trace.clone(),
        };
        self.keep(&letter).await?;
        self.tell_operators(&letter).await;
        Ok(())
    }

    async fn strike(&self, workflow: WorkflowId, struck: &[EffectId]) -> Result<(), Error> {
        if struck.is_empty() {
            return Ok(());
        }
        self.change_workflow(workflow, |document| {
            document.handouts.retain(|caused| !struck.contains(&caused.id));
        })
        .await
    }

    /// Changes what the runtime keeps in a workflow's head, by If-Match.
    pub(super) async fn change_workflow(
        &self,
        workflow: WorkflowId,
        change: impl Fn(&mut super::WorkflowDocument),
    ) -> Result<(), Error> {
        for _ in 0..MOST_CONFLICTS {
            let Some((mut document, etag)) = self.workflow(workflow).await? else { return Ok(()) };
            change(&mut document);
            let due = document.due_at(self.store().now());
            let batch = Batch {
                container: Container::Inputs,
                partition: workflow.to_string(),
                writes: vec![Write::Replace(head_id(), etag, Draft::of(&document).due(due))],
            };
            match self.store().commit(vec![batch]).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict { .. }) => {}
                Err(other) => return Err(other.into()),
            }
        }
        // The handouts are done; striking them again later does no harm.
        Ok(())
    }

    /// Tells the bot's operators what could not be done. Told twice, they hear it once.
    pub(super) async fn tell_operators(&self, letter: &DeadLetter) {
        let Some(conversation) = &letter.conversation else { return };
        let Some(bot) = self.bot(conversation.bot.as_str()) else { return };
        let message = Message::plain(crate::Text::Paragraphs(vec![
            text!("operator-dead-letter", conversation = conversation.to_string(), cause = &letter.cause),
            text!("operator-told", trace = letter.trace.trace_id()),
        ]));
        let delivery = Delivery::Send(Send { message, prompt: None });
        for operator in &bot.operators {
            let to = ConversationId::private(bot.slug.clone(), *operator);
            let Ok(id) = format!("told:{}:{}:{operator}", letter.source, letter.id).parse::<EffectId>()
            else {
                return;
            };
            match self.deliver(&to, &id, &delivery, &letter.trace).await {
                Ok(()) if to != *conversation => self.hint(&to, Duration::ZERO).await,
                Ok(()) => {}
                Err(why) => tracing::warn!(%why, operator, "an operator could not be told"),
            }
        }
    }
}
