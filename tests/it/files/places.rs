//! Places through the front door: a live location is followed, and never answered.

use backline::{
    dev::telegram::{Act, Spot},
    model::{Content, What},
    store::Container,
};
use chrono::TimeDelta;

use crate::harness::{ADA, App};

fn spot() -> Spot {
    Spot::private(ADA, "operations")
}

/// Ada shares where she is, for an hour; the message's id.
async fn shares(app: &App, latitude: f64) -> i64 {
    let live_period = Some(3600);
    let update = app.update(Act::Location { spot: spot(), latitude, longitude: 13.4, live_period });
    app.post(&update).await;
    let message = app.telegram.messages(&format!("operations:{ADA}"));
    let location = message.iter().rev().find(|message| !message["location"].is_null()).unwrap();
    location["message_id"].as_i64().unwrap()
}

async fn moves(app: &App, message_id: i64, latitude: f64) -> String {
    let update = app.update(Act::Move { spot: spot(), message_id, latitude, longitude: 13.4 });
    app.post(&update).await;
    update
}

#[tokio::test]
async fn a_live_location_is_recorded_and_never_answered() {
    let app = App::start().await;
    let message = shares(&app, 52.5).await;
    let calls = app.telegram.calls().len();
    for step in 1..=3 {
        moves(&app, message, 52.5 + f64::from(step) / 100.0).await;
    }
    assert_eq!(app.telegram.calls().len(), calls, "no call was made");
    let items = app.items(ADA);
    let edits = items.iter().filter(|item| matches!(&item.input.what, What::Edited(Content::Location(_))));
    assert_eq!(edits.count(), 3);
    app.says(ADA, "/here").await;
    assert_eq!(app.sent(ADA).last().unwrap(), "At 52.53");
}

#[tokio::test]
async fn an_old_move_that_comes_again_moves_nobody() {
    let app = App::start().await;
    let message = shares(&app, 52.5).await;
    let old = moves(&app, message, 52.6).await;
    moves(&app, message, 52.7).await;
    app.post(&old).await;
    app.says(ADA, "/here").await;
    assert_eq!(app.sent(ADA).last().unwrap(), "At 52.7");
}

#[tokio::test]
async fn where_somebody_was_is_forgotten_after_half_an_hour() {
    let app = App::start().await;
    shares(&app, 52.5).await;
    app.wind(TimeDelta::minutes(29));
    app.says(ADA, "/here").await;
    assert_eq!(app.sent(ADA).last().unwrap(), "At 52.5");
    app.wind(TimeDelta::minutes(1));
    app.says(ADA, "/here").await;
    assert_eq!(app.sent(ADA).last().unwrap(), "Nowhere.");
    app.wind(TimeDelta::minutes(1));
    app.process().runtime.purge().await.unwrap();
    let left = app.documents(Container::Conversations).into_iter();
    assert_eq!(left.filter(|(_, document)| document.id.as_str() == "position").count(), 0);
}

#[tokio::test]
async fn who_changes_their_words_is_told_what_to_do_instead() {
    let app = App::start().await;
    app.says(ADA, "hello").await;
    let message_id = app.telegram.messages(&format!("operations:{ADA}"))[0]["message_id"].as_i64().unwrap();
    let update = app.update(Act::Edit { spot: spot(), message_id, text: "Hallo".into() });
    app.post(&update).await;
    app.post(&update).await;
    let told = app.sent(ADA).into_iter().filter(|told| told.starts_with("I saw that you changed a message"));
    assert_eq!(told.count(), 1);
}
