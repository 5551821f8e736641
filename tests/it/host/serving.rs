//! What the host serves beyond the recordings: keys, `/admin`, queues that other processes fill, timers.

use std::{fs, path::Path, time::Duration};

use backline::{
    dev::host::{self, Event},
    model::Clock,
    queue::{Mailbox, Queue, sqlite::SqliteQueue},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    apps::{self, answer, bindings, host_json, http, queue_in},
    player::{Scene, Stage, ended, fine, request_telling, wait_for},
};

fn timer(schedule: &str, more: Value) -> Value {
    let binding = json!({"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": schedule});
    bindings([apps::with(binding, more)])
}

fn app<const N: usize>(functions: [apps::Function; N]) -> impl FnOnce(&Path) {
    move |root| apps::write(root, &host_json(json!({})), &functions)
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_open_what_they_should() {
    let scene = Scene::build(app([
        ("open", bindings([http(json!({})), answer()])),
        ("closed", bindings([http(json!({"authLevel": "function"})), answer()])),
        ("secret", bindings([http(json!({"authLevel": "admin"})), answer()])),
    ]));
    let stage = scene.start(true).await;
    let keys = fs::read_to_string(stage.scene.data().join("keys.json")).unwrap();
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let (master, host) = (keys["master"].as_str().unwrap(), keys["host"]["default"].as_str().unwrap());
    for (path, key, status) in [
        ("open", "", 200),
        ("closed", "", 401),
        ("closed", "wrong", 401),
        ("closed", host, 200),
        ("closed", master, 200),
        ("secret", host, 401),
        ("secret", master, 200),
    ] {
        let by_query = stage.get(&format!("/api/{path}?code={key}"), &json!({"json": {"Outputs": {}}})).await;
        assert_eq!(by_query["status"], status, "{path} with `{key}`");
        let request =
            format!("GET /api/{path}?code={master} HTTP/1.1\r\nHost: x\r\nx-functions-key: {key}\r\n\r\n");
        assert_eq!(
            stage.exchange(request.as_bytes()).await["status"],
            status,
            "the header wins over the query"
        );
    }
    let mark = stage.mark();
    stage.get(&format!("/api/open?code={master}"), &json!({"json": {}})).await;
    let body: Value = serde_json::from_str(stage.asked(mark)[0]["body"].as_str().unwrap()).unwrap();
    let identity = &body["Data"]["req"]["Identities"][0];
    assert_eq!(identity["AuthenticationType"], "WebJobsAuthLevel");
    assert_eq!(identity["Claims"][0]["Value"], "Admin");
    assert_eq!(stage.get("/admin/functions", &fine()).await["status"], 401);
    assert_eq!(stage.get(&format!("/admin/functions?code={master}"), &fine()).await["status"], 200);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_are_listed_and_called_by_hand() {
    let stage = Stage::start(app([
        ("h", bindings([http(json!({"route": "x/{id?}", "methods": ["get"]})), answer()])),
        ("tick", timer("0 0 0 1 1 *", json!({}))),
        ("worker", bindings([queue_in("hints")])),
    ]))
    .await;
    let listed = stage.get("/admin/functions", &fine()).await;
    let listed: Value = serde_json::from_str(listed["body"].as_str().unwrap()).unwrap();
    assert_eq!(listed[0]["route"], "api/x/{id?}");
    assert_eq!(listed[1]["schedule"], "0 0 0 1 1 *");
    assert_eq!(listed[2]["queue"], "hints");
    let status = stage.get("/admin/host/status", &fine()).await;
    assert!(status["body"].as_str().unwrap().contains("\"state\":\"Running\""), "{status}");
    let mut events = stage.host.events();
    for (function, body, data) in [
        (
            "tick",
            "{}",
            json!({"Schedule": {"AdjustForDST": true}, "ScheduleStatus": null, "IsPastDue": false}),
        ),
        ("worker", r#"{"input":"by hand"}"#, json!("\"by hand\"")),
    ] {
        let mark = stage.mark();
        let length = body.len();
        let request = format!(
            "POST /admin/functions/{function} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        assert_eq!(stage.exchange(request.as_bytes()).await["status"], 202);
        assert_eq!(ended(&mut events, function).await, None);
        let asked: Value = serde_json::from_str(stage.asked(mark)[0]["body"].as_str().unwrap()).unwrap();
        assert_eq!(asked["Data"].as_object().unwrap().values().next(), Some(&data));
    }
    let bare = b"POST /admin/functions/tick HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(stage.exchange(bare).await["status"], 415);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_body_leaves_the_connection_usable() {
    let stage = Stage::start(app([("h", bindings([http(json!({})), answer()]))])).await;
    let told = |answer: Value| String::from_utf8(request_telling("/api/h", &answer)).unwrap();
    let with_body = told(json!({"json": {"Outputs": {"res": {"statusCode": 204, "body": "dropped"}}}}));
    let last = told(json!({"json": {"Outputs": {"res": {"body": "last"}}}}));
    let head = told(fine()).replacen("GET", "HEAD", 1);
    let three = format!("{head}{with_body}{}", last.replacen("\r\n", "\r\nConnection: close\r\n", 1));
    let mut stream = TcpStream::connect(stage.host.address()).await.unwrap();
    stream.write_all(three.as_bytes()).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    let statuses: Vec<&str> = answers.lines().filter(|line| line.starts_with("HTTP/1.1 ")).collect();
    assert_eq!(statuses, ["HTTP/1.1 200 OK", "HTTP/1.1 204 No Content", "HTTP/1.1 200 OK"], "{answers}");
    assert!(answers.ends_with("\r\n\r\nlast"), "{answers}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_from_another_process_is_served() {
    let stage = Stage::start(app([("worker", bindings([queue_in("hints")]))])).await;
    let file = host::queue_file(&stage.scene.data());
    // Another connection to the file, as another process would have it: this one's watchers hear nothing of it.
    let other = SqliteQueue::open(&file, Clock::real()).unwrap();
    let mut events = stage.host.events();
    other.send("hints", "hello", Duration::ZERO).await.unwrap();
    assert_eq!(ended(&mut events, "worker").await, None);
    let body: Value = serde_json::from_str(stage.asked(0)[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["Data"]["msg"], "\"hello\"");
    stage.stop().await;
    let length = other.list().await.unwrap()["hints"];
    assert_eq!(length.visible + length.hidden, 0, "what was done is deleted");
}

/// What a timer's function was given last.
fn given(stage: &Stage, mark: usize, function: &str) -> Value {
    let asked = stage.asked(mark);
    let event = asked.iter().rfind(|event| event["path"] == *format!("/{function}")).unwrap();
    let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
    body["Data"]["timer"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_fire_as_they_are_scheduled() {
    let stage = Stage::start(app([
        ("often", timer("* * * * * *", json!({}))),
        ("yearly", timer("0 0 0 1 1 *", json!({"runOnStartup": true}))),
    ]))
    .await;
    let mut events = stage.host.events();
    for _ in 0..2 {
        ended(&mut events, "often").await;
    }
    let often = given(&stage, 0, "often");
    assert_eq!(
        often["ScheduleStatus"],
        Value::Null,
        "nothing is kept of a timer that fires within the minute"
    );
    let yearly = given(&stage, 0, "yearly");
    assert_eq!((&yearly["IsPastDue"], &yearly["Schedule"]["AdjustForDST"]), (&json!(false), &json!(true)));
    assert_eq!(yearly["ScheduleStatus"]["Last"], "0001-01-01T00:00:00+00:00");
    assert!(stage.host.snapshot().await.timers.contains_key("yearly"));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_passed_while_no_host_ran_is_made_up_for_once() {
    let scene = Scene::build(app([("yearly", timer("0 0 0 1 1 *", json!({})))]));
    let file = scene.data().join("timers/yearly.json");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let status = json!({"Last": "2024-01-01T00:00:00Z", "Next": "2025-01-01T00:00:00Z", "LastUpdated": "2024-01-01T00:00:00Z"});
    fs::write(&file, status.to_string()).unwrap();
    let stage = scene.start(false).await;
    let now = Clock::real().now();
    wait_for(&mut stage.host.events(), |event| match event {
        Event::TimerScheduled { next, .. } if *next > now => Some(()),
        _ => None,
    })
    .await;
    let yearly = given(&stage, 0, "yearly");
    assert_eq!(yearly["IsPastDue"], true);
    assert_eq!(yearly["ScheduleStatus"]["Last"], "2024-01-01T00:00:00+00:00");
    assert_eq!(yearly["ScheduleStatus"]["Next"], "2025-01-01T00:00:00+00:00");
    let stage = stage.stop().await.start(false).await;
    let mark = stage.mark();
    stage.host.ready().await;
    assert!(stage.asked(mark).is_empty(), "it is late only once");
    let kept: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert!(kept["Last"].as_str().unwrap() > "2026", "{kept}");
    stage.stop().await;
}
