//! How a function follows a container of the embedded store: what it is brought, and what is never brought twice or lost.

use std::{fs, path::Path, sync::Arc, time::Duration};

use backline::{
    dev::host::{Event, Level},
    model::Clock,
    store::{self, Batch, Container, Draft, Settings, Store, Synchronous, Write},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{sync::broadcast, time::timeout};

use super::{
    apps::{self, answer, bindings, host_json, http, with},
    player::{Scene, Stage, begun, ended, wait_for},
};
use crate::dev::{Dev, Start};

/// A function that follows the events, and looks often.
pub(super) fn follows(more: Value) -> Value {
    let trigger = json!({
        "type": "cosmosDBTrigger", "direction": "in", "name": "docs", "connection": "Account",
        "databaseName": "%DATABASE%", "containerName": "events", "feedPollDelay": 20,
    });
    bindings([with(trigger, more)])
}

/// An app with these functions and settings.
pub(super) fn app(root: &Path, functions: &[apps::Function], settings: Value) {
    apps::write(root, &host_json(json!({})), functions);
    let values = with(json!({"DATABASE": "db"}), settings);
    fs::write(root.join("local.settings.json"), json!({ "Values": values }).to_string()).unwrap();
}

/// An app whose store lies beside it, and that store.
fn scene<const N: usize>(functions: [apps::Function; N]) -> (Scene, Documents) {
    let scene = Scene::build(|root| app(root, &functions, json!({"STORE": "sqlite:../store.db"})));
    let file = scene.root().parent().unwrap().join("store.db");
    let settings = Settings::Sqlite { file, synchronous: Synchronous::Normal };
    (scene, Documents(store::open(&settings, Clock::real()).unwrap()))
}

/// The store that the functions follow.
struct Documents(Arc<dyn Store>);

impl Documents {
    async fn put(&self, id: &str, body: Value) {
        let write = Write::Upsert(id.parse().unwrap(), Draft::of(&body));
        let batch = Batch { container: Container::Events, partition: "p".to_owned(), writes: vec![write] };
        self.0.commit(vec![batch]).await.unwrap();
    }

    /// A document that tells the recorder what to do with its batch.
    async fn tell(&self, id: &str, told: Value) {
        let answer = STANDARD.encode(with(json!({"json": {}}), told).to_string());
        self.put(id, json!({ "answer": answer })).await;
    }
}

/// The bodies of the calls of a function after a mark.
pub(super) fn calls(stage: &Stage, mark: usize, function: &str) -> Vec<Value> {
    let asked = stage.asked(mark).into_iter().filter(|event| event["path"] == *format!("/{function}"));
    asked.map(|event| serde_json::from_str(event["body"].as_str().unwrap()).unwrap()).collect()
}

/// The documents of a call: text in text.
pub(super) fn documents(call: &Value) -> Vec<Value> {
    let text: String = serde_json::from_str(call["Data"]["docs"].as_str().unwrap()).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The ids of the documents of each call of a function after a mark.
pub(super) fn batches(stage: &Stage, mark: usize, function: &str) -> Vec<Vec<String>> {
    let ids = |call: &Value| -> Vec<String> {
        documents(call).iter().map(|document| document["id"].as_str().unwrap().to_owned()).collect()
    };
    calls(stage, mark, function).iter().map(ids).collect()
}

/// Waits until a function has been brought a document and has answered.
pub(super) async fn brought(
    stage: &Stage,
    events: &mut broadcast::Receiver<Event>,
    function: &str,
    id: &str,
) {
    while !batches(stage, 0, function).iter().flatten().any(|brought| brought == id) {
        ended(events, function).await;
    }
}

/// Waits until the function's checkpoint is there.
pub(super) async fn checkpointed(stage: &Stage, function: &str) {
    let file = stage.scene.data().join("feeds").join(format!("{function}.json"));
    until("the function begins", || file.is_file()).await;
}

/// Waits for what nobody tells.
pub(super) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let so = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(60), so).await.expect(what);
}

