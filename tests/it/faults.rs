//! Faults: what the person sees when something around us fails, what is kept for the operator, that nothing is lost, and
//! that other chats go on. The table of `docs/RELIABILITY.md` names these tests.

use std::{sync::atomic::Ordering, time::Duration};

use axum::http::StatusCode;
use backline::{
    dev::telegram::{Fault as TelegramFault, Wrong},
    runtime::Settings,
};
use chrono::TimeDelta;
use futures_util::future::join_all;
use tokio::sync::mpsc;

use crate::harness::{ADA, App, BO, Fault, Gate, Kind, OPERATOR, On, Operation, Plan, State};

/// A fault of the Bot API at the first message to Ada.
struct AtTelegram {
    goes: Wrong,
    /// Nothing is sent to her for so long.
    silent_s: i64,
    /// What she has seen afterwards.
    sees: &'static [&'static str],
    dead_letters: usize,
}

#[tokio::test]
async fn a_fault_of_the_bot_api_concerns_one_chat_alone() {
    let once: &[&str] = &["Your name?"];
    for AtTelegram { goes, silent_s, sees, dead_letters } in [
        AtTelegram { goes: Wrong::TooManyRequests(1), silent_s: 1, sees: once, dead_letters: 0 },
        AtTelegram { goes: Wrong::TooManyRequests(3600), silent_s: 3600, sees: once, dead_letters: 0 },
        AtTelegram { goes: Wrong::InternalError, silent_s: 1, sees: once, dead_letters: 0 },
        AtTelegram { goes: Wrong::Hang, silent_s: 1, sees: once, dead_letters: 0 },
        // Telegram has no keys for calls: the one in flight may come twice.
        AtTelegram {
            goes: Wrong::ResetAfterProcessing,
            silent_s: 1,
            sees: &["Your name?", "Your name?"],
            dead_letters: 0,
        },
        AtTelegram { goes: Wrong::Forbidden, silent_s: 0, sees: &[], dead_letters: 1 },
    ] {
        let app = App::planned(Plan { patience: Duration::from_millis(300), ..Plan::default() }).await;
        let method = Some("sendMessage".to_owned());
        app.telegram.fault(TelegramFault { bot: None, method, chat: Some(ADA), times: 1, goes });
        app.says(ADA, "/order").await;
        app.says(BO, "/order").await;
        assert_eq!(app.sent(BO), ["Your name?"], "{goes:?}");
        if silent_s > 0 {
            let calls = app.wire.calls();
            app.wind(TimeDelta::seconds(silent_s) - TimeDelta::milliseconds(10));
            app.deliver_hints().await;
            assert_eq!(app.process().runtime.sweep().await.unwrap(), 0, "{goes:?}: nothing is due");
            assert_eq!(app.wire.calls(), calls, "{goes:?}: nobody calls sooner");
            app.wind(TimeDelta::seconds(1));
        }
        app.deliver_hints().await;
        assert_eq!(app.saw(ADA), sees, "{goes:?}");
        assert_eq!(app.dead_letters().len(), dead_letters, "{goes:?}");
        assert!(app.items(ADA).iter().all(|item| item.state == State::Done), "{goes:?}");
    }
}

#[tokio::test]
async fn what_the_bot_api_refuses_for_good_is_kept_and_the_next_message_goes_out() {
    let app = App::start().await;
    app.wire.refuse(Kind::Message, 1);
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada").await;
    app.says(BO, "/order").await;
    assert_eq!(app.sent(ADA), ["Which colour? [Red] [Blue] [‹ Back]"]);
    assert_eq!(app.sent(BO), ["Your name?"]);
    let letters = app.dead_letters();
    assert_eq!((letters.len(), letters[0].source.as_str()), (1, "outbox"));
}

/// How the store fails at Ada's answer.
struct AtStore {
    fault: Fault,
    /// Which of its writes.
    at: &'static str,
    /// What Telegram is told meanwhile.
    status: StatusCode,
    /// The hint that was left comes back after so long; none where Telegram brings the update again.
    back_s: Option<i64>,
}

