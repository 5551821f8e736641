//! What is kept for how long: logs of finished workflows, transcripts, dead letters; and what a purge may never take.

use backline::{
    model::What,
    runtime::{Purged, dead_letters, transcript},
    store::Container,
};
use chrono::TimeDelta;

use crate::harness::{ADA, App, BO, Fault, On, State, conversation};

/// Time for the purge; how many workflows got their end, unless the process dies over it.
async fn purge(app: &App) -> Option<usize> {
    let process = app.process();
    let purged: Option<Purged> =
        process.unless_it_dies(process.runtime.purge()).await.map(|done| done.unwrap());
    purged.map(|purged| purged.retired)
}

async fn order(app: &App, person: i64) {
    app.says(person, "/order").await;
    app.says(person, "Somebody").await;
    app.presses(person, "Blue").await;
}

async fn a_finished_log_expires(on: On) {
    let app = App::on(on).await;
    order(&app, ADA).await;
    app.says(BO, "/order").await;
    assert_eq!(app.sweep().await, 0, "the sweep never looks at what has ended");
    assert_eq!(purge(&app).await, Some(1));
    assert_eq!(purge(&app).await, Some(0), "once is enough");
    app.wind(TimeDelta::days(29));
    assert_eq!((app.workflows().len(), app.story().len()), (2, 2));
    app.wind(TimeDelta::days(2));
    assert_eq!(purge(&app).await, Some(0));
    let left = app.workflows();
    assert_eq!((left.len(), app.story().len()), (1, 1), "what Bo began is never over");
    assert_eq!(left[0].head.conversation, Some(conversation(BO)));
    assert_eq!(app.items(ADA).len(), 3, "the transcript has a longer time");

    // The conversation goes on.
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada").await;
    app.presses(ADA, "Red").await;
    assert_eq!(app.sent(ADA).last().unwrap(), "Red");
}

#[tokio::test]
async fn the_log_of_a_finished_workflow_expires_and_nothing_else() {
    a_finished_log_expires(On::Sqlite).await;
    a_finished_log_expires(On::SqliteApart).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_of_a_finished_workflow_expires_on_cosmos() {
    a_finished_log_expires(On::Cosmos).await;
}

#[tokio::test]
async fn a_button_of_what_is_over_or_gone_is_stale_and_keeps_nothing_alive() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada").await;
    let (message_id, data) = app.button(ADA, "Blue").unwrap();
    app.presses(ADA, "Red").await;
    assert_eq!(purge(&app).await, Some(1));
    for left in [4, 0] {
        app.wind(TimeDelta::days(16));
        let late = app.pressing_again(ADA, message_id, &data);
        app.post(&late).await;
        assert!(!app.toasts().last().unwrap().is_empty(), "{:?}", app.toasts());
        assert_eq!(purge(&app).await, Some(0));
        assert_eq!(app.documents(Container::Inputs).len(), left);
    }
    assert_eq!(app.dead_letters().len(), 0);
}

async fn a_purge_is_resumed(on: On) {
    let app = App::on(on).await;
    app.says(ADA, "/scribe").await;
    for n in 0..120 {
        app.says(ADA, &format!("line {n}")).await;
    }
    app.says(ADA, "/cancel").await;
    let (mut deaths, mut nth) = (0, 1_usize);
    loop {
        let fault = if nth % 2 == 1 { Fault::DieBefore } else { Fault::DieAfter };
        app.restart_with(|store| store.fail_write(nth.div_ceil(2), fault));
        if purge(&app).await.is_some() {
            break;
        }
        (deaths, nth) = (deaths + 1, nth + 1);
    }
    app.restart();
    assert!(deaths >= 5, "{deaths}: it takes several writes");
    assert_eq!(purge(&app).await, Some(0));
    app.wind(TimeDelta::days(29));
    assert_eq!(app.documents(Container::Inputs).len(), 123);
    app.wind(TimeDelta::days(2));
    assert_eq!(app.documents(Container::Inputs).len(), 0);
}

