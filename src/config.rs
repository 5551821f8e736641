//! Settings: read in one place, all their mistakes reported at once. The environment wins over `local.settings.json`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use azure_core::http::Url;
use serde::Deserialize;

use crate::{
    azure::{Access, Identity},
    model::BotSlug,
    queue::{self, storage_queue::StorageSettings},
    runtime::{Secret, Settings},
    store::{self, CosmosSettings, Synchronous},
    telegram::client::{TELEGRAM_API_URL, Token},
};

/// Every setting that is read, with what it says. `local.settings.json.example` shows the same, and a test compares.
pub const KNOWN: [(&str, &str); 20] = [
    ("BOTS__<slug>__token", "the bot's token, from @BotFather"),
    ("BOTS__<slug>__secret", "what Telegram proves itself with: 1 to 256 of A-Z a-z 0-9 _ -"),
    ("BOTS__<slug>__operators", "chat ids, separated by commas, that are told when something goes wrong"),
    ("BOTS__<slug>__api", "the Bot API server of this bot, if it is another one than the rest's"),
    ("TELEGRAM_API_URL", "the Bot API server; without it, Telegram's own"),
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
    ("AzureWebJobsStorage__credential", "as for CosmosConnection"),
    ("AzureWebJobsStorage__clientId", "as for CosmosConnection"),
    ("INLINE_CONCURRENCY", "so many updates are worked on at once; the rest waits in the queue"),
    ("INLINE_BUDGET_MS", "a webhook is answered after so many milliseconds, done or not"),
    ("RETENTION_DAYS", "transcripts are kept so long"),
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

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// All their mistakes.
    pub fn read(environment: &Environment) -> Result<Self, Mistakes> {
        let mut reader = Reader { environment, mistakes: Vec::new() };
        let telegram_api_url = reader.text("TELEGRAM_API_URL").map(str::to_owned);
        let bots = reader.bots(telegram_api_url.as_deref());
        let store = reader.store();
        let queues = reader.queues();
        let defaults = Settings::default();
        let runtime = Settings {
            inline_concurrency: reader
                .number("INLINE_CONCURRENCY", 1, 10_000)
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(defaults.inline_concurrency),
            inline_budget: reader
                .number("INLINE_BUDGET_MS", 0, 60_000)
                .map_or(defaults.inline_budget, Duration::from_millis),
            retention: reader
                .number("RETENTION_DAYS", 1, 3650)
                .map_or(defaults.retention, |days| Duration::from_secs(days * 24 * 60 * 60)),
        };
        let config = Self { bots, telegram_api_url, store, queues, runtime };
        if reader.mistakes.is_empty() { Ok(config) } else { Err(Mistakes(reader.mistakes)) }
    }
}

/// Where the queues are, as far as this is set: all that a local host needs to know of an app that is not ours.
///
/// # Errors
/// All mistakes in these settings.
pub fn queues(environment: &Environment) -> Result<queue::Settings, Mistakes> {
    let mut reader = Reader { environment, mistakes: Vec::new() };
    let queues = reader.queues();
    if reader.mistakes.is_empty() { Ok(queues) } else { Err(Mistakes(reader.mistakes)) }
}

struct Reader<'a> {
    environment: &'a Environment,
    mistakes: Vec<String>,
}

