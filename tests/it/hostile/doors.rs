//! Every door of the real router, and what must not come through it.

use std::{
    io::Write,
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use crate::{
    dev::free_port,
    harness::{ADA, App, Process, conversation},
};

const SECRET: &str = "s3cret";
const WEBHOOK: &str = "/telegram/operations";
/// What a panic that was caught says.
const PANICKED: &str = "this failed on our side";
const MIB: usize = 1024 * 1024;

async fn post(
    process: &Process,
    path: &str,
    secret: &str,
    kind: &str,
    body: Vec<u8>,
) -> (StatusCode, String) {
    let request = Request::post(path)
        .header("x-telegram-bot-api-secret-token", secret)
        .header("content-type", kind)
        .header("content-encoding", if body.starts_with(b"\x1f\x8b") { "gzip" } else { "identity" })
        .body(Body::from(body))
        .unwrap();
    process.knock(request).await
}

fn text(update_id: u64, text: &str) -> String {
    json!({ "update_id": update_id, "message": {
        "message_id": 1, "date": 1, "text": text,
        "from": { "id": 7, "is_bot": false, "first_name": "P" }, "chat": { "id": 7, "type": "private" },
    }})
    .to_string()
}

/// An update of exactly so many bytes.
fn large(update_id: u64, size: usize) -> Vec<u8> {
    let without = text(update_id, "").len();
    text(update_id, &"x".repeat(size - without)).into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    // Stored, not compressed: <https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4>. Nobody is to unpack it.
    let mut packed = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01".to_vec();
    let length = u16::try_from(bytes.len()).unwrap();
    packed.write_all(&length.to_le_bytes()).unwrap();
    packed.write_all(&(!length).to_le_bytes()).unwrap();
    packed.extend(bytes);
    packed
}

/// Bodies that no honest sender makes.
fn bodies() -> Vec<Vec<u8>> {
    let nested = |open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(10_000), close.repeat(10_000))
    };
    let deep = [nested("[", "1", "]"), nested("{\"a\":", "1", "}"), nested("[{\"Data\":", "1", "}]")];
    let in_update = |inner: &str| format!("{{\"update_id\":1001,\"message\":{inner}}}");
    let mut bodies: Vec<String> = Vec::new();
    for deep in deep {
        bodies.push(in_update(&deep));
        bodies.push(text(1002, "x").replace("\"x\"", &deep));
        bodies.push(format!(
            "{{\"Data\":{{\"hint\":{deep},\"message\":{deep},\"timer\":{deep}}},\"Metadata\":{{}}}}"
        ));
        bodies.push(json!({ "Data": { "hint": deep, "message": deep }, "Metadata": {} }).to_string());
        bodies.push(deep);
    }
    let hints = [
        "{\"conversation\":\"operations:9223372036854775808:0:1\"}",
        "{\"conversation\":\"nobody:1:0:1\"}",
        "{\"conversation\":\"operations:1:0:1\",\"workflow\":\"x\"}",
        "{\"workflow\":\"00000000-0000-0000-0000-000000000000\"}",
        "\u{0}",
        "\\ud800",
    ];
    bodies.extend(
        hints.map(|hint| json!({ "Data": { "hint": hint, "message": hint }, "Metadata": 7 }).to_string()),
    );
    bodies.extend(hints.map(|hint| json!({ "Data": { "hint": hint, "message": hint } }).to_string()));
    bodies.extend([
        String::new(),
        "null".to_owned(),
        "\u{feff}{}".to_owned(),
        text(1003, "/start").replacen('{', "{\"update_id\":1,\"update_id\":2,", 1),
        text(1004, "x").replace("\"chat\":", "\"chat\":{\"id\":1},\"chat\":"),
        text(1005, "x").replace("\"x\"", "\"\\ud800\""),
        text(1006, "x").replace("\"x\"", "\"\\u0000/start\\u0000\""),
        text(1007, "x").replace("\"P\"", "\"\\u0000\\udfff\""),
        text(1008, "x").replace("\"id\":7", &format!("\"id\":{}", "9".repeat(400))),
        text(1009, "x").replace("\"id\":7", "\"id\":1e999999"),
        text(1010, "x").replace("\"id\":7", "\"id\":-9223372036854775808"),
        text(1011, "x").replace("1011", &"1".repeat(5000)),
        text(u64::MAX, "/start"),
        in_update("{\"entities\":[{\"type\":\"bot_command\",\"offset\":18446744073709551615,\"length\":9223372036854775807}],\"text\":\"/a\"}"),
        json!({ "update_id": 1012, "callback_query": { "id": "\u{0}", "data": "\u{0}".repeat(64), "from": { "id": 7 } } }).to_string(),
    ]);
    let mut bodies: Vec<Vec<u8>> = bodies.into_iter().map(String::into_bytes).collect();
    bodies.push(b"\xff\xfe\x00{\x00}".to_vec());
    bodies.push(b"{\"update_id\":1013,\"message\":{\"text\":\"\xc3\x28\xf0\x90\"}}".to_vec());
    bodies.push(gzip(text(1014, "/start").as_bytes()));
    bodies.push(vec![0; 4096]);
    bodies
}

