//! What the store holds for a conversation and a workflow, beside what the engine knows of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::rules;
use crate::{
    engine::{Album, Caused, Effect, Entry, Head, Status},
    model::{
        self, ConversationId, Delivery, EffectId, Input, InputKey, Person, PersonId, Shared, Text, Timestamp,
        TraceParent, WorkflowId, in_one_piece,
    },
    store::{DocumentId, Error},
};

/// A conversation's head: what is to be sent to it, by whom, and what it is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The workflow that takes what is said here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<WorkflowId>,
    /// Who talks here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    /// The language they chose (`/settings`), as an IETF tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What is still to be sent, in order.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub outbox: VecDeque<Outgoing>,
    /// Who sends it at the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// Nobody sends before this time: Telegram said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Message ids of the prompts, by workflow and question.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prompts: BTreeMap<String, i64>,
    /// The album that arrives here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub album: Option<Album>,
    /// May the bot write here? Of a group, its own conversation's head tells.
    #[serde(default = "yes")]
    pub reachable: bool,
    /// Telegram's id of the chat now, since the group became a supergroup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<i64>,
    /// Did the last input end as a dead letter?
    #[serde(default)]
    pub stuck: bool,
}

fn yes() -> bool {
    true
}

impl Default for Conversation {
    fn default() -> Self {
        Self {
            current: None,
            person: None,
            language: None,
            outbox: VecDeque::new(),
            claim: None,
            not_before: None,
            prompts: BTreeMap::new(),
            album: None,
            reachable: true,
            moved_to: None,
            stuck: false,
        }
    }
}

impl Conversation {
    /// When somebody should look whether everything was sent: the outbox's only safety net.
    #[must_use]
    pub fn due_at(&self, now: Timestamp) -> Option<Timestamp> {
        if !rules::is_conversation_due(self.outbox.is_empty()) {
            return None;
        }
        let waiting = self.not_before.filter(|&then| then > now);
        Some(waiting.or(self.claim.as_ref().map(|claim| claim.until)).unwrap_or(now + SAFETY_NET))
    }

    /// The language to speak here: the chosen one, else the one that Telegram told.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref().or_else(|| self.person.as_ref()?.language.as_deref())
    }

    /// Who talks here, as others may know them: with the language that is spoken with them.
    pub(super) fn acquaintance(&self) -> Option<Person> {
        Some(Person { language: self.language().map(str::to_owned), ..self.person.clone()? })
    }

    /// Puts something to the end of the outbox. A change that says all that an earlier one says, which was not sent yet,
    /// takes its place: however many press a button, one call shows it.
    pub(super) fn enqueue(&mut self, outgoing: Outgoing) {
        if let Delivery::Edit(new) = &*outgoing.delivery
            && !new.prompt.is_empty()
        {
            self.outbox.retain(|earlier| match &*earlier.delivery {
                Delivery::Edit(old) => {
                    old.prompt != new.prompt || (old.message.is_some() && new.message.is_none())
                }
                _ => true,
            });
        }
        self.outbox.push_back(outgoing);
    }

    /// The chat has another id now: messages written before can't be changed there.
    pub(super) fn move_to(&mut self, chat: i64) {
        if self.moved_to != Some(chat) {
            self.moved_to = Some(chat);
            self.prompts.values_mut().for_each(|message| *message = LEFT_BEHIND);
        }
    }

    /// What a reply to this message answers.
    #[must_use]
    pub fn prompt_of(&self, message_id: i64) -> Option<&str> {
        self.prompts.iter().find(|(_, id)| **id == message_id).map(|(prompt, _)| prompt.as_str())
    }

    /// The question that was put here last.
    #[must_use]
    pub fn newest_prompt(&self) -> Option<&str> {
        self.prompts.iter().max_by_key(|(_, id)| **id).map(|(prompt, _)| prompt.as_str())
    }
}

/// Stands for the id of a message that stayed in a chat which is no more.
pub(super) const LEFT_BEHIND: i64 = 0;

/// How long something may lie untouched before the sweep looks at it.
pub(super) const SAFETY_NET: chrono::TimeDelta = chrono::TimeDelta::seconds(30);

