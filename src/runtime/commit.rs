//! Commit: A writes an entry into each workflow's log, B makes the inbox item done and fills the outbox.

use std::time::Duration;

use serde_json::json;

use super::{
    Error, Runtime,
    advance::Scene,
    dead_letter::DeadLetter,
    documents::{
        Conversation, Item, Outgoing, SAFETY_NET, State, WorkflowDocument, entry_id, head_id, item_id,
    },
    perform::Held,
};
use crate::{
    engine::{Decision, Effect, Entry, Head, Status, read_prompt_name, stuck},
    model::{
        ConversationId, Delivery, EffectId, Input, InputKey, Message, Person, Send, Text, Timestamp, What,
        WorkflowId,
    },
    store::{Batch, Container, Draft, ETag, Write},
    text,
};

/// A head may be at most so large, in bytes.
const LARGEST_HEAD: usize = 256 * 1024;
/// A hint can't be delayed longer (<https://learn.microsoft.com/rest/api/storageservices/put-message>).
const LONGEST_DELAY: Duration = Duration::from_secs(7 * 24 * 60 * 60 - 60);

/// An input that is applied.
pub(super) struct Applied {
    pub(super) key: InputKey,
    pub(super) toast: Option<Text>,
    /// The workflows that took it: something may leave them now.
    pub(super) workflows: Vec<WorkflowId>,
    /// The claim to send what is in the outbox, if B could take it.
    pub(super) held: Option<Held>,
}

impl Runtime {
    /// Commits a decision: A for each workflow that does not know the input yet, then B. A store that can makes them
    /// one transaction. B carries If-Match on the item and on the conversation's head.
    ///
    /// # Errors
    /// A conflict: somebody else was faster. Nothing, or A alone, is written; look again, carefully.
    pub(super) async fn commit(
        &self,
        scene: Scene,
        decision: Decision,
        own: Option<&InputKey>,
        known: &[(WorkflowId, Entry)],
    ) -> Result<Applied, Error> {
        let input = scene.item.input.clone();
        let here = &input.conversation;
        let mut batches = Vec::with_capacity(3);
        let mut delivered = Vec::new();
        let mut toast = decision.outside.toast;
        let mut workflows: Vec<(WorkflowId, Entry)> = Vec::new();
        for (workflow, entry) in decision.entries {
            let entry = if known.iter().any(|(known, _)| *known == workflow) {
                entry
            } else {
                let read = scene.workflows.get(&workflow);
                let (batch, entry) = self.log(workflow, entry, read, Some(here))?;
                batches.push(batch);
                entry
            };
            toast = toast.or_else(|| entry.toast.clone());
            delivered.extend(entry.effects.iter().filter_map(|caused| match &caused.effect {
                Effect::Deliver { to, delivery } if to == here => {
                    Some(outgoing(caused.id.clone(), delivery.clone(), &input))
                }
                _ => None,
            }));
            workflows.push((workflow, entry));
        }
        let said = decision.outside.deliveries.into_iter().enumerate();
        delivered
            .extend(said.map(|(n, delivery)| outgoing(EffectId::of_input(&input.key, n), delivery, &input)));
        if let What::Press { callback, .. } = &input.what
            && own != Some(&input.key)
        {
            // No webhook waits to answer this press in its own body.
            let answer = Delivery::Answer { callback: callback.clone(), text: toast.clone() };
            delivered.push(outgoing(EffectId::of_input(&input.key, ANSWER), answer, &input));
        }
        let person = self.new_acquaintance(&scene.conversation, &input);
        batches.extend(person.as_ref().map(|person| self.introduce(here, person)));
        let mut conversation = scene.conversation;
        conversation.current = decision.current;
        conversation.stuck = false;
        if person.is_some() {
            conversation.person = person;
        }
        conversation.reachable = match &input.what {
            What::Membership { reachable } => *reachable,
            // Who writes to us can be written to.
            _ => conversation.reachable || input.from.is_some(),
        };
        forget_prompts(&mut conversation, &workflows, &delivered);
        let ids: Vec<WorkflowId> = workflows.iter().map(|(id, _)| *id).collect();
        let item = Item { state: State::Done, toast: toast.clone(), workflows: ids.clone(), ..scene.item };
        let held = self
            .finish(
                batches,
                conversation,
                scene.conversation_etag.as_ref(),
                item,
                &scene.item_etag,
                delivered,
            )
            .await?;
        for (workflow, entry) in &workflows {
            self.hint_deadlines(*workflow, entry).await;
        }
        Ok(Applied { key: input.key, toast, workflows: ids, held })
    }

