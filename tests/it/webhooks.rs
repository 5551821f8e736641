//! Webhooks: set, shown and taken away by the command, and watched by the app.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use backline::{
    dev::telegram::{FakeBot, FakeTelegram, Options, start},
    model::{TraceParent, What},
    runtime::{Settings, Watched},
    telegram::normalize::normalize,
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    bot_api,
    doctor::run,
    fake_telegram::Webhook,
    harness::{App, Plan},
};

const HANDLED: [&str; 6] =
    ["message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "my_chat_member"];

async fn ask(telegram: &str, token: &str, method: &str, parameters: Value) -> Value {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.post(format!("{telegram}/bot{token}/{method}")).json(&parameters).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["result"].clone()
}

async fn two_bots() -> FakeTelegram {
    let bot = |slug: &str, token: &str| FakeBot {
        slug: slug.into(),
        token: token.into(),
        username: format!("{slug}_bot"),
        ..FakeBot::default()
    };
    let bots = vec![bot("operations", "42:token"), bot("news", "43:token")];
    start(Options { bots, ..Options::default() }).await.unwrap()
}

fn settings(api: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("BOTS__operations__token", "42:token".to_owned()),
        ("BOTS__operations__secret", "first-secret".to_owned()),
        ("BOTS__news__token", "43:token".to_owned()),
        ("BOTS__news__secret", "second-secret".to_owned()),
        ("TELEGRAM_API_URL", api.to_owned()),
    ])
}

