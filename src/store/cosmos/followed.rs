//! For who follows a container from outside the store: the way to any container, and documents as they are kept there.

use azure_data_cosmos::clients::ContainerClient;
use serde_json::Value;

use super::{
    CosmosSettings, PATIENCE,
    connection::connect,
    failure::{failed, unavailable},
    item::item,
};
use crate::store::{Container, Draft, Error, Located};

/// A container of the account by its name, ours or not. No consistency is asked for.
///
/// # Errors
/// `Unavailable` if nobody answers in time, we are not let in, or there is no such container.
pub async fn container_client(settings: &CosmosSettings, name: &str) -> Result<ContainerClient, Error> {
    let client = connect(settings, PATIENCE, None).await?;
    let database = client.database_client(settings.database.as_str());
    database.container_client(name.to_owned(), None).await.map_err(|error| {
        let what = format!("container `{name}` in the database `{}`", settings.database);
        match error.status().is_not_found() {
            true => unavailable(format!("there is no {what}"), None),
            false => failed(&format!("find the {what}"), &error),
        }
    })
}

/// A document of any store as Cosmos DB would keep it, without a time to live and what the service adds.
///
/// # Errors
/// `Refused` if its body is no JSON.
pub fn as_kept(container: Container, located: &Located) -> Result<Value, Error> {
    let Located { partition, document } = located;
    let draft = Draft { body: document.body.clone(), due_at: document.due_at, ttl: None };
    item(container, partition, &document.id, &draft)
}
