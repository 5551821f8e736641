//! `load`: it drives whole conversations, and notices what is missing, doubled or wrong.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    routing::{get, post},
};
use backline::dev::telegram::{FakeBot, FakeTelegram, Options, start};
use serde_json::{Value, json};

use crate::{
    dev::{Start, free_port},
    doctor::run,
};

const REPORTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/workflows/report/reported.talk");

async fn load(words: &[&str], settings: &[(&str, &str)]) -> (Option<i32>, Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let words = [&["load", "--json"], words].concat();
    let (code, said) = run(&words, folder.path(), settings).await;
    let tally = said.lines().find_map(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    (code, tally, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_people_report_things_to_a_running_app_and_nothing_is_lost() {
    let data = tempfile::tempdir().unwrap();
    let settings = [("MESSAGES_PER_SECOND", "0")];
    let dev = Start { settings: &settings, arguments: &["--unlimited"], ..Start::own(data.path()) };
    let mut dev = dev.start().await;
    let whole = ["--telegram", dev.telegram.as_str(), "--people", "12", "--conversations", "30", REPORTED];
    let (code, tally, said) = load(&whole, &[]).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        (&tally["conversations"], &tally["missing"], &tally["doubled"]),
        (&json!(30), &json!(0), &json!(0))
    );
    assert_eq!(tally["errors"], json!({}));
    assert!(tally["updates"].as_u64().unwrap() >= 30 * 5, "{said}");
    assert!(said.contains("12 people talk"), "{said}");
    let least = |spread: &Value| {
        spread["p50"].as_f64().unwrap() > 0.0 && spread["p99"].as_f64() >= spread["p50"].as_f64()
    };
    assert!(least(&tally["answer_ms"]) && least(&tally["reply_ms"]), "{said}");
    assert!(dev.interrupt().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_deployed_app_the_command_itself_plays_telegram() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let api = format!("http://127.0.0.1:{port}");
    let settings = [
        ("MESSAGES_PER_SECOND", "0"),
        ("BOTS__loadtest__token", "77:made-up"),
        ("BOTS__loadtest__secret", "between-us"),
        ("BOTS__loadtest__api", api.as_str()),
    ];
    let mut dev = Start { settings: &settings, ..Start::own(data.path()) }.start().await;
    let port = port.to_string();
    let mut words =
        vec!["--app", dev.functions.as_str(), "--bot", "loadtest", "--telegram-port", port.as_str()];
    words.extend(["--people", "6", "--conversations", "2", REPORTED]);
    let (code, tally, said) = load(&words, &settings).await;
    assert_eq!((code, &tally["conversations"]), (Some(0), &json!(2)), "{said}");
    assert!(!said.contains("between-us") && !said.contains("made-up"), "{said}");
    let (code, _, said) = load(&words, &[("BOTS__loadtest__token", "77:made-up")]).await;
    assert!(code == Some(1) && said.contains("BOTS__loadtest__secret"), "{said}");
    assert!(dev.interrupt().await.success());
}

/// An app that answers each text in its own way.
async fn app(telegram: &'static str, answers: usize) -> String {
    let told = post(async move |State(api): State<String>, body: Bytes| {
        let update: Value = serde_json::from_slice(&body).unwrap();
        let chat = &update["message"]["chat"]["id"];
        let http = reqwest::Client::new();
        for _ in 0..answers {
            let message = json!({ "chat_id": chat, "text": "hi" });
            http.post(format!("{api}/bot42:x/sendMessage")).json(&message).send().await.unwrap();
        }
        Json(json!({}))
    });
    let app = Router::new()
        .route("/telegram/operations", told)
        .route("/", get(async || ""))
        .with_state(telegram.to_owned());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/telegram/operations", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// Somebody says hello once to an app that answers so many times.
async fn greeted(answers: usize, talk: &Path) -> (Option<i32>, Value) {
    let bot = |webhook| FakeBot {
        slug: "operations".into(),
        token: "42:x".into(),
        username: "operations_bot".into(),
        webhook,
        ..FakeBot::default()
    };
    // Its address is known only once it is there.
    let telegram: FakeTelegram =
        start(Options { bots: vec![bot(None)], ..Options::default() }).await.unwrap();
    let webhook = app(telegram.url().leak(), answers).await;
    let set = format!("{}/bot42:x/setWebhook", telegram.url());
    reqwest::Client::new().post(set).json(&json!({ "url": webhook })).send().await.unwrap();
    let url = telegram.url();
    let words = ["--telegram", url.as_str(), "--people", "1", "--conversations", "1", talk.to_str().unwrap()];
    let (code, tally, _) = load(&words, &[]).await;
    (code, tally)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_doubled_or_wrong_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (hello, tap) = (folder.path().join("hello.talk"), folder.path().join("tap.talk"));
    fs::write(&hello, "> Ada: hello\n< hi\n").unwrap();
    fs::write(&tap, "> Ada: hello\n< hi [Go]\n> Ada taps: Go\n").unwrap();
    let (once, twice, never, tapped) =
        tokio::join!(greeted(1, &hello), greeted(2, &hello), greeted(0, &hello), greeted(1, &tap));
    let counted = |(code, tally): (Option<i32>, Value)| {
        (code, tally["missing"].clone(), tally["doubled"].clone(), tally["errors"].clone())
    };
    assert_eq!(counted(once), (Some(0), json!(0), json!(0), json!({})));
    assert_eq!(counted(twice), (Some(1), json!(0), json!(1), json!({})));
    assert_eq!(counted(never), (Some(1), json!(1), json!(0), json!({})));
    let wrong = json!({ "line 3: there is no button `Go`": 1 });
    assert_eq!(counted(tapped), (Some(1), json!(0), json!(0), wrong));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_played_is_told_before_anybody_talks() {
    let folder = tempfile::tempdir().unwrap();
    let talk = folder.path().join("later.talk");
    fs::write(&talk, "> Ada: hello\n… 25 hours pass\n").unwrap();
    let (code, _, said) = load(&[talk.to_str().unwrap()], &[]).await;
    assert!(code == Some(1) && said.contains("line 2: this can only be rehearsed"), "{said}");
    let (code, _, said) = load(&["--telegram", "http://127.0.0.1:9", REPORTED], &[]).await;
    assert!(code == Some(1) && said.contains("start `dev`"), "{said}");
}
