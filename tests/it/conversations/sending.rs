//! Sending: claims, pauses and refusals.

use std::time::Duration;

use backline::dev::telegram::{Act, Spot, Wrong};
use chrono::TimeDelta;
use tokio::sync::mpsc;

use crate::harness::{ADA, App, BO, Fault, Gate, Kind, Operation, Plan};

fn is_record(operation: &Operation) -> bool {
    matches!(operation, Operation::Write(_, ids) if ids == &["head"])
}

fn is_b(operation: &Operation) -> bool {
    operation.is_write_of("inbox:") && operation.is_write_of("head")
}

#[tokio::test]
async fn the_claim_of_a_dead_process_is_void() {
    let app = App::start().await;
    app.store().fail(Fault::DieAfter, 1, is_b);
    let update = app.saying(ADA, "/order");
    app.post(&update).await;
    assert!(app.conversation(ADA).claim.is_some());
    app.restart();
    app.post(&update).await;
    assert_eq!(app.sent(ADA), ["Your name?"]);
}

#[tokio::test]
async fn where_nobody_can_tell_a_claim_is_taken_over_after_its_end() {
    let app = App::apart().await;
    app.store().fail(Fault::DieAfter, 1, is_b);
    let update = app.saying(ADA, "/order");
    app.post(&update).await;
    app.restart();
    app.post(&update).await;
    assert_eq!(app.sent(ADA), [""; 0]);
    assert_eq!(app.hints.delays(), [30]);
    app.wind(TimeDelta::seconds(31));
    app.deliver_hints().await;
    assert_eq!(app.sent(ADA), ["Your name?"]);
}

#[tokio::test]
async fn one_sends_and_the_other_only_appends() {
    let app = App::start().await;
    let (slow, gate) = (app.another_process(), Gate::default());
    slow.store.fail(Fault::Wait(gate.clone()), 1, is_record);
    let first = app.saying(ADA, "/order");
    let behind = tokio::spawn(async move { slow.post(&first).await.unwrap() });
    gate.reached().await;
    app.says(ADA, "Ada").await;
    assert_eq!(app.sent(ADA), ["Your name?"], "the other one holds the claim");
    assert_eq!(app.hints.delays(), [30]);
    gate.open();
    assert_eq!(behind.await.unwrap().0, 200);
    // The conflict made the slow one read again, strike what it had sent, and go on.
    assert_eq!(app.sent(ADA), ["Your name?", "Which colour? [Red] [Blue] [‹ Back]"]);
}

#[tokio::test]
async fn who_has_lost_the_claim_stops() {
    let app = App::apart().await;
    let (slow, gate) = (app.another_process(), Gate::default());
    slow.store.fail(Fault::Wait(gate.clone()), 1, is_record);
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada").await;
    let press = app.pressing(ADA, "Blue");
    let behind = tokio::spawn(async move { slow.post(&press).await.unwrap() });
    gate.reached().await;
    // It was away for too long: somebody else goes on from what is written.
    app.settle().await;
    gate.open();
    assert_eq!(behind.await.unwrap().0, 200);
    let sent = app.sent(ADA);
    assert_eq!(sent[2..], ["Thanks, Ada.", "Thanks, Ada.", "Blue"]);
}

#[tokio::test]
async fn who_comes_back_after_the_end_of_its_claim_calls_no_more() {
    let app = App::apart().await;
    let (first, second) = (app.another_process(), app.another_process());
    let (away, busy) = (Gate::default(), Gate::default());
    first.store.fail(Fault::Wait(away.clone()), 1, is_record);
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada").await;
    let press = app.pressing(ADA, "Blue");
    let behind = tokio::spawn(async move { first.post(&press).await.unwrap() });
    away.reached().await;
    app.wind(TimeDelta::seconds(61));
    // The second has taken over, and has sent the first message again.
    let next = app.saying(ADA, "/start");
    second.store.fail(Fault::Wait(busy.clone()), 1, is_record);
    let ahead = tokio::spawn(async move { second.post(&next).await.unwrap() });
    busy.reached().await;
    let calls = app.wire.calls();
    away.open();
    behind.await.unwrap();
    assert_eq!(app.wire.calls(), calls);
    busy.open();
    ahead.await.unwrap();
    app.settle().await;
    assert_eq!(app.sent(ADA)[2..], ["Thanks, Ada.", "Thanks, Ada.", "Blue", "Hello."]);
}

