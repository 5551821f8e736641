//! What the command line says: to people in sentences, to scripts in JSON and exit codes.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use backline::{
    model::{Clock, TraceParent},
    runtime::DeadLetter,
    store::{Sqlite, SqliteSettings, Store},
};
use serde_json::Value;

use super::{Done, PROGRAM, Workshop};
use crate::dev::{free_port, signal};

/// A transcript of which one line is not true.
const WRONG: &str = "> Ada: /help\n< This is what I can do:\n  /start – Something else\n";

#[test]
fn an_error_says_what_is_wrong_and_what_to_do() {
    let workshop = Workshop::new();
    fs::create_dir(workshop.path().join("full")).unwrap();
    fs::write(workshop.path().join("full/file"), "").unwrap();
    for (words, code, said) in [
        (&["new", "Front Desk"][..], 1, "such as `front-desk`"),
        (&["new", "full"], 1, "`full` is there already and not empty: choose another name"),
        (&["new", "desk", "--path", "full"], 1, "`full` does not hold Backline"),
        (&["new", "desk", "--path", "full", "--version", "0.1"], 2, "cannot be used with"),
        (&["talk", "nobody.talk"], 1, "can't read the transcript `nobody.talk`"),
        (&["talk"], 2, "<FILE>"),
        (&["dev", "--root", "nowhere"], 1, "there is no folder `nowhere`; name the app's with --root"),
        (&["app", "dist", "--root", "nowhere"], 1, "there is no folder `nowhere`"),
        (&["replay", "00000000-0000-0000-0000-000000000000"], 1, "run this where the app runs, or set STORE"),
        (&["replay", "seven"], 2, "a workflow's GUID"),
        (&["serve"], 2, "--port <PORT>"),
        (&["develop"], 2, "similar"),
        (&[], 1, "Start everything with `backline dev`"),
    ] {
        let done = workshop.backline(words);
        assert_eq!(done.code, Some(code), "{words:?}: {}", done.err);
        assert!(done.err.contains(said), "{words:?} says: {}", done.err);
        assert_eq!(done.out, "", "{words:?}: an error is no output");
    }
}

#[test]
fn a_transcript_that_differs_is_shown_and_can_be_updated() {
    let workshop = Workshop::new();
    fs::write(workshop.path().join("help.talk"), WRONG).unwrap();
    fs::write(workshop.path().join("stuck.talk"), "> Ada taps: Nothing\n").unwrap();
    let differs = workshop.backline(&["talk", "help.talk"]);
    assert_eq!(differs.code, Some(1));
    for part in
        ["\n    3  -   /start – Something else\n       +   /start – Say hello", "differs from line 3 on"]
    {
        assert!(differs.out.contains(part), "{}", differs.out);
    }
    let both = workshop.backline(&["talk", "--json", "help.talk", "stuck.talk"]);
    assert_eq!(both.code, Some(1));
    let lines: Vec<Value> = both.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines[0]["outcome"].as_str(), lines[0]["line"].as_u64()), (Some("different"), Some(3)));
    assert_eq!((lines[1]["outcome"].as_str(), lines[1]["line"].as_u64()), (Some("impossible"), Some(1)));

    workshop.backline(&["talk", "--update", "help.talk"]).well();
    let now = fs::read_to_string(workshop.path().join("help.talk")).unwrap();
    assert!(now.starts_with("> Ada: /help\n< This is what I can do:\n  /start – Say hello"), "{now}");
    assert_eq!(workshop.backline(&["talk", "help.talk"]).well(), now, "it prints the conversation");
    let impossible = workshop.backline(&["talk", "--update", "stuck.talk"]);
    assert_eq!(impossible.code, Some(1));
    assert!(
        impossible.out.contains("can't go on at line 1: Ada has no button [Nothing]"),
        "{}",
        impossible.out
    );
    assert_eq!(fs::read_to_string(workshop.path().join("stuck.talk")).unwrap(), "> Ada taps: Nothing\n");
}

#[test]
fn no_color_takes_the_colours_away() {
    let workshop = Workshop::new();
    fs::write(workshop.path().join("help.talk"), WRONG).unwrap();
    let talk = |environment: &[(&str, &str)]| {
        let mut command = Command::new(PROGRAM);
        command.args(["talk", "help.talk"]).current_dir(workshop.path());
        Done::of(command.env_remove("NO_COLOR").envs(environment.iter().copied())).out
    };
    let forced = ("CLICOLOR_FORCE", "1");
    assert!(talk(&[forced]).contains("\u{1b}[31m"), "a terminal is shown colours");
    assert!(!talk(&[forced, ("NO_COLOR", "1")]).contains('\u{1b}'));
    assert!(!talk(&[]).contains('\u{1b}'), "a pipe is not");
}

