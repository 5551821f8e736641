//! What the webhook answers, and what it costs.

use std::time::Duration;

use backline::{
    dev::telegram::{Act, Spot},
    runtime::Settings,
    store::Container,
};
use chrono::TimeDelta;

use crate::harness::{ADA, App, BO, Fault, Plan, Process, State, trace};

/// What this process reads and writes for an update.
async fn cost(process: &Process, update: &str) -> (usize, usize) {
    let (reads, writes) = (process.store.reads(), process.store.writes());
    process.post(update).await;
    (process.store.reads() - reads, process.store.writes() - writes)
}

#[tokio::test]
async fn a_text_costs_two_writes_and_two_reads_by_a_process_that_remembers_nothing() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    app.restart();
    assert_eq!(cost(&app.process(), &app.saying(ADA, "Ada")).await, (2, 2));
    // The order is told to the rest of the business besides.
    assert_eq!(cost(&app.process(), &app.pressing(ADA, "Red")).await, (0, 3));
}

#[tokio::test]
async fn what_another_process_has_written_meanwhile_is_noticed_and_read() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    let (first, second) = (app.process(), app.another_process());
    assert_eq!(cost(&second, &app.saying(ADA, "Ada")).await, (2, 2));
    // The commit that was decided from old heads comes to nothing: the press is stored, then the heads are read.
    assert_eq!(cost(&first, &app.pressing(ADA, "Red")).await, (3, 5));
    app.settle().await;
    let sent = ["Your name?", "Which colour? [Red] [Blue] [‹ Back]", "Thanks, Ada.", "Red"];
    assert_eq!(app.sent(ADA), sent);
}

#[tokio::test]
async fn what_changes_nothing_is_decided_from_what_is_read() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada").await;
    let too_late = app.pressing(ADA, "Red");
    app.says(ADA, "/order").await;
    assert_eq!(cost(&app.process(), &too_late).await, (6, 3));
}

#[tokio::test]
async fn a_webhook_is_answered_when_its_budget_is_used_up_and_the_work_goes_on() {
    let settings = Settings { inline_budget: Duration::ZERO, ..Settings::default() };
    let app = App::planned(Plan { settings, ..Plan::default() }).await;
    app.says(ADA, "/order").await;
    assert_eq!(app.hints.delays(), [0]);
    app.telegram.until(|_| (app.sent(ADA) == ["Your name?"]).then_some(())).await;
    app.deliver_hints().await;
    assert_eq!(app.sent(ADA), ["Your name?"]);
}

#[tokio::test]
async fn a_busy_process_leaves_a_hint() {
    let settings = Settings { inline_concurrency: 0, ..Settings::default() };
    let app = App::planned(Plan { settings, ..Plan::default() }).await;
    app.says(ADA, "/order").await;
    assert_eq!(app.sent(ADA), [""; 0]);
    app.deliver_hints().await;
    assert_eq!(app.sent(ADA), ["Your name?"]);
}

#[tokio::test]
async fn lost_hints_cost_nothing_but_time() {
    let settings = Settings { inline_concurrency: 0, ..Settings::default() };
    let app = App::planned(Plan { settings, ..Plan::default() }).await;
    app.says(ADA, "/order").await;
    app.hints.lose_all();
    app.hints.go_away();
    app.says(ADA, "Ada").await;
    app.sweep().await;
    assert_eq!(app.sent(ADA), ["Your name?", "Which colour? [Red] [Blue] [‹ Back]"]);
}

#[tokio::test]
async fn an_update_that_can_not_be_stored_is_brought_again() {
    for (fault, is_stored) in [(Fault::Unavailable, false), (Fault::Unknown, true)] {
        let app = App::apart().await;
        let update = app.saying(ADA, "/order");
        // It is tried once more before Telegram is told.
        app.store().fail(fault, 1, |operation| operation.is_write_of("inbox:"));
        app.store().fail(Fault::Unavailable, 1, |operation| operation.is_write_of("inbox:"));
        let (status, _) = app.process().post(&update).await.unwrap();
        assert_eq!(status, 503);
        assert_eq!(app.knows(&update), is_stored);
        app.post(&update).await;
        assert_eq!(app.sent(ADA), ["Your name?"]);
    }
}

