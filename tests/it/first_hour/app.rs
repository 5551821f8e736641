//! `app` writes a folder, and `dev` runs it.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::Workshop;
use crate::dev::Start;

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_flat_app_runs_where_it_was_written() {
    let workshop = Workshop::new();
    workshop.backline(&["app", "dist"]).well();
    let app = workshop.path().join("dist");
    assert_eq!(mode(&app.join("backline")), 0o755);
    assert!(!app.join("local.settings.json").exists(), "nobody asked for settings");
    let start = Start {
        program: super::PROGRAM.into(),
        root: &app,
        data: &workshop.path().join("data"),
        settings: &[],
        arguments: &[],
    };
    let mut dev = start.start().await;
    let health = dev.http.get(format!("{}/health", dev.functions)).send().await.unwrap();
    assert_eq!(health.status(), 200);
    let health: serde_json::Value = health.json().await.unwrap();
    assert_eq!(health["bots"], serde_json::json!(["operations"]), "the fake Telegram has its bot");
    let handler = dev.until("handler", || dev.handler()).await;
    let runs = fs::read_link(format!("/proc/{handler}/exe"));
    assert!(runs.is_err() || runs.unwrap() == app.join("backline"), "the program in the folder is what runs");
    assert!(dev.interrupt().await.success());
}

#[test]
fn only_what_app_wrote_is_replaced_and_the_rest_stays() {
    let workshop = Workshop::new();
    let path = |name: &str| workshop.path().join(name);
    fs::create_dir_all(path("functions/digest")).unwrap();
    fs::write(path("functions/digest/function.json"), "{}").unwrap();
    workshop.backline(&["app", "dist", "--with-settings"]).well();
    assert_eq!(fs::read_to_string(path("dist/digest/function.json")).unwrap(), "{}");
    assert_eq!(mode(&path("dist/local.settings.json")), 0o600);

    fs::remove_dir_all(path("functions")).unwrap();
    fs::write(path("dist/local.settings.json"), "mine").unwrap();
    workshop.backline(&["app", "dist", "--with-settings"]).well();
    assert!(!path("dist/digest").exists(), "what the app no longer has is gone");
    assert!(path("dist/health/function.json").exists());
    assert_eq!(fs::read_to_string(path("dist/local.settings.json")).unwrap(), "mine");

    fs::create_dir(path("photos")).unwrap();
    fs::write(path("photos/cat.jpg"), "").unwrap();
    let refused = workshop.backline(&["app", "photos"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("`photos` is not empty"), "{}", refused.err);
    assert_eq!(fs::read_dir(path("photos")).unwrap().count(), 1, "nothing was written");
}

#[test]
fn a_strangers_app_is_not_written() {
    let workshop = Workshop::new();
    let host = r#"{ "customHandler": { "description": { "defaultExecutablePath": "node" } } }"#;
    fs::write(workshop.path().join("host.json"), host).unwrap();
    let refused = workshop.backline(&["app", "dist"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("starts another program"), "{}", refused.err);
    assert!(!workshop.path().join("dist").exists());
}

#[tokio::test]
async fn an_app_s_own_function_wins_over_the_built_in_one_and_the_others_are_there() {
    let workshop = Workshop::new();
    let own = workshop.path().join("functions/health");
    fs::create_dir_all(&own).unwrap();
    let text = include_str!("../../../functions/health/function.json");
    fs::write(own.join("function.json"), text.replace("\"get\"", "\"head\"")).unwrap();
    let start = Start {
        program: super::PROGRAM.into(),
        root: workshop.path(),
        data: &workshop.path().join("data"),
        settings: &[],
        arguments: &[],
    };
    let mut dev = start.start().await;
    let health = format!("{}/health", dev.functions);
    assert_eq!(dev.http.get(&health).send().await.unwrap().status(), 404, "its own takes HEAD alone");
    assert_eq!(dev.http.head(&health).send().await.unwrap().status(), 200);
    let webhook = format!("{}/telegram/operations", dev.functions);
    assert_eq!(
        dev.http.post(webhook).send().await.unwrap().status(),
        401,
        "the built-in one asks for the secret"
    );
    assert!(dev.interrupt().await.success());
}
