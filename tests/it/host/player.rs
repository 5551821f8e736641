//! Plays recorded cases against the local host and says where it differs from Azure's.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use backline::dev::host::{self, Event, Host, Options};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::broadcast,
    time::timeout,
};

use super::{apps, comparison::differences};

/// An app, its data and what its handler wrote down, while no host runs.
pub(super) struct Scene {
    folder: TempDir,
}

impl Scene {
    /// An app that `build` writes.
    pub(super) fn build(build: impl FnOnce(&Path)) -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(scene.root()).unwrap();
        build(&scene.root());
        fs::write(scene.record(), "").unwrap();
        scene
    }

    pub(super) fn root(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The handlers that were started, by process id.
    pub(super) fn processes(&self) -> Vec<u64> {
        let record = fs::read_to_string(self.record()).unwrap();
        let events = record.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events
            .filter(|event| event["event"] == "start")
            .filter_map(|event| event["process"].as_u64())
            .collect()
    }

    /// Where the recorder is to write.
    pub(super) fn record(&self) -> PathBuf {
        self.folder.path().join("record.jsonl")
    }

    /// Starts a host; the handler may not answer yet.
    pub(super) async fn start(self, auth: bool) -> Stage {
        let mut options = Options { port: 0, auth, data: self.data(), ..Options::new(self.root()) };
        options.environment.insert("RECORD".to_owned(), self.record().display().to_string());
        let host = host::start(options).await.unwrap();
        Stage { host, scene: self }
    }
}

/// A host with the recorder as its handler.
pub(super) struct Stage {
    pub(super) host: Host,
    pub(super) scene: Scene,
}

impl Stage {
    /// Starts the host on a recorded app.
    pub(super) async fn recorded(app: &str) -> Self {
        Scene::build(|root| apps::build(root, app)).start(true).await
    }

    /// Starts the host on an app that `build` writes.
    pub(super) async fn start(build: impl FnOnce(&Path)) -> Self {
        Scene::build(build).start(false).await
    }

    /// Stops the host.
    pub(super) async fn stop(self) -> Scene {
        self.host.stop().await;
        self.scene
    }

    /// Where new events of the recorder begin.
    pub(super) fn mark(&self) -> usize {
        fs::read(self.scene.record()).unwrap().len()
    }

    /// What the recorder wrote down after a mark, but for the host's own `GET /`.
    pub(super) fn asked(&self, mark: usize) -> Vec<Value> {
        self.noted(mark, "request").into_iter().filter(|event| event["path"] != "/").collect()
    }

    /// The recorder's events of one kind after a mark.
    pub(super) fn noted(&self, mark: usize, kind: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.scene.record()).unwrap();
        let lines = text[mark..].split_inclusive('\n').filter(|line| line.ends_with('\n'));
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|event: &Value| event["event"] == kind)
            .collect()
    }

    /// One request on one connection, and the answer without its framing.
    pub(super) async fn exchange(&self, request: &[u8]) -> Value {
        let exchange = exchange(self.host.address().port(), request);
        timeout(Duration::from_secs(40), exchange).await.unwrap_or(json!({"timeout": true}))
    }

    /// A `GET` whose answer the handler is told.
    pub(super) async fn get(&self, path: &str, told: &Value) -> Value {
        self.exchange(&request_telling(path, told)).await
    }

    /// All messages that can be received from a queue now, which are then gone.
    pub(super) async fn drain(&self, queue: &str) -> Vec<Vec<u8>> {
        let messages = self.host.queue().receive(queue, 100, Duration::from_secs(60)).await.unwrap();
        for message in &messages {
            assert!(self.host.queue().delete(queue, &message.id, &message.pop_receipt).await.unwrap());
        }
        messages.into_iter().map(|message| message.body).collect()
    }
}

/// A `GET` whose answer the handler is told.
pub(super) fn request_telling(path: &str, told: &Value) -> Vec<u8> {
    let told = STANDARD.encode(told.to_string());
    format!("GET {path} HTTP/1.1\r\nHost: example.test\r\nx-answer: {told}\r\n\r\n").into_bytes()
}

/// An answer that any function may give.
pub(super) fn fine() -> Value {
    json!({"json": {"Outputs": {"res": {"body": "fine"}}}})
}

