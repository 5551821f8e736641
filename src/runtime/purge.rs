//! Purge: what is past its time goes, in steps of which each stands by itself. What dies half way is resumed by the
//! next purge.
//!
//! A finished workflow is found by the one index that there is: its head stays due, in a calendar of its own. So it is
//! one write with the end itself, costs nothing until then, and however many have finished, no sweep ever reads past
//! them to what people wait for.

use std::time::Duration;

use chrono::TimeDelta;

use super::{
    Error, Runtime, WorkflowDocument,
    documents::{RETIRES_LATER, head_id},
    rules,
};
use crate::{
    engine::Status,
    model::{Timestamp, WorkflowId},
    store::{Batch, Container, Document, Draft, DueDocument, Query, Write},
};

/// So many workflows get their end in one purge. One after another: nobody waits for it, and people share the store.
const MOST: usize = 1000;
/// So many are asked for at once, of workflows and of entries.
const PAGE: usize = 50;
/// A batch of entries has at most so many bytes, far from what a store refuses.
const BATCH: usize = 512 * 1024;
/// A head outlives its entries by this: it alone says what may still be written to the log.
const HEAD_LONGER: Duration = Duration::from_secs(60 * 60);

/// What one purge came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// So many finished workflows expire from now on, after their own time.
    pub retired: usize,
    /// So many expired documents were removed; where the store does so by itself, none.
    pub removed: usize,
}

impl Runtime {
    /// Gives finished workflows the time after which they expire, and removes what has expired. Dead letters stay
    /// until an operator acts, what is pending until it is done. Any number may purge at once; done twice, it is done
    /// once.
    ///
    /// # Errors
    /// The store's, if it can't serve now. What is left stays due.
    pub async fn purge(&self) -> Result<Purged, Error> {
        let mut purged = Purged::default();
        let until = self.store().now() + RETIRES_LATER;
        let mut from = Timestamp::UNIX_EPOCH + RETIRES_LATER;
        while purged.retired < MOST {
            let finished = self.store().due(Container::Inputs, from..=until, PAGE).await?;
            // What can't be retired yet stays where it is, and must not hide the rest.
            let Some(last) = finished.last() else { break };
            from = last.due_at + TimeDelta::microseconds(1);
            for DueDocument { partition, .. } in finished {
                purged.retired += usize::from(self.retire_or_leave(&partition).await?);
            }
        }
        purged.removed = self.store().purge().await?;
        Ok(purged)
    }

    /// What is wrong with one workflow must not keep the others.
    async fn retire_or_leave(&self, partition: &str) -> Result<bool, Error> {
        let retired = match partition.parse() {
            Ok(workflow) => self.retire(workflow).await,
            Err(why) => Err(Error::Data(format!("{why}"))),
        };
        match retired {
            // Somebody writes to it at this moment: it is due again, and not later than it was.
            Err(error) if error.is_conflict() => Ok(false),
            Err(error) if error.is_transient() => Err(error),
            Err(why) => {
                tracing::warn!(workflow = partition, %why, "the purge leaves a workflow as it is");
                Ok(false)
            }
            done => done,
        }
    }

    /// Has a finished workflow expire: its entries first, its head last. A write to its head takes that back until the
    /// next purge. False if it can't be done yet.
    async fn retire(&self, workflow: WorkflowId) -> Result<bool, Error> {
        let _turn = self.locks().lock(workflow.to_string()).await;
        // The head is read before the entries and written last: an entry that comes meanwhile is a conflict.
        let Some((document, etag)) = self.workflow(workflow).await? else { return Ok(false) };
        if !self.may_retire(&document).await? {
            return Ok(false);
        }
        let ttl = self.settings().workflow_retention;
        let head = Draft::of(&document).ttl(ttl + HEAD_LONGER);
        let (mut writes, mut bytes) = (Vec::new(), head.body.len());
        let mut query = Query { limit: PAGE, ..Query::default() };
        loop {
            let page = self.store().query(Container::Inputs, &workflow.to_string(), query.clone()).await?;
            query.after = page.last().map(|last| last.id.clone());
            let is_last = page.len() < PAGE;
            for Document { id, etag, body, .. } in page {
                if id == head_id() {
                    continue;
                }
                if writes.len() + 1 >= PAGE || bytes + body.len() > BATCH {
                    self.write_entries(workflow, std::mem::take(&mut writes)).await?;
                    bytes = head.body.len();
                }
                bytes += body.len();
                writes.push(Write::Replace(id, etag, Draft { body, due_at: None, ttl: Some(ttl) }));
            }
            if is_last {
                break;
            }
        }
        writes.push(Write::Replace(head_id(), etag, head));
        self.write_entries(workflow, writes).await?;
        Ok(true)
    }

    async fn write_entries(&self, workflow: WorkflowId, writes: Vec<Write>) -> Result<(), Error> {
        let batch = Batch { container: Container::Inputs, partition: workflow.to_string(), writes };
        self.store().commit(vec![batch]).await?;
        Ok(())
    }

    /// Nothing that it caused is still to be done, and nothing that it knows as applied is still to be recognized.
    async fn may_retire(&self, document: &WorkflowDocument) -> Result<bool, Error> {
        let mut is_pending = false;
        for (conversation, key) in &document.last {
            is_pending |= self.is_pending(conversation, key).await?;
        }
        let runs = document.head.status == Status::Running;
        let is_all_out = document.handouts.is_empty() && document.broadcasts.is_empty();
        Ok(rules::may_retire(runs, is_all_out, is_pending))
    }
}