impl<'a> Reader<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn number(&mut self, name: &str, least: u64, most: u64) -> Option<u64> {
        let text = self.text(name)?;
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.mistakes
                .push(format!("`{name}` is `{text}`; set it to a whole number from {least} to {most}"));
        }
        number
    }

    fn store(&mut self) -> store::Settings {
        let synchronous = self.synchronous();
        if self.text("STORE") != Some("cosmos") {
            let file = self.sqlite("STORE", "`sqlite:<path>` or `cosmos`", ".backline/store.db");
            return store::Settings::Sqlite { file, synchronous };
        }
        self.cosmos()
            .map_or(store::Settings::Sqlite { file: PathBuf::new(), synchronous }, store::Settings::Cosmos)
    }

    fn synchronous(&mut self) -> Synchronous {
        match self.text("STORE_SYNCHRONOUS").map(str::to_uppercase).as_deref() {
            None | Some("FULL") => Synchronous::Full,
            Some("NORMAL") => Synchronous::Normal,
            Some(other) => {
                self.mistakes.push(format!("`STORE_SYNCHRONOUS` is `{other}`; set it to FULL or NORMAL"));
                Synchronous::Full
            }
        }
    }

    fn sqlite(&mut self, name: &str, choices: &str, default: &str) -> PathBuf {
        let Some(text) = self.text(name) else { return default.into() };
        match text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            Some(path) => path.into(),
            None => {
                // A connection string may hold a key: it is not repeated.
                self.mistakes.push(format!("`{name}` is none of {choices}; set it to one of them"));
                default.into()
            }
        }
    }

    fn cosmos(&mut self) -> Option<CosmosSettings> {
        const NAME: &str = "CosmosConnection";
        let database = self.text("COSMOS_DATABASE").unwrap_or("backline").to_owned();
        match (self.text(NAME), self.text("CosmosConnection__accountEndpoint")) {
            (Some(_), Some(_)) => self.mistake(format!(
                "`{NAME}` and `{NAME}__accountEndpoint` are both set; keep the one that shall count"
            )),
            (None, None) => self.mistake(format!(
                "`STORE` is cosmos, so set `{NAME}__accountEndpoint` (with an identity) or `{NAME}` (a connection string)"
            )),
            (Some(text), None) => CosmosSettings::of_connection_string(text, &database)
                .map_err(|why| self.mistakes.push(format!("`{NAME}` {why}; copy it from the account's keys page")))
                .ok(),
            (None, Some(_)) => {
                let endpoint = self.url("CosmosConnection__accountEndpoint");
                let identity = self.identity(NAME);
                Some(CosmosSettings { endpoint: endpoint?, database, access: Access::Identity(identity?) })
            }
        }
    }

    fn queues(&mut self) -> queue::Settings {
        const NAME: &str = "AzureWebJobsStorage";
        const CHOICES: &str = "`sqlite:<path>`, `UseDevelopmentStorage=true` and a connection string";
        let default = || queue::Settings::Sqlite(".backline/queues.db".into());
        let by_identity = self
            .environment
            .keys()
            .any(|name| name.starts_with("AzureWebJobsStorage__") && self.text(name).is_some());
        match self.text(NAME) {
            Some(_) if by_identity => {
                self.mistakes
                    .push(format!("`{NAME}` and `{NAME}__…` are both set; keep the one that shall count"));
                default()
            }
            None if by_identity => self.storage_by_identity().map_or_else(default, queue::Settings::Storage),
            Some(text) if !text.starts_with("sqlite:") && text.contains('=') => {
                match StorageSettings::of_connection_string(text) {
                    Ok(settings) => queue::Settings::Storage(settings),
                    Err(why) => {
                        self.mistakes
                            .push(format!("`{NAME}` {why}; copy it from the account's access keys page"));
                        default()
                    }
                }
            }
            _ => queue::Settings::Sqlite(self.sqlite(NAME, CHOICES, ".backline/queues.db")),
        }
    }

    fn storage_by_identity(&mut self) -> Option<StorageSettings> {
        const NAME: &str = "AzureWebJobsStorage";
        let identity = self.identity(NAME);
        let account = self.text("AzureWebJobsStorage__accountName").map(str::to_owned);
        if self.text("AzureWebJobsStorage__queueServiceUri").is_some() {
            let endpoint = self.url("AzureWebJobsStorage__queueServiceUri")?;
            let account = account
                .or_else(|| Some(endpoint.host_str()?.split('.').next()?.to_owned()))
                .unwrap_or_default();
            return Some(StorageSettings { account, endpoint, access: Access::Identity(identity?) });
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
        Some(StorageSettings { account, endpoint, access: Access::Identity(identity?) })
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

    fn mistake<T>(&mut self, what: String) -> Option<T> {
        self.mistakes.push(what);
        None
    }

    fn bots(&mut self, api: Option<&str>) -> Vec<BotConfig> {
        let slugs: BTreeSet<&str> = self
            .environment
            .keys()
            .filter_map(|name| name.strip_prefix("BOTS__")?.split_once("__").map(|(slug, _)| slug))
            .collect();
        slugs.into_iter().filter_map(|slug| self.bot(slug, api)).collect()
    }

    fn bot(&mut self, slug: &str, api: Option<&str>) -> Option<BotConfig> {
        let setting = |what: &str| format!("BOTS__{slug}__{what}");
        let known = ["token", "secret", "operators", "api"];
        for name in self.environment.keys().filter(|name| name.starts_with(&setting(""))) {
            if !known.iter().any(|known| *name == setting(known)) {
                self.mistakes.push(format!("`{name}` is not known; a bot has {}", known.join(", ")));
            }
        }
        let parsed = slug
            .parse::<BotSlug>()
            .map_err(|why| self.mistakes.push(format!("`BOTS__{slug}__…`: {why}")))
            .ok();
        let token = match self.text(&setting("token")).map(str::parse::<Token>) {
            Some(Ok(token)) => Some(token),
            Some(Err(why)) => {
                self.mistakes.push(format!("`{}`: {why}", setting("token")));
                None
            }
            None => {
                self.mistakes.push(format!("`{}` is missing; @BotFather gives one", setting("token")));
                None
            }
        };
        let secret = self.secret(&setting("secret"));
        let operators = self.operators(&setting("operators"));
        let api = self.text(&setting("api")).or(api).unwrap_or(TELEGRAM_API_URL).to_owned();
        Some(BotConfig { slug: parsed?, token: token?, secret: secret?, operators, api })
    }

    /// Telegram's rule: <https://core.telegram.org/bots/api#setwebhook>.
    fn secret(&mut self, name: &str) -> Option<Secret> {
        let rule = "1 to 256 of A-Z a-z 0-9 _ -";
        let Some(text) = self.text(name) else {
            self.mistakes.push(format!("`{name}` is missing; choose one of {rule}"));
            return None;
        };
        let fits =
            text.len() <= 256 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !fits {
            self.mistakes.push(format!("`{name}` is not {rule}"));
        }
        fits.then(|| Secret::new(text.to_owned()))
    }

    fn operators(&mut self, name: &str) -> Vec<i64> {
        let Some(text) = self.text(name) else { return Vec::new() };
        let ids: Result<Vec<i64>, _> = text.split(',').map(|id| id.trim().parse()).collect();
        ids.unwrap_or_else(|_| {
            self.mistakes.push(format!("`{name}` is `{text}`; set it to chat ids separated by commas"));
            Vec::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Config, Mistakes> {
        Config::read(&settings.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn all_mistakes_are_reported_at_once_and_none_tells_a_secret() {
        let wrong = read(&[
            ("BOTS__Ops__token", "123:sesame"),
            ("BOTS__ops__secret", "sesame!"),
            ("BOTS__ops__tokn", "sesame"),
            ("STORE", "AccountKey=sesame"),
            ("INLINE_CONCURRENCY", "many"),
            ("STORE_SYNCHRONOUS", "off"),
            ("BOTS__ops__operators", "Ada"),
        ])
        .unwrap_err();
        let words = wrong.to_string();
        for part in [
            "BOTS__Ops__…",
            "BOTS__ops__secret",
            "BOTS__ops__tokn",
            "BOTS__ops__token` is missing",
            "STORE`",
            "INLINE_CONCURRENCY",
            "STORE_SYNCHRONOUS",
            "operators",
        ] {
            assert!(words.contains(part), "{part} in {words}");
        }
        assert!(!words.contains("sesame"), "{words}");
    }

    #[test]
    fn a_bot_is_a_token_and_a_secret() {
        let config = read(&[
            ("BOTS__ops__token", "1:dev"),
            ("BOTS__ops__secret", "s"),
            ("BOTS__ops__operators", "7, -8"),
            ("TELEGRAM_API_URL", "http://127.0.0.1:1"),
            ("STORE", "sqlite:/tmp/x.db"),
        ])
        .unwrap();
        let bot = &config.bots[0];
        assert_eq!(
            (bot.slug.as_str(), &bot.operators[..], bot.api.as_str()),
            ("ops", &[7, -8][..], "http://127.0.0.1:1")
        );
        assert!(bot.secret.is(b"s") && !bot.secret.is(b"t"));
        let file = PathBuf::from("/tmp/x.db");
        assert_eq!(config.store, store::Settings::Sqlite { file, synchronous: Synchronous::Full });
        assert!(!format!("{config:?}").contains("dev"), "{config:?}");
    }

    #[test]
    fn cosmos_and_storage_are_named_as_on_azure() {
        let identity = read(&[
            ("STORE", "cosmos"),
            ("CosmosConnection__accountEndpoint", "https://x.documents.azure.com:443/"),
            ("CosmosConnection__credential", "managedidentity"),
            ("CosmosConnection__clientId", "me"),
            ("COSMOS_DATABASE", "festival"),
            ("AzureWebJobsStorage__accountName", "queues"),
        ])
        .unwrap();
        let managed = Access::Identity(Identity::Managed { client_id: Some("me".into()) });
        let store::Settings::Cosmos(cosmos) = identity.store else { panic!("{:?}", identity.store) };
        assert_eq!((cosmos.database.as_str(), &cosmos.access), ("festival", &managed));
        let queue::Settings::Storage(storage) = identity.queues else { panic!("{:?}", identity.queues) };
        assert_eq!(storage.endpoint.as_str(), "https://queues.queue.core.windows.net/");
        assert_eq!(storage.access, Access::Identity(Identity::Developer));

        let keys = read(&[
            ("STORE", "cosmos"),
            ("CosmosConnection", "AccountEndpoint=http://127.0.0.1:8081;AccountKey=c2VzYW1l"),
            ("AzureWebJobsStorage", "UseDevelopmentStorage=true"),
        ])
        .unwrap();
        let told = format!("{keys:?}");
        let queue::Settings::Storage(storage) = keys.queues else { panic!("{:?}", keys.queues) };
        assert_eq!(storage.endpoint.as_str(), "http://127.0.0.1:10001/devstoreaccount1");
        assert!(!told.contains("c2VzYW1l") && !told.contains("Eby8"), "{told}");
    }

    #[test]
    fn a_half_named_account_says_what_is_missing() {
        for (settings, said) in [
            (&[("STORE", "cosmos")][..], "CosmosConnection__accountEndpoint"),
            (&[("STORE", "cosmos"), ("CosmosConnection", "AccountKey=sesame")], "no `AccountEndpoint"),
            (&[("STORE", "cosmos"), ("CosmosConnection__accountEndpoint", "x")], "set it to a URL"),
            (&[("AzureWebJobsStorage", "AccountName=sesame")], "no `AccountKey"),
            (&[("AzureWebJobsStorage", "sesame")], "is none of"),
            (&[("AzureWebJobsStorage__credential", "managedidentity")], "__accountName"),
            (
                &[("AzureWebJobsStorage__accountName", "x"), ("AzureWebJobsStorage", "A=sesame")],
                "are both set",
            ),
        ] {
            let words = read(settings).unwrap_err().to_string();
            assert!(words.contains(said) && !words.contains("sesame"), "{words}");
        }
    }
}
