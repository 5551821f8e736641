//! Deadlines, activities, events, and workflows that nobody chats with.

use std::sync::atomic::Ordering;

use backline::{model::Event, store::Container};
use chrono::TimeDelta;

use crate::harness::{ADA, App, BO, Fault};

#[tokio::test]
async fn a_deadline_passes_with_its_hint() {
    let app = App::start().await;
    app.says(ADA, "/patient").await;
    assert_eq!(app.hints.delays(), [3600]);
    app.wind(TimeDelta::seconds(3601));
    app.deliver_hints().await;
    assert_eq!(app.sent(ADA), ["Quick?", "Too late."]);
}

#[tokio::test]
async fn a_deadline_passes_without_its_hint() {
    let app = App::start().await;
    app.says(ADA, "/patient").await;
    app.hints.lose_all();
    app.wind(TimeDelta::hours(1));
    app.sweep().await;
    assert_eq!(app.sent(ADA), ["Quick?", "Too late."]);
}

#[tokio::test]
async fn an_answer_that_came_in_time_wins() {
    let app = App::apart().await;
    app.says(ADA, "/patient").await;
    app.store().fail(Fault::DieAfter, 1, |operation| operation.is_write_of("inbox:"));
    app.says(ADA, "here").await;
    app.restart();
    app.wind(TimeDelta::hours(2));
    app.deliver_hints().await;
    assert_eq!(app.sent(ADA), ["Quick?", "In time: here"]);
}

#[tokio::test]
async fn an_activity_is_tried_again_with_growing_pauses() {
    let app = App::start().await;
    app.world.weather_fails.store(3, Ordering::Relaxed);
    app.says(ADA, "/weather").await;
    app.says(ADA, "Graz").await;
    let mut pauses = Vec::new();
    for _ in 0..3 {
        pauses.push(app.hints.delays()[0]);
        let asked = app.world.weather_asked.load(Ordering::Relaxed);
        for workflow in app.workflows() {
            let early = format!("{{\"workflow\":\"{}\"}}", workflow.head.workflow);
            app.process().runtime.follow(&early).await.unwrap();
        }
        assert_eq!(app.world.weather_asked.load(Ordering::Relaxed), asked, "nobody asks sooner");
        app.wind(TimeDelta::seconds(pauses.last().unwrap() + 1));
        app.deliver_hints().await;
    }
    assert_eq!(pauses, [4, 16, 64]);
    assert_eq!(app.sent(ADA), ["Where?", "Sunny in Graz"]);
    assert_eq!(app.world.weather_asked.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn an_activity_that_is_out_of_tries_has_failed() {
    let app = App::start().await;
    app.world.weather_fails.store(100, Ordering::Relaxed);
    app.says(ADA, "/weather").await;
    app.says(ADA, "Graz").await;
    app.hints.lose_all();
    for _ in 0..40 {
        app.sweep().await;
    }
    assert_eq!(app.sent(ADA), ["Where?", "Nobody knows: clouds"]);
    assert_eq!(app.world.weather_asked.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn two_calls_at_once_are_made_once_each() {
    let app = App::start().await;
    app.says(ADA, "/climate").await;
    assert_eq!(app.sent(ADA), ["Sunny in Graz and Sunny in Wien"]);
    assert_eq!(app.world.weather_asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_workflow_without_a_chat_reaches_people_and_its_event_is_published_once() {
    let app = App::start().await;
    app.says(BO, "/start").await;
    app.says(ADA, "/found").await;
    let update = app.saying(ADA, "A glove");
    app.post(&update).await;
    app.post(&update).await;
    app.presses(BO, "Mine").await;
    app.settle().await;
    assert_eq!(
        app.sent(BO),
        ["Hello.", "A glove was found. Sunny in A glove", "Yours? [Mine] [Not mine]", "Mine: noted."]
    );
    let events = app.documents(Container::Events);
    assert_eq!(events.len(), 1);
    let event: Event = events[0].1.parse().unwrap();
    assert_eq!((event.kind.as_str(), event.subject.as_str()), ("backline.thing-found.v1", "A glove"));
}

#[tokio::test]
async fn a_workflow_without_a_chat_that_panics_is_given_up() {
    let app = App::start().await;
    app.says(ADA, "/haunt").await;
    app.settle().await;
    let letters = app.dead_letters();
    assert_eq!(letters.len(), 1, "{letters:#?}");
    assert_eq!(letters[0].source, "workflow");
    assert_eq!(app.world.weather_asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn people_are_known_as_soon_as_they_have_written() {
    let app = App::start().await;
    app.says(ADA, "/approve").await;
    app.says(ADA, "Paint").await;
    assert_eq!(app.sent(ADA)[1], "Bo is not here.");
    app.says(BO, "/start").await;
    app.says(ADA, "/approve").await;
    app.says(ADA, "Paint").await;
    assert_eq!(app.sent(BO)[1..], ["Somebody needs you.", "Approve Paint? [Yes] [No]"]);
}
