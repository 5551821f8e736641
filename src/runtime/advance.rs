//! Advance: takes the lowest pending input of a conversation and applies it, by the commit protocol of
//! `docs/ARCHITECTURE.md`. Dying after any line here loses nothing and does nothing twice.

mod join;

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use tokio::sync::OwnedMutexGuard;

use super::{
    Error, Runtime,
    attempts::{Attempt, Counted},
    claim::{Sending, dice},
    commit::Applied,
    documents::Conversation,
    latest::Heads,
    locks::Turns,
    rules::{self, Known},
    scene::{Read, Scene},
};
use crate::{
    engine::{
        Album, Decided, Decision, Entry, Fact, Head, Refusal, Route, Status, Target, decide, prompt_name,
        put_aside,
    },
    model::{BotSlug, ConversationId, Input, InputKey, Shared, Text, WorkflowId},
    store::ETag,
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

/// What one look at a conversation came to.
enum Look {
    /// Nothing is pending, or nothing that may be tried now.
    Nothing,
    /// Something else had to be finished first: look again.
    Again,
    /// A script refused the input; may the next attempt be made at once?
    Failed { again: bool },
    /// This input is applied, or given up.
    Done(Box<Applied>),
}

/// The input that somebody waits for is applied.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Done {
    /// What whoever pressed the button is told.
    pub(super) toast: Option<Text>,
    /// The language they are told it in.
    pub(super) language: Option<String>,
}

/// A turn at a conversation, with its head as it was read while the input was being stored: a round trip less.
pub(super) struct Opening {
    turn: OwnedMutexGuard<()>,
    head: (Conversation, Option<ETag>),
}

/// What came of a visit, and the workflows that something is to leave.
type Ended = (Option<Done>, Vec<WorkflowId>);

/// One worker at one conversation, for as long as it stays.
pub(super) struct Visit<'a> {
    /// The input that whoever came waits for.
    pub(super) own: Option<&'a InputKey>,
    pub(super) by: By,
    /// What the worker's claim is known by.
    pub(super) token: String,
    /// The attempt that is under way, if it was counted beforehand.
    pub(super) counted: Option<Counted>,
    /// The conversation's head, if it was read already and not looked at.
    head: Option<(Conversation, Option<ETag>)>,
    turns: Turns,
    conflicts: u32,
    /// Something went wrong: what was written before is looked for.
    careful: bool,
    sending: Sending,
    /// Workflows that something is to leave.
    leaving: Vec<WorkflowId>,
    /// The head of the current workflow, as it was written just now.
    current: Option<(WorkflowId, Read)>,
    done: Option<Done>,
}

impl<'a> Visit<'a> {
    fn new(own: Option<&'a InputKey>, by: By) -> Self {
        Self {
            own,
            by,
            token: dice(),
            counted: None,
            head: None,
            turns: Turns::default(),
            conflicts: 0,
            careful: false,
            sending: Sending::Unknown,
            leaving: Vec::new(),
            current: None,
            done: None,
        }
    }

    /// An input is applied. Is it the one that somebody waits for?
    fn note(&mut self, applied: Applied) -> bool {
        let Applied { key, toast, language, leaving, sending, current: _ } = applied;
        (self.conflicts, self.careful) = (0, false);
        self.counted = self.counted.take().filter(|counted| counted.key != key);
        self.leaving.extend(leaving);
        self.sending = sending;
        let is_own = self.own == Some(&key);
        if is_own {
            self.done = Some(Done { toast, language });
        }
        is_own
    }
}

impl Runtime {
    /// Applies pending inputs of a conversation and sends what they cause. With `own`, stops once that one is done
    /// (those behind it have receivers of their own) and returns what whoever pressed is told.
    ///
    /// # Errors
    /// The store's. The inputs stay pending; the sweep tries again.
    pub(super) async fn advance(
        &self,
        conversation: &ConversationId,
        own: Option<&InputKey>,
        by: By,
    ) -> Result<Option<Done>, Error> {
        let ended = self.apply_pending(conversation, own, by).await?;
        self.hand_out_each(ended).await
    }

    /// What leaves a workflow leaves after its own conversation was answered, and without holding it.
    async fn hand_out_each(&self, (done, leaving): Ended) -> Result<Option<Done>, Error> {
        for workflow in leaving {
            Box::pin(self.hand_out(workflow)).await?;
        }
        Ok(done)
    }

    /// The same without handing out: returns the workflows that something is to leave.
    pub(super) async fn apply_pending(
        &self,
        conversation: &ConversationId,
        own: Option<&InputKey>,
        by: By,
    ) -> Result<Ended, Error> {
        self.apply(None, conversation, Visit::new(own, by)).await
    }

