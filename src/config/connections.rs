//! The settings that name something in Azure, called as the Functions host calls them.

use azure_core::http::Url;

use super::reader::Reader;
use crate::{
    azure::{Access, Identity, Service, StorageAccount},
    blob, queue,
    store::CosmosSettings,
};

impl Reader<'_> {
    /// The app's own account.
    pub(super) fn cosmos_store(&mut self) -> Option<CosmosSettings> {
        const NAME: &str = "CosmosConnection";
        let database = self.text("COSMOS_DATABASE").unwrap_or("backline");
        let connected = [NAME, "CosmosConnection__accountEndpoint"]
            .map(|name| self.text(name))
            .iter()
            .any(Option::is_some);
        if !connected {
            return self.mistake(format!(
                "`STORE` is cosmos, so set `{NAME}__accountEndpoint` (with an identity) or `{NAME}` (a connection string)"
            ));
        }
        self.cosmos(NAME, database)
    }

    /// The account that a connection of this name leads to; none if nothing of it is set.
    pub(super) fn cosmos(&mut self, connection: &str, database: &str) -> Option<CosmosSettings> {
        let endpoint = format!("{connection}__accountEndpoint");
        match (self.text(connection), self.text(&endpoint)) {
            (Some(_), Some(_)) => self.mistake(format!(
                "`{connection}` and `{endpoint}` are both set; keep the one that shall count"
            )),
            (None, None) => None,
            (Some(text), None) => CosmosSettings::of_connection_string(text, database)
                .map_err(|why| {
                    self.mistakes.push(format!("`{connection}` {why}; copy it from the account's keys page"));
                })
                .ok(),
            (None, Some(_)) => {
                let endpoint = self.url(&endpoint);
                let access = Access::Identity(self.identity(connection)?);
                Some(CosmosSettings { endpoint: endpoint?, database: database.to_owned(), access })
            }
        }
    }

    pub(super) fn queues(&mut self) -> Option<queue::Settings> {
        const NAME: &str = "AzureWebJobsStorage";
        const CHOICES: &str = "`sqlite:<path>`, `UseDevelopmentStorage=true` and a connection string";
        let is_part = |name: &&String| name.starts_with("AzureWebJobsStorage__");
        let by_identity = self.environment.keys().filter(is_part).any(|name| self.text(name).is_some());
        match self.text(NAME) {
            Some(_) if by_identity => {
                self.mistake(format!("`{NAME}` and `{NAME}__…` are both set; keep the one that shall count"))
            }
            None if by_identity => self.storage_by_identity().map(queue::Settings::Storage),
            Some(text) if !text.starts_with("sqlite:") && text.contains('=') => {
                match StorageAccount::of_connection_string(Service::Queue, text) {
                    Ok(settings) => Some(queue::Settings::Storage(settings)),
                    Err(why) => {
                        self.mistake(format!("`{NAME}` {why}; copy it from the account's access keys page"))
                    }
                }
            }
            _ => self.sqlite(NAME, CHOICES, ".backline/queues.db").map(queue::Settings::Sqlite),
        }
    }

    fn storage_by_identity(&mut self) -> Option<StorageAccount> {
        const NAME: &str = "AzureWebJobsStorage";
        let identity = self.identity(NAME);
        let account = self.text("AzureWebJobsStorage__accountName").map(str::to_owned);
        if self.text("AzureWebJobsStorage__queueServiceUri").is_some() {
            let endpoint = self.url("AzureWebJobsStorage__queueServiceUri")?;
            let account = account
                .or_else(|| Some(endpoint.host_str()?.split('.').next()?.to_owned()))
                .unwrap_or_default();
            return Some(StorageAccount { account, endpoint, access: Access::Identity(identity?) });
        }
        let Some(account) = account else {
            return self.mistake(format!(
                "`{NAME}__…` names no account; set `{NAME}__accountName` or `{NAME}__queueServiceUri`"
            ));
        };
        let Ok(endpoint) = Url::parse(&format!("https://{account}.queue.core.windows.net/")) else {
            return self
                .mistake(format!("`{NAME}__accountName` is `{account}`; set it to the account's name"));
        };
        Some(StorageAccount { account, endpoint, access: Access::Identity(identity?) })
    }

    /// In the account of the queues, or beside the queues' file, unless a folder is named.
    pub(super) fn blobs(&mut self, queues: &queue::Settings) -> Option<blob::Settings> {
        const URI: &str = "AzureWebJobsStorage__blobServiceUri";
        if let Some(text) = self.text("KEPT_FILES") {
            return match text.strip_prefix("disk:").filter(|path| !path.is_empty()) {
                Some(path) => Some(blob::Settings::Disk(path.into())),
                None => {
                    self.mistake(format!("`KEPT_FILES` is `{text}`; set it to disk:<path>, or not at all"))
                }
            };
        }
        let queue::Settings::Storage(queues) = queues else {
            return Some(blob::Settings::Disk(".backline/kept-files".into()));
        };
        if let (Access::Key(_), Some(text)) = (&queues.access, self.text("AzureWebJobsStorage")) {
            // What is wrong with it was said for the queues, but for the blobs' own endpoint.
            return match StorageAccount::of_connection_string(Service::Blob, text) {
                Ok(account) => Some(blob::Settings::Account(account)),
                Err(why) => self.mistake(format!("`AzureWebJobsStorage` {why}")),
            };
        }
        let endpoint = if self.text(URI).is_some() {
            self.url(URI)?
        } else {
            let beside = queues.endpoint.as_str().replacen(".queue.", ".blob.", 1);
            match Url::parse(&beside) {
                Ok(endpoint) if endpoint != queues.endpoint => endpoint,
                _ => return self.mistake(format!("nothing says where the account's blobs are; set `{URI}`")),
            }
        };
        let (account, access) = (queues.account.clone(), queues.access.clone());
        Some(blob::Settings::Account(StorageAccount { account, endpoint, access }))
    }

    /// The identity of a connection, by the names that the Functions host has for it:
    /// <https://learn.microsoft.com/azure/azure-functions/functions-reference#common-properties-for-identity-based-connections>.
    fn identity(&mut self, connection: &str) -> Option<Identity> {
        let client_id = self.text(&format!("{connection}__clientId")).map(str::to_owned);
        let name = format!("{connection}__credential");
        match self.text(&name) {
            Some(text) if text.eq_ignore_ascii_case("managedidentity") => {
                Some(Identity::Managed { client_id })
            }
            Some(text) => {
                self.mistake(format!("`{name}` is `{text}`; set it to managedidentity, or not at all"))
            }
            // Azure sets this where the app has an identity.
            None if client_id.is_some() || self.text("IDENTITY_ENDPOINT").is_some() => {
                Some(Identity::Managed { client_id })
            }
            None => Some(Identity::Developer),
        }
    }

    fn url(&mut self, name: &str) -> Option<Url> {
        let text = self.text(name)?;
        match Url::parse(text) {
            Ok(url) if url.has_host() && matches!(url.scheme(), "https" | "http") => Some(url),
            _ => self.mistake(format!("`{name}` is `{text}`; set it to a URL, https://…")),
        }
    }
}
