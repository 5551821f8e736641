//! A store in front of another that notes what is asked of it: how much, how often, and what of it side by side.

use std::{
    collections::BTreeMap,
    fmt,
    ops::RangeInclusive,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use backline::{
    model::Timestamp,
    store::{
        Batch, Container, Continuation, Document, DocumentId, DueDocument, ETag, Error, Located, Page, Query,
        Store, Write,
    },
};

/// What a piece of work cost.
pub(crate) struct Cost {
    pub(crate) ru: f64,
    pub(crate) requests: u64,
    pub(crate) trips: usize,
    pub(crate) operations: BTreeMap<String, usize>,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ru, requests, trips, .. } = self;
        write!(f, "{ru:6.1} RU  {requests} requests in {trips} round trips")
    }
}

pub(crate) struct Watched {
    store: Arc<dyn Store>,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    under_way: usize,
    trips: usize,
    operations: BTreeMap<String, usize>,
    before: (f64, u64),
}

impl Watched {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, notes: Mutex::default() }
    }

    fn spent(&self) -> (f64, u64) {
        let spent = self.store.spent().unwrap();
        (spent.ru, spent.requests)
    }

    /// From here on.
    pub(crate) fn begin(&self) {
        let before = self.spent();
        *self.notes.lock().unwrap() = Notes { before, ..Notes::default() };
    }

    /// Up to here.
    pub(crate) fn end(&self) -> Cost {
        let (ru, requests) = self.spent();
        let notes = self.notes.lock().unwrap();
        let (ru_before, requests_before) = notes.before;
        Cost {
            ru: ru - ru_before,
            requests: requests - requests_before,
            trips: notes.trips,
            operations: notes.operations.clone(),
        }
    }

    /// Whoever starts while another is under way does not wait for it.
    async fn watch<T>(&self, what: String, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        {
            let mut notes = self.notes.lock().unwrap();
            notes.trips += usize::from(notes.under_way == 0);
            notes.under_way += 1;
            *notes.operations.entry(what).or_default() += 1;
        }
        let done = work.await;
        self.notes.lock().unwrap().under_way -= 1;
        done
    }
}

fn kind(write: &Write) -> &'static str {
    match write {
        Write::Create(..) => "create",
        Write::Replace(..) => "replace",
        Write::Upsert(..) => "upsert",
        Write::Delete(..) => "delete",
    }
}

fn id_kind(id: &DocumentId) -> &str {
    id.as_str().split(':').next().unwrap_or_default()
}

fn size(draft: &Write) -> String {
    draft.draft().map_or(String::new(), |draft| format!(" of {} B", draft.body.len()))
}

#[async_trait]
impl Store for Watched {
    async fn read(
        &self,
        container: Container,
        partition: &str,
        id: &DocumentId,
    ) -> Result<Option<Document>, Error> {
        let what = format!("read {} {}", container.name(), id_kind(id));
        self.watch(what, self.store.read(container, partition, id)).await
    }

    async fn query(
        &self,
        container: Container,
        partition: &str,
        query: Query,
    ) -> Result<Vec<Document>, Error> {
        let what = format!("query {} {}*", container.name(), query.prefix);
        self.watch(what, self.store.query(container, partition, query)).await
    }

    async fn commit(&self, batches: Vec<Batch>) -> Result<Vec<Vec<ETag>>, Error> {
        // One after another, as the store would: each is a round trip.
        let mut etags = Vec::new();
        for batch in batches {
            let writes: Vec<String> = batch
                .writes
                .iter()
                .map(|write| format!("{} {}{}", kind(write), id_kind(write.id()), size(write)))
                .collect();
            let what = format!("write {}: {}", batch.container.name(), writes.join(", "));
            etags.extend(self.watch(what, self.store.commit(vec![batch])).await?);
        }
        Ok(etags)
    }

    async fn due(
        &self,
        container: Container,
        times: RangeInclusive<Timestamp>,
        limit: usize,
    ) -> Result<Vec<DueDocument>, Error> {
        self.watch(format!("due {}", container.name()), self.store.due(container, times, limit)).await
    }

    async fn changes(
        &self,
        container: Container,
        after: Option<Continuation>,
        limit: usize,
    ) -> Result<(Vec<Located>, Continuation), Error> {
        self.watch(format!("changes {}", container.name()), self.store.changes(container, after, limit)).await
    }

    async fn list(
        &self,
        container: Container,
        after: Option<Continuation>,
        limit: usize,
    ) -> Result<Page, Error> {
        self.watch(format!("list {}", container.name()), self.store.list(container, after, limit)).await
    }

    async fn purge(&self) -> Result<usize, Error> {
        self.store.purge().await
    }

    fn now(&self) -> Timestamp {
        self.store.now()
    }

    fn instance(&self) -> &str {
        self.store.instance()
    }

    async fn is_dead(&self, instance: &str) -> bool {
        self.store.is_dead(instance).await
    }

    fn kind(&self) -> &'static str {
        self.store.kind()
    }
}
