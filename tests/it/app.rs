//! The fixed outside of the app: statuses, health, one input for one update, the command line.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::dev::{ADA, Dev, Start, text};

fn update(id: u64, text: &str) -> Value {
    json!({ "update_id": id, "message": {
        "message_id": id, "date": 1, "text": text,
        "from": { "id": ADA, "is_bot": false, "first_name": "Ada" },
        "chat": { "id": ADA, "type": "private", "first_name": "Ada" },
    }})
}

async fn post(dev: &Dev, bot: &str, secret: Option<&str>, body: Vec<u8>) -> u16 {
    let mut request = dev.http.post(format!("{}/telegram/{bot}", dev.functions)).body(body);
    if let Some(secret) = secret {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn strangers_are_refused_and_everything_from_telegram_is_taken() {
    let data = tempfile::tempdir().unwrap();
    let mut dev = Start::own(data.path()).start().await;
    dev.say(ADA, "hello").await;
    dev.hears(ADA, "/start").await;
    let items = dev.behind(ADA).await["items"].as_array().unwrap().len();

    let good = update(7_000_000, "/report").to_string().into_bytes();
    assert_eq!(post(&dev, "operations", None, good.clone()).await, 401);
    assert_eq!(post(&dev, "operations", Some("dev-secres"), good.clone()).await, 401);
    assert_eq!(post(&dev, "nobody", Some("dev-secret"), good).await, 404);
    assert_eq!(
        dev.behind(ADA).await["items"].as_array().unwrap().len(),
        items,
        "nothing of a stranger is stored"
    );

    for garbage in [
        &b""[..],
        b"no json",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"{\"update_id\":\"x\"}",
        b"null",
        b"{\"update_id\":1}",
    ] {
        assert_eq!(post(&dev, "operations", Some("dev-secret"), garbage.to_vec()).await, 200, "{garbage:?}");
    }
    let large = |size: usize| format!("{{\"update_id\":9,\"x\":\"{}\"}}", "x".repeat(size - 22)).into_bytes();
    assert_eq!(post(&dev, "operations", Some("dev-secret"), large(1024 * 1024)).await, 200);
    assert_eq!(post(&dev, "operations", Some("dev-secret"), large(1024 * 1024 + 1)).await, 413);

    let health: Value =
        dev.http.get(format!("{}/health", dev.functions)).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (health["status"].as_str(), health["store"].as_str()),
        (Some("ok"), Some("sqlite")),
        "{health}"
    );
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert!(dev.interrupt().await.success());
}

#[tokio::test]
async fn the_same_update_posted_fifty_times_at_once_is_one_input_and_one_answer() {
    let data = tempfile::tempdir().unwrap();
    let dev = Start::own(data.path()).start().await;
    dev.say(ADA, "/report").await;
    dev.hears(ADA, "What is it about?").await;
    let body = update(7_000_001, "/report").to_string().into_bytes();
    let all = (0..50).map(|_| post(&dev, "operations", Some("dev-secret"), body.clone()));
    assert!(futures_util::future::join_all(all).await.into_iter().all(|status| status == 200));
    let asked = dev.messages(ADA).await.iter().filter(|message| text(message) == "What is it about?").count();
    assert_eq!(asked, 2, "once before, and once for all fifty");
    let behind = dev.behind(ADA).await;
    assert_eq!(behind["items"].as_array().unwrap().len(), 2);
    assert_eq!(behind["conversation"]["outbox"], Value::Null);
}

/// Fields of <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>, counted as there.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn host_and_handler_take_turns_and_stay_as_nice_as_they_were() {
    let field = |task: &Path, number: usize| -> i64 {
        let stat = std::fs::read_to_string(task.join("stat")).unwrap();
        let after_the_name = stat.rsplit_once(')').unwrap().1;
        after_the_name.split_whitespace().nth(number - 3).unwrap().parse().unwrap()
    };
    let (niceness, policy) = (19, 41);
    // Some sandboxes refuse it: then all go on as before.
    let usual = uapi::c::sched_param { sched_priority: 0 };
    let asked = std::thread::spawn(move || uapi::sched_setscheduler(0, uapi::c::SCHED_BATCH, &usual));
    let wanted = match asked.join().unwrap() {
        Ok(_) => uapi::c::SCHED_BATCH.into(),
        Err(_) => field("/proc/self".as_ref(), policy),
    };
    let data = tempfile::tempdir().unwrap();
    let dev = Start::own(data.path()).start().await;
    let handler = dev.until("the handler", || dev.handler()).await;
    for process in [dev.host(), handler] {
        let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
        for task in tasks.map(|task| task.unwrap().path()) {
            assert_eq!(field(&task, policy), wanted, "{}", task.display());
            assert_eq!(field(&task, niceness), field("/proc/self".as_ref(), niceness), "{}", task.display());
        }
    }
}

