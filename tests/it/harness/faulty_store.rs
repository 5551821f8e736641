//! A store in front of a real one, in which a test lets things go wrong.

use std::{
    ops::RangeInclusive,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use backline::{
    model::{Clock, Timestamp, WorkflowId},
    store::{
        Batch, Container, Continuation, Document, DocumentId, DueDocument, ETag, Error, Located, NothingDue,
        Page, Query, Store,
    },
};
use tokio::sync::{Notify, watch};

/// What a process is about to do at its store.
#[derive(Debug)]
pub(crate) enum Operation {
    /// The document's id, or `query`.
    Read(String),
    /// Which write it is, from 1, and the ids of its documents.
    Write(usize, Vec<String>),
}

impl Operation {
    pub(crate) fn is_write_of(&self, start: &str) -> bool {
        matches!(self, Self::Write(_, ids) if ids.iter().any(|id| id.starts_with(start)))
    }

    pub(crate) fn is_read_of(&self, start: &str) -> bool {
        matches!(self, Self::Read(id) if id.starts_with(start))
    }
}

/// How an operation goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The process dies, and nothing is written.
    DieBefore,
    /// It is written, and the process dies.
    DieAfter,
    /// Nothing is written: somebody else was faster.
    Conflict,
    /// Nothing is written: the store can't serve now.
    Unavailable,
    /// Nothing is written: the store wants to be left alone for so long.
    Throttled(Duration),
    /// It is written, and the answer is lost.
    Unknown,
    /// It waits until the gate is opened.
    Wait(Gate),
}

/// Holds a process at an operation while a test does something else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Steps>);

#[derive(Debug, Default)]
struct Steps {
    reached: Notify,
    opened: Notify,
    written: Notify,
}

impl Gate {
    /// Waits until somebody stands at the gate.
    pub(crate) async fn reached(&self) {
        self.0.reached.notified().await;
    }

    pub(crate) fn open(&self) {
        self.0.opened.notify_one();
    }

    /// Waits until a write that has passed is written, or refused.
    pub(crate) async fn written(&self) {
        self.0.written.notified().await;
    }

    async fn pass(&self) {
        self.0.reached.notify_one();
        self.0.opened.notified().await;
    }
}

type Matches = Box<dyn Fn(&Operation) -> bool + Send>;

/// A process's view of a store; ends when the process dies.
pub(crate) struct FaultyStore {
    life: Mutex<Option<Arc<dyn Store>>>,
    instance: String,
    clock: Clock,
    /// Are the batches of a commit written one by one, and can nobody tell whether a process lives, as with Cosmos?
    apart: bool,
    reads: Mutex<usize>,
    writes: Mutex<usize>,
    conflicts_at_workflows: Mutex<usize>,
    /// So often the feed was read, and so many documents it told.
    feed: Mutex<(usize, usize)>,
    plan: Mutex<Vec<(Matches, Fault, usize)>>,
    pub(crate) died: watch::Sender<bool>,
}

