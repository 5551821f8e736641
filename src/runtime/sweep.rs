//! Sweep: looks at all that is due. What the courtesy of the moment missed is found here.

use futures_util::{StreamExt, stream};
use serde::Deserialize;

use super::{
    Error, Runtime,
    advance::By,
    documents::{INBOX, WorkflowDocument},
};
use crate::{
    engine::OpenQuestion,
    model::{ChatKind, ConversationId, Input, InputKey, What, WorkflowId},
    store::{Container, DueDocument},
};

/// So many things are looked at in one sweep; the longest overdue first.
const MOST: usize = 1000;
/// So many at once.
const AT_ONCE: usize = 16;

/// What a hint says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Hint {
    Conversation(ConversationId),
    Workflow(WorkflowId),
}

impl Runtime {
    /// Looks at everything that is due and returns how much that was. Any number may sweep at once. What fails is
    /// logged and stays due; the rest is done all the same.
    ///
    /// # Errors
    /// The store's, if it can't even tell what is due.
    pub async fn sweep(&self) -> Result<usize, Error> {
        let now = self.store().now();
        let conversations = self.store().due(Container::Conversations, now, MOST).await?;
        let workflows = self.store().due(Container::Inputs, now, MOST).await?;
        let count = conversations.len() + workflows.len();
        let mut places: Vec<(String, bool)> = conversations
            .into_iter()
            .map(|DueDocument { partition, id, .. }| (partition, id.as_str().starts_with(INBOX)))
            .collect();
        places.dedup_by(|a, b| a.0 == b.0);
        stream::iter(places)
            .for_each_concurrent(AT_ONCE, |(place, _)| async move {
                let done = match place.parse::<ConversationId>() {
                    Ok(id) => self.advance(&id, None, By::Sweep).await.map(|_| ()),
                    Err(why) => Err(Error::Data(why.to_string())),
                };
                if let Err(why) = done {
                    tracing::warn!(place, %why, "the sweep leaves a conversation for the next one");
                }
            })
            .await;
        stream::iter(workflows)
            .for_each_concurrent(AT_ONCE, |DueDocument { partition, .. }| async move {
                let done = match partition.parse() {
                    Ok(workflow) => self.look_after(workflow).await,
                    Err(why) => Err(Error::Data(format!("{why}"))),
                };
                if let Err(why) = done {
                    tracing::warn!(workflow = partition, %why, "the sweep leaves a workflow for the next one");
                }
            })
            .await;
        self.store().purge().await?;
        Ok(count)
    }

    /// Follows a hint.
    ///
    /// # Errors
    /// `Data` if the message is no hint; else the store's. Following it twice does no harm.
    pub async fn follow(&self, hint: &str) -> Result<(), Error> {
        match serde_json::from_str(hint) {
            Ok(Hint::Conversation(id)) => self.advance(&id, None, By::Hint).await.map(|_| ()),
            Ok(Hint::Workflow(id)) => self.look_after(id).await,
            Err(why) => Err(Error::Data(format!("this is no hint: {why}"))),
        }
    }

    /// What a workflow may have due: deadlines that have passed, handouts, calls.
    async fn look_after(&self, workflow: WorkflowId) -> Result<(), Error> {
        let Some((document, _)) = self.workflow(workflow).await? else { return Ok(()) };
        let now = self.store().now();
        let passed = |open: &&OpenQuestion| open.deadline.is_some_and(|deadline| deadline <= now);
        for open in document.head.open.iter().filter(passed) {
            let input = self.elapsed(&document, open);
            let key = input.key.clone();
            self.create_item(input).await?;
            self.advance(&open.to, Some(&key), By::Sweep).await?;
        }
        self.hand_out(workflow).await
    }

    fn elapsed(&self, document: &WorkflowDocument, open: &OpenQuestion) -> Input {
        let workflow = document.head.workflow;
        Input {
            key: InputKey::timer(workflow, open.n, open.name()),
            at: self.store().now(),
            conversation: open.to.clone(),
            chat: ChatKind::Private,
            from: None,
            message_id: None,
            reply_to: None,
            trace: document.head.trace.clone(),
            what: What::Elapsed { workflow, question: open.name().to_owned() },
        }
    }
}