#[tokio::test]
async fn nothing_that_is_posted_to_any_door_makes_it_panic() {
    let app = App::start().await;
    let process = app.process();
    let kinds =
        ["application/json", "text/plain; charset=utf-16", "multipart/form-data; boundary=\"", "\u{1}x"];
    let doors = ["/", "/health", WEBHOOK, "/advance_conversations", "/sweep", "/purge", "/keep_dead_letters"];
    for (n, body) in bodies().into_iter().enumerate() {
        let kind = kinds[n % 3];
        for path in doors.into_iter().chain(["/nowhere", "/telegram/%00", "/telegram/operations/"]) {
            let (status, said) = post(&process, path, SECRET, kind, body.clone()).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            assert_ne!(said, PANICKED, "{path}: {shown}");
            // A 5xx is an order to bring it again, and a poison message the host would bring five times.
            assert!(!status.is_server_error(), "{path}: {status} for {shown}");
            assert!(path != WEBHOOK || status == StatusCode::OK, "{status} for {shown}");
        }
    }
    app.settle().await;
    app.says(ADA, "/start").await;
    assert_eq!(app.sent(ADA), ["Hello."]);
}

#[tokio::test]
async fn a_body_of_one_mib_is_taken_and_of_one_byte_more_is_not() {
    let app = App::start().await;
    let process = app.process();
    for (size, expected) in [(MIB, StatusCode::OK), (MIB + 1, StatusCode::PAYLOAD_TOO_LARGE)] {
        let update = large(2000 + size as u64, size);
        assert_eq!(post(&process, WEBHOOK, SECRET, "application/json", update).await.0, expected);
        for path in ["/advance_conversations", "/keep_dead_letters"] {
            let (status, said) = post(&process, path, "", "application/json", vec![b' '; size]).await;
            assert_eq!(status, expected, "{path}: {said}");
        }
    }
    app.settle().await;
}

#[tokio::test]
async fn doors_are_opened_by_their_own_method_alone() {
    let app = App::start().await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS, Method::TRACE] {
        for path in [WEBHOOK, "/advance_conversations", "/sweep", "/purge", "/keep_dead_letters"] {
            let request = Request::builder().method(method.clone()).uri(path).body(Body::empty()).unwrap();
            let (status, _) = app.process().knock(request).await;
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
}

fn near_misses() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9_-]{0,12}",
        (0..SECRET.len(), "[A-Za-z0-9_-]").prop_map(|(at, letter)| {
            let mut near = SECRET.to_owned();
            near.replace_range(at..=at, &letter);
            near
        }),
        (0..SECRET.len()).prop_map(|length| SECRET[..length].to_owned()),
        "[A-Za-z0-9_-]{1,3}".prop_map(|more| format!("{SECRET}{more}")),
        Just(SECRET.to_uppercase()),
        Just(format!("{SECRET},{SECRET}")),
    ]
}

