//! Where a service of a storage account is, and what a connection string says about it.

use azure_core::{credentials::Secret, http::Url};

use super::{Access, ConnectionString};

/// One service of a storage account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Blob Storage.
    Blob,
    /// Storage Queues.
    Queue,
}

impl Service {
    /// As it is spelled in host names.
    fn name(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Queue => "queue",
        }
    }

    /// As it is spelled in connection strings.
    fn part(self) -> &'static str {
        match self {
            Self::Blob => "BlobEndpoint",
            Self::Queue => "QueueEndpoint",
        }
    }

    fn no_endpoint(self) -> &'static str {
        match self {
            Self::Blob => "names no blob endpoint that is a URL",
            Self::Queue => "names no queue endpoint that is a URL",
        }
    }
}

/// Where a service is, and how it lets us in. `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageAccount {
    /// The account's name.
    pub account: String,
    /// Such as `https://<account>.queue.core.windows.net/`, or `http://127.0.0.1:10001/<account>` at home.
    pub endpoint: Url,
    /// Who we are to the account.
    pub access: Access,
}

/// What `UseDevelopmentStorage=true` stands for; the key is public:
/// <https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key>.
const DEVELOPMENT: &str = "AccountName=devstoreaccount1;\
AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;\
BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;\
QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1";

impl StorageAccount {
    /// What a connection string says: `UseDevelopmentStorage=true`, or `AccountName=…;AccountKey=…` with
    /// `QueueEndpoint=…` (`BlobEndpoint=…`), or `DefaultEndpointsProtocol` and `EndpointSuffix` where they are not
    /// Azure's own.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it.
    pub fn of_connection_string(service: Service, text: &str) -> Result<Self, &'static str> {
        let parts = ConnectionString::parse(text).ok_or("is not `AccountName=…;AccountKey=…`")?;
        if parts.part("UseDevelopmentStorage").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Self::of_connection_string(service, DEVELOPMENT);
        }
        let account = parts.part("AccountName").ok_or("has no `AccountName=…`")?;
        let key = parts.part("AccountKey").ok_or("has no `AccountKey=…`")?;
        let endpoint = match parts.part(service.part()) {
            Some(endpoint) => endpoint.to_owned(),
            None => {
                let protocol = parts.part("DefaultEndpointsProtocol").unwrap_or("https");
                let suffix = parts.part("EndpointSuffix").unwrap_or("core.windows.net");
                format!("{protocol}://{account}.{}.{suffix}/", service.name())
            }
        };
        let endpoint = Url::parse(&endpoint).map_err(|_| service.no_endpoint())?;
        Ok(Self { account: account.to_owned(), endpoint, access: Access::Key(Secret::new(key.to_owned())) })
    }
}