#[tokio::test]
async fn a_store_that_fails_at_one_chat_loses_nothing_and_others_go_on() {
    let (ok, later) = (StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE);
    for AtStore { fault, at, status, back_s } in [
        AtStore { fault: Fault::Unavailable, at: "inbox:tg:", status: later, back_s: None },
        AtStore {
            fault: Fault::Throttled(Duration::from_secs(7)),
            at: "inbox:tg:",
            status: later,
            back_s: None,
        },
        AtStore { fault: Fault::Unavailable, at: "tg:", status: ok, back_s: Some(1) },
        AtStore { fault: Fault::Throttled(Duration::from_secs(7)), at: "tg:", status: ok, back_s: Some(7) },
        AtStore { fault: Fault::Conflict, at: "tg:", status: ok, back_s: Some(0) },
    ] {
        let told = format!("{fault:?} at {at}");
        let app = App::start().await;
        app.says(ADA, "/order").await;
        let update = app.saying(ADA, "Ada");
        let end = update_id(&update);
        app.store().fail(fault, usize::MAX, move |operation| {
            let Operation::Write(_, ids) = operation else { return false };
            ids.iter().any(|id| id.starts_with(at) && id.ends_with(&end))
        });
        assert_eq!(app.process().post(&update).await.unwrap().0, status, "{told}");
        let mut delays = app.hints.delays();
        assert_eq!(delays.pop(), back_s, "{told}");
        // It fails every time it is tried, by hint and sweep; others do not notice.
        app.says(BO, "/order").await;
        for _ in 0..7 {
            app.process().runtime.sweep().await.unwrap();
            app.wind(TimeDelta::seconds(61));
        }
        assert_eq!(app.sent(BO), ["Your name?"], "{told}");
        assert_eq!(app.sent(ADA), ["Your name?"], "{told}");
        assert_eq!(app.dead_letters().len(), 0, "{told}: no fault of the input's");
        app.store().heal();
        app.post(&update).await;
        app.settle().await;
        assert_eq!(app.sent(ADA), ["Your name?", "Which colour? [Red] [Blue] [‹ Back]"], "{told}");
    }
}

fn update_id(update: &str) -> String {
    let update: serde_json::Value = serde_json::from_str(update).unwrap();
    format!("{:020}", update["update_id"].as_u64().unwrap())
}

#[tokio::test]
async fn a_store_that_is_slow_at_one_chat_is_waited_for_within_the_budget_and_others_go_on() {
    let settings = Settings { inline_budget: Duration::from_millis(20), ..Plan::default().settings };
    let app = App::planned(Plan { settings, ..Plan::default() }).await;
    let gate = Gate::default();
    app.store().fail(Fault::Wait(gate.clone()), 1, |operation| operation.is_write_of("tg:"));
    app.says(ADA, "/order").await;
    app.says(BO, "/order").await;
    app.telegram.until(|_| (app.sent(BO) == ["Your name?"]).then_some(())).await;
    assert_eq!(app.sent(ADA), [""; 0]);
    gate.open();
    app.telegram.until(|_| (app.sent(ADA) == ["Your name?"]).then_some(())).await;
    app.settle().await;
}

#[tokio::test]
async fn a_store_that_is_down_is_told_to_telegram_and_after_it_everything_is_taken() {
    let app = App::start().await;
    let crowd = app.crowd(10).await;
    app.store().fail(Fault::Unavailable, usize::MAX, |_| true);
    let updates: Vec<String> = crowd.iter().map(|person| app.saying(*person, "/order")).collect();
    for update in &updates {
        let (status, headers) = app.process().head(update).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        // Telegram's own pauses are shorter, and a longer one would make it drop a press.
        assert!(!headers.contains_key("retry-after"));
    }
    assert_eq!(app.hints.delays().len(), 0, "nothing was promised");
    app.store().heal();
    for (update, person) in updates.iter().zip(&crowd) {
        app.post(update).await;
        assert_eq!(app.sent(*person), ["Hello.", "Your name?"], "in the moment it is back");
    }
}

#[tokio::test]
async fn without_a_queue_the_sweep_does_it() {
    let app = App::start().await;
    app.hints.go_away();
    app.telegram_fails(Wrong::TooManyRequests(7), 1);
    app.says(ADA, "/order").await;
    app.says(BO, "/order").await;
    assert_eq!((app.sent(ADA).len(), app.sent(BO).len()), (0, 1));
    app.sweep().await;
    assert_eq!(app.sent(ADA), ["Your name?"]);
}

#[tokio::test]
async fn a_clock_that_jumps_by_ten_minutes_delays_at_most_by_that() {
    for minutes in [-10, 10] {
        for on in [On::Sqlite, On::SqliteApart] {
            let app = App::on(on).await;
            app.says(ADA, "/order").await;
            app.clock.set(TimeDelta::minutes(minutes));
            app.says(ADA, "Ada").await;
            app.presses(ADA, "Blue").await;
            assert_eq!(app.sent(ADA)[2..], ["Thanks, Ada.", "Blue"], "who talks notices nothing");
            // A pause that Telegram asked for, and a claim whose holder died.
            app.telegram_fails(Wrong::TooManyRequests(7), 1);
            app.says(ADA, "/patient").await;
            app.says(BO, "/start").await;
            let order = app.saying(BO, "/order");
            app.store().fail(Fault::DieAfter, 1, |operation| {
                operation.is_write_of("inbox:tg:") && operation.is_write_of("head")
            });
            app.post(&order).await;
            app.restart();
            app.clock.set(TimeDelta::minutes(-minutes));
            app.wind(TimeDelta::minutes(11));
            app.deliver_hints().await;
            app.sweep().await;
            assert_eq!(app.sent(ADA).last().unwrap(), "Quick?");
            assert_eq!(app.sent(BO), ["Hello.", "Your name?"]);
            // A deadline passes, early or late by the jump, and once.
            app.clock.set(TimeDelta::minutes(minutes));
            app.wind(TimeDelta::minutes(71));
            app.settle().await;
            assert_eq!(app.sent(ADA)[4..], ["Quick?", "Too late."]);
        }
    }
}

