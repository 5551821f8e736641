//! The function apps that the recordings were made with.

use std::{fs, path::Path};

use serde_json::{Map, Value, json};

/// Writes the app of this name, with this test binary as its handler.
pub(super) fn build(root: &Path, app: &str) {
    let (functions, timeout) = match app {
        "reg" => ([basic(), routes()].concat(), "00:00:20"),
        "q" | "qf" => ([basic(), queues()].concat(), "00:00:20"),
        "app5" => (basic(), "00:00:05"),
        _ => (basic(), "00:00:20"),
    };
    let mut host = host_json(json!({"functionTimeout": timeout}));
    if app == "legacy" {
        let handler = host.remove("customHandler").unwrap();
        host.insert("httpWorker".to_owned(), json!({"description": handler["description"]}));
    } else {
        host["customHandler"]["enableForwardingHttpRequest"] = matches!(app, "fwd" | "qf" | "chunkf").into();
    }
    if matches!(app, "q" | "qf") {
        let queues =
            json!({"maxPollingInterval": "00:00:01", "visibilityTimeout": "00:00:02", "maxDequeueCount": 3});
        host.insert("extensions".to_owned(), json!({"queues": queues}));
    }
    if matches!(app, "chunk" | "chunkf") {
        let http = json!({"enableChunkedRequestBinding": true, "routePrefix": ""});
        host.insert("extensions".to_owned(), json!({"http": http}));
    }
    write(root, &host, &functions);
}

/// A host.json that starts the recorder, with these members more.
pub(super) fn host_json(more: Value) -> Map<String, Value> {
    let executable = std::env::current_exe().unwrap();
    let mut host = json!({
        "version": "2.0",
        "customHandler": {
            "description": {
                "defaultExecutablePath": executable,
                "arguments": ["host::recorder::serves_as_a_handler", "--exact", "--nocapture", "%NOPE%"],
            },
        },
    })
    .as_object()
    .unwrap()
    .clone();
    host.extend(more.as_object().unwrap().clone());
    host
}

/// A function's name, and the members of its function.json.
pub(super) type Function = (&'static str, Value);

/// Writes an app's files.
pub(super) fn write(root: &Path, host: &Map<String, Value>, functions: &[Function]) {
    let values =
        json!({"FUNCTIONS_WORKER_RUNTIME": "custom", "AzureWebJobsStorage": "UseDevelopmentStorage=true"});
    let settings = json!({"IsEncrypted": false, "Values": values});
    fs::write(root.join("local.settings.json"), settings.to_string()).unwrap();
    for (name, json) in functions {
        add(root, name, json);
    }
    // At last: a host that reads it finds all the rest.
    fs::write(root.join("host.json"), serde_json::to_string_pretty(host).unwrap()).unwrap();
}

/// Writes one function's file.
pub(super) fn add(root: &Path, name: &str, json: &Value) {
    fs::create_dir_all(root.join(name)).unwrap();
    fs::write(root.join(name).join("function.json"), json.to_string()).unwrap();
}

pub(super) fn http(more: Value) -> Value {
    with(json!({"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous"}), more)
}

pub(super) fn answer() -> Value {
    json!({"type": "http", "direction": "out", "name": "res"})
}

pub(super) fn queue_in(name: &str) -> Value {
    json!({"type": "queueTrigger", "direction": "in", "name": "msg", "queueName": name, "connection": "AzureWebJobsStorage"})
}

pub(super) fn queue_out(name: &str, binding: &str) -> Value {
    json!({"type": "queue", "direction": "out", "name": binding, "queueName": name, "connection": "AzureWebJobsStorage"})
}

pub(super) fn bindings(bindings: impl Into<Value>) -> Value {
    json!({"bindings": bindings.into()})
}

pub(super) fn with(mut value: Value, more: Value) -> Value {
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    value
}

fn basic() -> Vec<Function> {
    let mixed = http(json!({"route": "mixed/{id:int?}", "methods": ["get", "post"]}));
    vec![
        ("h", bindings([http(json!({})), answer()])),
        ("HMixed", bindings([mixed, answer()])),
        ("route", bindings([http(json!({"route": "r/{a}/{b?}/x/{*rest}"})), answer()])),
        ("ret", bindings([http(json!({})), with(answer(), json!({"name": "$return"}))])),
        ("nores", bindings([http(json!({}))])),
        ("func_level", bindings([http(json!({"authLevel": "function"})), answer()])),
    ]
}

fn routes() -> Vec<Function> {
    let route = |route: &str| bindings([http(json!({"route": route})), answer()]);
    let method = |method: &str| bindings([http(json!({"route": "mm", "methods": [method]})), answer()]);
    let plain = bindings([http(json!({})), answer()]);
    vec![
        ("a_catch", route("ov/{*p}")),
        ("b_spec", route("ov/spec")),
        ("c_param", route("ov/{id}/x")),
        ("m_get", method("get")),
        ("m_post", method("POST")),
        ("dis", with(plain.clone(), json!({"disabled": true}))),
        ("with-dash_1", plain.clone()),
        ("1bad", plain.clone()),
        ("CamelCase", plain),
    ]
}

fn queues() -> Vec<Function> {
    let retry = json!({"retry": {"strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:01"}});
    let typed = |name: &str, kind: &str| with(queue_in(name), json!({"dataType": kind}));
    let binary_out = with(queue_out("qhqbin", "outbin"), json!({"dataType": "binary"}));
    let expression = [http(json!({"route": "exp/{id}"})), answer(), queue_out("exp-{id}", "out")];
    vec![
        ("q_in", bindings([queue_in("qin"), queue_out("qout", "out")])),
        ("q_bin", bindings([typed("qbin", "binary")])),
        ("q_str", bindings([typed("qstr", "string")])),
        ("q_fail", bindings([queue_in("qfail")])),
        ("q_retry", with(bindings([queue_in("qretry")]), retry.clone())),
        ("q_ret", bindings([queue_in("qret"), queue_out("qretout", "$return")])),
        ("q_poison", bindings([queue_in("qfail-poison")])),
        ("hq", bindings([http(json!({})), answer(), queue_out("qhq", "out"), binary_out])),
        ("hq_exp", bindings(expression)),
        ("hretry", with(bindings([http(json!({})), answer()]), retry)),
        ("q_prop", bindings([queue_in("qprop"), queue_out("qp-{chat}", "out")])),
    ]
}
