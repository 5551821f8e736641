//! The pace: Telegram's limits are kept before it has to say so, and broadcasts leave room for people who talk.

use std::time::Duration;

use backline::{
    dev::telegram::{Act, Spot, Wrong},
    model::Timestamp,
    runtime::Settings,
};
use chrono::TimeDelta;

use crate::harness::{ADA, App, BO, Fault, On, Plan};

fn paced(per_second: u32) -> Plan {
    let settings = Settings { messages_per_second: per_second, ..Plan::default().settings };
    Plan { settings, ..Plan::default() }
}

/// The messages to everybody: when, to whom, what.
fn messages(app: &App) -> Vec<(Timestamp, String, String)> {
    let calls = app.telegram.calls().into_iter();
    let sent = calls.filter(|call| call.method == "sendMessage" && call.answer["ok"] == true);
    sent.map(|call| {
        let words = call.answer["result"]["text"].as_str().unwrap().to_owned();
        (call.at, call.room.unwrap(), words)
    })
    .collect()
}

/// At most so many messages were sent within any second.
fn fastest(messages: &[(Timestamp, String, String)]) -> usize {
    let within = |from: Timestamp| {
        messages.iter().filter(|(at, ..)| *at >= from && *at < from + TimeDelta::seconds(1)).count()
    };
    messages.iter().map(|(at, ..)| within(*at)).max().unwrap_or_default()
}

/// Time passes in small steps, with the hints that it brings.
async fn passes(app: &App, time: TimeDelta) {
    let step = TimeDelta::milliseconds(100);
    for _ in 0..time.num_milliseconds() / step.num_milliseconds() {
        app.wind(step);
        app.deliver_hints().await;
    }
}

#[tokio::test]
async fn a_chat_gets_a_burst_then_a_message_a_second_while_others_go_on() {
    let app = App::planned(paced(30)).await;
    app.says(ADA, "/chatter").await;
    assert_eq!(app.sent(ADA).len(), 10);
    assert_eq!(app.hints.delays(), [1], "nobody sleeps: a hint comes back");
    app.says(BO, "/order").await;
    assert_eq!(app.sent(BO), ["Your name?"]);
    passes(&app, TimeDelta::milliseconds(4500)).await;
    let lines: Vec<String> = (1..=14).map(|n| format!("Line {n}")).collect();
    assert_eq!(app.sent(ADA), lines);
}

#[tokio::test]
async fn a_group_gets_at_most_20_messages_a_minute() {
    let app = App::planned(paced(30)).await;
    let group = app.telegram.add_group("All", &[ADA, BO], &["operations"]).unwrap();
    app.skip_updates();
    for person in [ADA, BO] {
        let spot = Spot::group(person, group);
        let update = app.update(Act::Say { spot, text: "/chatter".into(), reply_to: None });
        app.post(&update).await;
    }
    passes(&app, TimeDelta::minutes(2)).await;
    let times: Vec<Timestamp> = messages(&app).into_iter().map(|(at, ..)| at).collect();
    assert_eq!(times.len(), 28, "both have said all");
    let within = |from: Timestamp| {
        times.iter().filter(|at| (from..from + TimeDelta::minutes(1)).contains(*at)).count()
    };
    assert!(times.iter().all(|from| within(*from) <= 20), "{times:?}");
}

#[tokio::test]
async fn what_is_within_the_pace_costs_no_write_more() {
    let mut writes = Vec::new();
    for per_second in [0, 30] {
        let app = App::planned(paced(per_second)).await;
        app.says(ADA, "/order").await;
        app.says(ADA, "Ada").await;
        app.presses(ADA, "Blue").await;
        writes.push((app.store().writes(), app.store().reads()));
    }
    assert_eq!(writes[0], writes[1]);
}

#[tokio::test]
async fn many_chats_that_wait_come_back_one_after_the_other() {
    let app = App::planned(paced(5)).await;
    let before = app.store().writes();
    let crowd = app.crowd(45).await;
    assert_eq!(messages(&app).len(), 5);
    let delays = app.hints.delays();
    assert_eq!((delays.len(), delays[39]), (40, 8), "{delays:?}");
    passes(&app, TimeDelta::seconds(9)).await;
    assert!(crowd.iter().all(|person| app.sent(*person) == ["Hello."]));
    assert!(fastest(&messages(&app)) <= 10);
    // Stored, applied, sent; and for those who had to wait, twice one more.
    let writes = app.store().writes() - before;
    assert!(writes <= 45 * 3 + 40 * 2 + 10, "{writes}");
}

