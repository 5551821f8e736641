//! A real browser, driven over WebDriver (<https://www.w3.org/TR/webdriver2/>).

use std::{
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

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
async fn drive(chromedriver: &Path) -> (Child, String) {
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
    async fn start(chromium: &Path, chromedriver: &Path) -> Self {
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

    /// The element that this selector finds first, as WebDriver names it.
    async fn find(&self, selector: &str) -> Value {
        self.ask("/element", json!({ "using": "css selector", "value": selector })).await
    }

    async fn on(&self, selector: &str, command: &str, what: Value) {
        let found = self.find(selector).await;
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str).unwrap();
        self.ask(&format!("/element/{id}/{command}"), what).await;
    }

    pub(crate) async fn click(&self, selector: &str) {
        self.on(selector, "click", json!({})).await;
    }

    pub(crate) async fn keys(&self, selector: &str, text: &str) {
        self.on(selector, "value", json!({ "text": text })).await;
    }

    /// Presses keys one after another, wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let each =
            |key: char| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }));
        let keys: Vec<Value> = keys.chars().flat_map(each).collect();
        let actions = json!([{ "type": "key", "id": "keyboard", "actions": keys }]);
        self.ask("/actions", json!({ "actions": actions })).await;
    }

    /// What follows happens in this frame; `None` is the whole page.
    pub(crate) async fn enter(&self, frame: Option<&str>) {
        self.ask("/frame", json!({ "id": null })).await;
        if let Some(selector) = frame {
            let found = self.find(selector).await;
            self.ask("/frame", json!({ "id": found })).await;
        }
    }

    /// A screen of this size, in CSS pixels.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
    }

    /// As if the system's colours were `light` or `dark`.
    pub(crate) async fn colours(&self, scheme: &str) {
        let media = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        self.ask("/goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await;
    }

    /// Keeps a picture under `target/tmp`, for people.
    pub(crate) async fn screenshot(&self, name: &str) {
        self.picture(Path::new(env!("CARGO_TARGET_TMPDIR")), &format!("page-{name}")).await;
    }

    /// Keeps a picture that the documents show, in the folder that `PICTURES` names (`PICTURES=docs`); else under
    /// `target/tmp`.
    pub(crate) async fn documented(&self, name: &str) {
        match std::env::var_os("PICTURES") {
            Some(folder) => self.picture(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), name).await,
            None => self.screenshot(name).await,
        }
    }

    /// With the pointer out of the way.
    async fn picture(&self, folder: &Path, name: &str) {
        let away = json!([{ "type": "pointerMove", "x": 0, "y": 0, "duration": 0 }]);
        self.ask("/actions", json!({ "actions": [{ "type": "pointer", "id": "mouse", "actions": away }] }))
            .await;
        let response = self.http.get(format!("{}/screenshot", self.session)).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        let picture = STANDARD.decode(answer["value"].as_str().unwrap()).unwrap();
        assert!(picture.starts_with(b"\x89PNG"));
        std::fs::write(folder.join(name).with_extension("png"), picture).unwrap();
    }
}
