//! Where Blob Storage is, and what a connection string says about it.

use azure_core::{credentials::Secret, http::Url};

use crate::azure::{Access, ConnectionString};

/// Where kept files are, and how they let us in. `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    /// The account's name.
    pub account: String,
    /// The blob service: `https://<account>.blob.core.windows.net/`, or `http://127.0.0.1:10000/<account>` at home.
    pub endpoint: Url,
    /// Who we are to the account.
    pub access: Access,
}

/// What `UseDevelopmentStorage=true` stands for; the key is public:
/// <https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key>.
const DEVELOPMENT: &str = "AccountName=devstoreaccount1;\
AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;\
BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1";

impl AccountSettings {
    /// What a connection string says: as for queues, with `BlobEndpoint=…`.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it.
    pub fn of_connection_string(text: &str) -> Result<Self, &'static str> {
        let parts = ConnectionString::parse(text).ok_or("is not `AccountName=…;AccountKey=…`")?;
        if parts.part("UseDevelopmentStorage").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Self::of_connection_string(DEVELOPMENT);
        }
        let account = parts.part("AccountName").ok_or("has no `AccountName=…`")?;
        let key = parts.part("AccountKey").ok_or("has no `AccountKey=…`")?;
        let endpoint = match parts.part("BlobEndpoint") {
            Some(endpoint) => endpoint.to_owned(),
            None => {
                let protocol = parts.part("DefaultEndpointsProtocol").unwrap_or("https");
                let suffix = parts.part("EndpointSuffix").unwrap_or("core.windows.net");
                format!("{protocol}://{account}.blob.{suffix}/")
            }
        };
        let endpoint = Url::parse(&endpoint).map_err(|_| "names no blob endpoint that is a URL")?;
        Ok(Self { account: account.to_owned(), endpoint, access: Access::Key(Secret::new(key.to_owned())) })
    }
}
