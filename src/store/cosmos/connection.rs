//! The way to the database: built when it is first needed, once, and tried again if that fails.

use std::{sync::Arc, time::Duration};

use azure_data_cosmos::{
    AccountReference, CosmosClient, CosmosError, CosmosRuntime, RoutingStrategy,
    clients::{ContainerClient, DatabaseClient},
    options::{OperationOptions, ReadConsistencyStrategy, ReadDatabaseOptions, UserAgentSuffix},
};
use futures_util::future::try_join;
use tokio::{sync::OnceCell, time::timeout};

use super::{
    CosmosSettings,
    failure::{failed, unavailable},
    meter::Meter,
};
use crate::{
    azure::Access,
    store::{Container, Error},
};

/// Why an account is refused.
pub(super) const NOT_STRONG: &str = "the Cosmos DB account's default consistency is less than Strong, and the promises need it: \
                          set it to Strong (portal: Default consistency; az cosmosdb update --default-consistency-level Strong)";

pub(super) struct Connection {
    settings: CosmosSettings,
    patience: Duration,
    meter: Arc<Meter>,
    client: OnceCell<CosmosClient>,
    /// The account is at `Strong` and has the database.
    checked: OnceCell<()>,
    containers: [OnceCell<ContainerClient>; Container::ALL.len()],
}

impl Connection {
    pub(super) fn new(settings: CosmosSettings, patience: Duration, meter: Arc<Meter>) -> Self {
        Self {
            settings,
            patience,
            meter,
            client: OnceCell::new(),
            checked: OnceCell::new(),
            containers: Default::default(),
        }
    }

    /// The container's client, ready to be asked.
    ///
    /// # Errors
    /// `Refused` if the account is not at `Strong`; `Unavailable` if nobody answers in time, we are not let in, or the
    /// database or the container is missing.
    pub(super) async fn container(&self, container: Container) -> Result<&ContainerClient, Error> {
        let found = self.containers[container as usize].get_or_try_init(|| async {
            let connect = || connect(&self.settings, self.patience, Some(&self.meter));
            let client = self.client.get_or_try_init(connect).await?;
            let database = client.database_client(self.settings.database.as_str());
            // Side by side: the first update waits for one answer less.
            let (_, client) = try_join(self.check(&database), self.find(&database, container)).await?;
            Ok(client)
        });
        // Callers queue up behind the one that builds: none of them waits for ever.
        timeout(self.patience, found).await.unwrap_or_else(|_| Err(late(&self.settings)))
    }

    async fn check(&self, database: &DatabaseClient) -> Result<(), Error> {
        let checked = self.checked.get_or_try_init(|| async {
            match consistency(database, self.patience).await {
                Ok(()) => Ok(()),
                Err(Trouble::Weak) => Err(Error::Refused(NOT_STRONG.into())),
                Err(Trouble::Other(error)) => {
                    Err(missing(&error, &format!("database `{}`", self.settings.database)))
                }
            }
        });
        checked.await.copied()
    }

    async fn find(&self, database: &DatabaseClient, container: Container) -> Result<ContainerClient, Error> {
        let found = database.container_client(container.name(), None).await;
        found.map_err(|error| {
            missing(&error, &format!("container `{}` in `{}`", container.name(), self.settings.database))
        })
    }
}

/// A client for the account, which has been asked for what it is.
pub(super) async fn connect(
    settings: &CosmosSettings,
    patience: Duration,
    meter: Option<&Arc<Meter>>,
) -> Result<CosmosClient, Error> {
    let endpoint = settings.endpoint.clone().into();
    let account = match &settings.access {
        Access::Key(key) => AccountReference::with_authentication_key(endpoint, key.clone()),
        Access::Identity(identity) => {
            let credential = identity
                .credential()
                .map_err(|why| unavailable(format!("no identity to show to Cosmos DB: {why}"), None))?;
            AccountReference::with_credential(endpoint, credential)
        }
    };
    let building = async {
        let runtime = CosmosRuntime::builder().build().await?;
        let mut builder =
            CosmosClient::builder().with_runtime(runtime).with_default_operation_options(in_time(patience));
        if let Some(suffix) = UserAgentSuffix::try_new("backline") {
            builder = builder.with_user_agent_suffix(suffix);
        }
        if let Some(meter) = meter {
            builder = builder.with_diagnostics_handler(Arc::clone(meter) as _);
        }
        builder.build(account, RoutingStrategy::PreferredRegions(Vec::new())).await
    };
    match timeout(patience, building).await {
        Ok(built) => built.map_err(|error| failed("tell what it is", &error)),
        Err(_) => Err(late(settings)),
    }
}

/// Why the account or its database will not do.
pub(super) enum Trouble {
    /// The account's default consistency is less than `Strong`.
    Weak,
    Other(CosmosError),
}

/// Reads the database as only an account at `Strong` may be read: the SDK knows the account's consistency and tells no
/// one, but refuses this by itself where it is less.
pub(super) async fn consistency(database: &DatabaseClient, patience: Duration) -> Result<(), Trouble> {
    let mut options = ReadDatabaseOptions::default();
    options.operation = in_time(patience);
    options.operation.read_consistency_strategy = Some(ReadConsistencyStrategy::GlobalStrong);
    match database.read(Some(options)).await {
        Ok(_) => Ok(()),
        Err(error) if !error.is_from_wire() && error.status().is_bad_request() => Err(Trouble::Weak),
        Err(error) => Err(Trouble::Other(error)),
    }
}

/// Retries of the SDK end with this.
pub(super) fn in_time(patience: Duration) -> OperationOptions {
    let mut options = OperationOptions::default();
    options.end_to_end_latency_policy = Some(patience.into());
    options
}

fn missing(error: &CosmosError, what: &str) -> Error {
    if error.status().is_not_found() {
        return unavailable(format!("there is no {what}: run `backline provision`"), None);
    }
    failed(&format!("find the {what}"), error)
}

fn late(settings: &CosmosSettings) -> Error {
    let host = settings.endpoint.host_str().unwrap_or_default();
    unavailable(format!("Cosmos DB at `{host}` does not answer"), None)
}