    /// The same, going on from where somebody began.
    async fn apply(
        &self,
        opening: Option<Opening>,
        conversation: &ConversationId,
        mut visit: Visit<'_>,
    ) -> Result<Ended, Error> {
        // One process takes one conversation's inputs one after another.
        let _turn = match opening {
            Some(Opening { turn, head }) => {
                visit.head = Some(head);
                turn
            }
            None => self.locks().lock(conversation.to_string()).await,
        };
        // What is remembered will be old.
        self.latest().take(conversation);
        let ended = self.visit(conversation, &mut visit).await;
        self.uncount(&mut visit).await;
        self.leave(conversation, visit, ended).await
    }

    /// Ends a visit: whatever went wrong, what is committed is sent.
    async fn leave(
        &self,
        conversation: &ConversationId,
        visit: Visit<'_>,
        ended: Result<(), Error>,
    ) -> Result<Ended, Error> {
        let Visit { token, sending, leaving, done, turns, current, .. } = visit;
        drop(turns);
        let sent = self.perform(conversation, sending, token).await?;
        if let (Some(held), Some(workflow)) = (sent, current) {
            let heads = Heads { conversation: (held.conversation, held.etag), workflow };
            self.latest().keep(conversation, heads);
        }
        ended?;
        Ok((done, leaving))
    }

    async fn visit(&self, id: &ConversationId, visit: &mut Visit<'_>) -> Result<(), Error> {
        loop {
            let conflict = match self.look(id, visit).await {
                Ok(Look::Nothing | Look::Failed { again: false }) => return Ok(()),
                Ok(Look::Again | Look::Failed { again: true }) => false,
                Ok(Look::Done(applied)) => match visit.note(*applied) {
                    true => return Ok(()),
                    false => continue,
                },
                Err(error) if error.is_conflict() => true,
                Err(error) => {
                    if !error.is_transient() {
                        // This attempt was one.
                        visit.counted = None;
                    }
                    return Err(error);
                }
            };
            visit.careful = true;
            visit.conflicts += u32::from(conflict);
            if rules::gives_way(visit.conflicts) {
                self.hint(id, self.jitter()).await;
                return Ok(());
            }
        }
    }

    /// Some 100 to 500 ms, different for each process and moment.
    pub(super) fn jitter(&self) -> Duration {
        let nanoseconds = self.store().now().timestamp_subsec_nanos();
        Duration::from_millis(100 + u64::from(nanoseconds % 400))
    }

    async fn look(&self, id: &ConversationId, visit: &mut Visit<'_>) -> Result<Look, Error> {
        let Some(mut scene) = self.scene(id, visit.head.take()).await? else {
            return Ok(Look::Nothing);
        };
        // Two conversations may feed one workflow: in one process they take turns.
        if !visit.turns.take(self.locks(), scene.workflows.keys()).await {
            return Ok(Look::Again);
        }
        if rules::looks_for_entries(visit.careful, scene.unfinished, scene.item.attempts) {
            scene.known = self.known_entries(&scene).await?;
        }
        if self.deliver_earlier(&scene, id).await? {
            return Ok(Look::Again);
        }
        let decision = match applied_before(&scene) {
            Some(decision) => decision,
            None => {
                match self.attempt(&mut scene, visit).await? {
                    Attempt::Go => {}
                    Attempt::NotNow => return Ok(Look::Nothing),
                    Attempt::GiveUp(why) => {
                        return self
                            .bury(scene, &why, visit)
                            .await
                            .map(|applied| Look::Done(Box::new(applied)));
                    }
                }
                self.fix_prompt(&mut scene).await?;
                match self.decision(&scene).await? {
                    Ok(decision) => decision,
                    Err(why) => {
                        self.note_failure(&scene, &why, visit).await?;
                        return Ok(Look::Failed { again: scene.overtaken });
                    }
                }
            }
        };
        self.commit(scene, decision, visit).await.map(|applied| Look::Done(Box::new(applied)))
    }

