//! What is Cosmos DB's own: its bad days, how the database must be, what it costs.

mod bad_days;
mod cost;
mod provisioning;

use std::{sync::Arc, time::Duration};

use backline::{
    model::Clock,
    store::{
        Batch, Container, Cosmos, CosmosSettings, DocumentId, Draft, ETag, Error, Store, Write,
        cosmos::provision,
    },
};
use serde_json::json;

use crate::cosmos_bridge::{Bridge, ConsistencyLevel, Kind, Options};

/// The shortest that the SDK knows.
const PATIENCE: Duration = Duration::from_secs(1);
const PLACE: Container = Container::Conversations;

/// An account of one's own.
struct Account {
    bridge: Bridge,
    settings: CosmosSettings,
}

impl Account {
    fn empty(consistency: ConsistencyLevel) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bridge = Bridge::start(&Options { port: 0, clock: Clock::real(), consistency }).unwrap();
        let settings = CosmosSettings::of_connection_string(&bridge.connection_string(), "backline").unwrap();
        Self { bridge, settings }
    }

    async fn provisioned() -> Self {
        let account = Self::empty(ConsistencyLevel::Strong);
        provision(&account.settings).await.unwrap();
        account
    }

    fn open(&self) -> Arc<Cosmos> {
        Arc::new(Cosmos::with_patience(self.settings.clone(), Clock::real(), PATIENCE))
    }

    /// How many requests of this kind there were.
    fn count(&self, kind: Kind) -> usize {
        self.bridge.seen().iter().filter(|seen| seen.kind == kind).count()
    }
}

fn id(text: &str) -> DocumentId {
    text.parse().unwrap()
}

fn create(name: &str) -> Write {
    Write::Create(id(name), Draft::of(&json!({ "n": 1 })))
}

async fn put(store: &Cosmos, writes: impl Into<Vec<Write>>) -> Result<ETag, Error> {
    let batch = Batch { container: PLACE, partition: "p".into(), writes: writes.into() };
    let etags = store.commit(vec![batch]).await?;
    Ok(etags.into_iter().flatten().next_back().unwrap())
}

async fn is_there(store: &Cosmos, name: &str) -> bool {
    store.read(PLACE, "p", &id(name)).await.unwrap().is_some()
}
