//! The rules of the commit protocol, each by the schedule that breaks without it.

use std::collections::BTreeMap;

use backline::engine::Status;
use futures_util::future::join_all;
use serde_json::Value;

use crate::harness::{ADA, App, BO, Fault, Gate, State};

/// How many workflows have taken each input that Telegram brought, by the last digits of its key.
fn taken(app: &App) -> BTreeMap<String, usize> {
    let mut taken = BTreeMap::new();
    for entry in app.story().into_values().flatten() {
        let key = entry[1].as_str().unwrap().to_owned();
        *taken.entry(key).or_default() += 1;
    }
    taken
}

fn key(update: &str) -> String {
    let update: Value = serde_json::from_str(update).unwrap();
    format!("tg:operations:{:020}", update["update_id"].as_u64().unwrap())
}

/// Lets the process die with A written, and B not.
async fn dies_after_a(app: &App, update: &str) {
    app.store().fail(Fault::DieAfter, 1, |operation| operation.is_write_of("tg:"));
    app.post(update).await;
    assert!(app.process().is_dead());
    app.restart();
}

/// Lets the process die with B written, and nothing sent or handed out.
async fn dies_after_b(app: &App, update: &str) {
    app.store().fail(Fault::DieAfter, 1, |operation| {
        operation.is_write_of("inbox:tg:") && operation.is_write_of("head")
    });
    app.post(update).await;
    assert!(app.process().is_dead());
    app.restart();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_deliveries_at_once_are_one_input() {
    let app = App::start().await;
    let update = app.saying(ADA, "/order");
    let process = app.process();
    let answers = join_all((0..50).map(|_| process.post(&update))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().0 == 200));
    assert_eq!(app.items(ADA).len(), 1);
    assert_eq!(app.sent(ADA), ["Your name?"]);
    app.settle().await;
    assert_eq!(app.sent(ADA), ["Your name?"]);
}

#[tokio::test]
async fn what_a_workflow_has_taken_is_finished_before_anything_else() {
    let app = App::apart().await;
    app.says(ADA, "/order").await;
    let late = app.saying(ADA, "/patient");
    let name = app.saying(ADA, "Ada");
    dies_after_a(&app, &name).await;
    app.post(&late).await;
    app.settle().await;
    assert_eq!(taken(&app)[&key(&name)], 1);
    assert_eq!(app.sent(ADA), ["Your name?", "Which colour? [Red] [Blue] [‹ Back]", "Quick?"]);
}

#[tokio::test]
async fn items_read_too_early_are_not_believed() {
    let app = App::apart().await;
    app.says(ADA, "/order").await;
    let (slow, gate) = (app.another_process(), Gate::default());
    slow.store.fail(Fault::Wait(gate.clone()), 1, |operation| operation.is_read_of("conversations/head"));
    let name = app.saying(ADA, "Ada");
    let behind = tokio::spawn({
        let (slow, name) = (slow.clone(), name.clone());
        async move { slow.post(&name).await.unwrap() }
    });
    gate.reached().await;
    app.post(&name).await;
    app.says(ADA, "/patient").await;
    gate.open();
    assert_eq!(behind.await.unwrap().0, 200);
    assert_eq!(taken(&app)[&key(&name)], 1);
    assert_eq!(app.sent(ADA), ["Your name?", "Which colour? [Red] [Blue] [‹ Back]", "Quick?"]);
}

#[tokio::test]
async fn who_has_read_an_old_head_starts_over() {
    for apart in [false, true] {
        let app = if apart { App::apart().await } else { App::start().await };
        app.says(BO, "/start").await;
        app.says(ADA, "/approve").await;
        app.says(ADA, "Paint").await;
        // The slow one has read that `approve` is the current workflow; meanwhile it is put aside, and runs on.
        let (slow, gate) = (app.another_process(), Gate::default());
        slow.store.fail(Fault::Wait(gate.clone()), 1, |operation| operation.is_read_of("inputs/head"));
        let interruption = app.saying(ADA, "/patient");
        let answer = app.saying(ADA, "quickly");
        let behind = tokio::spawn({
            let (slow, answer) = (slow.clone(), answer.clone());
            async move { slow.post(&answer).await.unwrap() }
        });
        gate.reached().await;
        app.post(&interruption).await;
        gate.open();
        assert_eq!(behind.await.unwrap().0, 200);
        app.settle().await;
        assert_eq!(taken(&app)[&key(&answer)], 1);
        assert_eq!(app.sent(ADA).last().unwrap(), "In time: quickly");
        app.presses(BO, "Yes").await;
        app.settle().await;
    }
}

