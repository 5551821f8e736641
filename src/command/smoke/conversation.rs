//! A conversation through a test bot: does a person who writes get an answer?

use std::time::{Duration, Instant};

use reqwest::Method;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::site::Site;
use crate::{
    command::doctor::Finding,
    config::{BotConfig, Environment, Usable},
    model::Clock,
    telegram::client::{Client, PATIENCE, Refusal},
};

const SECRET: &str = "x-telegram-bot-api-secret-token";
/// An answer that has not come by then was lost, however patient we are.
const LOST: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(200);
/// The answer is the next message of the chat. Where others write to the bot at the same time, it is one of the next.
const NEXT: i64 = 5;

/// Says `/start` as a person would, sees the answer arrive in the chat, and removes both.
pub(super) async fn hold(
    site: &Site,
    settings: &Environment,
    chat: Option<i64>,
    wanted: Option<&str>,
    live: &[String],
    patience: Duration,
) -> Finding {
    let what = "conversation";
    let Some(chat) = chat else { return Finding::skipped(what, "no chat is named to hold one in: --chat") };
    let bots = Usable::of(settings).bots;
    let fits = |bot: &&BotConfig| {
        live.contains(&bot.slug.to_string()) && wanted.is_none_or(|wanted| bot.slug.as_str() == wanted)
    };
    let Some(bot) = bots.iter().find(fits) else {
        let mend = "set BOTS__<slug>__token and BOTS__<slug>__secret of one of its bots";
        return Finding::wrong(what, "the token and secret of none of the app's bots are known here", mend);
    };
    match talk(site, settings, bot, chat, patience.min(LOST)).await {
        Ok(told) => Finding::fine(what, told),
        Err((why, mend)) => Finding::wrong(what, why, mend),
    }
}

type Mistake = (String, &'static str);

async fn talk(
    site: &Site,
    settings: &Environment,
    bot: &BotConfig,
    chat: i64,
    patience: Duration,
) -> Result<String, Mistake> {
    let setting = "set TELEGRAM_API_URL to a URL, or not at all";
    let api = Client::new(Some(&bot.api), PATIENCE).map_err(|error| (error.to_string(), setting))?;
    let refused = |refusal: Refusal| {
        (refusal.to_string(), "see that the token is the bot's, and that the chat has started it")
    };
    let marker =
        json!({ "chat_id": chat, "text": "Trying whether the bot answers …", "disable_notification": true });
    let marker: Value = api.call(&bot.token, "sendMessage", &marker).await.map_err(refused)?;
    let said = marker["message_id"].as_i64().unwrap_or_default();
    let begun = Instant::now();
    let answered = match post(site, settings, bot, chat, said).await {
        Ok(()) => await_answer(&api, bot, chat, said, patience).await.map(|id| (id, begun.elapsed())),
        Err(mistake) => Err(mistake),
    };
    let mut seen = vec![said];
    seen.extend(answered.as_ref().ok().map(|(id, _)| *id));
    for id in seen {
        // Left behind, it does no harm.
        let _ = api
            .call::<IgnoredAny>(&bot.token, "deleteMessage", &json!({ "chat_id": chat, "message_id": id }))
            .await;
    }
    let (_, took) = answered?;
    Ok(format!("`/start` to {} was answered after {} ms", bot.slug, took.as_millis()))
}

/// Brings the update as Telegram would.
async fn post(
    site: &Site,
    settings: &Environment,
    bot: &BotConfig,
    chat: i64,
    said: i64,
) -> Result<(), Mistake> {
    let now = Clock::real().now();
    // Far above Telegram's own, and another one each time: it is no redelivery.
    let update = json!({ "update_id": now.timestamp_millis(), "message": {
        "message_id": said, "date": now.timestamp(), "text": "/start",
        "from": { "id": chat, "is_bot": false, "first_name": "Smoke" },
        "chat": { "id": chat, "type": "private", "first_name": "Smoke" },
        "entities": [{ "type": "bot_command", "offset": 0, "length": 6 }],
    }});
    let secret = settings.get(&format!("BOTS__{}__secret", bot.slug)).map_or("", String::as_str);
    let path = format!("telegram/{}", bot.slug);
    let answer = site.ask(Method::POST, &path, &[(SECRET, secret)], update.to_string()).await;
    let differs = "the secret here and the app's differ: `infra/deploy secrets`, or correct the one here";
    match answer {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) if answer.status == 401 => {
            Err(("the app does not take the bot's secret".to_owned(), differs))
        }
        Ok(answer) => Err((format!("an update is answered with {}", answer.status), "its log says why")),
        Err(why) => Err((why, "see whether the app is being restarted")),
    }
}

/// Waits for one of the next messages to be the bot's: it alone can be given another keyboard.
async fn await_answer(
    api: &Client,
    bot: &BotConfig,
    chat: i64,
    said: i64,
    patience: Duration,
) -> Result<i64, Mistake> {
    let keyboard = json!({ "inline_keyboard": [[{ "text": "✓", "callback_data": "seen" }]] });
    let begun = Instant::now();
    while begun.elapsed() < patience {
        for id in said + 1..=said + NEXT {
            let edit = json!({ "chat_id": chat, "message_id": id, "reply_markup": keyboard });
            if api.call::<IgnoredAny>(&bot.token, "editMessageReplyMarkup", &edit).await.is_ok() {
                return Ok(id);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    let found = format!("an update was taken, and no answer came within {} s", patience.as_secs());
    Err((found, "`backline dead-letters list` and the app's log say what happened to it"))
}