#[test]
fn shells_are_told_every_subcommand() {
    let workshop = Workshop::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = workshop.backline(&["completions", shell]).well();
        for word in ["dev", "talk", "new", "app", "replay", "serve", "completions", "telegram-port"] {
            assert!(script.contains(word), "{shell} is not told `{word}`");
        }
    }
}

#[test]
fn dev_speaks_json_to_a_script() {
    let workshop = Workshop::new();
    let (port, telegram_port) = (free_port().to_string(), free_port().to_string());
    let mut dev = Command::new(PROGRAM)
        .args(["dev", "--json", "--port", &port, "--telegram-port", &telegram_port])
        .current_dir(workshop.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = None;
    for line in BufReader::new(dev.stdout.take().unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if line["ready"] == true {
            ready = Some(line);
            signal("INT", dev.id());
        }
    }
    assert!(dev.wait().unwrap().success());
    let ready = ready.expect("it gets ready");
    assert_eq!(ready["functions"], format!("http://127.0.0.1:{port}"));
    assert_eq!(ready["chat"], format!("http://127.0.0.1:{telegram_port}"));
}

#[tokio::test]
async fn dead_letters_are_listed_shown_and_dropped_and_areas_changed() {
    let workshop = Workshop::new();
    let file = workshop.path().join(".backline/store.db");
    let store = Sqlite::open(&file, SqliteSettings::default(), Clock::real()).unwrap();
    for (source, id) in [("inbox", "operations:7:0:7:tg:1"), ("queue:conversations", "abc")] {
        let letter = DeadLetter {
            source: source.into(),
            id: id.into(),
            cause: "it failed 5 times".into(),
            attempts: 5,
            at: Clock::real().now(),
            conversation: (source == "inbox").then(|| "operations:7:0:7".parse().unwrap()),
            payload: Value::Null,
            trace: TraceParent::root(),
        };
        store.commit(vec![letter.batch()]).await.unwrap();
    }
    drop(store);
    let listed = workshop.backline(&["dead-letters", "list"]).well();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("inbox  operations:7:0:7:tg:1  after 5: it failed 5 times"), "{listed}");
    let of_ada =
        workshop.backline(&["dead-letters", "list", "--json", "--conversation", "operations:7:0:7"]).well();
    assert_eq!(serde_json::from_str::<Value>(&of_ada).unwrap()["source"], "inbox");
    let shown = workshop.backline(&["dead-letters", "show", "tg:1"]).well();
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["attempts"], 5);

    let which = workshop.backline(&["dead-letters", "drop"]);
    assert!(which.code == Some(1) && which.err.contains("say which"), "{}", which.err);
    let dry = workshop.backline(&["dead-letters", "drop", "--source", "queue", "--dry-run"]).well();
    assert!(dry.starts_with("1/1 would be dropped: "), "{dry}");
    let hopeless = workshop.backline(&["dead-letters", "redrive", "tg:1"]);
    assert_eq!(hopeless.code, Some(1));
    assert!(
        hopeless.out.contains("stays: operations:7:0:7:tg:1: its payload can't be read"),
        "{}",
        hopeless.out
    );
    let dropped = workshop.backline(&["dead-letters", "drop", "--all"]).well();
    assert!(dropped.ends_with("2 dropped, 0 stay\n"), "{dropped}");
    assert_eq!(workshop.backline(&["dead-letters", "list"]).well(), "");

    let areas = |words: &[&str]| -> Vec<Value> {
        let words = [&["areas"], words].concat();
        serde_json::from_str(&workshop.backline(&words).well()).unwrap()
    };
    let before = areas(&[]).len();
    let new = r#"[{ "id": "quay", "name": "Quay", "latitude": 52.5, "longitude": 13.4, "radius_m": 80 }]"#;
    fs::write(workshop.path().join("new.json"), new).unwrap();
    assert_eq!(areas(&["--put", "new.json"]).len(), before + 1);
    assert_eq!(areas(&["--remove", "quay", "--remove", "food-court"]).len(), before - 1);
    let none = workshop.backline(&["areas", "--remove", "quay"]);
    assert!(none.code == Some(1) && none.err.contains("There is no area `quay`."), "{}", none.err);
}