/// Sending for a conversation belongs to whoever holds its claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Random: who finds its own token after a write of unknown outcome is the holder.
    pub token: String,
    /// When it ends, by the store's clock.
    #[serde(serialize_with = "in_one_piece")]
    pub until: Timestamp,
    /// The process that holds it, as the store knows it.
    pub instance: String,
}

/// One thing in an outbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The effect it is; it is struck by this.
    pub id: EffectId,
    /// What to send.
    pub delivery: Shared<Delivery>,
    /// The trace it belongs to.
    pub trace: TraceParent,
    /// How many of its calls are done: a long text is several.
    #[serde(default, skip_serializing_if = "model::is_default")]
    pub parts: usize,
    /// How often Telegram could not be reached for it.
    #[serde(default, skip_serializing_if = "model::is_default")]
    pub attempts: u32,
}

impl Outgoing {
    /// Something of which nothing is sent yet.
    pub(super) fn new(id: EffectId, delivery: impl Into<Shared<Delivery>>, trace: TraceParent) -> Self {
        Self { id, delivery: delivery.into(), trace, parts: 0, attempts: 0 }
    }
}

/// What came to a conversation from elsewhere: it says that it is there, and is a part of the transcript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Handed {
    /// When it came; documents of old versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Timestamp>,
    #[serde(flatten)]
    pub(super) outgoing: Outgoing,
}

/// An inbox item: an input that is stored, and later what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The input.
    pub input: Shared<Input>,
    /// Is it applied?
    pub state: State,
    /// How many attempts at it began, but for the first.
    #[serde(default, skip_serializing_if = "model::is_default")]
    pub attempts: u32,
    /// The question whose prompt it replies to, where that is not the current workflow's: fixed before the input is
    /// applied, for prompts are forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// What this conversation was sent because of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caused: Vec<Outgoing>,
    /// What whoever pressed the button is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toast: Option<Text>,
    /// The workflows that took it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workflows: Vec<WorkflowId>,
}

/// What became of an inbox item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is still to be applied.
    Pending,
    /// It is applied.
    Done,
    /// It could not be applied; there is a dead letter.
    Dead,
}

/// A workflow's head as it is stored: the engine's, and what is still to be handed out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowDocument {
    /// The state its log folds to.
    pub head: Head,
    /// Effects that leave the workflow for elsewhere and have not left yet, in order.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub handouts: VecDeque<Caused>,
    /// Broadcasts that have not reached everybody yet, in order.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub broadcasts: VecDeque<Broadcast>,
    /// Per conversation, the input that was applied last and is not yet known to be done there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub last: BTreeMap<ConversationId, InputKey>,
    /// Calls that were tried and are to be tried again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tries: BTreeMap<String, Tries>,
}

/// A broadcast under way. Whom it goes to stands in its entry: the head would grow with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broadcast {
    /// Which effect it is.
    pub id: EffectId,
    /// The entry that says to whom it goes, and what it says.
    pub entry: InputKey,
    /// So many of the list have it, from its beginning.
    #[serde(default)]
    pub served: usize,
    /// And these, who had to have it before something else.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub early: BTreeSet<PersonId>,
    /// The next ones get it then: not sooner, whichever instance looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

/// How often a call was tried, and when it is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// So often.
    pub count: u32,
    /// Then.
    pub next: Timestamp,
}

impl Item {
    /// An input that is still to be applied.
    pub(super) fn new(input: Shared<Input>) -> Self {
        Self {
            input,
            state: State::Pending,
            attempts: 0,
            prompt: None,
            caused: Vec::new(),
            toast: None,
            workflows: Vec::new(),
        }
    }
}

impl WorkflowDocument {
    /// A head with nothing to hand out.
    #[must_use]
    pub fn new(head: Head) -> Self {
        Self {
            head,
            handouts: VecDeque::new(),
            broadcasts: VecDeque::new(),
            last: BTreeMap::new(),
            tries: BTreeMap::new(),
        }
    }

