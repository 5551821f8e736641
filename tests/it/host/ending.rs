//! How the handler and the host end: crashes, restarts, stops, changed files.

use std::{fs, path::Path, time::Duration};

use backline::dev::host::{Event, HandlerState, Level};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use tokio::time::timeout;

use super::{
    apps::{self, answer, bindings, host_json, http, queue_in},
    player::{Stage, begun, ended, exchange, fine, request_telling, wait_for},
};

fn forwarded(root: &Path) {
    let mut host = host_json(json!({}));
    host["customHandler"]["enableForwardingHttpRequest"] = true.into();
    let functions = [("h", bindings([http(json!({})), answer()])), ("worker", bindings([queue_in("hints")]))];
    apps::write(root, &host, &functions);
}

async fn process(stage: &Stage) -> u32 {
    match stage.host.ready().await {
        HandlerState::Ready { process, .. } => process,
        state => panic!("the handler is {state:?}"),
    }
}

fn lives(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_crash_stops_the_host_and_a_wished_restart_does_not_count() {
    let stage = Stage::start(forwarded).await;
    let mut processes = vec![process(&stage).await];
    for code in [3, 200, 4] {
        assert_eq!(stage.get("/api/h", &json!({"exit": code})).await["status"], 500);
        assert_eq!(stage.get("/api/h", &json!({"text": "again"})).await["body"], "again");
        processes.push(process(&stage).await);
    }
    processes.dedup();
    assert_eq!(processes.len(), 4, "each time another process serves");
    assert_eq!(stage.get("/api/h", &json!({"exit": 5})).await["status"], 500);
    let why = timeout(Duration::from_secs(20), stage.host.failed()).await.unwrap().to_string();
    assert!(why.contains("ended with code 5, the third failure"), "{why}");
    assert_eq!(stage.get("/api/h", &fine()).await["status"], 500);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_ends_with_zero_is_not_started_again() {
    let stage = Stage::start(forwarded).await;
    assert_eq!(stage.get("/api/h", &json!({"exit": 0})).await["status"], 500);
    assert_eq!(stage.get("/api/h", &fine()).await["status"], 500);
    assert_eq!(stage.host.snapshot().await.handler, HandlerState::Ended);
    assert_eq!(stage.noted(0, "start").len(), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_requests_finish_and_kills_the_handler() {
    let stage = Stage::start(forwarded).await;
    let process = process(&stage).await;
    let port = stage.host.address().port();
    let mut events = stage.host.events();
    let slow = tokio::spawn(async move {
        exchange(port, &request_telling("/api/h", &json!({"text": "in time", "delay": 700}))).await
    });
    begun(&mut events, "h").await;
    stage.stop().await;
    assert_eq!(slow.await.unwrap()["body"], "in time");
    assert!(!lives(process), "the handler outlived the host");
    assert_eq!(exchange(port, &request_telling("/api/h", &json!({}))).await["closed"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_dropped_takes_its_handler_with_it() {
    let stage = Stage::start(forwarded).await;
    let process = process(&stage).await;
    drop(stage);
    let gone = async {
        while lives(process) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), gone).await.expect("the handler is killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_files_start_the_app_anew() {
    let stage = Stage::start(forwarded).await;
    let before = process(&stage).await;
    let root = stage.scene.root();
    let mut events = stage.host.events();
    fs::write(root.join("host.json"), "{ broken").unwrap();
    let complaint = wait_for(&mut events, |event| match event {
        Event::Log { level: Level::Error, text, .. } => Some(text.clone()),
        _ => None,
    });
    let complaint = complaint.await;
    assert!(complaint.contains("still runs as before") && complaint.contains("line 1"), "{complaint}");
    assert_eq!(stage.get("/api/h", &json!({"text": "still"})).await["body"], "still");
    let other = [("other", bindings([http(json!({})), answer()]))];
    apps::write(&root, &host_json(json!({})), &other);
    wait_for(&mut events, |event| matches!(event, Event::Reloaded).then_some(())).await;
    assert_eq!(stage.get("/api/other", &fine()).await["status"], 200);
    assert_ne!(process(&stage).await, before);
    stage.stop().await;
    assert!(!lives(before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_flight_when_the_host_stops_is_finished_first() {
    let stage = Stage::start(forwarded).await;
    let mut events = stage.host.events();
    let told = STANDARD.encode(r#"{"delay":500,"json":{}}"#);
    let queue = stage.host.queue().clone();
    queue.send("hints", &json!({"answer": told}).to_string(), Duration::ZERO).await.unwrap();
    begun(&mut events, "worker").await;
    stage.stop().await;
    assert_eq!(ended(&mut events, "worker").await, None);
    assert_eq!(queue.list().await.unwrap()["hints"].hidden, 0, "the message was deleted");
}