impl FaultyStore {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Clock, apart: bool) -> Self {
        Self {
            instance: store.instance().to_owned(),
            life: Mutex::new(Some(store)),
            clock,
            apart,
            reads: Mutex::new(0),
            writes: Mutex::new(0),
            conflicts_at_workflows: Mutex::new(0),
            feed: Mutex::default(),
            plan: Mutex::default(),
            died: watch::Sender::new(false),
        }
    }

    /// Lets the next `times` operations that match go wrong.
    pub(crate) fn fail(
        &self,
        fault: Fault,
        times: usize,
        matches: impl Fn(&Operation) -> bool + Send + 'static,
    ) {
        self.plan.lock().unwrap().push((Box::new(matches), fault, times));
    }

    /// Lets the `n`th write from the start of the process go wrong.
    pub(crate) fn fail_write(&self, n: usize, fault: Fault) {
        self.fail(
            fault,
            1,
            move |operation| matches!(operation, Operation::Write(number, _) if *number == n),
        );
    }

    /// So many reads have begun.
    pub(crate) fn reads(&self) -> usize {
        *self.reads.lock().unwrap()
    }

    /// So often the change feed was read.
    pub(crate) fn feed_reads(&self) -> usize {
        self.feed.lock().unwrap().0
    }

    /// So many documents the change feed has told.
    pub(crate) fn told(&self) -> usize {
        self.feed.lock().unwrap().1
    }

    /// So many writes came too late for a workflow that somebody else had changed.
    pub(crate) fn conflicts_at_workflows(&self) -> usize {
        *self.conflicts_at_workflows.lock().unwrap()
    }

    /// So many writes have begun.
    pub(crate) fn writes(&self) -> usize {
        *self.writes.lock().unwrap()
    }

    pub(crate) fn heal(&self) {
        self.plan.lock().unwrap().clear();
    }

    /// The process is no more: whatever it still does never comes to an end.
    pub(crate) fn die(&self) {
        drop(self.life.lock().unwrap().take());
        self.died.send_replace(true);
    }

    async fn inner(&self) -> Arc<dyn Store> {
        let life = self.life.lock().unwrap().clone();
        match life {
            Some(store) => store,
            None => std::future::pending().await,
        }
    }

    fn planned(&self, operation: &Operation) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        let found = plan.iter_mut().find(|(matches, _, left)| *left > 0 && matches(operation))?;
        found.2 -= 1;
        Some(found.1.clone())
    }

    async fn may_read(&self, what: &str) -> Result<Arc<dyn Store>, Error> {
        *self.reads.lock().unwrap() += 1;
        match self.planned(&Operation::Read(what.to_owned())) {
            Some(Fault::DieBefore | Fault::DieAfter) => self.die(),
            Some(Fault::Wait(gate)) => gate.pass().await,
            Some(_) => return Err(unavailable()),
            None => {}
        }
        Ok(self.inner().await)
    }

    async fn write(&self, batches: Vec<Batch>, unless: Option<NothingDue>) -> Result<Vec<Vec<ETag>>, Error> {
        let inner = self.inner().await;
        let number = {
            let mut writes = self.writes.lock().unwrap();
            *writes += 1;
            *writes
        };
        let documents = batches.iter().flat_map(|batch| &batch.writes).map(|write| write.id().to_string());
        let operation = Operation::Write(number, documents.collect());
        let fault = self.planned(&operation);
        match &fault {
            Some(Fault::DieBefore) => self.die(),
            Some(Fault::Conflict) => {
                let first = &batches[0];
                let (partition, id) = (first.partition.clone(), first.writes[0].id().clone());
                return Err(Error::Conflict { partition, id, batch: 0 });
            }
            Some(Fault::Unavailable) => return Err(unavailable()),
            Some(Fault::Throttled(asked)) => {
                return Err(Error::Unavailable {
                    why: "too many requests".into(),
                    retry_after: Some(*asked),
                });
            }
            Some(Fault::Wait(gate)) => gate.pass().await,
            _ => {}
        }
        if *self.died.borrow() {
            drop(inner);
            return std::future::pending().await;
        }
        let written = match unless {
            None => inner.commit(batches).await,
            Some(unless) => inner.commit_unless_due(batches, unless).await,
        };
        if matches!(&written, Err(Error::Conflict { partition, .. }) if partition.parse::<WorkflowId>().is_ok())
        {
            *self.conflicts_at_workflows.lock().unwrap() += 1;
        }
        match fault {
            Some(Fault::DieAfter) => {
                drop(inner);
                self.die();
                std::future::pending().await
            }
            Some(Fault::Unknown) => Err(unavailable()),
            Some(Fault::Wait(gate)) => {
                gate.0.written.notify_one();
                written
            }
            _ => written,
        }
    }
}

fn unavailable() -> Error {
    Error::Unavailable { why: "the test says so".into(), retry_after: None }
}

#[async_trait]
impl Store for FaultyStore {
    async fn read(
        &self,
        container: Container,
        partition: &str,
        id: &DocumentId,
    ) -> Result<Option<Document>, Error> {
        let name = format!("{}/{id}", container.name());
        self.may_read(&name).await?.read(container, partition, id).await
    }

    async fn query(
        &self,
        container: Container,
        partition: &str,
        query: Query,
    ) -> Result<Vec<Document>, Error> {
        self.may_read("query").await?.query(container, partition, query).await
    }

    async fn commit(&self, batches: Vec<Batch>) -> Result<Vec<Vec<ETag>>, Error> {
        if !self.apart {
            return self.write(batches, None).await;
        }
        let mut etags = Vec::new();
        for (number, batch) in batches.into_iter().enumerate() {
            let written = self.write(vec![batch], None).await.map_err(|error| match error {
                Error::Conflict { partition, id, .. } => Error::Conflict { partition, id, batch: number },
                other => other,
            })?;
            etags.extend(written);
        }
        Ok(etags)
    }

    async fn commit_unless_due(
        &self,
        batches: Vec<Batch>,
        unless: NothingDue,
    ) -> Result<Vec<Vec<ETag>>, Error> {
        self.write(batches, Some(unless)).await
    }

    async fn due(
        &self,
        container: Container,
        times: RangeInclusive<Timestamp>,
        limit: usize,
    ) -> Result<Vec<DueDocument>, Error> {
        self.may_read("due").await?.due(container, times, limit).await
    }

    async fn changes(
        &self,
        container: Container,
        after: Option<Continuation>,
        limit: usize,
    ) -> Result<(Vec<Located>, Continuation), Error> {
        let told = self.may_read("changes").await?.changes(container, after, limit).await?;
        let mut feed = self.feed.lock().unwrap();
        *feed = (feed.0 + 1, feed.1 + told.0.len());
        Ok(told)
    }

    async fn list(
        &self,
        container: Container,
        after: Option<Continuation>,
        limit: usize,
    ) -> Result<Page, Error> {
        self.may_read("list").await?.list(container, after, limit).await
    }

    async fn purge(&self) -> Result<usize, Error> {
        self.inner().await.purge().await
    }

    fn may_join(&self, input: &str) -> bool {
        let life = self.life.lock().unwrap();
        !self.apart && life.as_ref().is_some_and(|store| store.may_join(input))
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn instance(&self) -> &str {
        &self.instance
    }

    async fn is_dead(&self, instance: &str) -> bool {
        !self.apart && self.inner().await.is_dead(instance).await
    }

    fn kind(&self) -> &'static str {
        "faulty"
    }
}
