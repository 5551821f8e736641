//! Activities: the calls of a workflow are made here; each result becomes an input.

use std::time::Duration;

use serde_json::Value;

use super::{
    Error, Runtime,
    advance::By,
    documents::{Tries, WorkflowDocument},
};
use crate::{
    engine::{ActivityFailure, OpenCall},
    model::{ChatKind, EffectId, Input, InputKey, What, WorkflowId},
};

/// An activity may take so long at a time.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many tries, then failure is the result.
const MOST_TRIES: u32 = 6;

impl Runtime {
    /// Makes the calls of a workflow that are to be made now. A call whose process dies is made again by the sweep; its
    /// result counts once.
    pub(super) async fn make_calls(&self, workflow: WorkflowId) -> Result<(), Error> {
        let Some((document, _)) = self.workflow(workflow).await? else { return Ok(()) };
        for call in &document.head.calls {
            let now = self.store().now();
            if document.tries.get(&call.name).is_some_and(|tries| tries.next > now) {
                continue;
            }
            self.make_call(&document, call).await?;
        }
        Ok(())
    }

    async fn make_call(&self, document: &WorkflowDocument, call: &OpenCall) -> Result<(), Error> {
        let workflow = document.head.workflow;
        let effect = EffectId::of_entry(workflow, call.n, call.ordinal);
        let tried = document.tries.get(&call.name).map_or(0, |tries| tries.count) + 1;
        // In one process a call is made once at a time.
        let _turn = self.locks().lock(effect.to_string()).await;
        let outcome = match self.run(call).await {
            Ok(value) => Ok(value),
            Err(ActivityFailure::Transient(why)) if tried < MOST_TRIES => {
                let delay = Duration::from_secs(1 << (2 * tried).min(10));
                tracing::warn!(%workflow, call = call.name, why, tried, "an activity failed and is tried again");
                return self.try_again(workflow, call, tried, delay).await;
            }
            Err(why) => Err(why.to_string()),
        };
        let what = What::Returned { workflow, call: call.name.clone(), outcome };
        let input = Input {
            key: InputKey::result(&effect),
            at: self.store().now(),
            conversation: document
                .head
                .conversation
                .clone()
                .unwrap_or_else(|| crate::model::ConversationId::private(document.head.bot.clone(), 0)),
            chat: ChatKind::Private,
            from: None,
            message_id: None,
            reply_to: None,
            trace: document.head.trace.clone(),
            what,
        };
        match &document.head.conversation {
            Some(conversation) => {
                let key = input.key.clone();
                self.create_item(input).await?;
                Box::pin(self.advance(conversation, Some(&key), By::Arrival)).await?;
            }
            None => {
                self.advance_workflow(workflow, &input).await?;
                Box::pin(self.hand_out(workflow)).await?;
            }
        }
        Ok(())
    }

    async fn run(&self, call: &OpenCall) -> Result<Value, ActivityFailure> {
        let Some(run) = self.table().runner(&call.activity) else {
            return Err(ActivityFailure::Final(format!("there is no activity `{}`", call.activity)));
        };
        let work = tokio::spawn(run(call.arguments.clone()));
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => {
                Err(ActivityFailure::Transient(format!("`{}` panicked: {panic}", call.activity)))
            }
            Err(_) => Err(ActivityFailure::Transient(format!("`{}` took too long", call.activity))),
        }
    }

    async fn try_again(
        &self,
        workflow: WorkflowId,
        call: &OpenCall,
        tried: u32,
        delay: Duration,
    ) -> Result<(), Error> {
        let next = self.store().now() + delay;
        self.change_workflow(workflow, |document| {
            if document.head.calls.iter().any(|open| open.name == call.name) {
                document.tries.insert(call.name.clone(), Tries { count: tried, next });
            }
        })
        .await?;
        self.send_hint(&serde_json::json!({ "workflow": workflow }), delay).await;
        Ok(())
    }
}
