//! Commit: A writes an entry into each workflow's log, B makes the inbox item done and fills the outbox.

use std::time::Duration;

use serde_json::json;

use super::{
    Error, Runtime,
    advance::Visit,
    claim::{Held, Sending},
    documents::{Conversation, INBOX, Item, Outgoing, State, WorkflowDocument, entry_id, head_id, item_id},
    latest, rules,
    scene::{Read, Scene},
};
use crate::{
    engine::{Album, Decision, Effect, Entry, Head, Status, read_prompt_name, stuck},
    model::{ConversationId, Delivery, EffectId, Input, InputKey, Person, Shared, Text, What, WorkflowId},
    store::{Batch, Container, Draft, ETag, NothingDue, Write},
};

/// A head may be at most so large, in bytes.
const LARGEST_HEAD: usize = 256 * 1024;
/// A hint can't be delayed longer (<https://learn.microsoft.com/rest/api/storageservices/put-message>).
const LONGEST_DELAY: Duration = Duration::from_secs(7 * 24 * 60 * 60 - 60);

/// An input that is applied, or given up.
pub(super) struct Applied {
    pub(super) key: InputKey,
    pub(super) toast: Option<Text>,
    /// The language of whoever is there.
    pub(super) language: Option<String>,
    /// The workflows that something is to leave now.
    pub(super) leaving: Vec<WorkflowId>,
    pub(super) sending: Sending,
    /// The head of what is the current workflow now, if this has written it and it is not large.
    pub(super) current: Option<(WorkflowId, Read)>,
}

/// A, ready to be written.
pub(super) struct Logged {
    pub(super) batch: Batch,
    pub(super) entry: Entry,
    /// The workflow's head as it will be.
    pub(super) document: WorkflowDocument,
}

impl Runtime {
    /// Commits a decision: A for each workflow that does not know the input yet, then B. A store that can makes them
    /// one transaction. B carries If-Match on the item, if it is stored, and on the conversation's head.
    ///
    /// # Errors
    /// A conflict: somebody else was faster. Nothing, or A alone, is written; look again, carefully.
    pub(super) async fn commit(
        &self,
        scene: Scene,
        decision: Decision,
        visit: &Visit<'_>,
    ) -> Result<Applied, Error> {
        let input = &scene.item.input;
        let album = Album::after(scene.conversation.album.clone(), input, &decision);
        let (key, here) = (input.key.clone(), &input.conversation);
        let mut batches = Vec::with_capacity(3);
        let mut leaving = Vec::new();
        let mut current = None;
        let mut entries: Vec<(WorkflowId, Entry)> = Vec::with_capacity(decision.entries.len());
        for (workflow, entry) in decision.entries {
            let read = scene.workflows.get(&workflow);
            if scene.known.iter().any(|(known, _)| *known == workflow) {
                // What it handed out may have left already, or not; of a workflow that was not read it is the beginning.
                let leaves = match read {
                    Some((document, _)) => document.leaves(),
                    None => self.folded(workflow, &entry, None, Some(here))?.0.leaves(),
                };
                leaving.extend(leaves.then_some(workflow));
                entries.push((workflow, entry));
            } else {
                let logged = self.log(workflow, entry, read, Some(here))?;
                leaving.extend(logged.document.leaves().then_some(workflow));
                if decision.current == Some(workflow) && is_worth_remembering(&logged) {
                    current = Some((batches.len(), workflow, logged.document));
                }
                batches.push(logged.batch);
                entries.push((workflow, logged.entry));
            }
        }
        let said_toast = entries.iter().find_map(|(_, entry)| entry.toast.clone());
        let toast = decision.outside.toast.or(said_toast);
        let is_own = visit.own == Some(&key);
        let mut delivered = delivered(input, &entries, decision.outside.deliveries, toast.as_ref(), is_own);
        let mut conversation = scene.conversation;
        conversation.current = decision.current;
        conversation.album = album;
        conversation.stuck = false;
        batches.extend(self.talk(&conversation, input));
        let is_new = self.acquaint(&mut conversation, input).await;
        batches
            .extend(conversation.acquaintance().filter(|_| is_new).map(|person| introduction(here, &person)));
        conversation.reachable = match &input.what {
            // That the bot left the group of old, when that became another, says nothing.
            What::Membership { via, .. } if *via != conversation.moved_to => conversation.reachable,
            What::Membership { reachable, .. } => *reachable,
            What::Moved { .. } => true,
            // Who writes to us can be written to.
            _ => conversation.reachable || input.from.is_some(),
        };
        if let What::Moved { to } = input.what {
            self.tell_talks(input, to).await?;
            conversation.move_to(to);
            delivered.extend(self.prompts_again(&conversation, input).await?);
        }
        forget_prompts(&mut conversation, &entries, &delivered);
        let workflows = entries.iter().map(|(id, _)| *id).collect();
        let item = Item { state: State::Done, toast: toast.clone(), workflows, ..scene.item };
        let etags = (scene.conversation_etag.as_ref(), scene.item_etag.as_ref());
        let language = conversation.language().map(str::to_owned);
        let (sending, etags) = self.finish(batches, conversation, item, etags, delivered, visit).await?;
        let current = current.and_then(|(batch, workflow, document)| {
            Some((workflow, (document, etags.get(batch)?.last()?.clone())))
        });
        if is_new {
            self.has_met_somebody().await;
        }
        for (workflow, entry) in &entries {
            self.hint_deadlines(*workflow, entry).await;
        }
        Ok(Applied { key, toast, language, leaving, sending, current })
    }

