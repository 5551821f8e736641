//! `doctor` and `provision`, against the real thing: once all is well, once much is broken.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use backline::{
    dev::telegram::{FakeBot, FakeTelegram, Options, start},
    model::Clock,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::{
    azurite,
    cosmos_bridge::{self, Bridge, ConsistencyLevel},
};

const TOKEN: &str = "42:secret-of-telegram";

/// What a command says: of each thing its state and, if it is wrong, what mends it; and how the command ended.
struct Said {
    code: Option<i32>,
    states: BTreeMap<String, String>,
    mends: BTreeMap<String, String>,
    raw: String,
}

/// Runs the program as its user does, in a folder and with these settings.
pub(crate) async fn run(words: &[&str], folder: &Path, settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backline"));
    command.args(words).current_dir(folder).envs(settings.iter().copied()).env("NO_COLOR", "1");
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout) + &text(done.stderr))
}

async fn asked(command: &str, folder: &Path, settings: &[(&str, &str)]) -> Said {
    let (code, raw) = run(&[command, "--json"], folder, settings).await;
    let findings: Vec<Value> = raw.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let told = |finding: &Value, what: &str| finding[what].as_str().unwrap_or_default().to_owned();
    let of = |what: &str| {
        findings
            .iter()
            .map(|finding| (told(finding, "what"), told(finding, what)))
            .filter(|(_, told)| !told.is_empty())
            .collect()
    };
    Said { code, states: of("state"), mends: of("mend"), raw }
}

impl Said {
    fn of<'a>(map: &'a BTreeMap<String, String>, start: &str, raw: &str) -> &'a str {
        let found = map.iter().find(|(what, _)| what.starts_with(start));
        found.unwrap_or_else(|| panic!("nothing of `{start}` in {raw}")).1
    }

    fn state(&self, start: &str) -> &str {
        Self::of(&self.states, start, &self.raw)
    }

    fn mend(&self, start: &str) -> &str {
        Self::of(&self.mends, start, &self.raw)
    }
}

fn database(consistency: ConsistencyLevel) -> Bridge {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Bridge::start(&cosmos_bridge::Options { port: 0, clock: Clock::real(), consistency }).unwrap()
}