#[tokio::test]
async fn where_instances_together_are_too_fast_429_corrects_them() {
    let app = App::planned(paced(5)).await;
    let (crowd, other) = (app.crowd(4).await, app.another_process());
    app.telegram_fails(Wrong::TooManyRequests(2), 3);
    for person in &crowd[..3] {
        let update = app.saying(*person, "/order");
        assert_eq!(other.post(&update).await.unwrap().0, 200);
    }
    assert_eq!(app.hints.delays(), [2, 2, 2]);
    passes(&app, TimeDelta::seconds(4)).await;
    assert!(crowd[..3].iter().all(|person| app.sent(*person) == ["Hello.", "Your name?"]));
}

#[tokio::test]
async fn a_broadcast_to_5000_reaches_everybody_once_in_order_and_leaves_room_for_those_who_talk() {
    let count = 5000;
    let app = App::planned(paced(0)).await;
    app.says(BO, "/start").await;
    let mut crowd = app.crowd(count).await;
    crowd.push(BO);
    // From here on time matters.
    let mut plan = paced(30);
    plan.settings.reference_max_age = Duration::ZERO;
    app.restart_as(plan);
    app.wind(TimeDelta::seconds(10));
    let begins = app.clock.now();
    app.says(ADA, "/announce").await;
    app.says(ADA, "It rains.").await;
    assert_eq!(
        app.sent(ADA)[1..],
        ["It rains.", &format!("{} people are told.", count + 2), "More news? [‹ Back]"]
    );
    app.says(ADA, "It stops.").await;
    // Somebody in the list and somebody else talk all the while, and are answered in the moment they ask.
    let seconds = i64::try_from(2 * count / 20 + 10).unwrap();
    let talkers = [crowd[count / 2], app.telegram.add_person("Zoe", None).unwrap()];
    for second in 0..seconds {
        for talker in talkers.iter().filter(|_| second % 3 == 0) {
            let before = answers(&app, *talker);
            app.says(*talker, "/start").await;
            assert_eq!(answers(&app, *talker), before + 1, "after {second} s, {talker}");
        }
        passes(&app, TimeDelta::seconds(1)).await;
    }
    for person in crowd.iter().chain([&ADA]) {
        let sent = app.saw(*person);
        let news: Vec<_> = sent.iter().filter(|words| words.starts_with("It ")).collect();
        assert_eq!(news, ["It rains.", "It stops."], "{person} hears each once, in order");
    }
    let sent_to_bo = app.saw(BO);
    assert_eq!(sent_to_bo, ["Hello.", "It rains.", "Everybody is told.", "It stops."]);
    let late: Vec<_> = messages(&app).into_iter().filter(|(at, ..)| *at >= begins).collect();
    assert!(fastest(&late) <= 60, "{}", fastest(&late));
    assert_eq!(app.left_undone(), Vec::<String>::new());
}

fn answers(app: &App, person: i64) -> usize {
    app.saw(person).iter().filter(|words| *words == "Hello.").count()
}

#[tokio::test]
async fn a_broadcast_goes_on_wherever_its_process_died() {
    for on in [On::Sqlite, On::SqliteApart] {
        let app = App::on(on).await;
        let crowd = app.crowd(25).await;
        app.says(ADA, "/announce").await;
        let update = app.saying(ADA, "It rains.");
        app.store().fail(Fault::DieAfter, 1, |operation| {
            operation.is_write_of("inbox:tg:") && operation.is_write_of("head")
        });
        app.post(&update).await;
        assert!(app.process().is_dead());
        // A process does a few writes and dies; the next one goes on, and comes a little farther.
        let mut deaths = 0;
        loop {
            let fault = if deaths % 3 == 1 { Fault::DieBefore } else { Fault::DieAfter };
            app.restart_with(|store| store.fail_write(1 + deaths, fault));
            app.sweep().await;
            if !app.process().is_dead() {
                break;
            }
            deaths += 1;
        }
        assert!(deaths > 10, "{deaths}");
        app.settle().await;
        for person in &crowd {
            assert_eq!(app.handed_to(*person), 1, "{person}");
            assert!(app.sent(*person).contains(&"It rains.".to_owned()));
        }
    }
}
