//! How the handler is built and exchanged while it serves: nothing is lost, and what does not build changes nothing.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use backline::dev::{
    host::{Build, Event},
    watch,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{sync::broadcast, time::timeout};

use super::{
    apps::{self, answer, bindings, host_json, http, queue_in},
    player::{Stage, begun, exchange, request_telling, wait_for},
};

/// A program that is the recorder, and says which version it is of.
fn program(version: &str) -> String {
    let recorder = std::env::current_exe().unwrap();
    format!("#!/bin/sh\nVERSION={version} exec '{}' \"$@\"\n", recorder.display())
}

/// An app whose handler is built from `src/program` by a script that takes it as it is unless it says `broken`.
fn buildable(root: &Path) {
    let mut host = host_json(json!({}));
    host["customHandler"]["description"]["defaultExecutablePath"] = "bot".into();
    host["customHandler"]["enableForwardingHttpRequest"] = true.into();
    let functions = [
        ("h", bindings([http(json!({})), answer()])),
        ("slow", bindings([http(json!({})), answer()])),
        ("worker", bindings([queue_in("hints")])),
    ];
    apps::write(root, &host, &functions);
    fs::create_dir(root.join("src")).unwrap();
    write(root, &program("1"));
    fs::copy(root.join("src/program"), root.join("bot")).unwrap();
    fs::set_permissions(root.join("bot"), PermissionsExt::from_mode(0o755)).unwrap();
}

/// Writes the sources whole, as editors do.
fn write(root: &Path, sources: &str) {
    fs::write(root.join("src/.new"), sources).unwrap();
    fs::rename(root.join("src/.new"), root.join("src/program")).unwrap();
}

fn options(root: &Path) -> watch::Options {
    let script = "if grep -q broken src/program; then echo 'error: <b>no</b> program' >&2; exit 101; fi
                  cmp -s src/program bot && exit 0
                  cp src/program bot.new && chmod 755 bot.new && mv bot.new bot";
    watch::Options {
        executable: root.join("bot"),
        folder: root.to_owned(),
        command: ["sh", "-c", script].map(str::to_owned).into(),
    }
}

async fn version(stage: &Stage) -> Value {
    stage.get("/api/h", &json!({"env": "VERSION"})).await["body"].clone()
}

/// The outcome of the build that is told next.
async fn built(events: &mut broadcast::Receiver<Event>) -> Build {
    wait_for(events, |event| match event {
        Event::BuildChanged { build: Build::Building } => None,
        Event::BuildChanged { build } => Some(build.clone()),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_program_takes_over_under_load_and_no_call_is_lost() {
    let stage = Stage::start(buildable).await;
    let (root, port) = (stage.scene.root(), stage.host.address().port());
    let (options, mut events) = (options(&root), stage.host.events());
    let (over, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..6)
        .map(|_| {
            let (over, served) = (over.clone(), served.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let told = request_telling("/api/h", &json!({"env": "VERSION", "delay": 3}));
                    let answer = exchange(port, &told).await;
                    assert_eq!(answer["status"], 200, "{answer}");
                    assert!(["1", "2", "3"].contains(&answer["body"].as_str().unwrap()), "{answer}");
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let scenario = async {
        assert_eq!(built(&mut events).await, Build::UpToDate, "nothing has changed yet");
        assert_eq!(stage.host.snapshot().await.starts, 1, "so nothing was exchanged");
        for (before, after) in [("1", "2"), ("2", "3")] {
            let message = STANDARD.encode(r#"{"delay":20,"json":{}}"#);
            for _ in 0..20 {
                let told = json!({"answer": message}).to_string();
                stage.host.queue().send("hints", &told, Duration::ZERO).await.unwrap();
            }
            // This one is under way when its handler is exchanged, and ends long after.
            let mut calls = stage.host.events();
            let slow = request_telling("/api/slow", &json!({"env": "VERSION", "delay": 1500}));
            let slow = tokio::spawn(async move { exchange(port, &slow).await });
            begun(&mut calls, "slow").await;
            write(&root, &program(after));
            assert_eq!(built(&mut events).await, Build::UpToDate);
            assert_eq!(version(&stage).await, after);
            assert_eq!(slow.await.unwrap()["body"], before);
        }
    };
    tokio::select! {
        () = scenario => {}
        never = watch::run(&stage.host, &options) => match never {},
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("no request failed");
    }
    assert!(served.load(Ordering::Relaxed) > 0);
    let empty = async {
        while stage.host.queue().list().await.unwrap()["hints"].visible > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), empty).await.expect("every message is taken");
    let snapshot = stage.host.snapshot().await;
    let worker = snapshot.functions.iter().find(|function| function.name == "worker").unwrap();
    assert_eq!(worker.failures, 0);
    let scene = stage.stop().await;
    for process in scene.processes() {
        assert!(!Path::new(&format!("/proc/{process}")).exists(), "a handler outlived its successor");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_build_or_start_leaves_the_handler_serving() {
    let stage = Stage::start(buildable).await;
    let root = stage.scene.root();
    let (options, mut events) = (options(&root), stage.host.events());
    let scenario = async {
        assert_eq!(built(&mut events).await, Build::UpToDate);
        write(&root, "broken");
        assert_eq!(
            built(&mut events).await,
            Build::Failed { message: "error: <b>no</b> program".to_owned() }
        );
        assert_eq!(version(&stage).await, "1");
        write(&root, "#!/bin/sh\nexit 3\n");
        let Build::Failed { message } = built(&mut events).await else { panic!("it can't start") };
        assert_eq!(message, "it was built, but does not start: the handler ended with code 3");
        assert_eq!(version(&stage).await, "1");
        assert_eq!(stage.host.snapshot().await.starts, 1, "nobody heard of a handler that never served");
        write(&root, &program("2"));
        assert_eq!(built(&mut events).await, Build::UpToDate);
        assert_eq!(version(&stage).await, "2");
    };
    tokio::select! {
        () = scenario => {}
        never = watch::run(&stage.host, &options) => match never {},
    }
    stage.stop().await;
}
