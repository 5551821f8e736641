//! How an app is read and its handler started, and what people are told when it can't be.

use std::{fs, time::Duration};

use backline::dev::host::{self, HandlerState, Options};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::{
    apps::{self, answer, bindings, host_json, http, queue_in, with},
    player::{Stage, fine},
};

fn one_function() -> Vec<apps::Function> {
    vec![("h", bindings([http(json!({})), answer()]))]
}

/// What people read when an app with these files is started.
async fn refusal(host: Option<Map<String, Value>>, files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    if let Some(host) = host {
        apps::write(folder.path(), &host, &one_function());
    }
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let started = host::start(Options { port: 0, ..Options::new(folder.path()) }).await;
    format!("{:#}", started.err().expect("the host must not start"))
}

#[tokio::test]
async fn a_folder_without_host_json_is_refused() {
    let why = refusal(None, &[]).await;
    assert!(why.starts_with("there is no host.json in /"), "{why}");
    assert!(why.contains("--root"), "{why}");
}

#[tokio::test]
async fn a_broken_function_json_is_refused_with_its_line() {
    let why =
        refusal(Some(host_json(json!({}))), &[("h/function.json", "{\n  \"bindings\": [\n  oops\n]}")]).await;
    assert!(why.contains("h/function.json, line 3:"), "{why}");
    assert!(why.contains("correct the JSON there"), "{why}");
}

#[tokio::test]
async fn a_missing_executable_is_refused() {
    let mut host = host_json(json!({}));
    host["customHandler"]["description"]["defaultExecutablePath"] = "bot".into();
    let why = refusal(Some(host), &[]).await;
    assert!(why.contains("the handler's executable `bot` is neither in "), "{why}");
    assert!(why.contains("build it"), "{why}");
}

#[tokio::test]
async fn a_busy_port_is_refused_by_its_number() {
    let busy = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = busy.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    apps::write(folder.path(), &host_json(json!({})), &one_function());
    let why = host::start(Options { port, ..Options::new(folder.path()) }).await.err().unwrap().to_string();
    assert!(why.starts_with(&format!("port {port} is busy")), "{why}");
    assert!(why.contains("--port"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_with_an_unknown_trigger_is_left_out_and_says_why() {
    let stage = Stage::start(|root| {
        let mut functions = one_function();
        functions
            .push(("blob", bindings([json!({"type": "blobTrigger", "direction": "in", "name": "blob"})])));
        apps::write(root, &host_json(json!({})), &functions);
    })
    .await;
    assert_eq!(stage.get("/api/h", &fine()).await["status"], 200);
    let snapshot = stage.host.snapshot().await;
    let blob = snapshot.functions.iter().find(|function| function.name == "blob").unwrap();
    assert!(blob.fault.as_ref().unwrap().contains("no trigger of type `blobTrigger`"), "{blob:?}");
    assert!(blob.fault.as_ref().unwrap().contains("blob/function.json"), "{blob:?}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handler_finds_what_azure_gives_it() {
    let stage = Stage::start(|root| {
        let mut host = host_json(json!({}));
        let arguments = &mut host["customHandler"]["description"]["arguments"];
        for argument in ["a b", "%FUNCTIONS_WORKER_RUNTIME%x", "%NOPE%y"] {
            arguments.as_array_mut().unwrap().push(argument.into());
        }
        apps::write(root, &host, &one_function());
    })
    .await;
    let HandlerState::Ready { port, process } = stage.host.ready().await else { panic!("not ready") };
    let start = &stage.noted(0, "start")[0];
    let environment = &start["environment"];
    assert_eq!(start["process"], process);
    assert_eq!(environment["FUNCTIONS_CUSTOMHANDLER_PORT"], port.to_string());
    assert_eq!(environment["FUNCTIONS_HTTPWORKER_PORT"], port.to_string());
    assert_eq!(environment["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"], environment["FUNCTIONS_HTTPWORKER_ID"]);
    assert_eq!(environment["FUNCTIONS_APP_ROOT_PATH"], start["folder"]);
    assert_eq!(environment["FUNCTIONS_WORKER_RUNTIME"], "custom");
    assert_eq!(environment.as_object().unwrap().len(), 6, "{environment}");
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let group = stat.rsplit(") ").next().unwrap().split(' ').nth(2).unwrap();
    assert_eq!(group, process.to_string(), "a process group of its own: Ctrl-C is not for the handler");
    let arguments = start["arguments"].as_array().unwrap();
    assert_eq!(arguments[arguments.len() - 4..], ["a", "b", "customx", "y"]);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_switch_functions_off_and_override_host_json() {
    let stage = Stage::start(|root| {
        let functions = [
            ("off", bindings([http(json!({})), answer()])),
            ("on", bindings([http(json!({"route": "%PLACE%/on"})), answer()])),
            ("worker", bindings([with(queue_in("%PLACE%-hints"), json!({}))])),
        ];
        apps::write(root, &host_json(json!({})), &functions);
        let values = json!({
            "PLACE": "here",
            "AzureWebJobs.off.Disabled": "true",
            "AzureFunctionsJobHost__extensions__http__routePrefix": "",
        });
        fs::write(root.join("local.settings.json"), json!({"Values": values}).to_string()).unwrap();
    })
    .await;
    assert_eq!(stage.get("/here/on", &fine()).await["status"], 200);
    assert_eq!(stage.get("/off", &fine()).await["status"], 404);
    let home = stage.get("/", &fine()).await;
    assert!(home["body"].as_str().unwrap().contains("up and running"), "{home}");
    let snapshot = stage.host.snapshot().await;
    let what: Vec<&str> = snapshot.functions.iter().map(|function| function.what.as_str()).collect();
    assert_eq!(what, ["off", "here/on", "here-hints"]);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_may_live_in_a_folder_of_their_own() {
    let stage = Stage::start(|root| {
        apps::write(root, &host_json(json!({})), &[]);
        let folder = root.join("functions/h");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("function.json"), one_function()[0].1.to_string()).unwrap();
    })
    .await;
    assert_eq!(stage.get("/api/h", &fine()).await["status"], 200);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_never_listens_is_given_up() {
    let stage = Stage::start(|root| {
        let handler = json!({
            "description": {"defaultExecutablePath": "sleep", "arguments": ["600"]},
            "initializationTimeout": "00:00:00.2",
        });
        apps::write(root, &host_json(json!({"customHandler": handler})), &one_function());
    })
    .await;
    let why = timeout(Duration::from_secs(30), stage.host.failed()).await.unwrap().to_string();
    assert!(why.contains("FUNCTIONS_CUSTOMHANDLER_PORT") && why.contains("third failure"), "{why}");
    stage.stop().await;
}
