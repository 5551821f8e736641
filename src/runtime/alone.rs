//! Alone: inputs that go straight to their workflow, because nobody chats with it. Commit A is all there is.

use serde_json::json;

use super::{
    Error, Runtime,
    dead_letter::DeadLetter,
    hand_out::{MOST_CONFLICTS, too_many},
    scene::Read,
};
use crate::{
    engine::{Entry, Route, Target, route, stuck},
    model::{Input, Shared, WorkflowId},
    store::Error as StoreError,
};

impl Runtime {
    /// Applies an input that goes straight to its workflow. Applied twice, it is applied once.
    ///
    /// # Errors
    /// The store's. Whoever brought the input brings it again.
    pub(super) async fn advance_workflow(
        &self,
        workflow: WorkflowId,
        input: &Shared<Input>,
    ) -> Result<(), Error> {
        let _turn = self.locks().lock(workflow.to_string()).await;
        for _ in 0..MOST_CONFLICTS {
            if self.entry(workflow, &input.key).await?.is_some() {
                return Ok(());
            }
            let read = self.workflow(workflow).await?;
            let Some(entry) = self.entry_for(input, read.as_ref()).await? else { return Ok(()) };
            let logged = self.log(workflow, entry, read.as_ref(), None)?;
            match self.store().commit(vec![logged.batch]).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict { .. }) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(too_many(&workflow.to_string()))
    }

    async fn entry_for(&self, input: &Shared<Input>, read: Option<&Read>) -> Result<Option<Entry>, Error> {
        let head = self.recalled(read.map(|(document, _)| &document.head)).await?;
        let route = route(self.table(), input, None, None);
        if let (Route::Begin(_), Some(_)) = (&route, &head) {
            return Ok(None);
        }
        let target = Target { named: head.as_deref(), ..Target::default() };
        match self.decide(input, &route, target).await? {
            Ok(decision) => Ok(decision.entries.into_iter().next().map(|(_, entry)| entry)),
            Err(why) => {
                let why = why.to_string();
                self.give_up(input, &why).await?;
                // Else its call would be made for ever.
                Ok(head.map(|head| stuck(&head, input, &why)))
            }
        }
    }

    /// Nobody waits in a chat for this input: it is a dead letter at once.
    async fn give_up(&self, input: &Input, why: &str) -> Result<(), Error> {
        let letter = DeadLetter {
            source: "workflow".to_owned(),
            id: input.key.to_string(),
            cause: why.to_owned(),
            attempts: 1,
            at: self.store().now(),
            conversation: Some(input.conversation.clone()),
            payload: json!(input),
            trace: input.trace.clone(),
        };
        self.keep(&letter).await?;
        self.tell_operators(&letter).await;
        Ok(())
    }
}
