//! Reads one setting after another, and remembers every mistake.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use super::{BotConfig, Environment};
use crate::{
    model::BotSlug,
    runtime::{Secret, Settings},
    store::{self, Synchronous},
    telegram::client::{TELEGRAM_API_URL, Token},
};

pub(super) struct Reader<'a> {
    pub(super) environment: &'a Environment,
    pub(super) mistakes: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    pub(super) fn number(&mut self, name: &str, least: u64, most: u64) -> Option<u64> {
        let text = self.text(name)?;
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.mistakes
                .push(format!("`{name}` is `{text}`; set it to a whole number from {least} to {most}"));
        }
        number
    }

    pub(super) fn runtime(&mut self) -> Settings {
        let defaults = Settings::default();
        Settings {
            inline_concurrency: self
                .number("INLINE_CONCURRENCY", 1, 10_000)
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(defaults.inline_concurrency),
            inline_budget: self
                .number("INLINE_BUDGET_MS", 0, 60_000)
                .map_or(defaults.inline_budget, Duration::from_millis),
            retention: self
                .number("RETENTION_DAYS", 1, 3650)
                .map_or(defaults.retention, |days| Duration::from_secs(days * 24 * 60 * 60)),
            workflow_retention: self
                .number("WORKFLOW_RETENTION_DAYS", 1, 3650)
                .map_or(defaults.workflow_retention, |days| Duration::from_secs(days * 24 * 60 * 60)),
            reference_max_age: self
                .number("REFERENCE_MAX_AGE_S", 0, 3600)
                .map_or(defaults.reference_max_age, Duration::from_secs),
            messages_per_second: self
                .number("MESSAGES_PER_SECOND", 0, 100_000)
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(defaults.messages_per_second),
            address: self.address(),
            max_connections: self
                .number("WEBHOOK_MAX_CONNECTIONS", 1, 100)
                .and_then(|n| u16::try_from(n).ok())
                .unwrap_or(defaults.max_connections),
            clock: defaults.clock,
        }
    }

    /// Where the app is: as it is set, or as Azure tells
    /// (<https://learn.microsoft.com/azure/app-service/reference-app-settings#app-environment>).
    fn address(&mut self) -> Option<String> {
        let Some(set) = self.text("WEBHOOK_URL") else {
            return self.text("WEBSITE_HOSTNAME").map(|host| format!("https://{host}"));
        };
        let is_one =
            ["https://", "http://"].iter().any(|scheme| set.len() > scheme.len() && set.starts_with(scheme));
        if is_one && !set.contains(['?', '#']) {
            return Some(set.trim_end_matches('/').to_owned());
        }
        self.mistake(format!("`WEBHOOK_URL` is `{set}`; set it to https:// and a name, without a query"))
    }

    pub(super) fn store(&mut self) -> Option<store::Settings> {
        let synchronous = self.synchronous();
        if self.text("STORE") == Some("cosmos") {
            return self.cosmos_store().map(store::Settings::Cosmos);
        }
        let file = self.sqlite("STORE", "`sqlite:<path>` or `cosmos`", ".backline/store.db")?;
        Some(store::Settings::Sqlite { file, synchronous: synchronous? })
    }

    pub(super) fn synchronous(&mut self) -> Option<Synchronous> {
        match self.text("STORE_SYNCHRONOUS").map(str::to_uppercase).as_deref() {
            None | Some("FULL") => Some(Synchronous::Full),
            Some("NORMAL") => Some(Synchronous::Normal),
            Some(other) => {
                self.mistake(format!("`STORE_SYNCHRONOUS` is `{other}`; set it to FULL or NORMAL"))
            }
        }
    }

    pub(super) fn sqlite(&mut self, name: &str, choices: &str, default: &str) -> Option<PathBuf> {
        let Some(text) = self.text(name) else { return Some(default.into()) };
        match text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            Some(path) => Some(path.into()),
            // A connection string may hold a key: it is not repeated.
            None => self.mistake(format!("`{name}` is none of {choices}; set it to one of them")),
        }
    }

    pub(super) fn mistake<T>(&mut self, what: String) -> Option<T> {
        self.mistakes.push(what);
        None
    }

    pub(super) fn bots(&mut self, api: Option<&str>) -> Vec<BotConfig> {
        let slugs: BTreeSet<&str> = self
            .environment
            .keys()
            .filter_map(|name| name.strip_prefix("BOTS__")?.split_once("__").map(|(slug, _)| slug))
            .collect();
        slugs.into_iter().filter_map(|slug| self.bot(slug, api)).collect()
    }

    pub(super) fn bot(&mut self, slug: &str, api: Option<&str>) -> Option<BotConfig> {
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
    pub(super) fn secret(&mut self, name: &str) -> Option<Secret> {
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

    pub(super) fn operators(&mut self, name: &str) -> Vec<i64> {
        let Some(text) = self.text(name) else { return Vec::new() };
        let ids: Result<Vec<i64>, _> = text.split(',').map(|id| id.trim().parse()).collect();
        ids.unwrap_or_else(|_| {
            self.mistakes.push(format!("`{name}` is `{text}`; set it to chat ids separated by commas"));
            Vec::new()
        })
    }
}