async fn told(words: &[&str], settings: &BTreeMap<&'static str, String>) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    run(words, folder.path(), &settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_tells_telegram_where_all_bots_are_and_what_they_can_do() {
    let telegram = two_bots().await;
    let settings = settings(&telegram.url());
    let set = ["webhook", "set", "http://127.0.0.1:9/"];
    let (code, said) = told(&set, &settings).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("✓ bot news") && said.contains("new menus for everybody, de, en"), "{said}");
    for (slug, token) in [("operations", "42:token"), ("news", "43:token")] {
        let info = ask(&telegram.url(), token, "getWebhookInfo", json!({})).await;
        assert_eq!(info["url"], format!("http://127.0.0.1:9/telegram/{slug}"));
        assert_eq!((&info["allowed_updates"], &info["max_connections"]), (&json!(HANDLED), &json!(40)));
        let menu = async |language: &str| {
            let menu =
                ask(&telegram.url(), token, "getMyCommands", json!({ "language_code": language })).await;
            menu.as_array().unwrap().clone()
        };
        let (everybody, german) = (menu("").await, menu("de").await);
        let report =
            |menu: &[Value]| menu.iter().find(|c| c["command"] == "report").unwrap()["description"].clone();
        assert_eq!(everybody, menu("en").await);
        assert_ne!(report(&everybody), report(&german));
        assert!(everybody.iter().any(|command| command["command"] == "help"), "{everybody:?}");
    }
    let secrets: Vec<Value> = telegram
        .calls()
        .iter()
        .filter(|call| call.method == "setWebhook")
        .map(|call| call.parameters["secret_token"].clone())
        .collect();
    assert_eq!(secrets, ["second-secret", "first-secret"], "each bot has its own");
    let (code, again) = told(&set, &settings).await;
    assert_eq!((code, again.matches("menus as they were").count()), (Some(0), 2), "{again}");
    assert!(!said.contains("secret") && !said.contains(":token"), "{said}");

    let (code, shown) = told(&["webhook", "info"], &settings).await;
    assert_eq!(code, Some(0), "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    assert!(
        lines[0].starts_with("BOT         WAITING  AT ONCE  ADDRESS    FAILED LAST  LEADS TO"),
        "{shown}"
    );
    assert_eq!(
        lines[2],
        "operations  0        40       127.0.0.1  –            http://127.0.0.1:9/telegram/operations"
    );

    let (code, said) = told(&["webhook", "delete"], &settings).await;
    assert!(code == Some(1) && said.contains("--bot"), "nobody stops all bots by a slip: {said}");
    let (code, said) = told(&["webhook", "delete", "--bot", "news"], &settings).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(ask(&telegram.url(), "43:token", "getWebhookInfo", json!({})).await["url"], "");
    assert_ne!(ask(&telegram.url(), "42:token", "getWebhookInfo", json!({})).await["url"], "");
    let (code, said) = told(&["webhook", "delete", "--bot", "nobody"], &settings).await;
    assert!(code == Some(1) && said.contains("`nobody`"), "{said}");
    bot_api::assert_calls(&telegram.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_webhook_is_shown_with_what_mends_it() {
    let telegram = two_bots().await;
    let mut settings = settings(&telegram.url());
    settings.insert("WEBHOOK_URL", "http://127.0.0.1:9".to_owned());
    settings.insert("WEBHOOK_MAX_CONNECTIONS", "7".to_owned());
    assert_eq!(told(&["webhook", "set", "--bot", "operations"], &settings).await.0, Some(0));
    ask(&telegram.url(), "43:token", "setWebhook", json!({ "url": "http://127.0.0.1:9/old" })).await;
    // Nobody listens there.
    telegram.say(101, "operations", "hello").unwrap();
    let failed = |telegram: &FakeTelegram| telegram.deliveries()[0].error.clone();
    tokio::time::timeout(std::time::Duration::from_secs(20), telegram.until(failed)).await.unwrap();
    let (code, shown) = told(&["webhook", "info", "--json"], &settings).await;
    assert_eq!(code, Some(1));
    let rows: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&rows[0]["bot"], &rows[1]["bot"]), (&json!("news"), &json!("operations")));
    assert_eq!(rows[0]["troubles"][0]["what"], "it leads to `http://127.0.0.1:9/old`");
    assert!(rows[0]["troubles"][0]["mend"].as_str().unwrap().contains("`webhook set`"));
    assert_eq!(rows[1]["troubles"][0]["what"], "1 updates wait; Telegram says: Connection refused");
    assert_eq!((&rows[1]["waiting"], &rows[1]["at_once"]), (&json!(1), &json!(7)));
    settings.insert("BOTS__news__token", "43:revoked".to_owned());
    let (code, shown) = told(&["webhook", "info", "--bot", "news"], &settings).await;
    assert!(code == Some(1) && shown.contains("does not know this token"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_telegram_would_refuse_are_refused_before_it_is_asked() {
    let mut settings = settings("");
    settings.remove("TELEGRAM_API_URL");
    for (url, why) in [
        ("http://backline.example", "HTTPS"),
        ("https://backline.example:7071", "443 or 8443"),
        ("https://127.0.0.1", "IP address 127.0.0.1 is reserved"),
        ("https://10.1.2.3:8443", "IP address 10.1.2.3 is reserved"),
        ("https://[::1]", "not an IPv4"),
        ("https://backline.invalid", "leads nowhere"),
        ("backline.example", "invalid webhook URL"),
    ] {
        let (code, said) = told(&["webhook", "set", url], &settings).await;
        assert!(
            code == Some(1) && said.contains("Telegram would refuse") && said.contains(why),
            "{url}: {said}"
        );
    }
    let (code, said) = told(&["webhook", "set"], &settings).await;
    assert!(code == Some(1) && said.contains("WEBHOOK_URL"), "{said}");
    settings.insert("WEBHOOK_URL", "backline".to_owned());
    let (code, said) = told(&["webhook", "info"], &settings).await;
    assert!(code == Some(1) && said.contains("`WEBHOOK_URL` is `backline`"), "{said}");
}

#[test]
fn telegram_is_asked_for_the_updates_that_something_is_made_of_and_for_no_others() {
    let body = json!({
        "id": "7", "data": "x", "text": "hello", "from": { "id": 101 }, "chat": { "id": 101, "type": "private" },
        "new_chat_member": { "status": "member" },
    });
    let made_of = |kind: &str| {
        let update = json!({ "update_id": 1, kind: body }).to_string();
        let (bot, at) = ("operations".parse().unwrap(), "2026-07-01T12:00:00Z".parse().unwrap());
        let input = normalize(&bot, None, update.as_bytes(), at, TraceParent::root()).unwrap();
        !matches!(input.what, What::Ignored { .. })
    };
    let kinds: BTreeSet<&str> = bot_api::kinds_of_update().filter(|kind| made_of(kind)).collect();
    assert_eq!(kinds, BTreeSet::from(backline::telegram::webhook::HANDLED));
    assert_eq!(kinds, BTreeSet::from(HANDLED));
}

/// An app that knows where it is.
async fn app_at(address: &str) -> App {
    let plan = Plan::default();
    let settings = Settings { address: Some(address.to_owned()), ..plan.settings };
    App::planned(Plan { settings, ..plan }).await
}

async fn telegram_has(app: &App, webhook: Value) {
    let mut webhook = webhook;
    webhook["drop_pending_updates"] = true.into();
    ask(&app.telegram.url(), "42:secret", "setWebhook", webhook).await;
}

async fn info(app: &App) -> Value {
    ask(&app.telegram.url(), "42:secret", "getWebhookInfo", json!({})).await
}

#[tokio::test]
async fn a_webhook_of_ours_that_has_changed_is_set_again() {
    let app = app_at("http://127.0.0.1:9").await;
    let ours = "http://127.0.0.1:9/telegram/operations";
    let watch = async || app.process().runtime.watch_webhooks().await;
    let mended = Watched { bots: 1, mended: 1, in_trouble: 0 };
    let fine = Watched { bots: 1, ..Watched::default() };
    for other in [
        json!({ "url": ours }),
        json!({ "url": ours, "allowed_updates": HANDLED, "max_connections": 7 }),
        json!({ "url": ours, "allowed_updates": HANDLED, "ip_address": "203.0.113.7" }),
        json!({ "url": ours, "allowed_updates": ["message", "chat_member"] }),
    ] {
        telegram_has(&app, other.clone()).await;
        assert_eq!(watch().await, mended, "{other}");
        let info = info(&app).await;
        assert_eq!((&info["allowed_updates"], &info["max_connections"]), (&json!(HANDLED), &json!(40)));
        assert_eq!((&info["ip_address"], &info["url"]), (&json!("127.0.0.1"), &json!(ours)));
        assert_eq!(watch().await, fine, "what is mended stays so");
    }
    let timer = Request::post("/watch_webhooks").body(Body::from(r#"{"Data":{},"Metadata":{}}"#)).unwrap();
    let (status, said) = app.process().knock(timer).await;
    assert_eq!(status, StatusCode::OK);
    assert!(said.contains("looked at 1 webhooks, mended 0, 0 in trouble"), "{said}");
}

#[tokio::test]
async fn a_secret_that_telegram_has_no_longer_is_told_to_it_again() {
    let webhook = Webhook::start().await;
    let app = app_at(webhook.url.trim_end_matches("/telegram/operations")).await;
    let kinds = json!({ "url": webhook.url, "secret_token": "old", "allowed_updates": HANDLED });
    telegram_has(&app, kinds).await;
    app.telegram.say(101, "operations", "hello").unwrap();
    for _ in 0..2 {
        let delivered = webhook.next().await;
        assert_eq!(delivered.secret.as_deref(), Some("old"));
        delivered.answer(StatusCode::UNAUTHORIZED);
    }
    app.telegram
        .until(|telegram| telegram.deliveries().last()?.next.filter(|due| *due > app.clock.now()))
        .await;
    let watched = app.process().runtime.watch_webhooks().await;
    assert_eq!(watched, Watched { bots: 1, mended: 1, in_trouble: 0 });
    app.wind(TimeDelta::seconds(2));
    let delivered = webhook.next().await;
    assert_eq!(delivered.secret.as_deref(), Some("s3cret"));
    delivered.answer("");
    app.telegram.settled().await;
}

#[tokio::test]
async fn what_only_a_person_can_put_right_is_left_alone_and_told() {
    let app = app_at("http://127.0.0.1:9").await;
    let watch = async || app.process().runtime.watch_webhooks().await;
    let trouble = Watched { bots: 1, mended: 0, in_trouble: 1 };
    assert_eq!(watch().await, trouble, "there is none, and somebody has written");
    let other = "http://127.0.0.1:9/another";
    telegram_has(&app, json!({ "url": other })).await;
    assert_eq!(watch().await, trouble, "it leads elsewhere");
    assert_eq!(info(&app).await["url"], other);
    ask(&app.telegram.url(), "42:secret", "deleteWebhook", json!({})).await;
    assert_eq!(watch().await, Watched { bots: 1, ..Watched::default() }, "somebody has stopped the bot");
    let failing = json!({ "url": "http://127.0.0.1:9/telegram/operations", "allowed_updates": HANDLED });
    telegram_has(&app, failing).await;
    app.telegram.say(101, "operations", "hello").unwrap();
    app.telegram.until(|telegram| telegram.deliveries().last()?.error.clone()).await;
    assert_eq!(watch().await, trouble, "nobody is there");
    app.wind(TimeDelta::hours(25));
    app.telegram.until(|telegram| (telegram.pending() == 0).then_some(())).await;
    assert_eq!(watch().await.in_trouble, 0, "it has passed");
}
