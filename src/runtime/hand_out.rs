//! Hand out: what leaves a workflow for elsewhere, each by a write that can be repeated, then struck from the head.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use serde_json::json;

use super::{
    Error, Runtime, WorkflowDocument,
    advance::By,
    claim::{Sending, dice},
    documents::{Handed, Outgoing, State, head_id, out_id},
    rules,
};
use crate::{
    engine::{Caused, Effect},
    model::{
        ConversationId, Delivery, EffectId, Event, Input, InputKey, Shared, TraceParent, What, WorkflowId,
    },
    store::{Batch, Container, Draft, Error as StoreError, Write},
};

/// So many conflicts in a row, then the sweep goes on.
pub(super) const MOST_CONFLICTS: u32 = 20;

/// So many receivers are sent to at once.
const AT_ONCE: usize = 8;

/// What handing out leads to.
#[derive(Default)]
pub(super) struct Stirred {
    /// Conversations that have something to send.
    pub(super) receivers: BTreeSet<ConversationId>,
    /// Workflows that something may be about to leave.
    workflows: BTreeSet<WorkflowId>,
}

impl Runtime {
    /// Hands out all that leaves `workflow`, in the order of its log, then has its calls made. Done twice, it is done
    /// once, but for activities that were under way.
    ///
    /// # Errors
    /// The store's. What is left stays in the head, which is due.
    pub(super) async fn hand_out(&self, workflow: WorkflowId) -> Result<(), Error> {
        let mut stirred = Stirred::default();
        {
            let _turn = self.locks().lock(format!("handouts of {workflow}")).await;
            // Read only now: somebody may have done it while we waited for our turn.
            let Some((document, _)) = self.workflow(workflow).await? else { return Ok(()) };
            if !document.handouts.is_empty() {
                let struck = self.hand_out_all(&document, &mut stirred).await?;
                {
                    // So that nobody who applies an input here has to do it again.
                    let _quiet = self.locks().lock(workflow.to_string()).await;
                    self.strike(workflow, &struck).await?;
                }
                if struck.len() < document.handouts.len() {
                    // An earlier input of a receiver has to be finished first, and somebody else is at it.
                    self.send_hint(&json!({ "workflow": workflow }), self.jitter()).await;
                }
            }
            if !document.broadcasts.is_empty() {
                self.broadcast_next(&document, &mut stirred).await?;
            }
        }
        stream::iter(&stirred.receivers)
            .for_each_concurrent(AT_ONCE, |receiver| async move {
                let _turn = self.locks().lock(receiver.to_string()).await;
                if let Err(why) = self.perform(receiver, Sending::Unknown, dice()).await {
                    tracing::warn!(conversation = %receiver, %why, "sending is left to the sweep");
                }
            })
            .await;
        for other in stirred.workflows {
            Box::pin(self.hand_out(other)).await?;
        }
        self.make_calls(workflow).await
    }

    /// Makes each handout of this head, and returns those that are made.
    async fn hand_out_all(
        &self,
        document: &WorkflowDocument,
        stirred: &mut Stirred,
    ) -> Result<Vec<EffectId>, Error> {
        let mut struck = Vec::with_capacity(document.handouts.len());
        let mut may_receive = BTreeMap::new();
        for caused in &document.handouts {
            match &caused.effect {
                Effect::Deliver { to, delivery } => {
                    if !may_receive.contains_key(to) {
                        may_receive.insert(to, self.finish_last(document, to, stirred).await?);
                    }
                    if !may_receive[to] {
                        continue;
                    }
                    self.broadcast_before(document, to, &caused.id).await?;
                    self.deliver(to, &caused.id, delivery, &caused.trace).await?;
                    stirred.receivers.insert(to.clone());
                }
                Effect::Publish(event) => self.publish(event).await?,
                Effect::Start { workflow: new, .. } => {
                    self.start(document, caused).await?;
                    stirred.workflows.insert(*new);
                }
                Effect::Broadcast { .. } | Effect::Call { .. } => {}
            }
            struck.push(caused.id.clone());
        }
        Ok(struck)
    }