/// Runs a property against the doors of one app.
fn runs<S: Strategy>(
    cases: u32,
    values: S,
    holds: impl AsyncFn(&App, S::Value) -> Result<(), TestCaseError>,
    afterwards: impl AsyncFnOnce(&App),
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let app = runtime.block_on(App::start());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(&values, |value| runtime.block_on(holds(&app, value))).unwrap();
    runtime.block_on(async {
        afterwards(&app).await;
        drop(app);
    });
}

#[test]
fn whoever_does_not_know_the_secret_is_sent_away_and_leaves_nothing() {
    let near = near_misses().prop_filter("it is the secret", |near| near != SECRET);
    let update = text(3000, "/start").into_bytes();
    let holds = async |app: &App, near: String| {
        let (status, _) = post(&app.process(), WEBHOOK, &near, "application/json", update.clone()).await;
        prop_assert_eq!(status, StatusCode::UNAUTHORIZED, "{}", near);
        Ok(())
    };
    runs(200, near, holds, async |app| {
        assert_eq!(app.store().writes(), 0);
        let (status, _) = post(&app.process(), WEBHOOK, SECRET, "application/json", update.clone()).await;
        assert_eq!(status, StatusCode::OK);
    });
}

/// A text update that somebody changed at a few places, or cut off.
fn mutilated() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6);
    (any::<u64>(), "\\PC{0,20}", changes).prop_map(|(update_id, words, changes)| {
        let mut update = text(update_id, &words).into_bytes();
        for (place, byte, deed) in changes {
            if update.is_empty() {
                break;
            }
            let place = place.index(update.len());
            match deed {
                0 => update[place] = byte,
                1 => update.insert(place, byte),
                _ => drop(update.remove(place)),
            }
        }
        update
    })
}

#[test]
fn mutilated_updates_are_taken_and_the_next_ones_are_served() {
    let holds = async |app: &App, update: Vec<u8>| {
        let (status, said) = post(&app.process(), WEBHOOK, SECRET, "application/json", update).await;
        prop_assert_eq!(status, StatusCode::OK, "{}", said);
        Ok(())
    };
    runs(300, mutilated(), holds, async |app| {
        app.settle().await;
        app.says(ADA, "/order").await;
        app.says(ADA, "Ada").await;
        app.presses(ADA, "Red").await;
        assert_eq!(app.sent(ADA).last().unwrap(), "Red");
        assert!(!app.conversation(ADA).stuck, "{}", conversation(ADA));
    });
}

/// A handler by itself, as the host starts it. Dropped, it is killed.
struct Handler(Child);

impl Drop for Handler {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_handler_listens_on_loopback_only() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let _handler = Handler(
        Command::new(env!("CARGO_BIN_EXE_backline"))
            .current_dir(folder.path())
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    // The fourth column of a listening socket is `0A`: <https://www.kernel.org/doc/Documentation/networking/proc_net_tcp.txt>.
    let listening = |table: &str| -> Vec<String> {
        let rows = std::fs::read_to_string(table).unwrap_or_default();
        let sockets = rows.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
        let ours = sockets.filter(|row| row[3] == "0A" && row[1].ends_with(&format!(":{port:04X}")));
        ours.map(|row| row[1].to_owned()).collect()
    };
    for _ in 0..600 {
        if !listening("/proc/net/tcp").is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(listening("/proc/net/tcp"), [format!("0100007F:{port:04X}")]);
    assert_eq!(listening("/proc/net/tcp6"), [""; 0]);
    let health = reqwest::get(format!("http://127.0.0.1:{port}/health")).await.unwrap();
    assert_eq!(health.json::<Value>().await.unwrap()["status"], "ok");
}
