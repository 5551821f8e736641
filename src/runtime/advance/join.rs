//! Join: an input is applied by the very commit that stores it, where nothing is in the way.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::sync::OwnedMutexGuard;

use super::{By, Done, Opening, Visit};
use crate::{
    model::{ConversationId, Input, Shared},
    runtime::{Error, Runtime, commit::Applied, documents::Item, locks::Turns, receive::position, rules},
};

impl Runtime {
    /// A turn at a conversation; none if somebody else of this process is at it.
    pub(in crate::runtime) fn turn(&self, conversation: &ConversationId) -> Option<OwnedMutexGuard<()>> {
        self.locks().try_lock(conversation.to_string())
    }

    /// Stores an input and applies it: with a turn at its conversation in one commit, if nothing is in the way.
    ///
    /// # Errors
    /// The store's. It may be stored or not.
    pub(in crate::runtime) async fn take_in(
        &self,
        turn: Option<OwnedMutexGuard<()>>,
        input: &Shared<Input>,
    ) -> Result<Option<Done>, Error> {
        let Input { conversation, key, .. } = &**input;
        let mut visit = Visit::new(Some(key), By::Arrival);
        // Where somebody is is looked up by the script, so it has to be there before.
        if turn.is_some() && position(input).is_none() && self.store().may_join(key.as_str()) {
            // Whatever comes of it, a panic of ours included: then it is stored like any other.
            let joined = AssertUnwindSafe(self.join(input, &mut visit)).catch_unwind().await;
            if let Ok(Ok(Some(mut applied))) = joined {
                visit.current = applied.current.take();
                visit.note(applied);
                let ended = self.leave(conversation, visit, Ok(())).await;
                drop(turn);
                return self.hand_out_each(ended?).await;
            }
        }
        visit.turns = Turns::default();
        let (is_new, opening) =
            tokio::join!(self.create_item(input.clone()), self.opening(turn, conversation));
        let _fresh = self.fresh().add(key, is_new?);
        // The same visit: a claim that it has taken without hearing of it is its own.
        let ended = self.apply(opening, conversation, visit).await?;
        self.hand_out_each(ended).await
    }

    /// With a turn at a conversation, reads its head.
    async fn opening(
        &self,
        turn: Option<OwnedMutexGuard<()>>,
        conversation: &ConversationId,
    ) -> Option<Opening> {
        let turn = turn?;
        let head = self.conversation(conversation).await.ok()?;
        Some(Opening { turn, head })
    }

    /// Applies an input in the very commit that stores it: where nothing else is pending, as that commit tells, which is
    /// all or nothing. None if anything is in the way.
    ///
    /// The heads are those that this process wrote last, if it remembers them: whether they are old the commit tells
    /// too, which must replace them all.
    async fn join(&self, input: &Shared<Input>, visit: &mut Visit<'_>) -> Result<Option<Applied>, Error> {
        let id = &input.conversation;
        let latest = self.latest().take(id);
        let are_read = latest.is_none();
        let mut scene = self.scene_of(id, Item::new(input.clone()), latest).await?;
        if !visit.turns.take(self.locks(), scene.workflows.keys()).await
            || self.deliver_earlier(&scene, id).await?
        {
            return Ok(None);
        }
        self.fix_prompt(&mut scene).await?;
        // To be counted, what fails has to be there.
        let Ok(decision) = self.decision(&scene).await? else { return Ok(None) };
        let is_replaced = |id| decision.entries.iter().any(|(replaced, _)| replaced == id);
        match rules::may_decide(are_read, scene.workflows.keys().all(is_replaced)) {
            true => self.commit(scene, decision, visit).await.map(Some),
            false => Ok(None),
        }
    }
}