    /// A: the entry is created (its id is the input's key, so it can't be there twice) and the head follows it.
    pub(super) fn log(
        &self,
        workflow: WorkflowId,
        mut entry: Entry,
        read: Option<&(WorkflowDocument, ETag)>,
        here: Option<&ConversationId>,
    ) -> Result<(Batch, Entry), Error> {
        let before = read.map(|(document, _)| document);
        let (mut document, mut draft) = self.folded(workflow, &entry, before, here)?;
        if draft.body.len() > LARGEST_HEAD {
            let why = format!("the workflow's state grew beyond {LARGEST_HEAD} bytes");
            let head = before.map_or_else(|| document.head.clone(), |before| before.head.clone());
            entry = stuck(&head, &entry.input, &why);
            (document, draft) = self.folded(workflow, &entry, before, here)?;
        }
        draft.due_at = document.due_at(self.store().now());
        let writes = vec![
            Write::Create(entry_id(&entry.input.key)?, Draft::of(&entry)),
            Write::put(head_id(), read.map(|(_, etag)| etag), draft),
        ];
        Ok((Batch { container: Container::Inputs, partition: workflow.to_string(), writes }, entry))
    }

    fn folded(
        &self,
        workflow: WorkflowId,
        entry: &Entry,
        before: Option<&WorkflowDocument>,
        here: Option<&ConversationId>,
    ) -> Result<(WorkflowDocument, Draft), Error> {
        let head = Head::fold(before.map(|before| before.head.clone()), workflow, entry)
            .ok_or_else(|| Error::Data(format!("the log of `{workflow}` does not begin with its start")))?;
        let mut document = match before {
            Some(before) => WorkflowDocument { head, ..before.clone() },
            None => WorkflowDocument::new(head),
        };
        if let Some(here) = here {
            document.last.insert(here.clone(), entry.input.key.clone());
        }
        document.queue_handouts(&entry.effects, here);
        let draft = Draft::of(&document);
        Ok((document, draft))
    }

    /// B: the item is done with what it caused; the head has it in its outbox and, if nobody sends yet, our claim.
    async fn finish(
        &self,
        mut batches: Vec<Batch>,
        mut conversation: Conversation,
        conversation_etag: Option<&ETag>,
        mut item: Item,
        item_etag: &ETag,
        delivered: Vec<Outgoing>,
    ) -> Result<Option<Held>, Error> {
        let partition = item.input.conversation.to_string();
        item.caused.clone_from(&delivered);
        conversation.outbox.extend(delivered);
        let token = self.take_claim(&mut conversation).await;
        let due = conversation.due_at(self.store().now());
        let done = Draft::of(&item).ttl(self.settings().retention);
        batches.push(Batch {
            container: Container::Conversations,
            partition,
            writes: vec![
                Write::Replace(item_id(&item.input.key), item_etag.clone(), done),
                Write::put(head_id(), conversation_etag, Draft::of(&conversation).due(due)),
            ],
        });
        let etags = self.store().commit(batches).await?;
        let etag = etags.last().and_then(|batch| batch.last()).cloned();
        Ok(match (token, etag) {
            (Some(token), Some(etag)) => Some(Held { conversation, etag, token }),
            _ => None,
        })
    }

    /// Writes an item as it is now, to be looked at again in a while.
    pub(super) async fn put_item(&self, item: &Item, etag: &ETag) -> Result<ETag, Error> {
        let draft = Draft::of(item).due(Some(self.store().now() + SAFETY_NET));
        let batch = Batch {
            container: Container::Conversations,
            partition: item.input.conversation.to_string(),
            writes: vec![Write::Replace(item_id(&item.input.key), etag.clone(), draft)],
        };
        let etags = self.store().commit(vec![batch]).await?;
        etags.into_iter().flatten().next().ok_or_else(|| Error::Data("a write without an etag".to_owned()))
    }

