//! Attempts: how often an input is tried, by whom, and what becomes of one that can't be applied. Only panics and
//! refusals of the data count, never conflicts, throttling or an absent store.

use std::{collections::HashSet, sync::Mutex, time::Duration};

use serde_json::json;

use super::{
    Error, Runtime,
    advance::{By, Visit},
    commit::Applied,
    dead_letter::DeadLetter,
    documents::{Conversation, Item, Outgoing, SAFETY_NET, State, item_id},
    hand_out::MOST_CONFLICTS,
    rules::{self, Try, Verdict},
    scene::{Scene, is_start},
};
use crate::{
    engine::{Head, Refusal},
    model::{ConversationId, Delivery, EffectId, Input, InputKey, Message, Send},
    store::{Batch, Container, Draft, ETag, Write},
    text,
};

/// May an input be tried now?
pub(super) enum Attempt {
    Go,
    NotNow,
    GiveUp(String),
}

/// An attempt that is counted on its item and not made yet.
pub(super) struct Counted {
    conversation: ConversationId,
    pub(super) key: InputKey,
}

/// Inputs that this process received and that have not failed yet: their first attempt need not be counted.
#[derive(Default)]
pub(super) struct Fresh(Mutex<HashSet<InputKey>>);

/// An input that is fresh for as long as this lives.
pub(super) struct StillFresh<'a> {
    fresh: &'a Fresh,
    key: InputKey,
}

impl Fresh {
    /// Takes an input for fresh; unless it is new, for nobody knows what others did with it.
    pub(super) fn add(&self, key: &InputKey, is_new: bool) -> StillFresh<'_> {
        if is_new {
            self.keys().insert(key.clone());
        }
        StillFresh { fresh: self, key: key.clone() }
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, HashSet<InputKey>> {
        self.0.lock().expect("nobody panics while holding the fresh inputs")
    }
}

impl Drop for StillFresh<'_> {
    fn drop(&mut self) {
        self.fresh.keys().remove(&self.key);
    }
}

impl Runtime {
    /// Every attempt but the first is counted before it is made: a script may take the process with it.
    pub(super) async fn attempt(&self, scene: &mut Scene, visit: &mut Visit<'_>) -> Result<Attempt, Error> {
        let key = &scene.item.input.key;
        if visit.counted.as_ref().is_some_and(|counted| counted.key != *key) {
            self.uncount(visit).await;
        }
        let is_counted = visit.counted.is_some();
        let attempts = scene.item.attempts;
        let verdict = rules::may_try(Try {
            attempts,
            needs_no_count: is_counted || self.fresh().keys().contains(key),
            by_sweep: visit.by == By::Sweep,
            is_start: is_start(&scene.item),
            overtaken: scene.overtaken,
        });
        match verdict {
            Verdict::Go => return Ok(Attempt::Go),
            Verdict::NotNow => return Ok(Attempt::NotNow),
            Verdict::GiveUp => return Ok(Attempt::GiveUp(format!("it failed {attempts} times"))),
            Verdict::Overtaken => {
                let why = format!("it failed {attempts} times, and the person began anew");
                return Ok(Attempt::GiveUp(why));
            }
            Verdict::Count => {}
        }
        scene.item.attempts += 1;
        scene.item_etag = Some(self.put_item(&scene.item, scene.item_etag.as_ref()).await?);
        let Input { conversation, key, .. } = &*scene.item.input;
        visit.counted = Some(Counted { conversation: conversation.clone(), key: key.clone() });
        Ok(Attempt::Go)
    }

    /// An attempt that came to nothing through no fault of its input does not count, whoever else has counted another
    /// one meanwhile. If the store can't serve now, the input is an attempt poorer.
    pub(super) async fn uncount(&self, visit: &mut Visit<'_>) {
        let Some(Counted { conversation, key }) = visit.counted.take() else { return };
        for _ in 0..MOST_CONFLICTS {
            let uncounted = match self.item(&conversation, &key).await {
                Ok(Some((item, etag))) if item.state == State::Pending && item.attempts > 0 => {
                    self.put_item(&Item { attempts: item.attempts - 1, ..item }, Some(&etag)).await
                }
                // It is done: then nobody counts any more.
                Ok(_) => return,
                Err(why) => Err(why),
            };
            match uncounted {
                Ok(_) => return,
                Err(why) if why.is_conflict() => {}
                Err(why) => return tracing::debug!(%key, %why, "an attempt stays counted"),
            }
        }
    }

    /// The script refused the input. The next attempt is a hint's, then the sweep's.
    pub(super) async fn note_failure(
        &self,
        scene: &Scene,
        why: &Refusal,
        visit: &mut Visit<'_>,
    ) -> Result<(), Error> {
        let input = &scene.item.input;
        tracing::error!(key = %input.key, conversation = %input.conversation, trace = input.trace.trace_id(), %why, "an input could not be applied");
        self.fresh().keys().remove(&input.key);
        if visit.counted.take().is_none() {
            // The first attempt is counted after it failed.
            let item = Item { attempts: scene.item.attempts + 1, ..scene.item.clone() };
            self.put_item(&item, scene.item_etag.as_ref()).await?;
        }
        if rules::is_hinted_again(scene.item.attempts) {
            self.hint(&input.conversation, Duration::from_secs(1)).await;
        }
        Ok(())
    }

    /// Writes an item as it is now, to be looked at again in a while. Without an etag it is created.
    pub(super) async fn put_item(&self, item: &Item, etag: Option<&ETag>) -> Result<ETag, Error> {
        let draft = Draft::of(item).due(Some(self.store().now() + SAFETY_NET));
        let batch = Batch {
            container: Container::Conversations,
            partition: item.input.conversation.to_string(),
            writes: vec![Write::put(item_id(&item.input.key), etag, draft)],
        };
        let etags = self.store().commit(vec![batch]).await?;
        etags.into_iter().flatten().next().ok_or_else(|| Error::Data("a write without an etag".to_owned()))
    }

    /// Gives an input up: a dead letter, the person and the operators are told, the next input is served.
    pub(super) async fn bury(&self, scene: Scene, why: &str, visit: &Visit<'_>) -> Result<Applied, Error> {
        let input = &scene.item.input;
        let (key, trace) = (input.key.clone(), input.trace.clone());
        let letter = DeadLetter {
            source: "inbox".to_owned(),
            id: format!("{}:{key}", input.conversation),
            cause: why.to_owned(),
            attempts: scene.item.attempts,
            at: self.store().now(),
            conversation: Some(input.conversation.clone()),
            payload: json!(input),
            trace: trace.clone(),
        };
        letter.log();
        let sorry =
            Delivery::Send(Send { message: Message::plain(text!("something-went-wrong")), prompt: None });
        let delivered = vec![Outgoing::new(EffectId::of_input(&key, 0), sorry, trace)];
        // It may have put the current workflow aside before it failed.
        let goes_on = |id: &_| {
            let read = scene.workflows.get(id).map(|(document, _)| &document.head);
            read.is_some_and(Head::takes_what_is_said)
        };
        let current = scene.conversation.current.filter(goes_on);
        let conversation = Conversation { stuck: true, current, ..scene.conversation };
        let item = Item { state: State::Dead, ..scene.item };
        let etags = (scene.conversation_etag.as_ref(), scene.item_etag.as_ref());
        let language = conversation.language().map(str::to_owned);
        let (sending, _) =
            self.finish(vec![letter.batch()], conversation, item, etags, delivered, visit).await?;
        self.tell_operators(&letter).await;
        Ok(Applied { key, toast: None, language, leaving: Vec::new(), sending, current: None })
    }
}