    /// Before B, the handouts to this conversation of earlier entries go out: so the messages of one workflow cannot
    /// overtake each other. Those of later entries wait until B is done.
    async fn deliver_earlier(&self, scene: &Scene, id: &ConversationId) -> Result<bool, Error> {
        for (workflow, (document, _)) in &scene.workflows {
            let applied = scene.known.iter().find(|(known, _)| known == workflow);
            let before = rules::handouts_before(applied.map(|(_, entry)| entry.n), document.head.n);
            if document.handouts_to(id, before).next().is_some() {
                self.hand_out_to(*workflow, id, before).await?;
                return Ok(true);
            }
            if self.broadcast_to(document, id, (before, 0)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn route<'a>(&'a self, scene: &'a Scene) -> Route<'a> {
        self.routed(&scene.item, &scene.conversation)
    }

    /// A reply goes to the workflow whose prompt it answers, at a redo too: but prompts are forgotten meanwhile, and
    /// only of the current workflow the redo would find what was written.
    async fn fix_prompt(&self, scene: &mut Scene) -> Result<(), Error> {
        let fixed = match self.route(scene) {
            Route::Named(workflow, Some(question)) if scene.conversation.current != Some(workflow) => {
                prompt_name(workflow, question)
            }
            _ => return Ok(()),
        };
        if scene.item.prompt.is_none() {
            scene.item.prompt = Some(fixed);
            // Of what is not stored yet there is no redo.
            if scene.item_etag.is_some() {
                scene.item_etag = Some(self.put_item(&scene.item, scene.item_etag.as_ref()).await?);
            }
        }
        Ok(())
    }

    /// What the input does, if it was never applied; together with what an earlier attempt has written of it.
    ///
    /// A workflow that is put aside counts as none, even where an old conversation's head still names it: then B's
    /// If-Match on that head fails, and the worker starts over.
    async fn decision(&self, scene: &Scene) -> Result<Result<Decision, Refusal>, Error> {
        let current = scene.conversation.current.and_then(|id| scene.workflows.get(&id));
        let route = self.route(scene);
        let named = match route {
            Route::Named(id, _) => scene.workflows.get(&id),
            _ => None,
        };
        let current = self.recalled(current.map(|(document, _)| &document.head)).await?;
        let named = self.recalled(named.map(|(document, _)| &document.head)).await?;
        let album = Album::of(scene.conversation.album.as_ref(), &scene.item.input);
        let told = album.is_some_and(|album| album.told);
        let target = Target { current: current.as_deref(), named: named.as_deref(), told };
        let decided = self.decide(&scene.item.input, &route, target).await?;
        Ok(decided.map(|mut decision| {
            // A command whose entry in the old workflow is written, but not yet the new workflow.
            for (id, entry) in &scene.known {
                if !decision.entries.iter().any(|(decided, _)| decided == id) {
                    decision.entries.insert(0, (*id, entry.clone()));
                }
            }
            decision
        }))
    }

    /// A head with its large answers, which stand in their entries.
    pub(super) async fn recalled<'a>(&self, head: Option<&'a Head>) -> Result<Option<Cow<'a, Head>>, Error> {
        let Some(head) = head else { return Ok(None) };
        let mut recalled = Cow::Borrowed(head);
        for key in head.needed_entries() {
            if let Some(entry) = self.entry(head.workflow, key).await? {
                recalled.to_mut().recall(&entry);
            }
        }
        Ok(Some(recalled))
    }

    /// Decides, with the reference data that the script asks for.
    pub(super) async fn decide(
        &self,
        input: &Shared<Input>,
        route: &Route<'_>,
        target: Target<'_>,
    ) -> Result<Result<Decision, Refusal>, Error> {
        let bot: &BotSlug = &input.conversation.bot;
        let mut looked_up = BTreeMap::new();
        loop {
            match decide(self.table(), input, route, target, &looked_up) {
                Ok(Decided::Done(decision)) => return Ok(Ok(*decision)),
                Ok(Decided::Wants(wanted)) => {
                    for wanted in wanted {
                        let value = self.look_up(&wanted, bot).await?;
                        looked_up.insert(wanted.name, value);
                    }
                }
                Err(why) => return Ok(Err(why)),
            }
        }
    }
}

/// Where A is done, B is done from the entries, and no script runs.
///
/// What a command puts aside is not recalled: an entry that only says so needs no answers.
fn applied_before(scene: &Scene) -> Option<Decision> {
    let known = scene.known.iter().map(|(workflow, entry)| Known {
        workflow: *workflow,
        puts_aside: puts_aside(entry),
        runs: entry.status == Status::Running,
    });
    let head = |id| scene.workflows.get(&id).map(|(document, _)| &document.head);
    let current = scene.conversation.current;
    let takes = current.and_then(head).is_some_and(Head::takes_what_is_said);
    let redo = rules::redo(known, scene.begun(), current, takes)?;
    let aside = redo.aside.and_then(head).map(|head| (head.workflow, put_aside(head, &scene.item.input)));
    let entries = aside.into_iter().chain(scene.known.iter().cloned()).collect();
    Some(Decision { entries, current: redo.current, outside: Default::default() })
}

fn puts_aside(entry: &Entry) -> bool {
    entry.facts.iter().any(|recorded| matches!(recorded.fact, Fact::PutAside))
}
