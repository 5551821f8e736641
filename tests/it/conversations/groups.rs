//! Groups: who is answered there, what is said to many, and what happens when a group changes.

use backline::{model::Person, runtime::Settings, store::Container};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{ADA, App, BO, CLEO, Plan, talk};

const CREW: &str = "\"title\":\"Crew\"";

/// The update as it would be in a topic.
fn in_topic(update: &str, topic: i64) -> String {
    let update: Value = serde_json::from_str(update).unwrap();
    let mut update = update;
    let of = if update.get("message").is_some() { "/message" } else { "/callback_query/message" };
    let message = update.pointer_mut(of).unwrap();
    message["message_thread_id"] = topic.into();
    message["is_topic_message"] = true.into();
    update.to_string()
}

/// The update as an anonymous admin's: <https://core.telegram.org/bots/api#message> (`sender_chat`).
fn anonymous(update: &str) -> String {
    let mut update: Value = serde_json::from_str(update).unwrap();
    let chat = update["message"]["chat"].clone();
    update["message"]["sender_chat"] = chat;
    update["message"]["from"] = json!({ "id": 1_087_968_824, "is_bot": true, "first_name": "Group" });
    update.to_string()
}

fn sent_calls(app: &App) -> usize {
    app.telegram
        .calls()
        .iter()
        .filter(|call| call.method.starts_with("send") || call.method.starts_with("edit"))
        .count()
}

#[tokio::test]
async fn each_topic_and_each_person_has_a_conversation_of_their_own() {
    let app = App::start().await;
    let group = app.small_group().await;
    for (person, topic) in [(ADA, 7), (ADA, 8), (BO, 7)] {
        let update = in_topic(&app.saying_in(group, person, "/order"), topic);
        assert!(update.contains(CREW));
        app.post(&update).await;
    }
    let calls = app.telegram.calls();
    let threads: Vec<_> = calls
        .iter()
        .filter(|call| call.method == "sendMessage")
        .map(|call| call.parameters["message_thread_id"].as_i64().unwrap())
        .collect();
    assert_eq!(threads, [7, 8, 7]);
    let reply = in_topic(&app.replying_in(group, ADA, "Your name?", "nobody"), 9);
    app.post(&reply).await;
    assert_eq!(app.saw(group).len(), 3, "in another topic it is no answer");
    assert_eq!(app.workflows().len(), 3);
}

/// A bot in a group hears commands and replies; with privacy off, all the rest too
/// (<https://core.telegram.org/bots/features#privacy-mode>).
#[tokio::test]
async fn what_the_bot_must_hear_is_asked_as_a_reply_and_what_it_overhears_is_no_answer() {
    let app = App::start().await;
    let group = app.small_group().await;
    let order = app.saying_in(group, ADA, "/order@operations_bot");
    app.post(&order).await;
    let asked = app.telegram.calls().last().unwrap().clone();
    assert_eq!(asked.parameters["reply_markup"], json!({ "force_reply": true, "selective": true }));
    let order: Value = serde_json::from_str(&order).unwrap();
    assert_eq!(asked.parameters["reply_parameters"]["message_id"], order["message"]["message_id"]);
    for person in [ADA, BO] {
        app.says_in(group, person, "What was it again?").await;
        app.says_in(group, person, "/order@another_bot").await;
    }
    app.replies_in(group, BO, "Your name?", "Bo").await;
    assert_eq!(app.saw(group), ["Your name?"]);
    assert_eq!(app.workflows()[0].head.n, 1, "its log knows nothing of it");
    app.replies_in(group, ADA, "Your name?", "Ada").await;
    app.presses_in(group, BO, "Red").await;
    assert_eq!(app.toasts(), ["Diese Frage ist für jemand anderen."]);
    app.presses_in(group, ADA, "Red").await;
    assert_eq!(app.sent(group)[2..], ["Thanks, Ada.", "Red"]);
}

#[tokio::test]
async fn an_anonymous_admin_is_talked_to_as_the_group() {
    let app = App::start().await;
    let group = app.small_group().await;
    app.post(&anonymous(&app.saying_in(group, ADA, "/order"))).await;
    app.post(&anonymous(&app.replying_in(group, ADA, "Your name?", "Crew"))).await;
    app.presses_in(group, BO, "Red").await;
    assert_eq!(app.sent(group)[2..], ["Thanks, Crew.", "Red"], "nobody can tell which admin it is");
    let people = app.documents(Container::People).into_iter();
    let people: Vec<i64> = people.map(|(_, document)| document.parse::<Person>().unwrap().id).collect();
    assert!(!people.contains(&group), "a group is nobody to ask: {people:?}");
}

