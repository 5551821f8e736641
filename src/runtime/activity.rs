//! Activities: the calls of a workflow are made here; each result becomes an input.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Error, Runtime,
    advance::By,
    dead_letter::DeadLetter,
    documents::{Tries, WorkflowDocument},
};
use crate::{
    engine::{Activity, ActivityFailure, KeepFile, OpenCall},
    model::{ConversationId, EffectId, Input, InputKey, What, WorkflowId},
};

/// An activity may take so long at a time.
const PATIENCE: Duration = Duration::from_secs(30);
/// And fetching a file so long: less than the sweep waits before it makes a call again.
const FETCHING: Duration = Duration::from_secs(50);
/// So many tries, then failure is the result.
const MOST_TRIES: u32 = 6;

impl Runtime {
    /// Makes the calls of a workflow that are to be made now. A call whose process dies is made again by the sweep; its
    /// result counts once.
    pub(super) async fn make_calls(&self, workflow: WorkflowId) -> Result<(), Error> {
        let Some((document, _)) = self.workflow(workflow).await? else { return Ok(()) };
        for call in &document.head.calls {
            self.make_call(workflow, call).await?;
        }
        Ok(())
    }

    async fn make_call(&self, workflow: WorkflowId, call: &OpenCall) -> Result<(), Error> {
        let effect = EffectId::of_entry(workflow, call.n, call.ordinal);
        let key = InputKey::result(&effect);
        let is_new = {
            // In one process a call is made once at a time.
            let _turn = self.locks().lock(effect.to_string()).await;
            let Some((document, _)) = self.workflow(workflow).await? else { return Ok(()) };
            if !document.waits_for(call, self.store().now()) {
                return Ok(());
            }
            match &document.head.conversation {
                // The result is there and not applied yet.
                Some(conversation) if self.item(conversation, &key).await?.is_some() => false,
                _ => match self.result(&document, call, key.clone()).await? {
                    Some(input) if document.head.conversation.is_some() => self.create_item(input).await?,
                    Some(input) => {
                        self.advance_workflow(workflow, &input.into()).await?;
                        false
                    }
                    None => return Ok(()),
                },
            }
        };
        let Some((document, _)) = self.workflow(workflow).await? else { return Ok(()) };
        match &document.head.conversation {
            Some(conversation) => {
                let _fresh = self.fresh().add(&key, is_new);
                Box::pin(self.advance(conversation, Some(&key), By::Hint)).await?;
            }
            None => Box::pin(self.hand_out(workflow)).await?,
        }
        Ok(())
    }

    /// The result of a call, unless it is to be made again later.
    async fn result(
        &self,
        document: &WorkflowDocument,
        call: &OpenCall,
        key: InputKey,
    ) -> Result<Option<Input>, Error> {
        let workflow = document.head.workflow;
        let tried = document.tries.get(&call.name).map_or(0, |tries| tries.count) + 1;
        let outcome = match self.run(document, call, tried).await {
            Ok(value) => Ok(value),
            Err(ActivityFailure::Transient(why)) if tried < MOST_TRIES => {
                tracing::warn!(%workflow, call = call.name, why, tried, "an activity failed and is tried again");
                self.try_again(workflow, call, tried).await?;
                return Ok(None);
            }
            Err(why) => {
                let why = why.to_string();
                self.keep(&self.failed(document, call, &why, tried)).await?;
                Err(why)
            }
        };
        let what = What::Returned { workflow, call: call.name.clone(), outcome };
        let (now, trace) = (self.store().now(), document.head.trace.clone());
        Ok(Some(Input::of_ours(key, now, document.somewhere(), trace, what)))
    }

    /// The workflow goes on with the failure; that it failed, operators can see.
    fn failed(&self, document: &WorkflowDocument, call: &OpenCall, why: &str, tried: u32) -> DeadLetter {
        let workflow = document.head.workflow;
        DeadLetter {
            source: format!("activity:{}", call.activity),
            id: EffectId::of_entry(workflow, call.n, call.ordinal).to_string(),
            cause: why.to_owned(),
            attempts: tried,
            at: self.store().now(),
            conversation: document.head.conversation.clone(),
            payload: json!({ "workflow": workflow, "call": call.name, "arguments": call.arguments }),
            trace: document.head.trace.clone(),
        }
    }

    async fn run(
        &self,
        document: &WorkflowDocument,
        call: &OpenCall,
        tried: u32,
    ) -> Result<Value, ActivityFailure> {
        // A task of its own: so a panic in it is its own.
        let (mut work, patience) = if call.activity == KeepFile::NAME {
            let (slug, workflow) = (document.head.bot.to_string(), document.head.workflow);
            (tokio::spawn(self.clone().keep_file(slug, workflow, call.arguments.clone(), tried)), FETCHING)
        } else if let Some(run) = self.table().runner(&call.activity) {
            (tokio::spawn(run(call.arguments.clone())), PATIENCE)
        } else {
            return Err(ActivityFailure::Final(format!("there is no activity `{}`", call.activity)));
        };
        match tokio::time::timeout(patience, &mut work).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => {
                Err(ActivityFailure::Transient(format!("`{}` panicked: {panic}", call.activity)))
            }
            Err(_) => {
                work.abort();
                Err(ActivityFailure::Transient(format!("`{}` took too long", call.activity)))
            }
        }
    }

    /// Four seconds later, then 16, 64, …
    async fn try_again(&self, workflow: WorkflowId, call: &OpenCall, tried: u32) -> Result<(), Error> {
        let pause = Duration::from_secs(1 << (2 * tried).min(10));
        let next = self.store().now() + pause;
        self.change_workflow(workflow, |document| {
            if document.head.calls.iter().any(|open| open.name == call.name) {
                document.tries.insert(call.name.clone(), Tries { count: tried, next });
            }
        })
        .await?;
        self.send_hint(&json!({ "workflow": workflow }), pause).await;
        Ok(())
    }
}

impl WorkflowDocument {
    /// Is this call still open, and to be made now?
    fn waits_for(&self, call: &OpenCall, now: crate::model::Timestamp) -> bool {
        self.head.calls.iter().any(|open| (&open.name, open.n) == (&call.name, call.n))
            && self.tries.get(&call.name).is_none_or(|tries| tries.next <= now)
    }

    /// The workflow's conversation; a made-up one where nobody chats with it.
    pub(super) fn somewhere(&self) -> ConversationId {
        let nobody = || ConversationId::private(self.head.bot.clone(), 0);
        self.head.conversation.clone().unwrap_or_else(nobody)
    }
}
