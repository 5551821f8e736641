//! Claim: sending for a conversation belongs to whoever holds the claim in its head.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::TimeDelta;

use super::{
    Error, Runtime,
    documents::{Claim, Conversation, SAFETY_NET, head_id},
    rules::{self, Claimed},
};
use crate::{
    model::ConversationId,
    store::{Batch, Container, Draft, ETag, Write},
};

/// The right to send what is in a conversation's outbox, with its head as we wrote it last.
pub(super) struct Held {
    pub(super) conversation: Conversation,
    pub(super) etag: ETag,
    pub(super) token: String,
}

/// What a worker knows about the sending that is to be done.
pub(super) enum Sending {
    /// There is nothing to send.
    Nothing,
    /// It is ours to send.
    Held(Box<Held>),
    /// Somebody else may be sending, or there may be nothing: the head tells.
    Unknown,
}

impl Runtime {
    /// Takes or renews the claim in `conversation` if it is ours or free, and there is something to send that may be
    /// sent now. Whoever then writes the head owns it.
    pub(super) async fn take_claim(&self, conversation: &mut Conversation, token: &str) -> bool {
        let now = self.store().now();
        let waits = conversation.not_before.is_some_and(|then| then > now);
        let claimed = self.claimed(conversation.claim.as_ref(), token).await;
        if !rules::takes_claim(claimed, conversation.outbox.is_empty(), waits) {
            return false;
        }
        let (until, instance) = (now + SAFETY_NET, self.store().instance().to_owned());
        conversation.claim = Some(Claim { token: token.to_owned(), until, instance });
        true
    }

    /// Who finds its own token is the holder, also after a write of unknown outcome. The claim of a process that no
    /// longer lives is void, where the store can tell.
    async fn claimed(&self, claim: Option<&Claim>, token: &str) -> Claimed {
        match claim {
            None => Claimed::Free,
            Some(claim) if claim.token == token => Claimed::Ours,
            Some(claim) if claim.until <= self.store().now() => Claimed::Void,
            Some(claim) if self.store().is_dead(&claim.instance).await => Claimed::Void,
            Some(_) => Claimed::Taken,
        }
    }

    /// Takes the claim. Who can't leaves a hint for the time when it may.
    pub(super) async fn claim(&self, id: &ConversationId, token: String) -> Result<Option<Held>, Error> {
        // Somebody has put something into the outbox: what was remembered is old.
        self.latest().take(id);
        let (mut conversation, etag) = self.conversation(id).await?;
        let Some(etag) = etag else { return Ok(None) };
        if !self.take_claim(&mut conversation, &token).await {
            let now = self.store().now();
            if let Some(due) = conversation.due_at(now) {
                let delay = (due - now).to_std().unwrap_or_default();
                self.hint(id, delay + Duration::from_millis(100)).await;
            }
            return Ok(None);
        }
        let mut held = Held { conversation, etag, token };
        match self.write(id, &mut held).await {
            Ok(()) => Ok(Some(held)),
            // Somebody was faster; whoever wrote sends, or left a hint.
            Err(error) if error.is_conflict() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Is there enough of the claim left for a call? Renews it if not; false if it is ours no longer.
    pub(super) async fn may_call(&self, id: &ConversationId, held: &mut Held) -> Result<bool, Error> {
        let now = self.store().now();
        let left = held.conversation.claim.as_ref().map_or(TimeDelta::zero(), |claim| claim.until - now);
        if rules::may_call(left) {
            return Ok(true);
        }
        self.update(id, held, |_| {}).await
    }

    /// Changes the head as the holder of its claim, who writes until it succeeds: on a conflict the head is read again
    /// and, if the token is still ours, changed; if it isn't, we stop. `change` may be made twice.
    pub(super) async fn update(
        &self,
        id: &ConversationId,
        held: &mut Held,
        change: impl Fn(&mut Conversation),
    ) -> Result<bool, Error> {
        loop {
            let until = self.store().now() + SAFETY_NET;
            if let Some(claim) = &mut held.conversation.claim {
                claim.until = until;
            }
            change(&mut held.conversation);
            match self.write_patiently(id, held).await {
                Ok(()) => return Ok(true),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error),
            }
            let (conversation, etag) = self.conversation(id).await?;
            let claimed = self.claimed(conversation.claim.as_ref(), &held.token).await;
            let (true, Some(etag)) = (rules::still_holds(claimed), etag) else {
                // Either our own write of unknown outcome has released it, or the claim is somebody else's.
                tracing::debug!(conversation = %id, "the claim is ours no longer");
                return Ok(false);
            };
            (held.conversation, held.etag) = (conversation, etag);
        }
    }

    /// A store that can't serve now is asked again, as long as the claim is worth something.
    async fn write_patiently(&self, id: &ConversationId, held: &mut Held) -> Result<(), Error> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(20))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(12);
        let mut pauses = pauses.build();
        loop {
            let error = match self.write(id, held).await {
                Err(error) if error.is_transient() && !error.is_conflict() => error,
                done => return done,
            };
            let Some(pause) = pauses.next() else { return Err(error) };
            tokio::time::sleep(error.retry_after().map_or(pause, |asked| asked.min(Duration::from_secs(5))))
                .await;
        }
    }

    async fn write(&self, id: &ConversationId, held: &mut Held) -> Result<(), Error> {
        let due = held.conversation.due_at(self.store().now());
        let draft = Draft::of(&held.conversation).due(due);
        let batch = Batch {
            container: Container::Conversations,
            partition: id.to_string(),
            writes: vec![Write::Replace(head_id(), held.etag.clone(), draft)],
        };
        let etags = self.store().commit(vec![batch]).await?;
        if let Some(etag) = etags.into_iter().flatten().next() {
            held.etag = etag;
        }
        Ok(())
    }
}

/// What a worker's claim is known by.
#[expect(clippy::disallowed_methods, reason = "this is where the dice for claims are thrown")]
pub(super) fn dice() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