    /// The handouts of entries before the `before`th to one conversation alone, for whoever is about to add to it.
    pub(super) async fn hand_out_to(
        &self,
        workflow: WorkflowId,
        id: &ConversationId,
        before: u32,
    ) -> Result<(), Error> {
        let Some((document, _)) = self.workflow(workflow).await? else { return Ok(()) };
        let mut struck = Vec::new();
        for (caused, delivery) in document.handouts_to(id, before) {
            self.broadcast_before(&document, id, &caused.id).await?;
            self.deliver(id, &caused.id, delivery, &caused.trace).await?;
            struck.push(caused.id.clone());
        }
        self.strike(workflow, &struck).await
    }

    /// Before a handout to a conversation, the B of its earlier entry is finished. False if that can't be done now.
    pub(super) async fn finish_last(
        &self,
        document: &WorkflowDocument,
        to: &ConversationId,
        stirred: &mut Stirred,
    ) -> Result<bool, Error> {
        let Some(key) = document.last.get(to) else { return Ok(rules::may_receive(None)) };
        if rules::may_receive(Some(self.is_pending(to, key).await?)) {
            return Ok(true);
        }
        let (_, leaving) = Box::pin(self.apply_pending(to, Some(key), By::Hint)).await?;
        stirred.workflows.extend(leaving);
        Ok(rules::may_receive(Some(self.is_pending(to, key).await?)))
    }

    /// Is this input still to be applied there?
    pub(super) async fn is_pending(
        &self,
        conversation: &ConversationId,
        key: &InputKey,
    ) -> Result<bool, Error> {
        let read = self.item(conversation, key).await?;
        Ok(read.is_some_and(|(item, _)| item.state == State::Pending))
    }

    /// Puts something into the outbox of a conversation. `out:<effect>` says that it is there already.
    pub(super) async fn deliver(
        &self,
        to: &ConversationId,
        id: &EffectId,
        delivery: &Shared<Delivery>,
        trace: &TraceParent,
    ) -> Result<(), Error> {
        let outgoing = Outgoing::new(id.clone(), delivery.clone(), trace.clone());
        let handed = Handed { at: Some(self.store().now()), outgoing: outgoing.clone() };
        let out = out_id(id);
        for _ in 0..MOST_CONFLICTS {
            let (mut conversation, etag) = self.conversation(to).await?;
            conversation.enqueue(outgoing.clone());
            let due = conversation.due_at(self.store().now());
            let batch = Batch {
                container: Container::Conversations,
                partition: to.to_string(),
                writes: vec![
                    Write::Create(out.clone(), Draft::of(&handed).ttl(self.settings().retention)),
                    Write::put(head_id(), etag.as_ref(), Draft::of(&conversation).due(due)),
                ],
            };
            match self.store().commit(vec![batch]).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict { id, .. }) if rules::is_there_already(&id, &out) => return Ok(()),
                Err(StoreError::Conflict { .. }) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(too_many(&to.to_string()))
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
    async fn start(&self, parent: &WorkflowDocument, caused: &Caused) -> Result<(), Error> {
        let Effect::Start { workflow, script, payload } = &caused.effect else { return Ok(()) };
        let what = What::Started {
            workflow: *workflow,
            script: script.clone(),
            payload: payload.clone(),
            by: caused.id.clone(),
        };
        let (key, now) = (InputKey::start(&caused.id), self.store().now());
        let input = Input::of_ours(key, now, parent.somewhere(), caused.trace.clone(), what);
        self.advance_workflow(*workflow, &input.into()).await
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
        change: impl Fn(&mut WorkflowDocument),
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
        Err(too_many(&workflow.to_string()))
    }
}

/// Everybody writes to the same thing: later.
pub(super) fn too_many(what: &str) -> Error {
    let why = format!("`{what}` is written to by too many at once");
    Error::Store(StoreError::Unavailable { why, retry_after: None })
}
