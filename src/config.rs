//! Settings: read in one place, all their mistakes reported at once. The environment wins over `local.settings.json`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use crate::{
    model::BotSlug,
    runtime::{Secret, Settings},
    store::Synchronous,
    telegram::client::{TELEGRAM_API_URL, Token},
};

/// Every setting that is read, with what it says. `local.settings.json.example` shows the same, and a test compares.
pub const KNOWN: [(&str, &str); 11] = [
    ("BOTS__<slug>__token", "the bot's token, from @BotFather"),
    ("BOTS__<slug>__secret", "what Telegram proves itself with: 1 to 256 of A-Z a-z 0-9 _ -"),
    ("BOTS__<slug>__operators", "chat ids, separated by commas, that are told when something goes wrong"),
    ("BOTS__<slug>__api", "the Bot API server of this bot, if it is another one than the rest's"),
    ("TELEGRAM_API_URL", "the Bot API server; without it, Telegram's own"),
    ("STORE", "where everything is remembered: sqlite:<path>"),
    (
        "STORE_SYNCHRONOUS",
        "FULL (survives a power cut) or NORMAL (faster; a power cut may forget the last moments)",
    ),
    ("AzureWebJobsStorage", "where the queues are: sqlite:<path>"),
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
    /// The store's file.
    pub store: PathBuf,
    /// How safe a commit is against a power cut.
    pub synchronous: Synchronous,
    /// The queues' file.
    pub queues: PathBuf,
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
        let store = reader.sqlite("STORE", ".backline/store.db");
        let queues = reader.sqlite("AzureWebJobsStorage", ".backline/queues.db");
        let synchronous = match reader.text("STORE_SYNCHRONOUS").map(str::to_uppercase).as_deref() {
            None | Some("FULL") => Synchronous::Full,
            Some("NORMAL") => Synchronous::Normal,
            Some(other) => {
                reader.mistakes.push(format!("`STORE_SYNCHRONOUS` is `{other}`; set it to FULL or NORMAL"));
                Synchronous::Full
            }
        };
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
        let config = Self { bots, telegram_api_url, store, synchronous, queues, runtime };
        if reader.mistakes.is_empty() { Ok(config) } else { Err(Mistakes(reader.mistakes)) }
    }
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

    fn sqlite(&mut self, name: &str, default: &str) -> PathBuf {
        let Some(text) = self.text(name) else { return default.into() };
        match text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            Some(path) => path.into(),
            None => {
                // A connection string may hold a key: it is not repeated.
                self.mistakes.push(format!("`{name}` is set to something else than `sqlite:<path>`"));
                default.into()
            }
        }
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
        assert_eq!(config.store, PathBuf::from("/tmp/x.db"));
        assert!(!format!("{config:?}").contains("dev"), "{config:?}");
    }
}