    /// Gives an input up: a dead letter, the person and the operators are told, the next input is served.
    pub(super) async fn bury(&self, scene: Scene, why: &str) -> Result<Applied, Error> {
        let input = scene.item.input.clone();
        let letter = DeadLetter {
            source: "inbox".to_owned(),
            id: format!("{}:{}", input.conversation, input.key),
            cause: why.to_owned(),
            attempts: scene.item.attempts,
            at: self.store().now(),
            conversation: Some(input.conversation.clone()),
            payload: json!(input),
            trace: input.trace.clone(),
        };
        tracing::error!(conversation = %input.conversation, key = %input.key, why, trace = input.trace.trace_id(), "dead letter");
        let sorry =
            Delivery::Send(Send { message: Message::plain(text!("something-went-wrong")), prompt: None });
        let delivered = vec![outgoing(EffectId::of_input(&input.key, 0), sorry, &input)];
        let item = Item { state: State::Dead, ..scene.item };
        let conversation = Conversation { stuck: true, ..scene.conversation };
        let held = self
            .finish(
                vec![letter.batch()],
                conversation,
                scene.conversation_etag.as_ref(),
                item,
                &scene.item_etag,
                delivered,
            )
            .await?;
        self.tell_operators(&letter).await;
        Ok(Applied { key: input.key, toast: None, workflows: Vec::new(), held })
    }

    /// The person, if they are new here or have changed.
    fn new_acquaintance(&self, conversation: &Conversation, input: &Input) -> Option<Person> {
        let person = input.from.as_ref().filter(|_| input.conversation.is_private())?;
        (conversation.person.as_ref() != Some(person)).then(|| person.clone())
    }

    fn introduce(&self, here: &ConversationId, person: &Person) -> Batch {
        let id = person.id.to_string().parse().expect("a number is an id");
        Batch {
            container: Container::People,
            partition: here.bot.to_string(),
            writes: vec![Write::Upsert(id, Draft::of(person))],
        }
    }

    /// The sweep comes every minute; a hint comes when the deadline does.
    async fn hint_deadlines(&self, workflow: WorkflowId, entry: &Entry) {
        for deadline in entry.opened.iter().filter_map(|open| open.deadline) {
            let delay =
                (deadline - self.store().now()).to_std().unwrap_or_default() + Duration::from_millis(200);
            if delay < LONGEST_DELAY {
                self.send_hint(&json!({ "workflow": workflow }), delay).await;
            }
        }
    }
}

/// The ordinal of the answer to a press, beyond those of an input's messages.
const ANSWER: usize = 99;

fn outgoing(id: EffectId, delivery: Delivery, input: &Input) -> Outgoing {
    Outgoing { id, delivery, trace: input.trace.clone(), parts: 0, attempts: 0 }
}

/// Forgets the message ids of questions that are over, unless an edit still asks for them.
fn forget_prompts(conversation: &mut Conversation, over: &[(WorkflowId, Entry)], delivered: &[Outgoing]) {
    let is_over = |prompt: &str| {
        let Some((workflow, question)) = read_prompt_name(prompt) else { return false };
        let of = over.iter().find(|(id, _)| *id == workflow);
        of.is_some_and(|(_, entry)| {
            entry.status != Status::Running || entry.closed.iter().any(|n| n == question)
        })
    };
    let outbox = &conversation.outbox;
    let asked_for = |prompt: &str| {
        let edits =
            |outgoing: &Outgoing| matches!(&outgoing.delivery, Delivery::Edit(edit) if edit.prompt == prompt);
        delivered.iter().chain(outbox).any(edits)
    };
    conversation.prompts.retain(|prompt, _| !is_over(prompt) || asked_for(prompt));
}

/// When a claim that is taken now ends.
pub(super) fn claim_end(now: Timestamp) -> Timestamp {
    now + SAFETY_NET
}