#[tokio::test]
async fn a_group_is_spoken_to_in_the_language_of_whoever_it_answers() {
    let app = App::start().await;
    let group = app.small_group().await;
    for person in [CLEO, BO] {
        app.says_in(group, person, "/back").await;
    }
    app.says(CLEO, "/tongue").await;
    app.presses(CLEO, "German").await;
    app.says_in(group, CLEO, "/back").await;
    let (english, german) = ("There is no way back from here.", "Von hier führt kein Weg zurück.");
    assert_eq!(app.sent(group), [english, german, german]);
}

#[tokio::test]
async fn many_answer_one_message_and_each_is_told() {
    for apart in [false, true] {
        let app = if apart { App::apart().await } else { App::start().await };
        let group = app.small_group().await;
        app.says_in(group, ADA, "/lunch").await;
        assert_eq!(app.saw(group), ["Lunch?\n\nNobody has answered yet. [Soup] [Stew]"]);
        app.presses_in(group, BO, "Soup").await;
        app.settle().await;
        assert_eq!(app.saw(group), ["Lunch?\n\nOne answer so far. [Soup · 1] [Stew]"]);
        app.presses_in(group, BO, "Stew").await;
        app.presses_in(group, ADA, "Stew").await;
        app.presses_in(group, CLEO, "Soup").await;
        app.settle().await;
        assert_eq!(app.saw(group), ["Lunch?\n\nSoup: 2\nStew: 1", "Enough: Bo Soup, Ada Stew, Cleo Soup"]);
        let told = ["✓ Soup", "Du hast schon geantwortet, und die erste Antwort zählt.", "✓ Stew", "✓ Soup"];
        assert_eq!(app.toasts(), told);
    }
}

#[tokio::test]
async fn who_presses_after_the_deadline_is_late() {
    let app = App::start().await;
    let group = app.small_group().await;
    app.says_in(group, ADA, "/lunch").await;
    app.presses_in(group, BO, "Soup").await;
    app.hints.lose_all();
    let [late, very_late] = [CLEO, ADA].map(|person| app.pressing_in(group, person, "Stew"));
    app.wind(TimeDelta::seconds(3601));
    app.post(&late).await;
    app.sweep().await;
    app.post(&very_late).await;
    app.settle().await;
    assert_eq!(app.saw(group)[1], "Elapsed: Bo Soup");
    let told = ["✓ Soup", "Too late: the time is over.", "This button is no longer in use."];
    assert_eq!(app.toasts(), told);
}

#[tokio::test]
async fn however_many_press_a_group_gets_twenty_calls_a_minute_and_the_last_one_tells_all() {
    let settings = Settings { messages_per_second: 30, ..Plan::default().settings };
    let app = App::planned(Plan { settings, ..Plan::default() }).await;
    let crowd: Vec<i64> =
        (0..60).map(|n| app.telegram.add_person(&format!("Guest {n}"), None).unwrap()).collect();
    let all: Vec<i64> = crowd.iter().copied().chain([ADA]).collect();
    let group = app.telegram.add_group("Many", &all, &["operations"]).unwrap();
    app.skip_updates();
    app.says_in(group, ADA, "/feast").await;
    let before = sent_calls(&app);
    for guest in &crowd {
        app.presses_in(group, *guest, "Soup").await;
        app.wind(TimeDelta::seconds(1));
        app.deliver_hints().await;
    }
    let calls = sent_calls(&app) - before;
    assert!((10..=20).contains(&calls), "{calls} calls in a minute");
    // Nobody waits for the changes between.
    app.wind(TimeDelta::seconds(5));
    app.deliver_hints().await;
    assert_eq!(app.saw(group)[0], "Feast?\n\n60 answers so far. [Soup · 60] [Stew]");
    assert!(app.conversation(ADA).outbox.is_empty());
}

#[tokio::test]
async fn nothing_is_sent_to_a_group_that_threw_the_bot_out_until_it_is_back() {
    let app = App::start().await;
    let group = app.small_group().await;
    app.says_in(group, ADA, "/patient").await;
    app.says_in(group, BO, "/patient").await;
    app.telegram.let_into_group(group, "operations", false).unwrap();
    for update in app.updates() {
        app.post(&update).await;
    }
    let before = sent_calls(&app);
    app.wind(TimeDelta::hours(2));
    app.settle().await;
    assert_eq!(sent_calls(&app), before, "nobody called");
    let letters = app.dead_letters();
    assert_eq!(letters.len(), 2, "what could not be said is kept");
    app.telegram.let_into_group(group, "operations", true).unwrap();
    for update in app.updates() {
        app.post(&update).await;
    }
    app.says_in(group, ADA, "/patient").await;
    assert_eq!(app.sent(group), ["Quick?", "Quick?", "Quick?"]);
}

