//! `smoke`: once against a package that the local host runs, once against every fault that an app may have.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use backline::dev::telegram::{FakeBot, FakeTelegram, Options, start};
use serde_json::{Value, json};

use crate::{
    dev::{ADA, Start},
    package::{package, unpacked},
};

const TOKEN: &str = "42:secret-of-telegram";
const SECRET: &str = "what-telegram-knows";

/// What was found, by thing, and how the command ended.
struct Said {
    code: Option<i32>,
    findings: BTreeMap<String, (String, String)>,
    raw: String,
}

impl Said {
    fn state(&self, what: &str) -> &str {
        &self.findings.get(what).unwrap_or_else(|| panic!("nothing of `{what}` in {}", self.raw)).0
    }

    fn wrong(&self) -> Vec<&str> {
        let wrong = self.findings.iter().filter(|(_, (state, _))| state == "wrong");
        wrong.map(|(what, _)| what.as_str()).collect()
    }
}

async fn run(url: &str, words: &[&str], settings: &[(&str, &str)]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_backline"));
    command.args(["smoke", url, "--json"]).args(words).current_dir(folder.path()).env("NO_COLOR", "1");
    command.envs(settings.iter().copied());
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let raw = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
    let findings = raw.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).map(|finding| {
        let text = |of: &str| finding[of].as_str().unwrap_or_default().to_owned();
        (text("what"), (text("state"), format!("{}; {}", text("found"), text("mend"))))
    });
    Said { code: done.status.code(), findings: findings.collect(), raw }
}

/// A debug build without its symbols: as a package has it, but for its size.
fn program(folder: &Path) -> String {
    let stripped = folder.join("stripped");
    let own = env!("CARGO_BIN_EXE_backline");
    if !Command::new("strip").arg("-o").arg(&stripped).arg(own).status().is_ok_and(|done| done.success()) {
        fs::copy(own, &stripped).unwrap();
    }
    stripped.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_unpacked_run_by_the_local_host_and_found_well() {
    let folder = tempfile::tempdir().unwrap();
    let packed = package(folder.path(), &["--out", "app.zip", "--program", &program(folder.path())], &[]);
    assert!(folder.path().join("app.zip").exists(), "{}", packed.told);
    let app = folder.path().join("app");
    for (path, (mode, bytes)) in unpacked(&folder.path().join("app.zip")) {
        let file = app.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, bytes).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    }
    let data = folder.path().join("data");
    let settings = [("BOTS__operations__token", TOKEN), ("BOTS__operations__secret", SECRET)];
    let start = Start {
        program: env!("CARGO_BIN_EXE_backline").into(),
        root: &app,
        data: &data,
        settings: &settings,
        arguments: &["--auth"],
    };
    let mut dev = start.start().await;
    let handler = dev.until("handler", || dev.handler()).await;
    let runs = fs::read_link(format!("/proc/{handler}/exe"));
    assert!(runs.is_err() || runs.unwrap() == app.join("backline").canonicalize().unwrap());
    dev.say(ADA, "/start").await;
    dev.hears(ADA, "").await;
    let before = dev.messages(ADA).await.len();
    let api = [&settings[..], &[("BOTS__operations__api", dev.telegram.as_str())]].concat();
    let version = env!("CARGO_PKG_VERSION");
    let chat = ADA.to_string();
    let said = run(&dev.functions, &["--expect", version, "--chat", &chat, "--patience", "30"], &api).await;
    assert_eq!(said.code, Some(0), "{}", said.raw);
    for what in [
        "version",
        "health",
        "first answer",
        "warm answers",
        "webhook operations",
        "operator API",
        "admin endpoints",
        "conversation",
    ] {
        assert_eq!(said.state(what), "fine", "{}", said.raw);
    }
    assert!(!said.raw.contains(TOKEN) && !said.raw.contains(SECRET), "{}", said.raw);
    assert_eq!(dev.messages(ADA).await.len(), before, "what was tried is taken away again");
    assert!(dev.interrupt().await.success());
}

/// What is wrong with an app.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    OldVersion,
    NotWell,
    NoBots,
    Slow,
    TakesAnybody,
    TakesAnEmptySecret,
    RefusesTelegram,
    OpenToOperators,
    OpenHost,
    SaysNothing,
    Fails,
}

#[derive(Clone)]
struct Stub {
    fault: Fault,
    telegram: String,
}