/// Waits for the first event that gives something.
pub(super) async fn wait_for<T>(
    events: &mut broadcast::Receiver<Event>,
    wanted: impl Fn(&Event) -> Option<T>,
) -> T {
    let found = async {
        loop {
            match events.recv().await {
                Ok(event) => {
                    if let Some(found) = wanted(&event) {
                        return found;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => panic!("the host is gone"),
            }
        }
    };
    timeout(Duration::from_secs(60), found).await.expect("the event comes")
}

/// Waits until a call to a function has begun.
pub(super) async fn begun(events: &mut broadcast::Receiver<Event>, function: &str) {
    wait_for(events, |event| match event {
        Event::InvocationStarted { function: begun, .. } if begun == function => Some(()),
        _ => None,
    })
    .await;
}

/// Waits for the end of a call to a function; returns how it failed.
pub(super) async fn ended(events: &mut broadcast::Receiver<Event>, function: &str) -> Option<String> {
    wait_for(events, |event| match event {
        Event::InvocationEnded { function: ended, failure, .. } if ended == function => Some(failure.clone()),
        _ => None,
    })
    .await
}

/// Where the host differs from a recorded case; empty if nowhere.
pub(super) async fn play(stage: &Stage, case: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if case["kind"] == "queue" {
        play_queue(stage, case, &mut found).await;
    } else {
        play_http(stage, case, &mut found).await;
    }
    found
}

async fn play_http(stage: &Stage, case: &Value, found: &mut Vec<String>) {
    let (expect, mark) = (&case["expect"], stage.mark());
    let sent = STANDARD.decode(case["send"].as_str().unwrap()).unwrap();
    let mut got = stage.exchange(&sent).await;
    let expected_calls =
        usize::from(expect["request"].is_object()) + expect["more"].as_array().map_or(0, Vec::len);
    let asked: Vec<Value> = stage
        .asked(mark)
        .into_iter()
        .filter(|event| !event["path"].as_str().unwrap().starts_with("/q_"))
        .collect();
    if asked.len() != expected_calls {
        found.push(format!("the handler was asked {} times, expected {expected_calls}", asked.len()));
    } else if expect["request"].is_object() {
        differences(&request(&expect["request"]), &request(&asked[0]), "request", found);
    }
    if expect["client"].is_object() {
        let mut want = expect["client"].clone();
        for end in ["closed", "timeout"] {
            if want[end] == true {
                (want, got) = (json!({end: true}), json!({end: got[end]}));
            }
        }
        let own: Vec<String> = case["answer"]["headers"]
            .as_object()
            .map(|headers| headers.keys().map(|name| name.to_lowercase()).collect())
            .unwrap_or_default();
        for side in [&mut want, &mut got] {
            if side["headers"].is_array() {
                side["headers"] = headers(&side["headers"], Some(&own));
            }
        }
        differences(&want, &got, "client", found);
    }
    for (queue, bodies) in expect["outputQueues"].as_object().into_iter().flatten() {
        let text = |bytes: Vec<u8>| Value::from(String::from_utf8(bytes).unwrap());
        let messages: Vec<Value> = stage.drain(queue).await.into_iter().map(text).collect();
        differences(&sorted(bodies), &sorted(&messages.into()), queue, found);
    }
}

async fn play_queue(stage: &Stage, case: &Value, found: &mut Vec<String>) {
    let (expect, mark) = (&case["expect"], stage.mark());
    let function = expect["request"]["path"].as_str().unwrap().trim_start_matches('/');
    let message = case["message"].as_str().unwrap();
    let body = if case["case"] == "queue_binary_dt" {
        STANDARD.decode(message).unwrap()
    } else {
        message.as_bytes().to_vec()
    };
    let queue = function.replace('_', "");
    let more = expect["moreRequests"].as_array();
    let mut events = stage.host.events();
    stage.host.queue().send_bytes(&queue, &body, Duration::ZERO).await.unwrap();
    ended(&mut events, function).await;
    let text = &expect["request"]["json"]["Data"]["msg"];
    let asked = || -> Vec<Value> {
        let path = |event: &Value| event["path"] == *format!("/{function}") || event["path"] == "/q_poison";
        let of_this = |event: &Value| request(event)["json"]["Data"]["msg"] == *text;
        stage.asked(mark).into_iter().filter(path).filter(of_this).collect()
    };
    let wanted = 1 + more.map_or(0, Vec::len);
    while asked().len() < wanted {
        let any = timeout(Duration::from_secs(30), events.recv()).await;
        assert!(any.is_ok(), "{}: {} of {wanted} calls", case["case"], asked().len());
    }
    let asked = asked();
    if asked.len() != wanted {
        found.push(format!("the handler was asked {} times, expected {wanted}", asked.len()));
    }
    differences(&request(&expect["request"]), &request(&asked[0]), "request", found);
    for (i, expected) in more.into_iter().flatten().enumerate().filter(|(_, expected)| !expected.is_null()) {
        differences(expected, &request(&asked[i + 1])["json"], &format!("request {}", i + 2), found);
    }
    if expect["outputQueueBase64"].is_array() {
        let out = if function == "q_in" { "qout" } else { "qretout" };
        let messages: Vec<Value> =
            stage.drain(out).await.into_iter().map(|bytes| STANDARD.encode(bytes).into()).collect();
        let canonical = |base64: &Value| -> Value {
            STANDARD.encode(STANDARD.decode(base64.as_str().unwrap()).unwrap()).into()
        };
        let expected: Vec<Value> =
            expect["outputQueueBase64"].as_array().unwrap().iter().map(canonical).collect();
        differences(&sorted(&expected.into()), &sorted(&messages.into()), out, found);
    }
}

fn sorted(list: &Value) -> Value {
    let mut list = list.as_array().unwrap().clone();
    list.sort_by_key(Value::to_string);
    list.into()
}

/// A request as it is compared: the body parsed if it is the host's envelope.
fn request(event: &Value) -> Value {
    let mut request = json!({
        "method": event["method"],
        "path": event["path"],
        "headers": headers(&event["headers"], None),
    });
    if event["json"].is_object() {
        request["json"] = event["json"].clone();
        return request;
    }
    if event["bodyBase64"].is_string() {
        request["bodyBase64"] = event["bodyBase64"].clone();
        return request;
    }
    match serde_json::from_str::<Value>(event["body"].as_str().unwrap_or_default()) {
        Ok(json) if json["Metadata"].is_object() => request["json"] = json,
        _ => request["body"] = event["body"].clone(),
    }
    request
}

/// Headers in lower case, sorted; on the client's side without framing and, unless `own`, the server's.
fn headers(list: &Value, client: Option<&[String]>) -> Value {
    let mut kept: Vec<(String, String)> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_str().unwrap().to_lowercase(), pair[1].as_str().unwrap().to_owned()))
        .filter(|(name, _)| {
            client.is_none_or(|own| match name.as_str() {
                "transfer-encoding" | "content-length" => false,
                "date" | "server" => own.contains(name),
                _ => true,
            })
        })
        .collect();
    kept.sort();
    json!(kept)
}