#[tokio::test]
async fn nothing_is_sent_to_who_blocked_the_bot_until_they_are_back() {
    let app = App::start().await;
    app.says(BO, "/start").await;
    app.post(&app.blocking(BO, true)).await;
    let before = sent_calls(&app);
    app.says(ADA, "/approve").await;
    app.says(ADA, "Paint").await;
    app.settle().await;
    assert_eq!(app.sent(ADA).last().unwrap(), "Bo can't be reached.");
    assert_eq!(sent_calls(&app) - before, 2, "all of them to Ada");
    app.post(&app.blocking(BO, false)).await;
    app.says(ADA, "/approve").await;
    app.says(ADA, "Paint").await;
    assert_eq!(app.sent(BO).len(), 3);
}

#[tokio::test]
async fn a_group_that_becomes_a_supergroup_goes_on_where_it_was() {
    for apart in [false, true] {
        let app = if apart { App::apart().await } else { App::start().await };
        let group = app.small_group().await;
        app.says_in(group, ADA, "/order").await;
        app.says_in(group, BO, "/lunch").await;
        app.presses_in(group, CLEO, "Soup").await;
        app.post(&anonymous(&app.saying_in(group, ADA, "/patient"))).await;
        let (new, updates) = app.upgrading(group);
        for update in updates.iter().chain(&updates) {
            app.post(update).await;
        }
        app.deliver_hints().await;
        let mut again = app.saw(new);
        again.sort();
        assert_eq!(again, ["Lunch?\n\nBisher eine Antwort. [Soup · 1] [Stew]", "Quick?", "Your name?"]);
        app.replies_in(new, ADA, "Your name?", "Ada").await;
        app.presses_in(new, BO, "Stew").await;
        app.presses_in(new, ADA, "Red").await;
        app.post(&anonymous(&app.replying_in(new, ADA, "Quick?", "yes"))).await;
        app.presses_in(new, ADA, "Stew").await;
        app.settle().await;
        assert_eq!(app.workflows().len(), 3, "nobody began anew");
        let sent = app.sent(new);
        for words in ["Thanks, Ada.", "In time: yes", "Enough: Cleo Soup, Bo Stew, Ada Stew"] {
            assert!(sent.iter().any(|said| said == words), "{words}: {sent:#?}");
        }
        assert!(app.saw(new).contains(&"Lunch?\n\nSoup: 1\nStew: 2".to_owned()));
        assert!(app.items_of(&talk(ADA, new)).is_empty(), "all of it stands where it always stood");
    }
}

/// The bot hears of the migration by a refusal alone; what was to be said is said once, in the right place.
#[tokio::test]
async fn a_migration_that_nobody_told_is_learnt_from_a_refusal() {
    let app = App::start().await;
    let group = app.small_group().await;
    app.says_in(group, ADA, "/patient").await;
    app.says_in(group, BO, "/patient").await;
    let (new, updates) = app.upgrading(group);
    app.wind(TimeDelta::hours(1));
    app.settle().await;
    assert_eq!(app.sent(new), ["Too late.", "Too late."]);
    for update in &updates {
        app.post(update).await;
    }
    app.says_in(new, ADA, "/patient").await;
    assert_eq!(app.sent(new)[2..], ["Quick?"]);
    assert!(app.dead_letters().is_empty());
}

/// When a group becomes a supergroup, Telegram may also tell that the bot has left the old one.
#[tokio::test]
async fn leaving_the_group_of_old_is_not_leaving() {
    let app = App::start().await;
    let group = app.small_group().await;
    app.says_in(group, ADA, "/patient").await;
    let (new, updates) = app.upgrading(group);
    app.telegram.let_into_group(group, "operations", false).unwrap();
    let left = app.updates();
    for update in updates.iter().chain(&left) {
        app.post(update).await;
    }
    app.says_in(new, ADA, "/order").await;
    assert_eq!(app.sent(new).last().unwrap(), "Your name?");
    let late = app.saying_in(new, ADA, "/chatter");
    app.telegram.let_into_group(new, "operations", false).unwrap();
    for update in app.updates() {
        app.post(&update).await;
    }
    let before = sent_calls(&app);
    app.post(&late).await;
    assert_eq!(sent_calls(&app), before, "leaving the new one is");
}
