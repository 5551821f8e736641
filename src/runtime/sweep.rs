//! Sweep: looks at all that is due. What the courtesy of the moment missed is found here.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use serde::Deserialize;

use super::{Error, Runtime, advance::By, documents::WorkflowDocument};
use crate::{
    engine::OpenQuestion,
    model::{ConversationId, Input, InputKey, Timestamp, What, WorkflowId},
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
        let until_now = Timestamp::UNIX_EPOCH..=now;
        let conversations = self.store().due(Container::Conversations, until_now.clone(), MOST).await?;
        let workflows = self.store().due(Container::Inputs, until_now, MOST).await?;
        let count = conversations.len() + workflows.len();
        let places: BTreeSet<String> = conversations.into_iter().map(|due| due.partition).collect();
        stream::iter(places)
            .for_each_concurrent(AT_ONCE, |place| async move {
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
            let is_new = self.create_item(input).await?;
            let _fresh = self.fresh().add(&key, is_new);
            self.advance(&open.to, Some(&key), By::Sweep).await?;
        }
        self.hand_out(workflow).await
    }

    fn elapsed(&self, document: &WorkflowDocument, open: &OpenQuestion) -> Input {
        let workflow = document.head.workflow;
        let key = InputKey::timer(workflow, open.n, open.name());
        let what = What::Elapsed { workflow, question: open.name().to_owned() };
        Input::of_ours(key, self.store().now(), open.to.clone(), document.head.trace.clone(), what)
    }
}
