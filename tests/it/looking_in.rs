//! Looking into the host: the page's pane in a real browser, the same as JSON, and a build that fails.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    browser::{Browser, in_a_browser},
    dev::{ADA, Dev, Start},
};

const END: &str = "\u{E010}";

/// Waits until what this selector finds contains these words.
async fn shows(browser: &Browser, selector: &str, words: &str) {
    let words = json!(words);
    browser.until(&format!("[...document.querySelectorAll('{selector}')].some((found) => found.textContent.includes({words}))")).await;
}

/// Pictures for people, in both colour schemes.
async fn screenshots(browser: &Browser, name: &str) {
    for scheme in ["dark", "light"] {
        browser.colours(scheme).await;
        browser.screenshot(&format!("{name}-{scheme}")).await;
    }
}

#[tokio::test]
async fn calls_appear_as_they_happen_and_a_timer_runs_now() {
    in_a_browser(async |browser| {
        let data = tempfile::tempdir().unwrap();
        let dev = Start::own(data.path()).start().await;
        browser.open(&dev.telegram).await;
        browser.click("#show-behind").await;
        browser.until("!document.querySelector('#tab-host').hidden").await;
        // By keyboard: from one tab to the last.
        browser.keys("#tab-behind", END).await;
        browser.until("document.querySelector('#tab-host').getAttribute('aria-selected') === 'true'").await;
        shows(browser, "#host-handler .chip", "ready").await;
        shows(browser, "#host-functions .what", "GET /health").await;
        shows(browser, "#host-functions time", "next in").await;

        dev.say(ADA, "/start").await;
        shows(browser, ".call summary", "telegram_webhook").await;
        shows(browser, ".call summary .chip.good", "200").await;
        let call = "[...document.querySelectorAll('.call summary')].find((call) => call.textContent.includes('telegram_webhook'))";
        browser.eval(&format!("{call}.click()")).await;
        shows(browser, ".wire pre", "POST /telegram/operations HTTP/1.1").await;
        shows(browser, ".wire pre", "\"text\": \"/start\"").await;
        shows(browser, ".wire pre", "HTTP/1.1 200").await;

        let runs = "[...document.querySelectorAll('.call summary')].filter((call) => call.textContent.includes('sweep')).length";
        let before = browser.eval(runs).await;
        browser.click("[data-run=sweep]").await;
        browser.until(&format!("{runs} > {before}")).await;
        assert_eq!(
            browser.eval("document.activeElement.dataset.run").await,
            "sweep",
            "the button keeps the focus while its row changes"
        );
        let is_open = format!("{call}.parentElement.open && document.querySelector('.wire') !== null");
        assert_eq!(browser.eval(&is_open).await, true, "what was unfolded stays unfolded");
        screenshots(browser, "host").await;
    })
    .await;
}

