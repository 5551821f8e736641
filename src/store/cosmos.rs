//! Azure Cosmos DB as the store.

use azure_core::{credentials::Secret, http::Url};

use crate::azure::{Access, ConnectionString};

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