#[tokio::test]
async fn nothing_is_taken_out_before_its_dead_letter_is_kept() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada").await;
    app.wire.refuse(Kind::Message, 1);
    app.wire.refuse(Kind::Message, 2);
    let is_letter = |operation: &Operation| matches!(operation, Operation::Write(_, ids) if ids.len() == 1 && ids[0] != "head" && !ids[0].starts_with("inbox:"));
    app.store().fail(Fault::Unavailable, 1, is_letter);
    app.presses(ADA, "Blue").await;
    app.settle().await;
    assert_eq!(app.sent(ADA)[2..], ["Blue"]);
    assert_eq!(app.dead_letters().len(), 1);
}

#[tokio::test]
async fn a_claim_that_runs_out_is_renewed_before_the_next_call() {
    let app = App::start().await;
    let group = app.small_group().await;
    app.says_in(group, ADA, "/order").await;
    app.replies_in(group, ADA, "Your name?", "Ada").await;
    let clock = app.clock.clone();
    // The first call is the edit of the keyboard, in a group by itself, after which nothing is written.
    app.wire.meanwhile(1, move || clock.wind(TimeDelta::seconds(20)));
    let before = app.store().writes();
    app.presses_in(group, ADA, "Blue").await;
    // Inbox, A and B in one, renewal, and a record after each of two messages.
    assert_eq!(app.store().writes() - before, 4);
}

#[tokio::test]
async fn a_message_does_not_wait_for_the_buttons_of_the_one_before() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada").await;
    let (edits, mut held) = mpsc::unbounded_channel();
    app.wire.hold(Kind::Edit, edits);
    let (process, press, before) = (app.process(), app.pressing(ADA, "Blue"), app.store().writes());
    let behind = tokio::spawn(async move { process.post(&press).await.unwrap() });
    let edit = held.recv().await.unwrap();
    let arrives = async {
        while app.sent(ADA).len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), arrives).await.expect("the message waits for nothing");
    edit.let_through.send(()).unwrap();
    assert_eq!(behind.await.unwrap().0, 200);
    assert_eq!(app.sent(ADA)[2..], ["Thanks, Ada.", "Blue"]);
    assert!(app.button(ADA, "Blue").is_none());
    // One for the input, and one after each message: the change needs none.
    assert_eq!(app.store().writes() - before, 3);
}

#[tokio::test]
async fn a_change_that_fails_beside_a_message_is_made_later_and_the_message_is_not_sent_again() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada").await;
    app.wire.fail_for_now(Kind::Edit, 1);
    app.presses(ADA, "Blue").await;
    assert_eq!(app.sent(ADA)[2..], ["Thanks, Ada."], "what follows waits as long as the change does");
    assert_eq!(app.hints.delays(), [1]);
    app.settle().await;
    assert_eq!(app.sent(ADA)[2..], ["Thanks, Ada.", "Blue"]);
    assert!(app.button(ADA, "Blue").is_none());
    assert!(app.dead_letters().is_empty());
}

#[tokio::test]
async fn a_change_that_is_refused_beside_a_message_is_a_dead_letter_of_its_own() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada").await;
    app.wire.refuse(Kind::Edit, 1);
    app.presses(ADA, "Blue").await;
    assert_eq!(app.sent(ADA)[2..], ["Thanks, Ada.", "Blue"]);
    let letters = app.dead_letters();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].payload.to_string().contains("edit"), "{letters:?}");
    assert!(app.conversation(ADA).outbox.is_empty());
}

#[tokio::test]
async fn a_write_of_unknown_outcome_is_recognized() {
    for write in [is_b, is_record, |operation: &Operation| operation.is_write_of("tg:")] {
        for apart in [false, true] {
            let app = if apart { App::apart().await } else { App::start().await };
            app.says(ADA, "/order").await;
            app.store().fail(Fault::Unknown, 1, write);
            app.says(ADA, "Ada").await;
            // Nobody has to wait for the end of a claim.
            app.wind(TimeDelta::seconds(2));
            app.deliver_hints().await;
            assert_eq!(app.sent(ADA), ["Your name?", "Which colour? [Red] [Blue] [‹ Back]"]);
        }
    }
}

