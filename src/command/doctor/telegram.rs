//! Does Telegram know the bots, and does it bring their updates?

use serde_json::{Value, json};

use super::Finding;
use crate::{
    config::BotConfig,
    model::Clock,
    runtime::{Health, Wanted, troubles},
    telegram::client::{Client, PATIENCE, Refusal, TELEGRAM_API_URL},
};

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
    let me = match client.call::<Value>(&bot.token, "getMe", &json!({})).await {
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
    let health = Health::read(info);
    let Health { url, waiting, .. } = &health;
    // The app's address may be another one than this machine is told: what it is, `webhook info` compares.
    let wanted = Wanted { url: None, path: path.to_owned(), at_once: 0 };
    match troubles(&health, &wanted, &[], Clock::real().now()).first() {
        Some(trouble) => Finding::wrong(what, trouble.to_string(), trouble.advice()),
        None if url.is_empty() => Finding::skipped(what, "none is set, and nothing waits to be fetched"),
        None => Finding::fine(what, format!("{url}, {waiting} updates wait")),
    }
}

/// What could be done about a refusal.
pub(in crate::command) fn mend(refusal: &Refusal, bot: &BotConfig) -> String {
    let slug = &bot.slug;
    match refusal {
        Refusal::Unauthorized => format!("@BotFather gives a new token: set BOTS__{slug}__token"),
        Refusal::Transient(_) => format!("see that `{}` can be reached from here", bot.api),
        _ => format!("see that `{}` is a Bot API server", bot.api),
    }
}
