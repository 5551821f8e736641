//! Settings: read in one place, all their mistakes reported at once. The environment wins over `local.settings.json`.

mod connections;
mod reader;

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use self::reader::Reader;
use crate::{
    blob,
    model::BotSlug,
    queue,
    runtime::{Secret, Settings},
    store::{self, CosmosSettings},
    telegram::client::Token,
};

/// Every setting that is read, with what it says. `local.settings.json.example` shows the same, and a test compares.
pub const KNOWN: [(&str, &str); 27] = [
    ("BOTS__<slug>__token", "the bot's token, from @BotFather"),
    ("BOTS__<slug>__secret", "what Telegram proves itself with: 1 to 256 of A-Z a-z 0-9 _ -"),
    ("BOTS__<slug>__operators", "chat ids, separated by commas, that are told when something goes wrong"),
    ("BOTS__<slug>__api", "the Bot API server of this bot, if it is another one than the rest's"),
    ("TELEGRAM_API_URL", "the Bot API server; without it, Telegram's own"),
    (
        "WEBHOOK_URL",
        "where Telegram finds the app: https://<name>; without it, where Azure says that the app is (WEBSITE_HOSTNAME)",
    ),
    ("WEBHOOK_MAX_CONNECTIONS", "Telegram brings so many updates of a bot at once: 1 to 100"),
    ("STORE", "where everything is remembered: sqlite:<path>, or cosmos"),
    (
        "STORE_SYNCHRONOUS",
        "FULL (survives a power cut) or NORMAL (faster; a power cut may forget the last moments)",
    ),
    ("CosmosConnection", "a connection string of the Cosmos DB account, where no identity is used"),
    (
        "CosmosConnection__accountEndpoint",
        "the Cosmos DB account: https://<account>.documents.azure.com:443/",
    ),
    (
        "CosmosConnection__credential",
        "managedidentity; without it, and not on Azure, the developer who is signed in",
    ),
    ("CosmosConnection__clientId", "which of the app's managed identities; without it, its own"),
    ("COSMOS_DATABASE", "the database's name"),
    (
        "AzureWebJobsStorage",
        "where the queues are: sqlite:<path>, UseDevelopmentStorage=true, or a connection string",
    ),
    ("AzureWebJobsStorage__accountName", "the storage account, where an identity is used"),
    (
        "AzureWebJobsStorage__queueServiceUri",
        "its queue service, if it is not https://<account>.queue.core.windows.net",
    ),
    (
        "AzureWebJobsStorage__blobServiceUri",
        "its blob service, if it is not https://<account>.blob.core.windows.net",
    ),
    ("AzureWebJobsStorage__credential", "as for CosmosConnection"),
    ("AzureWebJobsStorage__clientId", "as for CosmosConnection"),
    (
        "KEPT_FILES",
        "where files are kept: disk:<path>; without it, the storage account, or .backline/kept-files where there is none",
    ),
    ("INLINE_CONCURRENCY", "so many updates are worked on at once; the rest waits in the queue"),
    ("INLINE_BUDGET_MS", "a webhook is answered after so many milliseconds, done or not"),
    (
        "MESSAGES_PER_SECOND",
        "an instance sends so many at most through a bot, and Telegram's own limits to a chat; 0 does not pace",
    ),
    ("RETENTION_DAYS", "transcripts are kept so long"),
    ("WORKFLOW_RETENTION_DAYS", "the logs of finished workflows are kept so long"),
    ("REFERENCE_MAX_AGE_S", "what an instance knows of people and areas is at most so old"),
];

/// What is set.
#[derive(Clone, Debug)]
pub struct Config {
    /// The bots, by slug.
    pub bots: Vec<BotConfig>,
    /// `TELEGRAM_API_URL`, if it is set.
    pub telegram_api_url: Option<String>,
    /// Where everything is remembered.
    pub store: store::Settings,
    /// Where the queues are.
    pub queues: queue::Settings,
    /// Where files are kept.
    pub blobs: blob::Settings,
    /// The runtime's settings.
    pub runtime: Settings,
}