#[tokio::test]
async fn a_full_disk_takes_nothing_and_forgets_nothing() {
    let app = App::on(On::SqliteFull).await;
    app.says(ADA, "/scribe").await;
    let (mut taken, mut refused) = (0, Vec::new());
    for n in 0..1000 {
        let update = app.saying(ADA, &format!("{n} {}", "words ".repeat(50)));
        match app.process().post(&update).await.unwrap().0 {
            StatusCode::OK => taken += 1,
            StatusCode::SERVICE_UNAVAILABLE => refused.push(update),
            other => panic!("{other}"),
        }
        if refused.len() == 3 {
            break;
        }
    }
    assert!(taken > 0 && refused.len() == 3, "{taken}");
    app.restart_with_room();
    for update in &refused {
        app.post(update).await;
    }
    app.settle().await;
    assert_eq!(app.sent(ADA).len(), 1 + taken + 3);
    assert!(app.items(ADA).iter().all(|item| item.state == State::Done));
    assert_eq!(app.dead_letters().len(), 0);
}

#[tokio::test]
async fn eighty_poisoned_chats_do_not_slow_the_next_one() {
    let app = App::start().await;
    let price = async |person: i64| {
        let (store, before) = (app.store(), app.wire.calls());
        let (reads, writes) = (store.reads(), store.writes());
        app.says(person, "/order").await;
        assert_eq!(app.sent(person).last().unwrap(), "Your name?");
        (store.reads() - reads, store.writes() - writes, app.wire.calls() - before)
    };
    let usual = price(ADA).await;
    let crowd = app.crowd(80).await;
    for person in &crowd {
        app.says(*person, "/fragile").await;
    }
    app.world.broken.store(true, Ordering::Relaxed);
    for person in &crowd {
        // Telegram is told 200: a chat that fails must not hold its place in Telegram's queues.
        app.says(*person, "one").await;
    }
    assert_eq!(price(BO).await, usual, "reads, writes and calls");
    // What was left to the sweep is done by the first that comes, and each sweep looks at each poisoned chat once.
    let waits = app.saying(ADA, "Ada");
    app.store().fail(Fault::Unavailable, 1, |operation| operation.is_write_of("tg:"));
    app.post(&waits).await;
    app.hints.lose_all();
    assert!(app.sweep().await <= 81);
    assert_eq!(app.sent(ADA).last().unwrap(), "Which colour? [Red] [Blue] [‹ Back]");
    app.settle().await;
    assert_eq!(app.dead_letters().len(), 80);
    assert_eq!(app.sent(OPERATOR).len(), 80);
    assert!(crowd.iter().all(|person| app.sent(*person).last().unwrap().starts_with("Something went wrong")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_updates_than_can_be_handled_are_taken_at_once_and_caught_up_with() {
    let settings = Settings { inline_concurrency: 4, ..Plan::default().settings };
    let app = App::planned(Plan { settings, ..Plan::default() }).await;
    let crowd = app.crowd(100).await;
    let updates: Vec<String> = crowd.iter().map(|person| app.saying(*person, "/order")).collect();
    let (messages, mut held) = mpsc::unbounded_channel();
    app.wire.hold(Kind::Message, messages);
    let process = app.process();
    let all = tokio::spawn({
        let (process, updates) = (process.clone(), updates.clone());
        async move { join_all(updates.iter().map(|update| process.post(update))).await }
    });
    // Four are under way and do not come to an end; all the others are stored, hinted at and answered.
    let mut under_way = Vec::new();
    for _ in 0..4 {
        under_way.push(held.recv().await.unwrap());
    }
    while app.hints.delays().len() < 96 {
        tokio::task::yield_now().await;
    }
    assert!(held.try_recv().is_err(), "no fifth");
    app.wire.hold_no_more();
    for message in under_way {
        message.let_through.send(()).unwrap();
    }
    assert!(all.await.unwrap().into_iter().all(|answer| answer.unwrap().0 == StatusCode::OK));
    app.deliver_hints().await;
    assert!(crowd.iter().all(|person| app.sent(*person) == ["Hello.", "Your name?"]));
}
