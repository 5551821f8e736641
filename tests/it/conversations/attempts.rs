//! Attempts: what fails, how often it is tried, and who waits behind it.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;

use crate::harness::{ADA, App, BO, Fault, Gate, OPERATOR, State, conversation};

const SORRY: &str = "Something went wrong";

async fn broken() -> App {
    let app = App::start().await;
    app.says(ADA, "/fragile").await;
    app.world.broken.store(true, Ordering::Relaxed);
    app
}

fn attempts(app: &App) -> Vec<(u32, State)> {
    app.items(ADA).iter().map(|item| (item.attempts, item.state)).collect()
}

#[tokio::test]
async fn a_script_that_always_panics_costs_one_input() {
    let app = broken().await;
    app.says(ADA, "one").await;
    app.says(ADA, "two").await;
    assert_eq!(attempts(&app)[1], (2, State::Pending), "the second arrival tried the first input again");
    assert_eq!(app.hints.delays()[0], 1);
    app.wind(TimeDelta::seconds(2));
    app.deliver_hints().await;
    assert_eq!(attempts(&app)[1].0, 2, "from the third on only the sweep tries");
    for sweep in 3..=5 {
        app.sweep().await;
        assert_eq!(attempts(&app)[1], (sweep, State::Pending));
    }
    app.world.broken.store(false, Ordering::Relaxed);
    app.settle().await;
    assert_eq!(attempts(&app)[1].1, State::Dead);
    let sent = app.sent(ADA);
    assert!(sent[1].starts_with(SORRY), "{sent:?}");
    assert_eq!(sent[2..], ["You said two."]);
    assert_eq!(app.dead_letters().len(), 1);
    let told = app.sent(OPERATOR);
    assert_eq!(told.len(), 1, "{told:?}");
}

#[tokio::test]
async fn a_script_that_is_mended_in_time_loses_nothing() {
    let app = broken().await;
    app.says(ADA, "one").await;
    app.world.broken.store(false, Ordering::Relaxed);
    app.wind(TimeDelta::seconds(2));
    app.deliver_hints().await;
    assert_eq!(app.sent(ADA), ["Say it.", "You said one."]);
}

#[tokio::test]
async fn start_always_works_at_once() {
    let app = broken().await;
    app.says(ADA, "one").await;
    app.says(ADA, "/start").await;
    assert_eq!(app.sent(ADA).last().unwrap(), "Hello.");
    assert_eq!(attempts(&app)[1].1, State::Dead);
    app.settle().await;
}

#[tokio::test]
async fn an_endless_script_is_stopped() {
    let app = App::start().await;
    app.says(ADA, "/endless").await;
    app.settle().await;
    assert!(app.sent(ADA)[0].starts_with(SORRY));
    assert!(app.dead_letters()[0].cause.contains("failed 5 times"));
}

#[tokio::test]
async fn conflicts_do_not_count() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    let update = app.saying(ADA, "Ada");
    app.store().fail(Fault::Conflict, 30, |operation| operation.is_write_of("tg:"));
    app.post(&update).await;
    for _ in 0..7 {
        app.restart_with(|store| store.fail(Fault::Conflict, 30, |operation| operation.is_write_of("tg:")));
        app.wind(TimeDelta::seconds(1));
        app.deliver_hints_once().await;
        app.post(&update).await;
    }
    assert_eq!(attempts(&app)[1], (0, State::Pending));
    app.store().heal();
    app.settle().await;
    assert_eq!(app.sent(ADA), ["Your name?", "Which colour? [Red] [Blue] [‹ Back]"]);
}

#[tokio::test]
async fn an_absent_store_does_not_count() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    let update = app.saying(ADA, "Ada");
    let absent = |operation: &crate::harness::Operation| operation.is_write_of("tg:");
    app.store().fail(Fault::Unavailable, 30, absent);
    app.post(&update).await;
    for _ in 0..7 {
        app.restart_with(|store| store.fail(Fault::Unavailable, 30, absent));
        app.post(&update).await;
    }
    assert_eq!(attempts(&app)[1], (0, State::Pending));
    app.store().heal();
    app.settle().await;
    assert_eq!(app.sent(ADA).len(), 2);
}

#[tokio::test]
async fn an_attempt_is_counted_before_it_takes_the_process_with_it() {
    let app = App::start().await;
    app.says(BO, "/start").await;
    app.says(ADA, "/order").await;
    let update = app.saying(ADA, "Ada");
    for died in 0..7_u32 {
        // As if the script had overflowed the stack: nothing comes after it.
        app.store().fail(Fault::DieBefore, 1, |operation| operation.is_write_of("tg:"));
        app.post(&update).await;
        if !app.process().is_dead() {
            app.sweep().await;
        }
        // Whoever dies over an input that is not stored yet leaves a note, and it is stored before it is tried again.
        let attempts = app.items(ADA).get(1).map(|item| item.attempts);
        assert_eq!(attempts, died.checked_sub(1).map(|counted| counted.min(5)));
        app.restart_over(&update);
    }
    app.settle().await;
    assert_eq!(app.items(ADA)[1].state, State::Dead);
}

#[tokio::test]
async fn what_two_processes_count_and_give_up_is_counted_by_neither() {
    let app = App::apart().await;
    app.says(ADA, "/order").await;
    app.store().fail(Fault::DieAfter, 1, |operation| operation.is_write_of("inbox:"));
    app.says(ADA, "Ada").await;
    app.restart();
    let hint = format!("{{\"conversation\":\"{}\"}}", conversation(ADA));
    // The slow one has counted its attempt, and looks again.
    let (slow, gate, looks) = (app.another_process(), Gate::default(), AtomicUsize::new(0));
    slow.store.fail(Fault::Conflict, 3, |operation| operation.is_write_of("tg:"));
    slow.store.fail(Fault::Wait(gate.clone()), 1, move |operation| {
        operation.is_read_of("conversations/head") && looks.fetch_add(1, Ordering::Relaxed) == 1
    });
    let behind = tokio::spawn({
        let (slow, hint) = (slow.clone(), hint.clone());
        async move { slow.runtime.follow(&hint).await.unwrap() }
    });
    gate.reached().await;
    assert_eq!(app.items(ADA).last().unwrap().attempts, 1);
    let other = app.another_process();
    other.store.fail(Fault::Conflict, 3, |operation| operation.is_write_of("tg:"));
    other.runtime.follow(&hint).await.unwrap();
    assert_eq!(app.items(ADA).last().unwrap().attempts, 1);
    gate.open();
    behind.await.unwrap();
    assert_eq!(app.items(ADA).last().unwrap().attempts, 0);
    app.settle().await;
    assert_eq!(app.sent(ADA).last().unwrap(), "Which colour? [Red] [Blue] [‹ Back]");
}