#[tokio::test]
async fn a_store_that_goes_away_later_only_delays() {
    let app = App::start().await;
    let update = app.saying(ADA, "/order");
    app.store().fail(Fault::Unavailable, 1, |operation| operation.is_write_of("tg:"));
    app.store().fail(Fault::Unavailable, 1, |operation| operation.is_read_of("query"));
    app.post(&update).await;
    assert_eq!(app.hints.delays(), [1]);
    app.wind(TimeDelta::seconds(2));
    app.deliver_hints().await;
    assert_eq!(app.sent(ADA), ["Your name?"]);
}

#[tokio::test]
async fn garbage_is_kept_and_taken() {
    let app = App::start().await;
    for garbage in ["", "[]", "{\"update_id\":\"x\"}", "not json at all"] {
        app.post(garbage).await;
        app.post(garbage).await;
    }
    assert_eq!(app.dead_letters().len(), 4);
}

#[tokio::test]
async fn what_needs_no_answer_is_kept() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    let name = app.saying(ADA, "Ada");
    app.post(&name).await;
    app.post(r#"{"update_id":999,"poll":{"id":"1"}}"#).await;
    assert!(app.items(ADA).iter().all(|item| item.state == State::Done));
    assert_eq!(app.items(ADA).len(), 2);
    assert_eq!(app.sent(ADA).len(), 2);
}

#[tokio::test]
async fn a_press_that_is_brought_again_is_answered_like_the_first() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada").await;
    let (message_id, data) = app.button(ADA, "Blue").unwrap();
    app.presses(ADA, "Red").await;
    let stale = app.pressing_again(ADA, message_id, &data);
    app.post(&stale).await;
    app.post(&stale).await;
    let toasts = app.toasts();
    assert_eq!(toasts[0], "");
    assert!(!toasts[1].is_empty());
    assert_eq!(toasts[1], toasts[2]);
}

#[tokio::test]
async fn a_command_for_another_bot_of_the_group_is_not_ours() {
    let app = App::start().await;
    let group = app.telegram.add_group("Team", &[ADA, BO], &["operations"]).unwrap();
    app.skip_updates();
    let saying = |text: &str| {
        app.update(Act::Say { spot: Spot::group(ADA, group), text: text.to_owned(), reply_to: None })
    };
    let said =
        || app.telegram.messages(&format!(":{group}")).iter().filter(|m| m["text"] == "Hello.").count();
    app.post(&saying("/start@other_bot")).await;
    assert_eq!(said(), 0);
    app.post(&saying("/start@Operations_bot")).await;
    assert_eq!(said(), 1);
    app.post(&saying("/start")).await;
    assert_eq!(said(), 2);
    let asked = app.telegram.calls().iter().filter(|call| call.method == "getMe").count();
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn transcripts_are_kept_for_the_retention_and_what_is_pending_for_ever() {
    let app = App::apart().await;
    app.says(ADA, "/start").await;
    app.store().fail(Fault::DieAfter, 1, |operation| operation.is_write_of("inbox:"));
    app.says(BO, "/start").await;
    app.restart();
    app.wind(TimeDelta::days(91));
    assert_eq!(app.items(ADA).len(), 0);
    assert_eq!(app.items(BO)[0].state, State::Pending);
    app.settle().await;
    assert_eq!(app.sent(BO), ["Hello."]);
    let left = app.documents(Container::Conversations);
    assert!(left.iter().all(|(partition, d)| !partition.contains("101") || d.id.as_str() == "head"));
}

#[tokio::test]
async fn a_runtime_takes_updates_without_a_door() {
    let app = App::start().await;
    let update = app.saying(ADA, "/start");
    let runtime = app.process().runtime;
    let bot = runtime.bot("operations").unwrap();
    runtime.receive(bot, update.as_bytes(), trace()).await.unwrap();
    assert_eq!(app.sent(ADA), ["Hello."]);
}