/// Waits for a line of the host about a function.
async fn said(events: &mut broadcast::Receiver<Event>, function: &str, words: &str) {
    wait_for(events, |event| match event {
        Event::Log { function: Some(of), text, level: Level::Error, .. }
            if of == function && text.contains(words) =>
        {
            Some(())
        }
        _ => None,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_come_in_order_the_latest_version_and_no_more_at_once_than_asked() {
    let (scene, store) =
        scene([("feed", follows(json!({"startFromBeginning": true, "maxItemsPerInvocation": 2})))]);
    for id in ["a", "b", "c", "d", "e"] {
        store.put(id, json!({"version": 1})).await;
    }
    store.put("b", json!({"version": 2, "at": "2026-03-01T12:00:00.500Z"})).await;
    let stage = scene.start(false).await;
    let mut events = stage.host.events();
    brought(&stage, &mut events, "feed", "b").await;
    store.put("f", json!({})).await;
    brought(&stage, &mut events, "feed", "f").await;
    assert_eq!(batches(&stage, 0, "feed"), [vec!["a", "c"], vec!["d", "e"], vec!["b"], vec!["f"]]);
    let calls = calls(&stage, 0, "feed");
    let document = &documents(&calls[2])[0];
    assert_eq!(document["body"], json!({"version": 2, "at": "2026-03-01T12:00:00.5Z"}), "dates as .NET's");
    assert_eq!(document["subject"], "p");
    for system in ["_rid", "_self", "_etag", "_attachments", "_ts", "_lsn"] {
        assert!(!document[system].is_null(), "{system} in {document}");
    }
    assert_eq!(calls[2].as_object().unwrap().len(), 2);
    let metadata: Vec<&String> = calls[2]["Metadata"].as_object().unwrap().keys().collect();
    assert_eq!(metadata, ["sys"], "nothing else is told");
    let snapshot = stage.host.snapshot().await;
    let function = &snapshot.functions[0];
    assert_eq!((function.trigger, &function.what[..], function.runs), ("cosmosDBTrigger", "events", 4));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_function_begins_now_and_a_restart_goes_on_where_it_was() {
    let (scene, store) = scene([("feed", follows(json!({})))]);
    store.put("before", json!({})).await;
    let stage = scene.start(false).await;
    checkpointed(&stage, "feed").await;
    store.put("first", json!({})).await;
    brought(&stage, &mut stage.host.events(), "feed", "first").await;
    let scene = stage.stop().await;
    store.put("meanwhile", json!({})).await;
    let stage = scene.start(false).await;
    let mut events = stage.host.events();
    brought(&stage, &mut events, "feed", "meanwhile").await;
    store.put("last", json!({})).await;
    brought(&stage, &mut events, "feed", "last").await;
    assert_eq!(batches(&stage, 0, "feed").concat(), ["first", "meanwhile", "last"]);
    stage.stop().await;
}

fn retry(most: i64) -> Value {
    json!({"retry": {"strategy": "exponentialBackoff", "maxRetryCount": most, "minimumInterval": "00:00:00.010", "maximumInterval": "00:00:00.020"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_batch_is_lost_without_retry_and_brought_again_with_it() {
    let (scene, store) = scene([
        ("once", follows(json!({}))),
        ("twice", with(follows(json!({})), retry(1))),
        ("always", with(follows(json!({})), retry(-1))),
    ]);
    let stage = scene.start(false).await;
    for function in ["once", "twice", "always"] {
        checkpointed(&stage, function).await;
    }
    let recent = stage.host.snapshot().await.recent;
    let warned = recent
        .iter()
        .filter(|event| matches!(event, Event::Log { level: Level::Warning, text, .. } if text.contains("a `leaseContainerPrefix` of its own")));
    assert_eq!(warned.count(), 2, "on Azure they would share the changes");
    let mut events = stage.host.events();
    let (mut once, mut twice) = (stage.host.events(), stage.host.events());
    store.tell("bad", json!({"failures": 4})).await;
    said(&mut once, "once", "a change is lost to it, as on Azure: the call failed, and it has no `retry`")
        .await;
    said(&mut twice, "twice", "its `retry` allows no more attempts").await;
    while ended(&mut events, "always").await.is_some() {}
    store.put("good", json!({})).await;
    for function in ["once", "twice", "always"] {
        brought(&stage, &mut stage.host.events(), function, "good").await;
    }
    assert_eq!(batches(&stage, 0, "once").concat(), ["bad", "good"]);
    assert_eq!(batches(&stage, 0, "twice").concat(), ["bad", "bad", "good"]);
    assert_eq!(batches(&stage, 0, "always").concat(), ["bad", "bad", "bad", "bad", "bad", "good"]);
    let always = calls(&stage, 0, "always");
    for (attempt, call) in always.iter().take(5).enumerate() {
        let context = &call["Metadata"]["RetryContext"];
        assert_eq!((&context["RetryCount"], &context["MaxRetryCount"]), (&json!(attempt), &json!(-1)));
        assert_eq!(context["Exception"].is_null(), attempt == 0);
        assert_eq!(call["Data"], always[0]["Data"], "the same batch");
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_fails_when_the_host_stops_comes_again() {
    let patient =
        json!({"retry": {"strategy": "fixedDelay", "maxRetryCount": -1, "delayInterval": "01:00:00"}});
    let (scene, store) = scene([("feed", with(follows(json!({"startFromBeginning": true})), patient))]);
    store.tell("a", json!({"failures": 1})).await;
    let stage = scene.start(false).await;
    let mut events = stage.host.events();
    assert!(ended(&mut events, "feed").await.is_some());
    let stopped = timeout(Duration::from_secs(9), stage.stop()).await;
    let stage = stopped.expect("nobody waits for the next attempt").start(false).await;
    assert!(ended(&mut stage.host.events(), "feed").await.is_some());
    let scene = stage.stop().await;
    store.put("a", json!({"mended": true})).await;
    let stage = scene.start(false).await;
    assert_eq!(ended(&mut stage.host.events(), "feed").await, None);
    assert_eq!(batches(&stage, 0, "feed"), [["a"], ["a"], ["a"]]);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_dies_brings_the_batch_again_that_was_under_way() {
    let (scene, store) = scene([("feed", follows(json!({"startFromBeginning": true})))]);
    store.tell("a", json!({"delay": 600_000})).await;
    store.put("z", json!({})).await;
    let stage = scene.start(false).await;
    until("the batch is brought", || !stage.asked(0).is_empty()).await;
    let Stage { host, scene } = stage;
    drop(host);
    store.put("b", json!({})).await;
    store.put("a", json!({})).await;
    let stage = scene.start(false).await;
    brought(&stage, &mut stage.host.events(), "feed", "b").await;
    let again = ["z", "b", "a"];
    assert_eq!(
        batches(&stage, 0, "feed"),
        [vec!["a", "z"], again.into()],
        "the latest version, in its place"
    );
    stage.stop().await;
}

/// What whoever looks into the host is told.
async fn look(dev: &Dev, at: &str) -> Value {
    dev.http.get(format!("{}/dev/{at}", dev.telegram)).send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_killed_brings_the_batch_again_when_it_is_started_again() {
    let (scene, store) = scene([("feed", follows(json!({"startFromBeginning": true})))]);
    store.tell("a", json!({"delay": 600_000})).await;
    store.put("z", json!({})).await;
    let (root, data, record) = (scene.root(), scene.data(), scene.record().display().to_string());
    let settings = [("RECORD", &record[..])];
    let program = env!("CARGO_BIN_EXE_backline").into();
    let start = Start { program, root: &root, data: &data, settings: &settings, arguments: &[] };
    let dev = start.start().await;
    let functions = look(&dev, "functions").await;
    assert_eq!(
        (&functions[0]["trigger"], &functions[0]["what"]),
        (&json!("cosmosDBTrigger"), &json!("events"))
    );
    let asked = || std::fs::read_to_string(scene.record()).unwrap().contains("POST");
    until("the batch is brought", asked).await;
    dev.kill();
    store.put("b", json!({})).await;
    store.put("a", json!({})).await;
    let stage = scene.start(false).await;
    brought(&stage, &mut stage.host.events(), "feed", "b").await;
    assert_eq!(batches(&stage, 0, "feed"), [vec!["a", "z"], vec!["z", "b", "a"]]);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_read_anew_brings_no_batch_twice() {
    let (scene, store) = scene([("feed", follows(json!({"startFromBeginning": true})))]);
    let stage = scene.start(false).await;
    checkpointed(&stage, "feed").await;
    let (mut events, mut news) = (stage.host.events(), stage.host.events());
    store.tell("slow", json!({"delay": 1500})).await;
    begun(&mut events, "feed").await;
    let file = stage.scene.root().join("host.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}\n")).unwrap();
    wait_for(&mut news, |event| matches!(event, Event::Reloaded).then_some(())).await;
    assert_eq!(ended(&mut events, "feed").await, None, "it ends where it began");
    store.put("next", json!({})).await;
    brought(&stage, &mut events, "feed", "next").await;
    assert_eq!(batches(&stage, 0, "feed"), [["slow"], ["next"]]);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_under_way_is_ended_by_the_handler_that_began_it() {
    let (scene, store) = scene([("feed", follows(json!({"startFromBeginning": true})))]);
    let stage = scene.start(false).await;
    let mut events = stage.host.events();
    store.tell("slow", json!({"delay": 1500})).await;
    begun(&mut events, "feed").await;
    stage.host.exchange().await.unwrap();
    store.put("next", json!({})).await;
    assert_eq!(ended(&mut events, "feed").await, None, "it ends where it began");
    brought(&stage, &mut events, "feed", "next").await;
    assert_eq!(batches(&stage, 0, "feed"), [["slow"], ["next"]]);
    assert_eq!(stage.stop().await.processes().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_cannot_be_followed_says_why() {
    let stage = Stage::start(|root| {
        let functions = [
            ("fine", bindings([http(json!({})), answer()])),
            ("a_nowhere", follows(json!({"connection": "Nowhere"}))),
            ("b_unknown", follows(json!({"connection": "Account", "containerName": "x"}))),
            ("c_leases", follows(json!({"leaseContainerName": "events"}))),
            ("d_setting", follows(json!({"leaseContainerPrefix": "%NONE%"}))),
        ];
        app(root, &functions, json!({"Account": "AccountKey=c2VzYW1l"}));
    })
    .await;
    let faults: Vec<String> =
        stage.host.snapshot().await.functions.into_iter().filter_map(|function| function.fault).collect();
    for (fault, words) in faults.iter().zip([
        "set `Nowhere` (a connection string) or `Nowhere__accountEndpoint`",
        "has no `AccountEndpoint=…`",
        "leases need another one",
        "add `NONE` to `Values`",
    ]) {
        assert!(fault.contains(words) && !fault.contains("c2VzYW1l"), "{fault}");
    }
    assert_eq!(faults.len(), 4);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_is_retried_too() {
    let timer = json!({"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "0 0 0 1 1 *", "runOnStartup": true});
    let stage =
        Stage::start(|root| app(root, &[("fails", with(bindings([timer]), retry(2)))], json!({}))).await;
    let mut events = stage.host.events();
    while calls(&stage, 0, "fails").len() < 3 {
        ended(&mut events, "fails").await;
    }
    let counts: Vec<Value> = calls(&stage, 0, "fails")
        .iter()
        .map(|call| call["Metadata"]["RetryContext"]["RetryCount"].clone())
        .collect();
    assert_eq!(counts, [0, 1, 2]);
    stage.stop().await;
}