    /// What entries before the `before`th still have to hand out to a conversation, in order.
    pub(super) fn handouts_to<'a>(
        &'a self,
        id: &'a ConversationId,
        before: u32,
    ) -> impl Iterator<Item = (&'a Caused, &'a Shared<Delivery>)> {
        let earlier = self.handouts.iter().filter(move |caused| caused.id.entry().is_none_or(|n| n < before));
        earlier.filter_map(move |caused| match &caused.effect {
            Effect::Deliver { to, delivery } if to == id => Some((caused, delivery)),
            _ => None,
        })
    }

    /// Is there anything that leaves this workflow for elsewhere?
    pub(super) fn leaves(&self) -> bool {
        !self.handouts.is_empty() || !self.broadcasts.is_empty() || !self.head.calls.is_empty()
    }

    /// When somebody should look at this workflow: handouts, calls, deadlines. One that is finished is due in the
    /// calendar of the purge.
    #[must_use]
    pub fn due_at(&self, now: Timestamp) -> Option<Timestamp> {
        let handouts = rules::is_workflow_due(self.handouts.is_empty()).then_some(now + SAFETY_NET);
        let broadcast =
            self.broadcasts.front().map(|next| next.not_before.unwrap_or(now).max(now) + SAFETY_NET);
        let calls = self.head.calls.iter().map(|call| match self.tries.get(&call.name) {
            Some(tries) => tries.next,
            None => now + CALL_TIME,
        });
        let deadline = self.head.next_deadline();
        let retires = (self.head.status != Status::Running).then(|| now + RETIRES_LATER);
        handouts.into_iter().chain(broadcast).chain(calls).chain(deadline).chain(retires).min()
    }

    /// Takes what an entry sends elsewhere than to `here`.
    pub fn queue_handouts(&mut self, entry: &Entry, here: Option<&ConversationId>) {
        for caused in &entry.effects {
            match &caused.effect {
                Effect::Deliver { to, .. } if Some(to) == here => {}
                Effect::Deliver { .. } | Effect::Publish(_) | Effect::Start { .. } => {
                    self.handouts.push_back(caused.clone());
                }
                Effect::Broadcast { .. } => self.broadcasts.push_back(Broadcast {
                    id: caused.id.clone(),
                    entry: entry.input.key.clone(),
                    served: 0,
                    early: BTreeSet::new(),
                    not_before: None,
                }),
                // A call stays with the head until its result is an entry.
                Effect::Call { .. } => {}
            }
        }
        if self.head.status != Status::Running {
            self.tries.clear();
        }
        let open = &self.head.calls;
        self.tries.retain(|name, _| open.iter().any(|call| call.name == *name));
    }
}

/// The purge has a calendar of its own, a thousand years from here: it shares the index of what is due with the sweep,
/// which never looks so far ahead. A finished workflow is due there from its end on.
pub(super) const RETIRES_LATER: chrono::TimeDelta = chrono::TimeDelta::days(365_250);

/// How long a call may take before the sweep makes it again.
pub(super) const CALL_TIME: chrono::TimeDelta = chrono::TimeDelta::seconds(60);

/// The id of every head.
pub(super) fn head_id() -> DocumentId {
    "head".parse().expect("`head` is an id")
}

/// The id of where somebody was last.
pub(super) fn position_id() -> DocumentId {
    "position".parse().expect("`position` is an id")
}

/// The id of an inbox item.
pub(super) fn item_id(key: &InputKey) -> DocumentId {
    format!("{INBOX}{key}").parse().expect("an input's key fits into an id")
}

/// What the ids of inbox items begin with.
pub(super) const INBOX: &str = "inbox:";

/// What the ids of what came from elsewhere begin with.
pub(super) const OUT: &str = "out:";

/// The id of what came from elsewhere.
pub(super) fn out_id(effect: &EffectId) -> DocumentId {
    format!("{OUT}{effect}").parse().expect("an effect's id fits into an id")
}

/// The id of a log's entry.
///
/// # Errors
/// A key that is no id: none of ours.
pub(super) fn entry_id(key: &InputKey) -> Result<DocumentId, Error> {
    key.as_str().parse()
}
