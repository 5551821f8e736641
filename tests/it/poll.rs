//! A real bot from a laptop: its updates are fetched, and a webhook is never taken away silently.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use backline::dev::telegram::{self, FakeBot, FakeTelegram};
use serde_json::json;

use crate::dev::{ADA, Start};

/// Looks as BotFather gives them: digits, a colon, 35 characters.
const TOKEN: &str = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Plays Telegram itself for a bot that looks real.
async fn telegram_itself(webhook: Option<String>) -> FakeTelegram {
    let bot = FakeBot {
        slug: "real".to_owned(),
        token: TOKEN.to_owned(),
        username: "real_bot".to_owned(),
        webhook,
        ..FakeBot::default()
    };
    telegram::start(telegram::Options { bots: vec![bot], ..telegram::Options::default() }).await.unwrap()
}

#[tokio::test]
async fn updates_of_a_real_bot_are_fetched() {
    let outside = telegram_itself(None).await;
    let data = tempfile::tempdir().unwrap();
    let url = outside.url();
    let settings =
        [("BOTS__real__token", TOKEN), ("BOTS__real__secret", "a-secret"), ("BOTS__real__api", url.as_str())];
    let dev = Start { settings: &settings, ..Start::own(data.path()) }.start().await;
    outside.say(ADA, "real", "/report").unwrap();
    outside
        .until(|fake| {
            fake.messages("real:101").iter().any(|m| m["text"] == "What is it about?").then_some(())
        })
        .await;
    assert!(dev.line("has a webhook").is_none());
    outside.stop().await;
}

#[tokio::test]
async fn a_webhook_is_left_alone_with_a_warning() {
    let outside = telegram_itself(Some("http://127.0.0.1:9/elsewhere".to_owned())).await;
    let data = tempfile::tempdir().unwrap();
    let url = outside.url();
    let settings =
        [("BOTS__real__token", TOKEN), ("BOTS__real__secret", "a-secret"), ("BOTS__real__api", url.as_str())];
    let dev = Start { settings: &settings, ..Start::own(data.path()) }.start().await;
    dev.until("warning", || dev.line("has a webhook")).await;
    assert!(outside.calls().iter().all(|call| call.method != "getUpdates" && call.method != "deleteWebhook"));
    // Its owner removes it: now the updates are fetched.
    let removed =
        dev.http.post(format!("{url}/bot{TOKEN}/deleteWebhook")).json(&json!({})).send().await.unwrap();
    assert!(removed.status().is_success());
    outside.say(ADA, "real", "/report").unwrap();
    outside
        .until(|fake| {
            fake.messages("real:101").iter().any(|m| m["text"] == "What is it about?").then_some(())
        })
        .await;
    outside.stop().await;
}