async fn telegram() -> FakeTelegram {
    let bot = FakeBot {
        slug: "operations".into(),
        token: TOKEN.into(),
        username: "operations_bot".into(),
        secret: "secret".into(),
        webhook: Some("http://127.0.0.1:9/telegram/operations".into()),
    };
    start(Options { bots: vec![bot], ..Options::default() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_well_is_told_and_what_is_missing_can_be_made() {
    let Some(queues) = azurite::account() else { return };
    let (folder, account, telegram) =
        (tempfile::tempdir().unwrap(), database(ConsistencyLevel::Strong), telegram().await);
    let (connection, storage, api) =
        (account.connection_string(), queues.connection_string(), telegram.url());
    let settings = [
        ("STORE", "cosmos"),
        ("CosmosConnection", connection.as_str()),
        ("AzureWebJobsStorage", storage.as_str()),
        ("BOTS__operations__token", TOKEN),
        ("BOTS__operations__secret", "secret"),
        ("BOTS__operations__api", api.as_str()),
    ];
    let before = asked("doctor", folder.path(), &settings).await;
    assert_eq!(before.code, Some(1), "{}", before.raw);
    assert_eq!(before.state("container `inputs`"), "wrong");
    assert!(before.mend("container `inputs`").contains("`provision`"), "{}", before.raw);

    let made = asked("provision", folder.path(), &settings).await;
    assert_eq!(made.code, Some(0), "{}", made.raw);
    assert_eq!(made.raw.matches("\"made\"").count(), 7, "a database and six containers: {}", made.raw);
    let again = asked("provision", folder.path(), &settings).await;
    assert_eq!((again.code, again.raw.matches("\"made\"").count()), (Some(0), 0), "{}", again.raw);

    let now = asked("doctor", folder.path(), &settings).await;
    assert_eq!(now.code, Some(0), "{}", now.raw);
    assert!(now.states.values().all(|state| state == "fine"), "{}", now.raw);
    let things = [
        "host.json",
        "functions",
        "settings",
        "account",
        "database",
        "store",
        "queues",
        "bot",
        "webhook",
        "clock",
    ];
    for thing in things {
        assert_eq!(now.state(thing), "fine", "{}", now.raw);
    }
    let (_, people_read) = run(&["doctor"], folder.path(), &settings).await;
    assert!(people_read.contains("✓ store") && people_read.contains("All is well"), "{people_read}");
    assert!(!people_read.contains("secret-of-telegram"), "{people_read}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_is_named_each_with_what_mends_it() {
    let Some(queues) = azurite::account() else { return };
    let (folder, account, telegram) =
        (tempfile::tempdir().unwrap(), database(ConsistencyLevel::Session), telegram().await);
    let (connection, api) = (account.connection_string(), telegram.url());
    let storage = queues.connection_string();
    let key = storage.split("AccountKey=").nth(1).unwrap().split(';').next().unwrap();
    let wrong_key = storage.replace(key, "c2VzYW1lIG9wZW4=");
    let settings = [
        ("STORE", "cosmos"),
        ("CosmosConnection", connection.as_str()),
        ("AzureWebJobsStorage", wrong_key.as_str()),
        ("BOTS__operations__token", "42:revoked"),
        ("BOTS__operations__secret", "secret"),
        ("BOTS__operations__api", api.as_str()),
        ("INLINE_BUDGET_MS", "soon"),
    ];
    fs::create_dir_all(folder.path().join("functions/digest")).unwrap();
    let digest =
        r#"{ "bindings": [{ "type": "timerTrigger", "name": "timer", "schedule": "0 0 7 * * *" }] }"#;
    fs::write(folder.path().join("functions/digest/function.json"), digest).unwrap();
    fs::write(
        folder.path().join("host.json"),
        r#"{ "version": "2.0", "customHandler": { "description": { "defaultExecutablePath": "backline" } } }"#,
    )
    .unwrap();
    let said = asked("doctor", folder.path(), &settings).await;
    assert_eq!(said.code, Some(1));
    for (thing, mend) in [
        ("host.json", "set it to true"),
        ("function digest", "remove its folder"),
        ("settings", "whole number"),
        ("account", "Strong"),
        ("queues", "Storage Queue Data Contributor"),
        ("bot operations", "BOTS__operations__token"),
    ] {
        assert_eq!(said.state(thing), "wrong", "{}", said.raw);
        assert!(said.mend(thing).contains(mend), "{thing}: {}", said.mend(thing));
    }
    let (_, people_read) = run(&["doctor"], folder.path(), &settings).await;
    for secret in ["c2VzYW1lIG9wZW4", "revoked", "sig="] {
        assert!(!said.raw.contains(secret) && !people_read.contains(secret), "{people_read}");
    }
    assert!(people_read.contains("things are wrong."), "{people_read}");
}

/// A proxy that leads to one place, whatever is asked for; and what was asked for.
async fn proxy(to: String) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (asked, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (to, asked) = (to.clone(), asked.clone());
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                let _ = asked.send(String::from_utf8(head).unwrap());
                let mut server = TcpStream::connect(to).await.unwrap();
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, requests)
}

#[tokio::test(flavor = "multi_thread")]
async fn telegram_is_called_through_the_proxy_that_is_set_unless_it_is_on_this_machine() {
    let (folder, telegram) = (tempfile::tempdir().unwrap(), telegram().await);
    let here = telegram.url();
    let (address, mut requests) = proxy(here.trim_start_matches("http://").to_owned()).await;
    let proxy = format!("http://user:pass@{address}");
    let bot = async |api: &str| {
        let settings = [
            ("BOTS__operations__token", TOKEN),
            ("BOTS__operations__secret", "secret"),
            ("BOTS__operations__api", api),
            ("HTTP_PROXY", proxy.as_str()),
            ("NO_PROXY", ""),
        ];
        let said = asked("doctor", folder.path(), &settings).await;
        assert_eq!(said.state("bot operations"), "fine", "{}", said.raw);
    };

    bot(&here).await;
    assert!(requests.try_recv().is_err(), "what is on this machine is behind no proxy");
    // Nobody can reach this but a proxy that takes it for something else.
    bot("http://telegram.invalid").await;
    let request = requests.try_recv().unwrap();
    assert!(request.starts_with("CONNECT telegram.invalid:80 HTTP/1.1\r\n"), "{request}");
    assert!(request.to_lowercase().contains("proxy-authorization: basic dxnlcjpwyxnz"), "{request}");
}
