//! Where Telegram brings the updates of a bot: set, taken away, looked at, and watched.

mod trouble;

use std::net::IpAddr;

use serde::{Serialize, de::IgnoredAny};
use serde_json::{Value, json};

pub use trouble::{Trouble, troubles};

use super::{Bot, Runtime};
use crate::{
    model::Timestamp,
    telegram::{client::Refusal, webhook::HANDLED},
};

/// How a bot's webhook is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where updates are to be brought, if that is known.
    pub url: Option<String>,
    /// How every such address ends.
    pub path: String,
    /// So many updates at once.
    pub at_once: u16,
}

impl Wanted {
    /// The webhook of `bot` in an app at this address (`https://backline.example`), if that is known.
    #[must_use]
    pub fn of(bot: &Bot, app: Option<&str>, at_once: u16) -> Self {
        let path = format!("/telegram/{}", bot.slug);
        let url = app.map(|app| format!("{}{path}", app.trim_end_matches('/')));
        Self { url, path, at_once }
    }
}

/// How Telegram says that a webhook is (<https://core.telegram.org/bots/api#webhookinfo>).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Where it leads; empty if there is none.
    pub url: String,
    /// So many updates wait.
    pub waiting: u64,
    /// When bringing one failed last, and what Telegram says of it.
    pub failed: Option<(Timestamp, String)>,
    /// Where the name in `url` led when Telegram asked last.
    pub address: Option<IpAddr>,
    /// So many updates at once.
    pub at_once: u64,
    /// The kinds of update that are brought; empty for the usual ones.
    pub kinds: Vec<String>,
}

impl Health {
    /// Asks Telegram.
    ///
    /// # Errors
    /// It does not tell.
    pub async fn of(bot: &Bot) -> Result<Self, Refusal> {
        Ok(Self::read(&bot.api.call(&bot.token, "getWebhookInfo", &json!({})).await?))
    }

    /// Reads a `WebhookInfo`; what is missing counts as not there.
    #[must_use]
    pub fn read(info: &Value) -> Self {
        let text = |name: &str| info[name].as_str().unwrap_or_default();
        let at = info["last_error_date"].as_i64().and_then(|at| Timestamp::from_timestamp(at, 0));
        let kinds = info["allowed_updates"].as_array().into_iter().flatten();
        Self {
            url: text("url").to_owned(),
            waiting: info["pending_update_count"].as_u64().unwrap_or_default(),
            failed: at.map(|at| (at, text("last_error_message").to_owned())),
            address: text("ip_address").parse().ok(),
            at_once: info["max_connections"].as_u64().unwrap_or_default(),
            kinds: kinds.filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    }
}

/// Sets the webhook: address, secret, kinds of update and how many at once. Done twice it changes nothing, but that
/// Telegram asks again where the address leads (<https://core.telegram.org/bots/api#setwebhook>).
///
/// # Errors
/// Telegram says no.
pub async fn set_webhook(bot: &Bot, url: &str, at_once: u16, drop_waiting: bool) -> Result<(), Refusal> {
    let parameters = json!({
        "url": url,
        "secret_token": bot.secret.text(),
        "allowed_updates": HANDLED,
        "max_connections": at_once,
        "drop_pending_updates": drop_waiting,
    });
    bot.api.call::<IgnoredAny>(&bot.token, "setWebhook", &parameters).await.map(drop)
}

/// Takes the webhook away: Telegram keeps what comes for a day. Done twice it changes nothing.
///
/// # Errors
/// Telegram says no.
pub async fn delete_webhook(bot: &Bot, drop_waiting: bool) -> Result<(), Refusal> {
    let parameters = json!({ "drop_pending_updates": drop_waiting });
    bot.api.call::<IgnoredAny>(&bot.token, "deleteWebhook", &parameters).await.map(drop)
}

/// Gives the bot a menu of commands for a language, or for everybody without one of their own. Returns whether it was
/// another one before.
///
/// # Errors
/// Telegram says no.
pub async fn set_menu(
    bot: &Bot,
    language: Option<&str>,
    commands: &[(String, String)],
) -> Result<bool, Refusal> {
    let commands: Vec<Value> = commands
        .iter()
        .map(|(command, description)| json!({ "command": command, "description": description }))
        .collect();
    let mut which = json!({});
    if let Some(language) = language {
        which["language_code"] = language.into();
    }
    let before: Value = bot.api.call(&bot.token, "getMyCommands", &which).await?;
    if before.as_array() == Some(&commands) {
        return Ok(false);
    }
    which["commands"] = commands.into();
    bot.api.call::<IgnoredAny>(&bot.token, "setMyCommands", &which).await?;
    Ok(true)
}

/// What came of looking at all webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// So many bots there are.
    pub bots: usize,
    /// So many webhooks were set again.
    pub mended: usize,
    /// So many need somebody.
    pub in_trouble: usize,
}

impl Runtime {
    /// Looks at every bot's webhook. What is ours and not as it should be is set again; what only a person can put right
    /// is an error in the log, `webhook trouble`, which an alert looks for. A webhook that leads elsewhere, or is gone, is
    /// left as it is: somebody may have wanted that.
    pub async fn watch_webhooks(&self) -> Watched {
        let mut watched = Watched::default();
        for bot in self.bots() {
            watched.bots += 1;
            match self.watch(bot).await {
                Ok(true) => watched.mended += 1,
                Ok(false) => {}
                Err(why @ (Refusal::Transient(_) | Refusal::RetryAfter(_))) => {
                    tracing::warn!(bot = %bot.slug, %why, "nobody can tell how the webhook is");
                }
                Err(why) => {
                    watched.in_trouble += 1;
                    tracing::error!(bot = %bot.slug, %why, "webhook trouble");
                }
            }
        }
        watched
    }

    /// Whether the webhook was set again.
    async fn watch(&self, bot: &Bot) -> Result<bool, Refusal> {
        let settings = self.settings();
        let wanted = Wanted::of(bot, settings.address.as_deref(), settings.max_connections);
        let health = Health::of(bot).await?;
        let here = match &wanted.url {
            Some(url) if *url == health.url => addresses(url).await,
            _ => Vec::new(),
        };
        let found = troubles(&health, &wanted, &here, self.store().now());
        let (ours, theirs): (Vec<_>, Vec<_>) = found.into_iter().partition(Trouble::can_be_mended);
        let mended = !ours.is_empty();
        if mended {
            set_webhook(bot, &health.url, wanted.at_once, false).await?;
            tracing::warn!(bot = %bot.slug, why = told(&ours), "webhook mended");
        }
        if theirs.is_empty() {
            Ok(mended)
        } else {
            Err(Refusal::Final { code: 0, description: told(&theirs) })
        }
    }
}

fn told(troubles: &[Trouble]) -> String {
    troubles.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Where the name in this URL leads, as far as this machine knows.
pub async fn addresses(url: &str) -> Vec<IpAddr> {
    let Ok(url) = url.parse::<axum::http::Uri>() else { return Vec::new() };
    let port = url.port_u16().unwrap_or(443);
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    match tokio::net::lookup_host((host, port)).await {
        Ok(found) => found.map(|address| address.ip()).collect(),
        Err(_) => Vec::new(),
    }
}