#[tokio::test]
async fn replay_rebuilds_what_is_stored_and_notices_what_was_changed() {
    let data = tempfile::tempdir().unwrap();
    let mut dev = Start::own(data.path()).start().await;
    dev.say(ADA, "/report").await;
    let kinds = dev.hears(ADA, "What is it about?").await;
    dev.press(ADA, &kinds, "Cleaning").await;
    dev.hears(ADA, "Where is it?").await;
    let workflow = dev.behind(ADA).await["workflows"][0]["id"].as_str().unwrap().to_owned();
    assert!(dev.interrupt().await.success());

    let store = data.path().join("store.db");
    let replay = |workflow: &str| {
        Command::new(env!("CARGO_BIN_EXE_backline"))
            .args(["replay", workflow])
            .env("STORE", format!("sqlite:{}", store.display()))
            .output()
            .unwrap()
    };
    let rebuilt = replay(&workflow);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    assert!(String::from_utf8_lossy(&rebuilt.stdout).contains("cleaning"));
    let nobody = replay("00000000-0000-0000-0000-000000000000");
    assert!(!nobody.status.success());
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("there is no workflow"));

    let file = rusqlite::Connection::open(&store).unwrap();
    let changed = file.execute(
        "UPDATE inputs SET body = replace(body, '\"cleaning\"', '\"security\"') WHERE id = 'head'",
        [],
    );
    assert_eq!(changed.unwrap(), 1);
    assert!(!replay(&workflow).status.success(), "a head that the log does not fold to is noticed");
}

#[tokio::test]
async fn a_transcript_is_found_by_a_name_and_told_in_the_reader_s_words() {
    let data = tempfile::tempdir().unwrap();
    let mut dev = Start::own(data.path()).start().await;
    dev.say(ADA, "/report").await;
    let kinds = dev.hears(ADA, "What is it about?").await;
    dev.press(ADA, &kinds, "Cleaning").await;
    dev.hears(ADA, "Where is it?").await;
    let whole = dev.behind(ADA).await["items"][0]["input"]["conversation"].as_str().unwrap().to_owned();
    assert!(dev.interrupt().await.success());
    let run = |arguments: &[&str]| {
        let told = Command::new(env!("CARGO_BIN_EXE_backline"))
            .arg("transcript")
            .args(arguments)
            .env("STORE", format!("sqlite:{}", data.path().join("store.db").display()))
            .output()
            .unwrap();
        (
            told.status.success(),
            String::from_utf8(told.stdout).unwrap(),
            String::from_utf8(told.stderr).unwrap(),
        )
    };
    let (done, told, why) = run(&["ada"]);
    assert!(done, "{why}");
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], format!("# {whole}"));
    let places = ["> Ada: /report", "< What is it about? [", "> Ada: (taps) Cleaning", "< Where is it?"]
        .map(|words| lines.iter().position(|line| line.contains(words)).unwrap_or_else(|| panic!("{told}")));
    assert!(places.is_sorted(), "{told}");
    assert_eq!(run(&[&whole]).1, told);
    let objects: Vec<Value> =
        run(&[&whole, "--json"]).1.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2);
    assert_eq!((&objects[0]["text"], &objects[0]["state"]), (&json!("Ada: /report"), &json!("done")));
    assert_eq!(objects[0]["sent"][0]["isSent"], true);
    for (wanted, said) in [("Nobody", "nobody is called"), ("operations:9:0:9", "nothing is known")] {
        let (done, _, why) = run(&[wanted]);
        assert!(!done && why.contains(said), "{why}");
    }
}

#[test]
fn talk_plays_a_transcript_and_names_the_first_difference() {
    let talk =
        |file: &Path| Command::new(env!("CARGO_BIN_EXE_backline")).arg("talk").arg(file).output().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let played = talk(&root.join("src/workflows/report/reported.talk"));
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.talk");
    std::fs::write(&file, "> Ada: /report\n< What is it about? [Fish]\n").unwrap();
    let wrong = talk(&file);
    assert!(!wrong.status.success());
    let words = String::from_utf8_lossy(&wrong.stdout).into_owned();
    assert!(words.contains("line 2") && words.contains("[Fish]") && words.contains("[Cleaning]"), "{words}");
}

#[test]
fn what_cannot_be_started_says_what_to_do() {
    let run = |arguments: &[&str], settings: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backline"));
        let output = command.args(arguments).envs(settings.iter().copied()).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(run(&[], &[]).contains("backline dev"));
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let mistakes = run(
        &["dev", "--data", &data],
        &[("BOTS__ops__token", "x"), ("STORE", "cosmos"), ("RETENTION_DAYS", "long")],
    );
    for part in ["BOTS__ops__token", "BOTS__ops__secret", "STORE", "RETENTION_DAYS"] {
        assert!(mistakes.contains(part), "{part} in {mistakes}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let busy = run(&["dev", "--data", &data, "--port", &port, "--telegram-port", "0"], &[]);
    assert!(busy.contains(&port) && busy.contains("--port"), "{busy}");
    let missing = run(&["dev", "--data", &data, "--root", "/nowhere"], &[]);
    assert!(missing.contains("--root"), "{missing}");
}
