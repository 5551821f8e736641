//! Advance: takes the lowest pending input of a conversation and applies it, by the commit protocol of
//! `docs/ARCHITECTURE.md`. Dying after any line here loses nothing and does nothing twice.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Error, Runtime,
    commit::Applied,
    documents::{Conversation, INBOX, Item, State, WorkflowDocument, entry_id, head_id, item_id},
};
use crate::{
    engine::{Decided, Decision, Entry, Refusal, Route, Status, Target, decide, route},
    model::{ConversationId, Input, InputKey, Text, What, WorkflowId},
    store::{Container, ETag, Query},
};

/// Why a conversation is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// An input has just arrived.
    Arrival,
    /// A hint, or the end of something else, says there may be something to do.
    Hint,
    /// The sweep: the only one that tries what has failed twice.
    Sweep,
}

/// From this attempt on only the sweep tries.
const PATIENT_FROM: u32 = 2;
/// So many attempts, then it is a dead letter.
const MOST_ATTEMPTS: u32 = 5;
/// So many conflicts on an input, then somebody else goes first.
const MOST_CONFLICTS: u32 = 2;
/// Inbox items that are read at once: enough to see the lowest, and whether `last` is among them.
const ITEMS: usize = 50;

/// What one look at a conversation came to.
enum Look {
    /// Nothing is pending, or nothing that may be tried now.
    Nothing,
    /// Something else had to be finished first, or a stale head was read: look again.
    Again,
    /// This input is applied.
    Done(Box<Applied>),
}

/// The input that somebody waits for is applied.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Done {
    /// What whoever pressed the button is told.
    pub(super) toast: Option<Text>,
}

/// The heads and items that a decision is made from, read in this order.
pub(super) struct Scene {
    pub(super) conversation: Conversation,
    pub(super) conversation_etag: Option<ETag>,
    pub(super) item: Item,
    pub(super) item_etag: ETag,
    /// Workflow heads as they were read, by workflow.
    pub(super) workflows: BTreeMap<WorkflowId, (WorkflowDocument, ETag)>,
}

impl Runtime {
    /// Applies pending inputs of a conversation and sends what they cause. With `own`, stops once that one is done
    /// (those behind it have receivers of their own) and returns what whoever pressed is told.
    ///
    /// # Errors
    /// The store's, and what makes a dead letter impossible. The inputs stay pending; the sweep tries again.
    pub(super) async fn advance(
        &self,
        conversation: &ConversationId,
        own: Option<&InputKey>,
        by: By,
    ) -> Result<Option<Done>, Error> {
        let mut done = None;
        let mut touched = Vec::new();
        {
            let _turn = self.locks().lock(conversation.to_string()).await;
            let mut held = None;
            let (mut conflicts, mut careful) = (0, false);
            loop {
                match self.look(conversation, own, by, careful).await {
                    Ok(Look::Nothing) => break,
                    Ok(Look::Again) => careful = true,
                    Ok(Look::Done(applied)) => {
                        (conflicts, careful) = (0, false);
                        touched.extend(applied.workflows.iter().copied());
                        held = applied.held;
                        if own == Some(&applied.key) {
                            done = Some(Done { toast: applied.toast });
                            break;
                        }
                    }
                    Err(error) if error.is_conflict() => {
                        conflicts += 1;
                        careful = true;
                        if conflicts > MOST_CONFLICTS {
                            self.hint(conversation, self.jitter()).await;
                            break;
                        }
                    }
                    Err(error) => return Err(error),
                }
            }
            self.perform(conversation, held).await?;
        }
        // What leaves a workflow leaves after its own conversation was answered, and without holding it.
        for workflow in touched {
            Box::pin(self.hand_out(workflow)).await?;
        }
        Ok(done)
    }

    /// Some 100 to 500 ms, different for each process and moment.
    fn jitter(&self) -> Duration {
        let nanoseconds = self.store().now().timestamp_subsec_nanos();
        Duration::from_millis(100 + u64::from(nanoseconds % 400))
    }

    /// The head of a conversation and its version; a new one if there is none.
    pub(super) async fn conversation(
        &self,
        id: &ConversationId,
    ) -> Result<(Conversation, Option<ETag>), Error> {
        match self.store().read(Container::Conversations, &id.to_string(), &head_id()).await? {
            None => Ok((Conversation::default(), None)),
            Some(document) => Ok((document.parse()?, Some(document.etag))),
        }
    }