#[tokio::test]
async fn a_handout_goes_out_before_what_its_receiver_does_next() {
    for apart in [false, true] {
        let app = if apart { App::apart().await } else { App::start().await };
        app.says(BO, "/start").await;
        app.says(ADA, "/duet").await;
        let word = app.saying(ADA, "hello");
        dies_after_b(&app, &word).await;
        app.presses(BO, "Go").await;
        app.settle().await;
        assert_eq!(app.sent(BO), ["Hello.", "Ready? [Go]", "hello", "Gone."]);
    }
}

#[tokio::test]
async fn what_its_receiver_did_first_is_answered_before_a_handout() {
    let app = App::apart().await;
    app.says(BO, "/start").await;
    app.says(ADA, "/duet").await;
    let go = app.pressing(BO, "Go");
    dies_after_a(&app, &go).await;
    app.says(ADA, "hello").await;
    app.settle().await;
    assert_eq!(app.sent(BO), ["Hello.", "Ready? [Go]", "Gone.", "hello"]);
}

#[tokio::test]
async fn a_later_handout_waits_for_an_earlier_answer() {
    let app = App::apart().await;
    app.says(BO, "/start").await;
    app.says(ADA, "/duet").await;
    let go = app.pressing(BO, "Go");
    dies_after_a(&app, &go).await;
    let word = app.saying(ADA, "hello");
    dies_after_b(&app, &word).await;
    app.post(&go).await;
    app.settle().await;
    assert_eq!(app.sent(BO), ["Hello.", "Ready? [Go]", "Gone.", "hello"]);
}

#[tokio::test]
async fn a_command_that_dies_between_the_old_and_the_new_workflow_begins_one_workflow() {
    let app = App::apart().await;
    app.says(ADA, "/order").await;
    let interruption = app.saying(ADA, "/patient");
    dies_after_a(&app, &interruption).await;
    app.says(ADA, "soon").await;
    app.settle().await;
    assert_eq!(app.workflows().len(), 2);
    assert_eq!(app.sent(ADA), ["Your name?", "Quick?", "In time: soon"]);
}

#[tokio::test]
async fn a_command_that_has_read_an_old_head_puts_aside_what_is_current_by_now() {
    for apart in [false, true] {
        let app = if apart { App::apart().await } else { App::start().await };
        app.says(ADA, "/order").await;
        // The slow one has read that `order` is the current workflow.
        let (slow, gate) = (app.another_process(), Gate::default());
        slow.store.fail(Fault::Wait(gate.clone()), 1, |operation| operation.is_read_of("inputs/head"));
        let first = app.saying(ADA, "/fragile");
        let second = app.saying(ADA, "/patient");
        let behind = tokio::spawn({
            let (slow, second) = (slow.clone(), second.clone());
            async move { slow.post(&second).await.unwrap() }
        });
        gate.reached().await;
        app.post(&first).await;
        gate.open();
        assert_eq!(behind.await.unwrap().0, 200);
        app.settle().await;
        let running = app.workflows().into_iter().filter(|workflow| workflow.head.status == Status::Running);
        let scripts: Vec<String> = running.map(|workflow| workflow.head.script).collect();
        assert_eq!(scripts, ["patient"], "apart: {apart}");
        assert_eq!(app.sent(ADA), ["Your name?", "Say it.", "Quick?"]);
    }
}

#[tokio::test]
async fn a_reply_is_applied_to_the_prompt_it_answered_even_if_that_is_forgotten() {
    let app = App::apart().await;
    app.says(ADA, "/order").await;
    let prompt = app.telegram.messages("operations:101").last().unwrap()["message_id"].as_i64().unwrap();
    app.says(BO, "/start").await;
    // Bo is asked by Ada's workflow, and has one of his own.
    app.says(ADA, "/ask").await;
    app.says(BO, "/order").await;
    let question = app.telegram.messages("operations:102");
    let asked =
        question.iter().find(|message| message["text"] == "Why?").unwrap()["message_id"].as_i64().unwrap();
    let reply = app.replying(BO, asked, "because");
    assert_ne!(prompt, asked);
    dies_after_a(&app, &reply).await;
    // Meanwhile the prompt is forgotten.
    app.forget_prompts(BO).await;
    app.post(&reply).await;
    app.settle().await;
    assert_eq!(taken(&app)[&key(&reply)], 1);
    assert_eq!(app.sent(ADA).last().unwrap(), "Bo says: because");
    assert!(app.items(BO).iter().all(|item| item.state == State::Done));
}