    /// Notes who talks here, and returns whether that is news to others: somebody new in private, or with another name. In
    /// a group they are spoken to as in private, where they have been there before.
    async fn acquaint(&self, conversation: &mut Conversation, input: &Input) -> bool {
        let Some(person) = &input.from else { return false };
        if input.conversation.is_private() {
            let is_new = conversation.person.as_ref() != Some(person);
            if is_new {
                conversation.person = Some(person.clone());
            }
            return is_new;
        }
        let known = self.known_person(&input.conversation.bot, person.id).await;
        conversation.language = known.and_then(|known| known.language);
        conversation.person = Some(person.clone());
        false
    }

    /// A: the entry is created (its id is the input's key, so it can't be there twice) and the head follows it.
    pub(super) fn log(
        &self,
        workflow: WorkflowId,
        mut entry: Entry,
        read: Option<&Read>,
        here: Option<&ConversationId>,
    ) -> Result<Logged, Error> {
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
        let batch = Batch { container: Container::Inputs, partition: workflow.to_string(), writes };
        Ok(Logged { batch, entry, document })
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
            Some(WorkflowDocument { head: _, handouts, broadcasts, last, tries }) => WorkflowDocument {
                head,
                handouts: handouts.clone(),
                broadcasts: broadcasts.clone(),
                last: last.clone(),
                tries: tries.clone(),
            },
            None => WorkflowDocument::new(head),
        };
        if let Some(here) = here {
            document.last.insert(here.clone(), entry.input.key.clone());
        }
        document.queue_handouts(entry, here);
        let draft = Draft::of(&document);
        Ok((document, draft))
    }

    /// B: the item is done with what it caused; the head has it in its outbox and, if nobody else sends yet, our claim.
    /// `etags` are those of the conversation's head and of the item; one that is not stored yet is created, if nothing is
    /// pending before it. Returns the new ones too, batch by batch.
    pub(super) async fn finish(
        &self,
        mut batches: Vec<Batch>,
        mut conversation: Conversation,
        mut item: Item,
        etags: (Option<&ETag>, Option<&ETag>),
        delivered: Vec<Outgoing>,
        visit: &Visit<'_>,
    ) -> Result<(Sending, Vec<Vec<ETag>>), Error> {
        item.caused.clone_from(&delivered);
        delivered.into_iter().for_each(|outgoing| conversation.enqueue(outgoing));
        let is_ours = self.take_claim(&mut conversation, &visit.token).await;
        let due = conversation.due_at(self.store().now());
        let done = Draft::of(&item).ttl(self.settings().retention);
        let (container, partition) = (Container::Conversations, item.input.conversation.to_string());
        // What was stored before is applied before.
        let pending = etags.1.is_none().then(|| NothingDue {
            container,
            partition: partition.clone(),
            prefix: INBOX.to_owned(),
        });
        batches.push(Batch {
            container,
            partition,
            writes: vec![
                Write::put(item_id(&item.input.key), etags.1, done),
                Write::put(head_id(), etags.0, Draft::of(&conversation).due(due)),
            ],
        });
        let written = match pending {
            None => self.store().commit(batches).await?,
            Some(pending) => self.store().commit_unless_due(batches, pending).await?,
        };
        let etag = written.last().and_then(|batch| batch.last()).cloned();
        let sending = match etag {
            _ if conversation.outbox.is_empty() => Sending::Nothing,
            Some(etag) if is_ours => {
                Sending::Held(Box::new(Held { conversation, etag, token: visit.token.clone() }))
            }
            _ => Sending::Unknown,
        };
        Ok((sending, written))
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

fn is_worth_remembering(Logged { batch, document, .. }: &Logged) -> bool {
    let sizes = batch.writes.iter().filter_map(Write::draft).map(|draft| draft.body.len());
    rules::is_remembered(document.leaves(), document.last.len()) && sizes.sum::<usize>() <= latest::LARGEST
}

/// The ordinal of the answer to a press, beyond those of an input's messages.
const ANSWER: usize = 99;

/// What an input sends to its own conversation. Where no webhook waits to answer a press in its own body, that too.
fn delivered(
    input: &Input,
    entries: &[(WorkflowId, Entry)],
    outside: Vec<Delivery>,
    toast: Option<&Text>,
    is_own: bool,
) -> Vec<Outgoing> {
    let outgoing = |id, delivery: Shared<Delivery>| Outgoing::new(id, delivery, input.trace.clone());
    let caused = entries.iter().flat_map(|(_, entry)| &entry.effects);
    let mut delivered: Vec<Outgoing> = caused
        .filter_map(|caused| match &caused.effect {
            Effect::Deliver { to, delivery } if *to == input.conversation => {
                Some(outgoing(caused.id.clone(), delivery.clone()))
            }
            _ => None,
        })
        .collect();
    let said = outside.into_iter().enumerate();
    delivered.extend(said.map(|(n, delivery)| outgoing(EffectId::of_input(&input.key, n), delivery.into())));
    if let (What::Press { callback, .. }, false) = (&input.what, is_own) {
        let answer = Delivery::Answer { callback: callback.clone(), text: toast.cloned() };
        delivered.push(outgoing(EffectId::of_input(&input.key, ANSWER), answer.into()));
    }
    delivered
}

/// The write that makes a person known to look-ups.
pub(super) fn introduction(here: &ConversationId, person: &Person) -> Batch {
    let id = person.id.to_string().parse().expect("a number is an id");
    Batch {
        container: Container::People,
        partition: here.bot.to_string(),
        writes: vec![Write::Upsert(id, Draft::of(person))],
    }
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
        let edits = |outgoing: &Outgoing| matches!(&*outgoing.delivery, Delivery::Edit(edit) if edit.prompt == prompt);
        delivered.iter().chain(outbox).any(edits)
    };
    conversation.prompts.retain(|prompt, _| !is_over(prompt) || asked_for(prompt));
}