/// One request on one connection to a port, and the answer without its framing.
pub(super) async fn exchange(port: u16, request: &[u8]) -> Value {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else {
        return json!({"closed": true});
    };
    if stream.write_all(request).await.is_err() {
        return json!({"closed": true});
    }
    let mut received = Vec::new();
    match read(&mut stream, &mut received, request.starts_with(b"HEAD ")).await {
        Some(answer) => answer,
        None => json!({"closed": true}),
    }
}

async fn more(stream: &mut TcpStream, received: &mut Vec<u8>) -> Option<()> {
    stream.read_buf(received).await.ok().filter(|&length| length > 0).map(drop)
}

async fn read(stream: &mut TcpStream, received: &mut Vec<u8>, bare: bool) -> Option<Value> {
    let end = loop {
        match received.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(end) => break end,
            None => more(stream, received).await?,
        }
    };
    let head: String = received[..end].iter().map(|&b| char::from(b)).collect();
    let mut body = received.split_off(end + 4);
    let mut lines = head.split("\r\n");
    let status: u32 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let fields: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(": ")).collect();
    let field =
        |wanted: &str| fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, v)| *v);
    let length = field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let length = if bare { 0 } else { length };
    while body.len() < length {
        more(stream, &mut body).await?;
    }
    body.truncate(length);
    let mut answer = json!({"status": status, "headers": fields});
    match String::from_utf8(body) {
        Ok(text) => answer["body"] = text.into(),
        Err(e) => answer["bodyBase64"] = STANDARD.encode(e.as_bytes()).into(),
    }
    Some(answer)
}
