//! The chat page in a real browser.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod accessible;
mod driver;
mod phones;

use std::sync::{Arc, OnceLock};

use axum::{Json, Router, extract::State, routing::post};
use backline::dev::telegram::{FakeBot, FakeTelegram, Options, start};
use serde_json::{Value, json};

pub(crate) use driver::{Browser, in_a_browser};

pub(crate) const ENTER: &str = "\u{E007}";
const ARROW_UP: &str = "\u{E013}";

#[tokio::test]
async fn somebody_reports_an_issue_in_the_browser() {
    in_a_browser(async |browser| {
        let bot = Bot::start().await;
        browser.open(&bot.telegram.url()).await;
        browser.click("#start").await;
        browser.until("document.querySelector('#messages').textContent.includes('Try /report')").await;

        browser.click("#menu").await;
        browser.until("document.querySelectorAll('#suggestions [role=option]').length === 2").await;
        browser.keys("#text", "/rep").await;
        browser.until("document.querySelectorAll('#suggestions [role=option]').length === 1").await;
        browser.keys("#text", ENTER).await;
        browser.until("document.querySelectorAll('.keyboard .key').length === 2").await;
        let bold =
            "document.querySelector('.message:not(.mine):last-of-type strong')?.textContent === 'wrong'";
        browser.until(bold).await;
        browser.screenshot("question").await;

        browser.click(".key[data-data=technical]").await;
        browser.until("document.querySelector('.toast')?.textContent === 'Noted'").await;
        browser.until("document.querySelector('.message:not(.mine):last-of-type .edited') !== null").await;
        browser.until("document.querySelector('#messages').textContent.includes('Technical, noted')").await;
        browser.until("document.querySelectorAll('.key').length === 0").await;

        // Markup in a person's words stays words.
        browser.keys("#text", &format!("<img src=x onerror=alert(1)>{ENTER}")).await;
        browser.until("document.querySelector('#messages').textContent.includes('<img src=x')").await;
        assert_eq!(browser.eval("document.querySelectorAll('#messages img').length").await, 0);
        browser.keys("#text", ARROW_UP).await;
        browser.keys("#text", &format!(" corrected{ENTER}")).await;
        browser.until("document.querySelector('.mine .edited') !== null").await;

        browser.click("#show-behind").await;
        let behind = "document.querySelector('#behind').textContent";
        browser
            .until(&format!("{behind}.includes('Update ') && {behind}.includes('went over the wire')"))
            .await;
        browser.screenshot("reported").await;

        browser.click("[data-person='102']").await;
        browser.until("document.querySelector('#messages .welcome') !== null").await;
        bot.telegram.say(102, "operations", "Hello from Bo").unwrap();
        browser.until("document.querySelector('.mine')?.textContent.includes('Hello from Bo')").await;
        bot.telegram.say(101, "operations", "/report").unwrap();
        browser.until("document.querySelector('[data-person=\"101\"] .dot') !== null").await;
        browser.screenshot("two-people").await;
    })
    .await;
}

#[tokio::test]
async fn the_page_catches_up_after_a_restart() {
    in_a_browser(async |browser| {
        let state = tempfile::tempdir().unwrap();
        let options = |port| Options {
            port,
            state: Some(state.path().join("telegram.sqlite")),
            bots: vec![FakeBot {
                slug: "operations".into(),
                token: "42:secret".into(),
                username: "operations_bot".into(),
                ..FakeBot::default()
            }],
            ..Options::default()
        };
        let telegram = start(options(0)).await.unwrap();
        let port = telegram.address().port();
        browser.open(&telegram.url()).await;
        browser.until("document.querySelector('.welcome') !== null").await;
        telegram.say(101, "operations", "before").unwrap();
        browser.until("document.querySelectorAll('.message').length === 1").await;
        telegram.stop().await;
        browser.until("document.querySelector('#connection').textContent.includes('Reconnecting')").await;

        let telegram = start(options(port)).await.unwrap();
        telegram.say(101, "operations", "after").unwrap();
        browser.until("document.querySelectorAll('.message').length === 2").await;
        browser.until("document.querySelector('#connection').textContent === ''").await;
        telegram.stop().await;
    })
    .await;
}

/// A bot with a script of three lines, behind a fake Telegram.
struct Bot {
    telegram: FakeTelegram,
}

impl Bot {
    async fn start() -> Self {
        let api: Arc<OnceLock<String>> = Arc::default();
        let app = Router::new().route("/", post(answer)).with_state(api.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let webhook = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let bots = vec![FakeBot {
            slug: "operations".into(),
            token: "42:secret".into(),
            username: "operations_bot".into(),
            secret: "s3cret".into(),
            webhook: Some(webhook),
        }];
        let telegram = start(Options { bots, ..Options::default() }).await.unwrap();
        api.set(format!("{}/bot42:secret", telegram.url())).unwrap();
        let commands = json!([
            { "command": "start", "description": "Begin" },
            { "command": "report", "description": "Report an issue" },
        ]);
        call(api.get().unwrap(), "setMyCommands", json!({ "commands": commands })).await;
        Self { telegram }
    }
}

async fn answer(State(api): State<Arc<OnceLock<String>>>, Json(update): Json<Value>) -> Json<Value> {
    let api = api.get().expect("nobody writes before the bot knows where to answer");
    if let Some(press) = update.get("callback_query") {
        let message = &press["message"];
        let text = json!({ "chat_id": message["chat"]["id"], "message_id": message["message_id"], "text": "Technical, noted" });
        call(api, "editMessageText", text).await;
        return Json(
            json!({ "method": "answerCallbackQuery", "callback_query_id": press["id"], "text": "Noted" }),
        );
    }
    let message = &update["message"];
    let mut reply = json!({ "chat_id": message["chat"]["id"], "parse_mode": "HTML" });
    match message["text"].as_str() {
        Some("/start") => reply["text"] = json!("Hello! Try /report"),
        Some("/report") => {
            reply["text"] = json!("What is <b>wrong</b>?");
            reply["reply_markup"] = json!({ "inline_keyboard": [[
                { "text": "Cleaning", "callback_data": "cleaning" },
                { "text": "Technical", "callback_data": "technical" },
            ]] });
        }
        _ => return Json(json!({})),
    }
    call(api, "sendMessage", reply).await;
    Json(json!({}))
}

async fn call(api: &str, method: &str, parameters: Value) {
    let answered = reqwest::Client::new().post(format!("{api}/{method}")).json(&parameters).send().await;
    assert!(answered.unwrap().status().is_success(), "{method}");
}