#[tokio::test]
async fn a_purge_that_dies_half_way_is_resumed_by_the_next() {
    a_purge_is_resumed(On::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_that_dies_half_way_on_cosmos_is_resumed_by_the_next() {
    a_purge_is_resumed(On::Cosmos).await;
}

#[tokio::test]
async fn a_log_stays_until_its_handouts_are_out() {
    let app = App::start().await;
    app.says(BO, "/start").await;
    purge(&app).await;
    app.says(ADA, "/approve").await;
    app.says(ADA, "Paint").await;
    app.store().fail(Fault::DieBefore, 1, |operation| operation.is_write_of("out:"));
    app.presses(BO, "Yes").await;
    app.restart();
    assert_eq!(purge(&app).await, Some(0));
    app.settle().await;
    assert_eq!(app.saw(ADA), ["What for?", "Paint: Yes"]);
    assert_eq!(purge(&app).await, Some(1));
}

#[tokio::test]
async fn a_log_stays_until_its_last_input_is_done() {
    let app = App::apart().await;
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada").await;
    // It dies between A and B.
    app.store().fail(Fault::DieAfter, 1, |operation| operation.is_write_of("tg:"));
    app.presses(ADA, "Blue").await;
    app.restart();
    assert!(app.items(ADA).iter().any(|item| item.state == State::Pending));
    assert_eq!(purge(&app).await, Some(0));
    app.wind(TimeDelta::days(40));
    app.settle().await;
    assert_eq!(app.sent(ADA)[2..], ["Thanks, Ada.", "Blue"]);
    assert_eq!(purge(&app).await, Some(1));
}

#[tokio::test]
async fn what_can_not_end_yet_does_not_keep_the_rest() {
    let app = App::apart().await;
    // More than are asked for at once, and none of them can go.
    for person in 1000..1060 {
        let update = format!(
            r#"{{"update_id":{person},"message":{{"message_id":1,"date":1,"text":"/start","from":{{"id":{person},"is_bot":false,"first_name":"P"}},"chat":{{"id":{person},"type":"private"}}}}}}"#
        );
        app.store().fail(Fault::DieAfter, 1, |operation| operation.is_write_of("tg:"));
        app.post(&update).await;
        app.restart();
        app.wind(TimeDelta::milliseconds(1));
    }
    order(&app, ADA).await;
    assert_eq!(purge(&app).await, Some(1));
    app.settle().await;
    assert_eq!(purge(&app).await, Some(60));
}

#[tokio::test]
async fn dead_letters_stay_until_somebody_acts_and_can_be_redriven_when_all_else_is_gone() {
    let app = App::start().await;
    app.says(ADA, "/fragile").await;
    app.world.broken.store(true, std::sync::atomic::Ordering::Relaxed);
    app.says(ADA, "one").await;
    app.settle().await;
    app.world.broken.store(false, std::sync::atomic::Ordering::Relaxed);
    app.wind(TimeDelta::days(4000));
    purge(&app).await;
    assert_eq!(app.items(ADA).len(), 0);
    let [kept] = dead_letters(app.store().as_ref(), |_| true).await.unwrap().try_into().unwrap();
    app.process().runtime.redrive(&kept).await.unwrap();
    app.settle().await;
    assert_eq!(app.sent(ADA)[2..], ["You said one."]);
}

#[tokio::test]
async fn a_transcript_tells_every_input_and_output_in_order() {
    let app = App::start().await;
    app.says(BO, "/start").await;
    let minute = || app.wind(TimeDelta::minutes(1));
    minute();
    app.says(ADA, "/approve").await;
    minute();
    app.says(ADA, "Paint").await;
    minute();
    app.presses(BO, "Yes").await;
    minute();
    app.says(BO, "thanks").await;
    let told = transcript(app.store().as_ref(), &conversation(BO)).await.unwrap().unwrap().told;
    let brief: Vec<(&str, usize)> = told
        .iter()
        .map(|told| {
            let what = told.item.as_ref().map_or("elsewhere", |item| match &item.input.what {
                What::Command { .. } => "command",
                What::Press { .. } => "press",
                _ => "words",
            });
            (what, told.sent.len())
        })
        .collect();
    assert_eq!(brief[..3], [("command", 1), ("elsewhere", 1), ("elsewhere", 1)], "{brief:?}");
    assert!(told.iter().map(|told| told.at).is_sorted());
    let sent: usize = brief.iter().map(|(_, sent)| sent).sum();
    let calls = app.telegram.calls();
    let made = calls.iter().filter(|call| call.room.as_deref() == Some("operations:102")).count();
    assert_eq!(sent, made, "what was sent is what Telegram was asked for");
    assert!(transcript(app.store().as_ref(), &conversation(9)).await.unwrap().is_none());
}
