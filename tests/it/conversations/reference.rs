//! Reference data: each instance keeps what it has seen, and hears of what others wrote.

use backline::{
    runtime::{areas, put_areas, remove_area},
    store::{Batch, Container, Draft, Store, Write},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{ADA, App, BO, Fault, Process, table};

fn area(id: &str) -> Value {
    json!({ "id": id, "name": id.to_uppercase(), "latitude": 52.5, "longitude": 13.4, "radius_m": 50.0, "kept": "dry" })
}

/// What `/where` offers somebody who talks to this process.
async fn offered(app: &App, process: &Process, person: i64) -> String {
    let update = app.saying(person, "/where");
    assert_eq!(process.post(&update).await.unwrap().0, 200);
    app.sent(person).pop().unwrap()
}

#[tokio::test]
async fn an_area_added_through_one_instance_is_offered_by_another_within_the_bound() {
    let app = App::start().await;
    let (one, other) = (app.process(), app.another_process());
    assert_eq!(offered(&app, &one, ADA).await, "Where? [North] [South]");
    assert_eq!(offered(&app, &other, BO).await, "Where? [North] [South]");
    assert_eq!(other.store.told(), 2, "the app's own two areas");

    put_areas(one.store.as_ref(), &[area("east")]).await.unwrap();
    app.wind(TimeDelta::seconds(5));
    assert_eq!(offered(&app, &other, BO).await, "Where? [EAST] [North] [South]");
    assert_eq!(other.store.told(), 3, "the rest is not loaded again");

    assert!(remove_area(one.store.as_ref(), "north").await.unwrap());
    app.wind(TimeDelta::seconds(5));
    assert_eq!(offered(&app, &other, BO).await, "Where? [EAST] [South]");
}

#[tokio::test]
async fn what_is_young_enough_is_not_asked_for_again() {
    let app = App::start().await;
    app.says(ADA, "/where").await;
    let reads = app.store().feed_reads();
    app.says(ADA, "/where").await;
    assert_eq!(app.store().feed_reads(), reads);
    app.wind(TimeDelta::seconds(5));
    app.says(ADA, "/where").await;
    assert_eq!(app.store().feed_reads(), reads + 1, "nothing is newer");
}

#[tokio::test]
async fn a_feed_that_fails_is_read_on_from_where_it_was() {
    let app = App::start().await;
    app.says(ADA, "/where").await;
    app.wind(TimeDelta::seconds(5));
    app.store().fail(Fault::Unavailable, 1, |operation| operation.is_read_of("changes"));
    app.says(ADA, "/where").await;
    app.settle().await;
    assert_eq!(app.store().told(), 2);
}

#[tokio::test]
async fn only_a_store_without_areas_begins_with_those_of_the_app() {
    let app = App::start().await;
    let store = app.store();
    let ids = |areas: Vec<Value>| areas.iter().map(|area| area["id"].clone()).collect::<Vec<_>>();
    let begun = areas(store.as_ref(), &table(&app.world)).await.unwrap();
    assert_eq!(ids(begun), ["north", "south"]);
    for id in ["north", "south"] {
        assert!(remove_area(store.as_ref(), id).await.unwrap());
        assert!(!remove_area(store.as_ref(), id).await.unwrap(), "it is gone already");
    }
    assert_eq!(areas(store.as_ref(), &table(&app.world)).await.unwrap(), Vec::<Value>::new());
    app.says(ADA, "/where").await;
    assert_eq!(app.saw(ADA), ["Nowhere."]);
}

#[tokio::test]
async fn whoever_dies_over_bringing_the_areas_of_the_app_is_followed_by_another() {
    let app = App::start().await;
    app.store().fail(Fault::DieBefore, 1, |operation| operation.is_write_of("south"));
    let update = app.saying(ADA, "/where");
    assert!(app.process().post(&update).await.is_none(), "it died");
    app.restart();
    app.post(&update).await;
    assert_eq!(app.sent(ADA).pop().unwrap(), "Where? [North] [South]");

    let app = App::start().await;
    put_areas(app.store().as_ref(), &[area("north")]).await.unwrap();
    app.says(ADA, "/where").await;
    assert_eq!(app.sent(ADA).pop().unwrap(), "Where? [NORTH]", "a team's own areas are all there are");
}

#[tokio::test]
async fn nothing_is_put_if_one_of_them_is_no_area() {
    let app = App::start().await;
    let error = put_areas(app.store().as_ref(), &[area("east"), json!({ "id": "west" })]).await.unwrap_err();
    assert!(error.to_string().contains("`west`"), "{error}");
    let east = app.store().read(Container::Areas, "east", &"east".parse().unwrap()).await.unwrap();
    assert!(east.is_none());
}

#[tokio::test]
async fn a_document_that_somebody_spoiled_is_left_out() {
    let app = App::start().await;
    app.says(ADA, "/where").await;
    let writes = vec![Write::Upsert("west".parse().unwrap(), Draft::of(&json!({ "id": "west", "name": 7 })))];
    let batch = Batch { container: Container::Areas, partition: "west".into(), writes };
    app.store().commit(vec![batch]).await.unwrap();
    app.wind(TimeDelta::seconds(5));
    app.says(ADA, "/where").await;
    assert_eq!(app.sent(ADA).pop().unwrap(), "Where? [North] [South]");
}

#[tokio::test]
async fn whom_an_instance_has_met_it_knows_at_once() {
    let app = App::start().await;
    app.says(ADA, "/approve").await;
    app.says(ADA, "Paint").await;
    app.says(BO, "/start").await;
    app.says(ADA, "/approve").await;
    app.says(ADA, "Glue").await;
    assert!(app.sent(BO).contains(&"Somebody needs you.".to_owned()), "{:?}", app.sent(BO));
}