async fn answer(State(Stub { fault, telegram }): State<Stub>, request: Request) -> Response<Body> {
    let (path, secret) =
        (request.uri().path().to_owned(), request.headers().get("x-telegram-bot-api-secret-token"));
    let secret = secret.map(|secret| secret.to_str().unwrap().to_owned());
    let status = |code: u16| Response::builder().status(StatusCode::from_u16(code).unwrap());
    let empty = |code: u16| status(code).body(Body::empty()).unwrap();
    match path.split('/').nth(1).unwrap_or_default() {
        "health" => {
            if fault == Fault::Slow {
                tokio::time::sleep(Duration::from_millis(1100)).await;
            }
            let version = if fault == Fault::OldVersion { "0.0.1" } else { "9.9.9" };
            let bots = if fault == Fault::NoBots { json!([]) } else { json!(["operations"]) };
            let health = json!({ "status": "ok", "version": version, "store": "sqlite", "bots": bots });
            status(if fault == Fault::NotWell { 503 } else { 200 })
                .body(Body::from(health.to_string()))
                .unwrap()
        }
        "telegram" => {
            let is_telegram = match secret.as_deref() {
                Some(SECRET) => fault != Fault::RefusesTelegram,
                Some("") => fault == Fault::TakesAnEmptySecret,
                _ => fault == Fault::TakesAnybody,
            };
            if !is_telegram {
                return empty(401);
            }
            if fault == Fault::Fails {
                return empty(500);
            }
            if fault != Fault::SaysNothing && secret.as_deref() == Some(SECRET) {
                let say = json!({ "chat_id": ADA, "text": "Hello!" });
                let url = format!("{telegram}/bot{TOKEN}/sendMessage");
                reqwest::Client::new().post(url).json(&say).send().await.unwrap();
            }
            empty(200)
        }
        "api" => empty(if fault == Fault::OpenToOperators { 200 } else { 401 }),
        "admin" => empty(if fault == Fault::OpenHost { 200 } else { 401 }),
        _ => empty(404),
    }
}

async fn telegram() -> FakeTelegram {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let bot = FakeBot {
        slug: "operations".into(),
        token: TOKEN.into(),
        username: "operations_bot".into(),
        secret: SECRET.into(),
        webhook: None,
    };
    let telegram = start(Options { bots: vec![bot], ..Options::default() }).await.unwrap();
    telegram.say(ADA, "operations", "/start").unwrap();
    telegram
}

/// A package of this version, and nothing else.
fn versioned(version: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.set_comment(version).unwrap();
    zip.finish().unwrap().into_inner()
}

/// An app with this fault; where it is.
async fn app(fault: Fault, telegram: &FakeTelegram) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stub = Stub { fault, telegram: telegram.url() };
    let router = Router::new().fallback(answer).with_state(stub);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_an_app_is_found_and_no_other() {
    let chat = ADA.to_string();
    let words = ["--expect", "9.9.9", "--patience", "4", "--chat", &chat];
    let cases = [
        (Fault::None, &[][..], ""),
        (Fault::OldVersion, &["version"], "0.0.1 is live, not 9.9.9"),
        (Fault::NotWell, &["health"], "answers with 503"),
        (Fault::NoBots, &["conversation", "health"], "it has no bot"),
        (Fault::Slow, &["warm answers"], "at most 1000 ms"),
        (Fault::TakesAnybody, &["webhook operations"], "without a secret"),
        (Fault::TakesAnEmptySecret, &["webhook operations"], "with an empty secret"),
        (Fault::RefusesTelegram, &["conversation"], "does not take the bot's secret"),
        (Fault::OpenToOperators, &["operator API"], "answered with 200"),
        (Fault::OpenHost, &["admin endpoints"], "answered with 200"),
        (Fault::SaysNothing, &["conversation"], "no answer came"),
        (Fault::Fails, &["conversation"], "answered with 500"),
    ];
    let all = cases.map(|(fault, wrong, told)| {
        let words = &words;
        async move {
            let telegram = telegram().await;
            let api = telegram.url();
            let settings = [
                ("BOTS__operations__token", TOKEN),
                ("BOTS__operations__secret", SECRET),
                ("BOTS__operations__api", api.as_str()),
            ];
            let said = run(&app(fault, &telegram).await, words, &settings).await;
            assert_eq!(said.wrong(), wrong, "{}", said.raw);
            assert_eq!(said.code, Some(i32::from(!wrong.is_empty())), "{}", said.raw);
            assert!(said.raw.contains(told), "{told}: {}", said.raw);
        }
    });
    futures_util::future::join_all(all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_not_there_is_told_once_and_a_bot_that_is_not_known_too() {
    let nobody = run("http://127.0.0.1:9", &["--patience", "0"], &[]).await;
    assert_eq!((nobody.code, nobody.wrong()), (Some(1), vec!["health"]), "{}", nobody.raw);
    assert!(nobody.raw.contains("nobody listens there"), "{}", nobody.raw);

    let telegram = telegram().await;
    let url = app(Fault::None, &telegram).await;
    let unknown = run(&url, &["--chat", "1"], &[]).await;
    assert_eq!(unknown.wrong(), ["conversation"], "{}", unknown.raw);
    let quiet = run(&url, &[], &[]).await;
    assert_eq!(
        (quiet.code, quiet.state("conversation"), quiet.state("version")),
        (Some(0), "skipped", "skipped")
    );
    let packed = tempfile::tempdir().unwrap();
    let zip = packed.path().join("app.zip");
    fs::write(&zip, versioned("9.9.9")).unwrap();
    let zip = zip.display().to_string();
    let of_package = run(&url, &["--package", &zip], &[]).await;
    assert_eq!((of_package.code, of_package.state("version")), (Some(0), "fine"), "{}", of_package.raw);
    fs::write(&zip, versioned("")).unwrap();
    let of_no_version = run(&url, &["--package", &zip], &[]).await;
    assert!(of_no_version.raw.contains("does not tell its version"), "{}", of_no_version.raw);
    let no_url = run("ftp://x", &[], &[]).await;
    assert!(no_url.code == Some(1) && no_url.raw.contains("no address"), "{}", no_url.raw);
}
