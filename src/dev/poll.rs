//! A real bot on a laptop: nobody can bring its updates here, so they are fetched and fed to the webhook function.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json, value::RawValue};

use crate::{
    config::BotConfig,
    telegram::client::{Client, PATIENCE},
};

/// Telegram holds a request open so long while there is nothing (<https://core.telegram.org/bots/api#getupdates>).
const HELD: u64 = 50;
/// How long to wait after something went wrong.
const PAUSE: Duration = Duration::from_secs(3);

/// Fetches the bot's updates for ever. An update is confirmed when the function has taken it, and not before.
pub(super) async fn run(bot: BotConfig, secret: String, host: SocketAddr) {
    let Ok(client) = Client::new(Some(&bot.api), PATIENCE) else { return };
    let url = format!("http://{host}/telegram/{}", bot.slug);
    let http = reqwest::Client::new();
    let mut offset = 0;
    let mut warned = false;
    loop {
        if let Some(webhook) = webhook(&client, &bot).await {
            if !warned {
                tracing::warn!(bot = %bot.slug, webhook, "this bot has a webhook: its updates go there, and none are fetched until it is removed (deleteWebhook)");
                warned = true;
            }
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        match fetch(&client, &bot, offset).await {
            Ok(updates) => {
                for update in updates {
                    let id = update_id(&update);
                    feed(&http, &url, &secret, update.get()).await;
                    offset = id.map_or(offset, |id| id + 1);
                }
            }
            Err(why) => {
                tracing::warn!(bot = %bot.slug, why, "no updates can be fetched; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Where the bot's updates are sent to, if anywhere: a webhook is never taken away silently.
async fn webhook(client: &Client, bot: &BotConfig) -> Option<String> {
    let info: Value = client.call(&bot.token, "getWebhookInfo", &json!({})).await.ok()?;
    info["url"].as_str().filter(|url| !url.is_empty()).map(str::to_owned)
}

async fn fetch(client: &Client, bot: &BotConfig, offset: i64) -> Result<Vec<Box<RawValue>>, String> {
    let parameters = json!({ "offset": offset, "timeout": HELD, "allowed_updates": [] });
    let patience = Duration::from_secs(HELD) + PATIENCE;
    let result = client.call_within(patience, &bot.token, "getUpdates", &parameters).await;
    result.map_err(|why| why.to_string())
}

fn update_id(update: &RawValue) -> Option<i64> {
    serde_json::from_str::<Value>(update.get()).ok()?["update_id"].as_i64()
}

/// Brings an update to the function until it is taken.
async fn feed(http: &reqwest::Client, url: &str, secret: &str, update: &str) {
    loop {
        let request = http.post(url).header("X-Telegram-Bot-Api-Secret-Token", secret);
        let answer = request.header("Content-Type", "application/json").body(update.to_owned()).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => {
                tracing::warn!(status = answer.status().as_u16(), "the function did not take an update")
            }
            Err(why) => tracing::warn!(why = %why.without_url(), "the function could not be reached"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