/// A bot as it is set.
#[derive(Clone, Debug)]
pub struct BotConfig {
    /// What operators call it.
    pub slug: BotSlug,
    /// Its token.
    pub token: Token,
    /// Its webhook's secret.
    pub secret: Secret,
    /// Who is told when something goes wrong.
    pub operators: Vec<i64>,
    /// Its Bot API server.
    pub api: String,
}

/// Settings that can't be used: each mistake with what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("these settings can't be used:\n{}", .0.iter().map(|mistake| format!("  - {mistake}")).collect::<Vec<_>>().join("\n"))]
pub struct Mistakes(pub Vec<String>);

/// What the settings are read from: names and values.
pub type Environment = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LocalSettings {
    #[serde(default)]
    values: Environment,
}

/// The process's environment over the `Values` of `local.settings.json` in `root`.
///
/// # Errors
/// A file that is there and can't be read.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub fn environment(root: &Path) -> Result<Environment, Mistakes> {
    let file = root.join("local.settings.json");
    let mut values = match std::fs::read_to_string(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Environment::new(),
        Err(error) => return Err(Mistakes(vec![format!("`{}` can't be read: {error}", file.display())])),
        Ok(text) => match serde_json::from_str::<LocalSettings>(text.trim_start_matches('\u{feff}')) {
            Ok(settings) => settings.values,
            Err(error) => {
                return Err(Mistakes(vec![format!("`{}` is not as it should be: {error}", file.display())]));
            }
        },
    };
    values.extend(std::env::vars());
    Ok(values)
}

/// What our local host tells its handlers of itself: its process. No setting, and Azure's host tells nothing of the kind.
pub const HOST_PROCESS: &str = "BACKLINE_HOST_PROCESS";

/// The process of the host that started this one, if it told.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
#[must_use]
pub fn host_process() -> Option<String> {
    std::env::var(HOST_PROCESS).ok()
}

/// The Cosmos DB account that a connection of this name leads to, as the Functions host understands it: a connection
/// string of the name, or `<name>__accountEndpoint` with an identity. None if neither is set.
/// <https://learn.microsoft.com/azure/azure-functions/functions-bindings-cosmosdb-v2-trigger#connections>
///
/// # Errors
/// All mistakes of these settings.
pub fn cosmos(
    environment: &Environment,
    connection: &str,
    database: &str,
) -> Result<Option<CosmosSettings>, Mistakes> {
    let mut reader = Reader { environment, mistakes: Vec::new() };
    let settings = reader.cosmos(connection, database);
    if reader.mistakes.is_empty() { Ok(settings) } else { Err(Mistakes(reader.mistakes)) }
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// All their mistakes.
    pub fn read(environment: &Environment) -> Result<Self, Mistakes> {
        match Usable::of(environment) {
            Usable {
                bots,
                telegram_api_url,
                store: Some(store),
                queues: Some(queues),
                blobs: Some(blobs),
                runtime,
                mistakes,
            } if mistakes.is_empty() => Ok(Self { bots, telegram_api_url, store, queues, blobs, runtime }),
            Usable { mistakes, .. } => Err(Mistakes(mistakes)),
        }
    }
}

/// What can be used of the settings, and what is wrong with the rest.
#[derive(Debug)]
pub struct Usable {
    /// As in [`Config`].
    pub bots: Vec<BotConfig>,
    /// As in [`Config`].
    pub telegram_api_url: Option<String>,
    /// Where everything is remembered, if that is clear.
    pub store: Option<store::Settings>,
    /// Where the queues are, if that is clear.
    pub queues: Option<queue::Settings>,
    /// Where files are kept, if that is clear.
    pub blobs: Option<blob::Settings>,
    /// As in [`Config`].
    pub runtime: Settings,
    /// Each mistake, with what to do about it.
    pub mistakes: Vec<String>,
}

impl Usable {
    /// Reads what can be read.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        let mut reader = Reader { environment, mistakes: Vec::new() };
        let telegram_api_url = reader.text("TELEGRAM_API_URL").map(str::to_owned);
        let bots = reader.bots(telegram_api_url.as_deref());
        let store = reader.store();
        let queues = reader.queues();
        let blobs = queues.as_ref().and_then(|queues| reader.blobs(queues));
        let runtime = reader.runtime();
        Self { bots, telegram_api_url, store, queues, blobs, runtime, mistakes: reader.mistakes }
    }
}

#[cfg(test)]
mod tests;