/// Writes a stranger's app: a request's function and a queue's, served by the recorder.
fn strangers(root: &Path, executable: &Path) {
    let binding = |more: Value| json!({ "bindings": more }).to_string();
    let http = json!([
        { "type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous" },
        { "type": "http", "direction": "out", "name": "res" },
    ]);
    let queue =
        json!([{ "type": "queueTrigger", "direction": "in", "name": "message", "queueName": "orders" }]);
    let host = json!({
        "version": "2.0",
        "customHandler": { "description": {
            "defaultExecutablePath": executable,
            "arguments": ["host::recorder::serves_as_a_handler", "--exact", "--nocapture"],
        } },
        "extensions": { "queues": { "maxDequeueCount": 1 } },
    });
    for (file, text) in [
        ("host.json", host.to_string()),
        ("hello/function.json", binding(http)),
        ("fulfil/function.json", binding(queue)),
    ] {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

async fn get(dev: &Dev, what: &str) -> Value {
    dev.http.get(format!("{}/dev/{what}", dev.telegram)).send().await.unwrap().json().await.unwrap()
}

async fn post(dev: &Dev, what: &str, body: Value) -> u16 {
    dev.http.post(format!("{}/dev/{what}", dev.telegram)).json(&body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_strangers_queue_takes_a_message_and_its_poison_queue_is_seen() {
    in_a_browser(async |browser| {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("record.jsonl").display().to_string();
        strangers(folder.path(), &std::env::current_exe().unwrap());
        let data = folder.path().join("data");
        let mut start = Start { root: folder.path(), ..Start::own(&data) };
        let settings = [("RECORD", record.as_str())];
        start.settings = &settings;
        let dev = start.start().await;
        browser.open(&dev.telegram).await;
        // Without bots there is nobody to chat with: the host is all there is.
        browser.until("document.querySelector('#app').classList.contains('no-chats')").await;
        shows(browser, "#host-functions strong", "fulfil").await;

        let hello = dev.http.get(format!("{}/api/hello?name=Ada", dev.functions)).send().await.unwrap();
        assert_eq!(hello.status(), 200);
        shows(browser, ".call summary", "hello").await;

        browser.click("[data-queue=orders] summary").await;
        browser.keys("[data-queue=orders] textarea", "<b>two coffees</b>").await;
        browser.click("[data-queue=orders] .put button").await;
        shows(browser, ".call summary", "fulfil").await;
        browser.until("document.querySelector('[data-queue=orders] textarea').value === ''").await;

        // What a handler's logger says is shown with one time, the host's, and as bad as it says.
        let says = STANDARD.encode(r#"{"json":{},"out":"2026-01-01T00:00:00.5Z  WARN the milk is sour"}"#);
        assert_eq!(
            post(&dev, "queues/orders", json!({ "message": json!({ "answer": says }).to_string() })).await,
            201
        );
        shows(browser, "#host-log .warning", "the milk is sour").await;
        let line = dev.line("the milk is sour").unwrap();
        assert!(line.contains(" WARN handler: the milk is sour") && !line.contains("2026-01-01"), "{line}");

        let fails = STANDARD.encode(r#"{"status":500,"text":"no coffee"}"#);
        let message = json!({ "answer": fails, "order": "<b>tea</b>" }).to_string();
        browser.keys("[data-queue=orders] textarea", &message).await;
        browser.click("[data-queue=orders] .put button").await;
        shows(browser, "[data-name=orders-poison] .chip.bad", "1 waiting").await;
        browser.click("[data-queue=orders-poison] summary").await;
        shows(browser, "[data-queue=orders-poison] pre", "<b>tea</b>").await;
        assert_eq!(browser.eval("document.querySelectorAll('#host-panel pre b').length").await, 0);
        shows(browser, ".call summary .chip.bad", "failed").await;
        screenshots(browser, "stranger").await;

        let failed = get(&dev, "invocations?function=fulfil").await[0].clone();
        assert!(failed["failure"].as_str().unwrap().contains("500"), "{failed}");
        let details = get(&dev, &format!("invocations/{}", failed["n"])).await;
        assert_eq!(details["wire"][0]["answer"]["body"], "no coffee");
        let sent: Value =
            serde_json::from_str(details["wire"][0]["request"]["body"].as_str().unwrap()).unwrap();
        assert!(sent["Data"]["message"].as_str().unwrap().contains("tea"), "{sent}");
    })
    .await;
}

#[tokio::test]
async fn what_the_pane_shows_is_there_for_tools() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record.jsonl").display().to_string();
    strangers(folder.path(), &std::env::current_exe().unwrap());
    let data = folder.path().join("data");
    let mut start = Start { root: folder.path(), ..Start::own(&data) };
    let settings = [("RECORD", record.as_str())];
    start.settings = &settings;
    let mut dev = start.start().await;
    let functions = get(&dev, "functions").await;
    assert_eq!((&functions[0]["name"], &functions[0]["what"]), (&json!("fulfil"), &json!("orders")));
    assert_eq!(functions[1]["trigger"], "httpTrigger");
    let queues = get(&dev, "queues").await;
    assert_eq!(
        queues,
        json!([{ "name": "orders", "visible": 0, "hidden": 0, "functions": ["fulfil"], "poison": false }])
    );
    let mut events = dev.http.get(format!("{}/dev/events", dev.telegram)).send().await.unwrap();
    assert!(String::from_utf8_lossy(&events.chunk().await.unwrap().unwrap()).contains(r#"{"event":"all"}"#));
    assert_eq!(post(&dev, "functions/hello/run", json!({ "input": "{}" })).await, 202);
    assert_eq!(post(&dev, "functions/nobody/run", json!({})).await, 404);
    let mut told = String::new();
    while !told.contains(r#""event":"invocation_ended""#) {
        told += &String::from_utf8_lossy(&events.chunk().await.unwrap().expect("the stream goes on"));
    }
    assert!(told.contains(r#""function":"hello""#), "{told}");
    // Nobody listens to this queue: what is put there can be looked at.
    assert_eq!(post(&dev, "queues/parked", json!({ "message": "later" })).await, 201);
    assert_eq!(get(&dev, "queues/parked").await[0]["text"], "later");
    assert_eq!(post(&dev, "queues/NO", json!({ "message": "x" })).await, 400);
    // Another site's page may send plain text here unasked, but no JSON.
    let plain = dev.http.post(format!("{}/dev/queues/parked", dev.telegram)).body(r#"{"message":"x"}"#);
    assert_eq!(plain.send().await.unwrap().status(), 415);
    assert_eq!(get(&dev, "host").await["handler"]["state"], "ready");
    assert!(!get(&dev, "log").await.as_array().unwrap().is_empty());
    // A page that listens does not keep the host from ending.
    assert!(dev.interrupt().await.success());
}

#[tokio::test]
async fn a_build_that_fails_is_shown_in_the_page_and_changes_nothing() {
    in_a_browser(async |browser| {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let write = |file: &str, text: &str| {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), text).unwrap();
            fs::set_permissions(root.join(file), PermissionsExt::from_mode(0o755)).unwrap();
        };
        let recorder = std::env::current_exe().unwrap();
        write("target/CACHEDIR.TAG", "");
        write("Cargo.toml", "[package]");
        write("src/main.rs", "fn main() {}");
        write("target/debug/bot", &format!("#!/bin/sh\nexec '{}' \"$@\"\n", recorder.display()));
        // In place of cargo: it notes what it was told, and refuses what says so.
        write(
            "cargo",
            "#!/bin/sh\necho \"$@\" > told\nif grep -q oops src/main.rs; then echo 'error[E0308]: mismatched <i>types</i>' >&2; exit 101; fi\n",
        );
        strangers(root, &root.join("target/debug/bot"));
        let (record, cargo) = (root.join("record.jsonl"), root.join("cargo"));
        let settings = [("RECORD", record.to_str().unwrap()), ("CARGO", cargo.to_str().unwrap())];
        let data = root.join("data");
        let start =
            Start { root, settings: &settings, arguments: &["--watch"], ..Start::own(&data) };
        let dev = start.start().await;
        browser.open(&dev.telegram).await;
        shows(browser, "#host-handler .chip", "up to date").await;
        let told = fs::read_to_string(root.join("told")).unwrap();
        assert!(told.contains("build") && told.contains("--bin bot --profile dev"), "{told}");

        write("src/main.rs", "oops");
        browser.until("!document.querySelector('#build').hidden").await;
        shows(browser, "#build pre", "mismatched <i>types</i>").await;
        assert_eq!(browser.eval("document.querySelectorAll('#build i').length").await, 0);
        assert!(dev.line("mismatched <i>types</i>").is_some(), "the terminal says it, too");
        browser.click("#build summary").await;
        screenshots(browser, "build").await;
        // From now on an answer of the host reaches the page when the end of the next build has.
        browser
            .eval(
                "(() => {
                    const [ask, read, body] = [fetch, JSON.parse, document.body.dataset];
                    let release;
                    const released = new Promise((done) => { release = done; });
                    JSON.parse = (text) => { if (text.includes('up_to_date')) setTimeout(release); return read(text); };
                    window.fetch = async (...what) => {
                        const answer = await ask(...what);
                        body.answered = 'yes';
                        await released;
                        return answer;
                    };
                })()",
            )
            .await;
        let hello = dev.http.get(format!("{}/api/hello", dev.functions)).send().await.unwrap();
        assert_eq!(hello.status(), 200);

        browser.until("document.body.dataset.answered === 'yes'").await;
        write("src/main.rs", "fn main() {}\n");
        browser.until("document.querySelector('#build').hidden").await;
    })
    .await;
}

#[test]
fn watching_a_program_that_cargo_did_not_build_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    strangers(folder.path(), Path::new("/bin/sleep"));
    let refused = std::process::Command::new(env!("CARGO_BIN_EXE_backline"))
        .args(["dev", "--watch", "--port", "0", "--telegram-port", "0", "--root"])
        .arg(folder.path())
        .arg("--data")
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    assert!(said.contains("/bin/sleep is not where cargo builds: start with `cargo run"), "{said}");
}