    /// The head of a workflow and its version.
    pub(super) async fn workflow(&self, id: WorkflowId) -> Result<Option<(WorkflowDocument, ETag)>, Error> {
        match self.store().read(Container::Inputs, &id.to_string(), &head_id()).await? {
            None => Ok(None),
            Some(document) => Ok(Some((document.parse()?, document.etag))),
        }
    }

    /// An entry of a workflow's log.
    pub(super) async fn entry(&self, workflow: WorkflowId, key: &InputKey) -> Result<Option<Entry>, Error> {
        let read = self.store().read(Container::Inputs, &workflow.to_string(), &entry_id(key)?).await?;
        Ok(read.map(|document| document.parse()).transpose()?)
    }

    async fn pending(&self, conversation: &ConversationId) -> Result<Vec<(Item, ETag)>, Error> {
        let query = Query { prefix: INBOX.to_owned(), due_only: true, limit: ITEMS, after: None };
        let documents =
            self.store().query(Container::Conversations, &conversation.to_string(), query).await?;
        documents.into_iter().map(|document| Ok((document.parse()?, document.etag))).collect()
    }

    /// One look. The order of the reads matters: conversation head, workflow head, pending items.
    async fn look(
        &self,
        id: &ConversationId,
        own: Option<&InputKey>,
        by: By,
        careful: bool,
    ) -> Result<Look, Error> {
        let (conversation, conversation_etag) = self.conversation(id).await?;
        let mut workflows = BTreeMap::new();
        if let Some(current) = conversation.current
            && let Some(document) = self.workflow(current).await?
        {
            workflows.insert(current, document);
        }
        let mut pending = self.pending(id).await?;
        let Some(first) = pending.first() else { return Ok(Look::Nothing) };
        // Whatever the lowest one is, it may name another workflow: that head is read, then the items again.
        let names = named(&first.0.input, &conversation, self);
        if let Some(named) = names
            && !workflows.contains_key(&named)
        {
            if let Some(document) = self.workflow(named).await? {
                workflows.insert(named, document);
            }
            pending = self.pending(id).await?;
        }
        self.see_unfinished(id, &workflows, &mut pending).await?;
        let Some(chosen) = choose(&pending, &workflows, id) else { return Ok(Look::Nothing) };
        let careful = careful || chosen.unfinished;
        let overtaken = pending.iter().any(|(item, _)| is_start(&item.input));
        let (item, item_etag) = pending.swap_remove(chosen.place);
        if named(&item.input, &conversation, self).is_some_and(|named| Some(named) != names) {
            // Rare: an unfinished input of another workflow goes first. Its head is read in a look of its own.
            return self.finish_elsewhere(item, item_etag, conversation, conversation_etag, own).await;
        }
        let mut scene = Scene { conversation, conversation_etag, item, item_etag, workflows };
        if self.deliver_earlier(&scene, id).await? {
            return Ok(Look::Again);
        }
        if !chosen.unfinished {
            match self.count_attempt(&mut scene, by, overtaken).await? {
                Attempt::Go => {}
                Attempt::NotNow => return Ok(Look::Nothing),
                Attempt::GiveUp(why) => return self.bury(scene, &why).await.map(|a| Look::Done(Box::new(a))),
            }
        }
        let counted = scene.item.attempts > 0;
        let locks = self.lock_workflows(&scene).await;
        let outcome = self.apply(scene, careful || counted, own).await;
        drop(locks);
        outcome.map(|applied| applied.map_or(Look::Again, |applied| Look::Done(Box::new(applied))))
    }

    /// A full page of items may hide the one that a workflow knows as its last.
    async fn see_unfinished(
        &self,
        id: &ConversationId,
        workflows: &BTreeMap<WorkflowId, (WorkflowDocument, ETag)>,
        pending: &mut Vec<(Item, ETag)>,
    ) -> Result<(), Error> {
        if pending.len() < ITEMS {
            return Ok(());
        }
        for last in workflows.values().filter_map(|(document, _)| document.last.get(id)) {
            let read = self.store().read(Container::Conversations, &id.to_string(), &item_id(last)).await?;
            if let Some(document) = read {
                let item: Item = document.parse()?;
                if item.state == State::Pending && !pending.iter().any(|(known, _)| known.input.key == *last)
                {
                    pending.push((item, document.etag));
                }
            }
        }
        Ok(())
    }

