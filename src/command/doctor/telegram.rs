//! Does Telegram know the bots, and does it bring their updates?

use serde_json::{Value, json};

use super::Finding;
use crate::{
    config::BotConfig,
    telegram::client::{Client, PATIENCE, Refusal, TELEGRAM_API_URL},
};

/// More updates than these waiting means that the app does not keep up, or does not answer.
const MANY: u64 = 100;

pub(super) async fn look(bot: &BotConfig) -> Vec<Finding> {
    let (slug, what) = (&bot.slug, format!("bot {}", bot.slug));
    if bot.api == TELEGRAM_API_URL && !bot.token.looks_real() {
        return vec![Finding::skipped(what, "its token is made up: only `dev` plays Telegram for it")];
    }
    let client = match Client::new(Some(&bot.api), PATIENCE) {
        Ok(client) => client,
        Err(error) => {
            return vec![Finding::wrong(
                what,
                error.to_string(),
                "set TELEGRAM_API_URL to a URL, or not at all",
            )];
        }
    };
    let me = match client.call(&bot.token, "getMe", &json!({})).await {
        Ok(me) => me,
        Err(refusal) => return vec![Finding::wrong(what, refusal.to_string(), mend(&refusal, bot))],
    };
    let username = me["username"].as_str().unwrap_or("?");
    let known = Finding::fine(what, format!("Telegram knows it as @{username}"));
    let webhook = match client.call(&bot.token, "getWebhookInfo", &json!({})).await {
        Ok(info) => webhook(&info, &format!("webhook {slug}"), &format!("/telegram/{slug}")),
        Err(refusal) => Finding::wrong(format!("webhook {slug}"), refusal.to_string(), mend(&refusal, bot)),
    };
    vec![known, webhook]
}

fn webhook(info: &Value, what: &str, path: &str) -> Finding {
    let url = info["url"].as_str().unwrap_or_default();
    let pending = info["pending_update_count"].as_u64().unwrap_or_default();
    if url.is_empty() {
        return Finding::skipped(what, format!("none is set; {pending} updates wait to be fetched"));
    }
    if !url.trim_end_matches('/').ends_with(path) {
        return Finding::wrong(
            what,
            format!("it leads to `{url}`"),
            format!("set it to an address that ends with {path}"),
        );
    }
    match info["last_error_message"].as_str() {
        Some(error) if pending > 0 => Finding::wrong(
            what,
            format!("{pending} updates wait; Telegram says: {error}"),
            format!(
                "see that `{url}` can be reached, and that BOTS__…__secret is the one it was registered with"
            ),
        ),
        _ if pending > MANY => Finding::wrong(
            what,
            format!("{pending} updates wait"),
            "the app answers too slowly or not at all: look at its log",
        ),
        _ => Finding::fine(what, format!("{url}, {pending} updates wait")),
    }
}

fn mend(refusal: &Refusal, bot: &BotConfig) -> String {
    let slug = &bot.slug;
    match refusal {
        Refusal::Unauthorized => format!("@BotFather gives a new token: set BOTS__{slug}__token"),
        Refusal::Transient(_) => format!("see that `{}` can be reached from here", bot.api),
        _ => format!("see that `{}` is a Bot API server", bot.api),
    }
}