#[tokio::test]
async fn several_inputs_that_waited_are_answered_by_one_visit() {
    let app = App::start().await;
    let updates: Vec<String> = ["/order", "Ada", "Red"].iter().map(|words| app.saying(ADA, words)).collect();
    let process = app.process();
    process.store.fail(Fault::Unavailable, usize::MAX, |operation| operation.is_read_of("query"));
    for update in &updates {
        app.post(update).await;
    }
    process.store.heal();
    app.wind(TimeDelta::seconds(2));
    app.deliver_hints().await;
    assert_eq!(app.sent(ADA), ["Your name?", "Which colour? [Red] [Blue] [‹ Back]", "Thanks, Ada.", "Red"]);
}

#[tokio::test]
async fn too_many_messages_pause_one_chat_alone() {
    let app = App::start().await;
    app.telegram_fails(Wrong::TooManyRequests(7), 1);
    app.says(ADA, "/order").await;
    assert_eq!(app.hints.delays(), [7]);
    app.says(BO, "/order").await;
    assert_eq!(app.sent(BO), ["Your name?"]);
    let calls = app.wire.calls();
    app.says(ADA, "Ada").await;
    app.wind(TimeDelta::seconds(6));
    app.deliver_hints().await;
    assert_eq!(app.wire.calls(), calls, "nobody calls sooner");
    app.wind(TimeDelta::seconds(2));
    app.deliver_hints().await;
    assert_eq!(app.sent(ADA), ["Your name?", "Which colour? [Red] [Blue] [‹ Back]"]);
}

#[tokio::test]
async fn somebody_who_blocked_the_bot_is_an_answer() {
    let app = App::start().await;
    app.says(BO, "/start").await;
    app.update(Act::Block { spot: Spot::private(BO, "operations") });
    app.says(ADA, "/approve").await;
    app.says(ADA, "Paint").await;
    app.deliver_hints().await;
    assert_eq!(app.sent(ADA), ["What for?", "Bo can't be reached."]);
    assert!(!app.conversation(BO).reachable);
    let letters = app.dead_letters();
    assert_eq!(letters.len(), 2, "what Bo was told and asked: {letters:#?}");
    assert!(letters.iter().all(|letter| letter.source == "outbox" && letter.cause.contains("blocked")));
}

#[tokio::test]
async fn what_telegram_refuses_for_good_is_a_dead_letter_and_the_next_message_goes_out() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada").await;
    app.wire.refuse(Kind::Message, 1);
    app.presses(ADA, "Blue").await;
    assert_eq!(app.sent(ADA)[2..], ["Blue"]);
    assert!(app.dead_letters()[0].cause.contains("can't parse"));
}

#[tokio::test]
async fn a_telegram_out_of_reach_is_tried_again_with_growing_pauses() {
    let app = App::start().await;
    app.telegram_fails(Wrong::InternalError, 4);
    app.says(ADA, "/order").await;
    let mut pauses = Vec::new();
    for _ in 0..4 {
        let pause = app.hints.delays()[0];
        pauses.push(pause);
        app.wind(TimeDelta::seconds(pause + 1));
        app.deliver_hints().await;
    }
    assert_eq!(pauses, [1, 2, 4, 8]);
    assert_eq!(app.sent(ADA), ["Your name?"]);
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_may_come_twice_and_no_more() {
    let app = App::start().await;
    app.telegram_fails(Wrong::ResetAfterProcessing, 1);
    app.says(ADA, "/order").await;
    app.settle().await;
    assert_eq!(app.saw(ADA), ["Your name?", "Your name?"]);
    let plan = Plan { patience: Duration::from_millis(200), ..Plan::default() };
    let app = App::planned(plan).await;
    app.telegram_fails(Wrong::Hang, 1);
    app.says(ADA, "/order").await;
    app.settle().await;
    assert_eq!(app.saw(ADA), ["Your name?"]);
}

#[tokio::test]
async fn a_long_text_goes_on_where_it_stopped() {
    let undisturbed = App::start().await;
    undisturbed.says(ADA, "/long").await;
    let app = App::start().await;
    let calls = undisturbed.wire.calls();
    assert!(calls > 3);
    app.wire.fail_for_now(Kind::Message, 2);
    app.says(ADA, "/long").await;
    assert_eq!(app.sent(ADA).len(), 1);
    app.settle().await;
    assert_eq!(app.sent(ADA), undisturbed.sent(ADA));
    assert_eq!(app.wire.calls(), calls + 1);
}