    /// An input whose A is done and whose B is not, and which goes to a workflow not read yet.
    async fn finish_elsewhere(
        &self,
        item: Item,
        item_etag: ETag,
        conversation: Conversation,
        conversation_etag: Option<ETag>,
        own: Option<&InputKey>,
    ) -> Result<Look, Error> {
        let mut workflows = BTreeMap::new();
        for workflow in conversation.current.into_iter().chain(named(&item.input, &conversation, self)) {
            if let Some(document) = self.workflow(workflow).await? {
                workflows.insert(workflow, document);
            }
        }
        let scene = Scene { conversation, conversation_etag, item, item_etag, workflows };
        let applied = self.apply(scene, true, own).await?;
        Ok(applied.map_or(Look::Again, |applied| Look::Done(Box::new(applied))))
    }

    /// Two conversations may feed one workflow: in one process they take turns.
    async fn lock_workflows(&self, scene: &Scene) -> Vec<tokio::sync::OwnedMutexGuard<()>> {
        let mut locks = Vec::new();
        // In the order of their ids, so that two inputs never wait for each other.
        for workflow in scene.workflows.keys() {
            locks.push(self.locks().lock(workflow.to_string()).await);
        }
        locks
    }

    /// Before B, the handouts to this conversation of earlier entries go out: so the messages of one workflow cannot
    /// overtake each other.
    async fn deliver_earlier(&self, scene: &Scene, id: &ConversationId) -> Result<bool, Error> {
        for (workflow, (document, _)) in &scene.workflows {
            let comes_here = |caused: &crate::engine::Caused| matches!(&caused.effect, crate::engine::Effect::Deliver { to, .. } if to == id);
            if document.handouts.iter().any(comes_here) {
                self.hand_out_to(*workflow, id).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Decides and commits. Nothing if what was read turned out to be stale.
    async fn apply(
        &self,
        scene: Scene,
        careful: bool,
        own: Option<&InputKey>,
    ) -> Result<Option<Applied>, Error> {
        let input = scene.item.input.clone();
        let prompt = input.reply_to.and_then(|id| scene.conversation.prompt_of(id)).map(str::to_owned);
        let route = route(self.table(), &input, prompt.as_deref(), None);
        // A worker whose input goes to the current workflow because the conversation's head says so, and that finds it
        // put aside, has read a stale head: it starts over.
        if matches!(route, Route::Current)
            && let Some(current) = scene.conversation.current
            && let Some((document, _)) = scene.workflows.get(&current)
            && document.head.aside
            && !document.last.values().any(|last| *last == input.key)
        {
            return Ok(None);
        }
        let known = if careful { self.known_entries(&scene, &input).await? } else { Vec::new() };
        match self.decision(&scene, &input, &route, &known).await {
            Ok(decision) => Ok(Some(self.commit(scene, decision, own, &known).await?)),
            Err(Stop::Store(error)) => Err(error),
            Err(Stop::Refused(why)) => {
                self.note_failure(&scene, &why).await?;
                Err(Error::Data(why.to_string()))
            }
        }
    }

    /// The entries that an earlier attempt at this input has written already.
    async fn known_entries(&self, scene: &Scene, input: &Input) -> Result<Vec<(WorkflowId, Entry)>, Error> {
        let mut known = Vec::new();
        let new = WorkflowId::started_by(&input.conversation, &input.key);
        for workflow in scene.workflows.keys().copied().chain([new]) {
            if let Some(entry) = self.entry(workflow, &input.key).await? {
                known.push((workflow, entry));
            }
        }
        Ok(known)
    }

    pub(super) async fn decision(
        &self,
        scene: &Scene,
        input: &Input,
        route: &Route<'_>,
        known: &[(WorkflowId, Entry)],
    ) -> Result<Decision, Stop> {
        let current = scene.conversation.current;
        let found = |id: Option<WorkflowId>| id.and_then(|id| known.iter().find(|(known, _)| *known == id));
        let target = match route {
            Route::Named(id, _) => Some(*id),
            Route::Current => current,
            Route::Begin(_) => Some(WorkflowId::started_by(&input.conversation, &input.key)),
            Route::Outside => None,
        };
        if let Some((id, entry)) = found(target) {
            // A is done: B is done from the entries.
            let is_current = matches!(route, Route::Begin(_)) || current == Some(*id);
            let runs_on = (entry.status == Status::Running).then_some(*id);
            return Ok(Decision {
                entries: known.to_vec(),
                current: if is_current { runs_on } else { current },
                outside: Default::default(),
            });
        }
        let mut decision = self.decide(scene, input, route).await?;
        // A command whose entry in the old workflow is written, but not yet the new workflow.
        for (id, entry) in known {
            if !decision.entries.iter().any(|(decided, _)| decided == id) {
                decision.entries.insert(0, (*id, entry.clone()));
            }
        }
        Ok(decision)
    }

    async fn decide(&self, scene: &Scene, input: &Input, route: &Route<'_>) -> Result<Decision, Stop> {
        let mut recalled = BTreeMap::new();
        for (id, (document, _)) in &scene.workflows {
            let mut head = document.head.clone();
            let needed: Vec<InputKey> = head.needed_entries().cloned().collect();
            for key in needed {
                if let Some(entry) = self.entry(*id, &key).await? {
                    head.recall(&entry);
                }
            }
            recalled.insert(*id, head);
        }
        let target = Target {
            current: scene.conversation.current.and_then(|id| recalled.get(&id)),
            named: match route {
                Route::Named(id, _) => recalled.get(id),
                _ => None,
            },
        };
        let mut looked_up = BTreeMap::new();
        loop {
            match decide(self.table(), input, route, target, &looked_up).map_err(Stop::Refused)? {
                Decided::Done(decision) => return Ok(*decision),
                Decided::Wants(wanted) => {
                    for wanted in wanted {
                        let value = self.look_up(&wanted, &input.conversation.bot).await?;
                        looked_up.insert(wanted.name, value);
                    }
                }
            }
        }
    }

    /// Every attempt but the first is counted before it is made: a script may take the process with it.
    async fn count_attempt(&self, scene: &mut Scene, by: By, overtaken: bool) -> Result<Attempt, Error> {
        let key = &scene.item.input.key;
        if self.fresh().remove(key) {
            return Ok(Attempt::Go);
        }
        let attempts = scene.item.attempts;
        if attempts >= MOST_ATTEMPTS {
            return Ok(Attempt::GiveUp(format!("it failed {attempts} times")));
        }
        // `/start` always works: it does not wait behind something that has failed.
        if attempts > 0 && overtaken && !is_start(&scene.item.input) {
            return Ok(Attempt::GiveUp("it failed, and the person began anew".to_owned()));
        }
        if attempts >= PATIENT_FROM && by != By::Sweep {
            return Ok(Attempt::NotNow);
        }
        scene.item.attempts += 1;
        scene.item_etag = self.put_item(&scene.item, &scene.item_etag).await?;
        Ok(Attempt::Go)
    }

    /// The script refused the input. The next attempt is a hint's, then the sweep's.
    async fn note_failure(&self, scene: &Scene, why: &Refusal) -> Result<(), Error> {
        let input = &scene.item.input;
        tracing::error!(key = %input.key, conversation = %input.conversation, trace = input.trace.trace_id(), %why, "an input could not be applied");
        if scene.item.attempts == 0 {
            // The first attempt is counted after it failed. A conflict means that somebody else goes on with it.
            let item = Item { attempts: 1, ..scene.item.clone() };
            self.put_item(&item, &scene.item_etag).await?;
        }
        self.hint(&input.conversation, Duration::from_secs(1)).await;
        Ok(())
    }
}

/// May an input be tried now?
enum Attempt {
    Go,
    NotNow,
    GiveUp(String),
}

/// Why there is no decision.
pub(super) enum Stop {
    Store(Error),
    Refused(Refusal),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

fn is_start(input: &Input) -> bool {
    matches!(&input.what, What::Command { name, .. } if name == "start")
}

/// The workflow that an input names.
fn named(input: &Input, conversation: &Conversation, runtime: &Runtime) -> Option<WorkflowId> {
    let prompt = input.reply_to.and_then(|id| conversation.prompt_of(id));
    match route(runtime.table(), input, prompt, None) {
        Route::Named(id, _) => Some(id),
        _ => None,
    }
}

/// Which pending item goes first, and whether its A is done already.
struct Chosen {
    place: usize,
    unfinished: bool,
}

/// Before another input of the conversation is applied to anything, the one that a workflow knows as its last is
/// finished. Else the lowest key goes first.
fn choose(
    pending: &[(Item, ETag)],
    workflows: &BTreeMap<WorkflowId, (WorkflowDocument, ETag)>,
    id: &ConversationId,
) -> Option<Chosen> {
    let lasts = workflows.values().filter_map(|(document, _)| document.last.get(id));
    let unfinished =
        lasts.filter_map(|last| pending.iter().position(|(item, _)| item.input.key == *last)).min();
    match unfinished {
        Some(place) => Some(Chosen { place, unfinished: true }),
        None => (!pending.is_empty()).then_some(Chosen { place: 0, unfinished: false }),
    }
}
