//! Azure Cosmos DB as the store.

mod connection;
mod containers;
mod doubt;
mod failure;
mod feed;
mod followed;
mod item;
mod meter;
mod provision;
mod reading;
mod writing;

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use async_trait::async_trait;
use azure_core::{credentials::Secret, http::Url};
use futures_util::future::join_all;
use uuid::Uuid;

use self::{connection::Connection, meter::Meter};
use super::{
    Batch, Container, Continuation, Document, DocumentId, DueDocument, ETag, Error, Located, Page, Query,
    Spent, Store,
};
use crate::{
    azure::{Access, ConnectionString},
    model::{Clock, Timestamp},
};

pub use followed::{as_kept, container_client};
pub use provision::{Finding, State, provision, verify};

/// How long a call may take with all its retries. The host gives a webhook minutes, a chat does not.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the database is, and how it lets us in. `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosmosSettings {
    /// The account's endpoint: `https://<account>.documents.azure.com:443/`.
    pub endpoint: Url,
    /// The database's name.
    pub database: String,
    /// Who we are to the account.
    pub access: Access,
}

impl CosmosSettings {
    /// What a connection string says: `AccountEndpoint=…;AccountKey=…`.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it.
    pub fn of_connection_string(text: &str, database: &str) -> Result<Self, &'static str> {
        let parts = ConnectionString::parse(text).ok_or("is not `AccountEndpoint=…;AccountKey=…`")?;
        let endpoint = parts.part("AccountEndpoint").ok_or("has no `AccountEndpoint=…`")?;
        let endpoint = Url::parse(endpoint).map_err(|_| "has an `AccountEndpoint` that is no URL")?;
        let key = parts.part("AccountKey").ok_or("has no `AccountKey=…`")?;
        let access = Access::Key(Secret::new(key.to_owned()));
        Ok(Self { endpoint, database: database.to_owned(), access })
    }
}

/// A database in Azure, at `Strong` consistency (less is refused when it is first asked). Nothing is asked before it
/// is needed; many processes may share the database.
///
/// Documents expire by the service's clock, everything else goes by the machine's: the SDK does not show us the
/// service's time.
pub struct Cosmos {
    connection: Connection,
    meter: Arc<Meter>,
    clock: Clock,
    instance: String,
}

impl Cosmos {
    /// The store of these settings; asks nothing yet. The process must have installed a TLS provider before.
    #[must_use]
    pub fn new(settings: CosmosSettings, clock: Clock) -> Self {
        Self::with_patience(settings, clock, PATIENCE)
    }

    /// The same, where a call may take this long with all its retries (at least a second).
    #[must_use]
    pub fn with_patience(settings: CosmosSettings, clock: Clock, patience: Duration) -> Self {
        let meter = Arc::new(Meter::default());
        let connection = Connection::new(settings, patience, Arc::clone(&meter));
        Self { connection, meter, clock, instance: dice() }
    }
}

#[async_trait]
impl Store for Cosmos {
    async fn warm(&self) {
        let warming = Container::ALL.map(|container| self.connection.container(container));
        for cold in join_all(warming).await.into_iter().filter_map(Result::err) {
            tracing::debug!(%cold, "the store is not ready yet");
        }
    }

    async fn read(
        &self,
        container: Container,
        partition: &str,
        id: &DocumentId,
    ) -> Result<Option<Document>, Error> {
        reading::read(self.connection.container(container).await?, container, partition, id).await
    }

    async fn query(
        &self,
        container: Container,
        partition: &str,
        query: Query,
    ) -> Result<Vec<Document>, Error> {
        reading::query(self.connection.container(container).await?, container, partition, &query).await
    }

    async fn commit(&self, batches: Vec<Batch>) -> Result<Vec<Vec<ETag>>, Error> {
        batches.iter().try_for_each(Batch::check)?;
        let mut etags = Vec::with_capacity(batches.len());
        for (number, batch) in batches.iter().enumerate() {
            let client = self.connection.container(batch.container).await?;
            etags.push(writing::write(client, batch, number).await?);
        }
        Ok(etags)
    }

    async fn due(
        &self,
        container: Container,
        times: RangeInclusive<Timestamp>,
        limit: usize,
    ) -> Result<Vec<DueDocument>, Error> {
        reading::due(self.connection.container(container).await?, container, &times, limit).await
    }

    async fn changes(
        &self,
        container: Container,
        after: Option<Continuation>,
        limit: usize,
    ) -> Result<(Vec<Located>, Continuation), Error> {
        feed::changes(self.connection.container(container).await?, container, after, limit).await
    }

    async fn list(
        &self,
        container: Container,
        after: Option<Continuation>,
        limit: usize,
    ) -> Result<Page, Error> {
        feed::list(self.connection.container(container).await?, container, after, limit).await
    }

    /// Cosmos DB does so by itself.
    async fn purge(&self) -> Result<usize, Error> {
        Ok(0)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn instance(&self) -> &str {
        &self.instance
    }

    async fn is_dead(&self, _: &str) -> bool {
        false
    }

    fn spent(&self) -> Option<Spent> {
        Some(self.meter.spent())
    }

    fn kind(&self) -> &'static str {
        "cosmos"
    }
}

#[expect(clippy::disallowed_methods, reason = "the name of a process at its store is no part of any script")]
fn dice() -> String {
    Uuid::new_v4().simple().to_string()
}
