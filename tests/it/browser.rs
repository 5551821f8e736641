//! The chat page in a real browser, driven over WebDriver (<https://www.w3.org/TR/webdriver2/>).

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    panic::AssertUnwindSafe,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{Json, Router, extract::State, routing::post};
use backline::dev::telegram::{FakeBot, FakeTelegram, Options, start};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

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

        let behind = "document.querySelector('#behind').textContent";
        browser
            .until(&format!("{behind}.includes('Update ') && {behind}.includes('No app is mounted')"))
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

/// Runs a test in a browser, and ends the browser whatever comes of it. Where there is no browser, says so and does
/// nothing; on a build server that is a failure.
pub(crate) async fn in_a_browser(test: impl AsyncFnOnce(&Browser)) {
    let (Some(chromium), Some(chromedriver)) = (on_path("chromium"), on_path("chromedriver")) else {
        assert!(std::env::var_os("CI").is_none(), "chromium and chromedriver must be on the PATH");
        eprintln!("SKIPPED: no chromium and chromedriver on the PATH, the chat page was not tested");
        return;
    };
    let browser = Browser::start(&chromium, &chromedriver).await;
    let outcome = AssertUnwindSafe(test(&browser)).catch_unwind().await;
    if outcome.is_err() {
        browser.screenshot("failed").await;
        eprintln!("the page says: {}", browser.eval("document.body.innerText").await);
    }
    browser.end().await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|file| file.is_file())
}

pub(crate) struct Browser {
    http: reqwest::Client,
    /// The URL of the WebDriver session.
    session: String,
    driver: Child,
    _profile: tempfile::TempDir,
}

/// Starts chromedriver on a port that it chooses. It takes the port twice, once for each version of IP, and gives up if
/// somebody else has one of them: then it is started again.
async fn drive(chromedriver: &std::path::Path) -> (Child, String) {
    for _ in 0..10 {
        let mut command = Command::new(chromedriver);
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut driver = command.spawn().unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                let port = port.trim_end_matches('.').to_owned();
                // Whoever writes to a closed pipe ends: it is read to its end.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return (driver, port);
            }
        }
    }
    panic!("chromedriver does not start");
}

impl Browser {
    async fn start(chromium: &std::path::Path, chromedriver: &std::path::Path) -> Self {
        // So that reqwest finds its provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (driver, port) = drive(chromedriver).await;
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,860",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
            "timeouts": { "script": 20_000 },
        } } });
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        let mut browser =
            Self { http, session: format!("http://127.0.0.1:{port}/session"), driver, _profile: profile };
        let made = browser.ask("", capabilities).await;
        browser.session = format!("{}/{}", browser.session, made["sessionId"].as_str().unwrap());
        browser
    }

    async fn end(mut self) {
        self.http.delete(&self.session).send().await.unwrap();
        self.driver.kill().await.unwrap();
    }

    pub(crate) async fn ask(&self, command: &str, what: Value) -> Value {
        let response = self.http.post(format!("{}{command}", self.session)).json(&what).send().await.unwrap();
        let mut answer: Value = response.json().await.unwrap();
        assert!(answer["value"].get("error").is_none(), "{command} {what}: {}", answer["value"]["message"]);
        answer["value"].take()
    }

    pub(crate) async fn open(&self, url: &str) {
        self.ask("/url", json!({ "url": url })).await;
        self.until("document.querySelector('#people [aria-checked=true]') !== null").await;
    }

    /// Waits until a JavaScript expression is true; it is asked again after every change of the page.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0];
             const look = () => {{ if ({expression}) {{ observer.disconnect(); done(true); }} }};
             const observer = new MutationObserver(look);
             observer.observe(document, {{ subtree: true, childList: true, attributes: true, characterData: true }});
             look();"
        );
        self.ask("/execute/async", json!({ "script": script, "args": [] })).await;
    }

    pub(crate) async fn eval(&self, expression: &str) -> Value {
        self.ask("/execute/sync", json!({ "script": format!("return {expression}"), "args": [] })).await
    }

    async fn find(&self, selector: &str) -> String {
        let found = self.ask("/element", json!({ "using": "css selector", "value": selector })).await;
        let id = found.as_object().unwrap().values().next().unwrap();
        id.as_str().unwrap().to_owned()
    }

    pub(crate) async fn click(&self, selector: &str) {
        self.ask(&format!("/element/{}/click", self.find(selector).await), json!({})).await;
    }

    pub(crate) async fn keys(&self, selector: &str, text: &str) {
        self.ask(&format!("/element/{}/value", self.find(selector).await), json!({ "text": text })).await;
    }

    /// Keeps a picture under `target/tmp`, for people.
    pub(crate) async fn screenshot(&self, name: &str) {
        let response = self.http.get(format!("{}/screenshot", self.session)).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        let picture = STANDARD.decode(answer["value"].as_str().unwrap()).unwrap();
        assert!(picture.starts_with(b"\x89PNG"));
        std::fs::write(format!("{}/page-{name}.png", env!("CARGO_TARGET_TMPDIR")), picture).unwrap();
    }
}
