//! `kill -9` of the handler and of the host, in mid-conversation: nothing is lost, nothing is asked twice.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::BTreeSet,
    fs::{self, DirEntry},
};

use serde_json::Value;

use crate::dev::{ADA, Dev, Start, signal, text};

/// What a person does to report something, and what they are asked next.
pub(crate) const STEPS: [(Step, &str); 7] = [
    (Step::Says("/report"), "What is it about?"),
    (Step::Presses("Cleaning"), "Where is it?"),
    (Step::Presses("Camp Site"), "A photo says a lot"),
    (Step::Presses("Skip"), "What is wrong?"),
    (Step::Says("Mud & more mud"), "Mud &"),
    (Step::Presses("Edit"), "change"),
    (Step::Presses("‹ Back"), "Mud &"),
];

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Says(&'static str),
    Presses(&'static str),
}

pub(crate) async fn take(dev: &Dev, step: Step, shown: &Value) {
    match step {
        Step::Says(words) => dev.say(ADA, words).await,
        Step::Presses(label) => dev.press(ADA, shown, label).await,
    }
}

/// Everything went as if nobody had been killed: each input is applied once, each question was put once.
pub(crate) async fn check(dev: &Dev, doubled: usize) {
    let shown = dev.hears(ADA, "Mud &").await;
    dev.press(ADA, &shown, "Submit").await;
    dev.hears(ADA, "Thank you").await;
    // Everything is sent, and that is written down; what leaves the workflow leaves last.
    let is_over = |behind: &Value| {
        behind["conversation"]["outbox"].is_null()
            && behind["events"].as_array().is_some_and(|all| !all.is_empty())
    };
    let behind = dev.behind_once(ADA, is_over).await;
    let items = behind["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["state"] == "done"), "{items:#?}");
    assert_eq!(items.len(), STEPS.len() + 1, "every input is there once");
    let log = behind["workflows"][0]["log"].as_array().unwrap();
    let keys: BTreeSet<&str> = log.iter().map(|entry| entry["input"]["key"].as_str().unwrap()).collect();
    assert_eq!((keys.len(), log.len()), (STEPS.len() + 1, STEPS.len() + 1), "every input is applied once");
    assert_eq!(behind["events"].as_array().unwrap().len(), 1, "the event is published once");
    let messages = dev.messages(ADA).await;
    let by_bot = messages.iter().filter(|message| message["from"]["is_bot"] == true).count();
    // Of a call whose process died before it could write down the answer nobody knows whether it was made.
    assert!(by_bot <= STEPS.len() + 1 + doubled, "{:#?}", messages.iter().map(text).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_handler_may_be_killed_at_any_moment() {
    let data = tempfile::tempdir().unwrap();
    let dev = Start::own(data.path()).start().await;
    let mut shown = Value::Null;
    // The third crash within half an hour ends the host, as on Azure: two are survived without a restart of it.
    for (place, (step, next)) in STEPS.into_iter().enumerate() {
        take(&dev, step, &shown).await;
        if place == 1 || place == 4 {
            let before = dev.until("handler", || dev.handler()).await;
            signal("KILL", before);
            dev.until("new handler", || dev.handler().filter(|&now| now != before)).await;
        }
        shown = dev.hears(ADA, next).await;
    }
    check(&dev, 2).await;
}

#[tokio::test]
async fn host_and_handler_may_be_killed_at_any_moment() {
    let data = tempfile::tempdir().unwrap();
    let mut dev = Start::own(data.path()).start().await;
    let mut shown = Value::Null;
    let mut dead = Vec::new();
    for (step, next) in STEPS {
        // Before the act, and right after it, whatever it has led to by then.
        dead.push(dev.kill());
        dev = Start::own(data.path()).start().await;
        take(&dev, step, &shown).await;
        dead.push(dev.kill());
        dev = Start::own(data.path()).start().await;
        shown = dev.hears(ADA, next).await;
    }
    check(&dev, STEPS.len()).await;
    dev.until("end of the handlers whose hosts are dead", || {
        dead.iter().all(|host| !is_with(host)).then_some(())
    })
    .await;
}

/// Has any process this in its environment?
fn is_with(variable: &str) -> bool {
    let of = |process: DirEntry| fs::read(process.path().join("environ")).unwrap_or_default();
    let mut all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.any(|process| of(process).split(|byte| *byte == 0).any(|own| own == variable.as_bytes()))
}
