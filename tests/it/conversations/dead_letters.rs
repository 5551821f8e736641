//! Dead letters: what could not be done is taken up again, once, however often that is asked.

use std::sync::atomic::Ordering;

use backline::runtime::{Error, KeptLetter, dead_letters};

use crate::harness::{ADA, App, Fault, Kind};

async fn letters(app: &App) -> Vec<KeptLetter> {
    dead_letters(app.store().as_ref(), |_| true).await.unwrap()
}

/// Redrives a letter, and dies over it if the store wants it so.
async fn redrive(app: &App, kept: &KeptLetter) -> Option<Result<(), Error>> {
    let process = app.process();
    process.unless_it_dies(process.runtime.redrive(kept)).await
}

/// Ada said «one» to a script that was broken, and it was given up.
async fn one_is_buried() -> (App, KeptLetter) {
    let app = App::start().await;
    app.says(ADA, "/fragile").await;
    app.world.broken.store(true, Ordering::Relaxed);
    app.says(ADA, "one").await;
    app.settle().await;
    app.world.broken.store(false, Ordering::Relaxed);
    let [kept] = letters(&app).await.try_into().unwrap();
    (app, kept)
}

#[tokio::test]
async fn an_input_that_is_redriven_is_applied_once() {
    let (app, kept) = one_is_buried().await;
    redrive(&app, &kept).await.unwrap().unwrap();
    redrive(&app, &kept).await.unwrap().unwrap();
    app.settle().await;
    redrive(&app, &kept).await.unwrap().unwrap();
    app.settle().await;
    assert_eq!(app.sent(ADA)[2..], ["You said one."]);
    assert!(letters(&app).await.is_empty());
}

#[tokio::test]
async fn a_redrive_that_dies_half_way_is_done_again() {
    let (app, kept) = one_is_buried().await;
    for nth in 1..=2 {
        app.restart();
        app.store().fail_write(nth, Fault::DieBefore);
        assert!(redrive(&app, &kept).await.is_none(), "it dies at write {nth}");
        app.restart();
        app.settle().await;
        assert_eq!(letters(&app).await.len(), 1);
    }
    redrive(&app, &kept).await.unwrap().unwrap();
    app.settle().await;
    assert_eq!(app.sent(ADA)[2..], ["You said one."]);
    assert!(letters(&app).await.is_empty());
}

#[tokio::test]
async fn what_fails_again_is_a_dead_letter_again() {
    let (app, kept) = one_is_buried().await;
    app.world.broken.store(true, Ordering::Relaxed);
    redrive(&app, &kept).await.unwrap().unwrap();
    app.settle().await;
    assert_eq!(letters(&app).await.len(), 1);
    // A letter that was written anew is not taken away with the old one.
    app.process().runtime.drop_letter(&kept).await.unwrap();
    let [anew] = letters(&app).await.try_into().unwrap();
    app.process().runtime.drop_letter(&anew).await.unwrap();
    assert!(letters(&app).await.is_empty());
}

#[tokio::test]
async fn a_message_that_was_refused_is_sent_again_once() {
    let app = App::start().await;
    app.wire.refuse(Kind::Message, 1);
    app.says(ADA, "/start").await;
    assert_eq!(app.sent(ADA), Vec::<String>::new());
    let [kept] = letters(&app).await.try_into().unwrap();
    assert_eq!(kept.letter.source, "outbox");
    redrive(&app, &kept).await.unwrap().unwrap();
    redrive(&app, &kept).await.unwrap().unwrap();
    app.settle().await;
    assert_eq!(app.sent(ADA), ["Hello."]);
}

#[tokio::test]
async fn what_can_not_be_redriven_stays_and_says_why() {
    let app = App::start().await;
    app.post("{ garbage").await;
    app.world.weather_fails.store(100, Ordering::Relaxed);
    app.says(ADA, "/weather").await;
    app.says(ADA, "Oslo").await;
    app.settle().await;
    let kept = letters(&app).await;
    let sources: Vec<&str> = kept.iter().map(|kept| kept.letter.source.as_str()).collect();
    assert_eq!(sources, ["webhook:operations", "activity:weather"]);
    assert_eq!(kept[1].letter.attempts, 6);
    for (kept, said) in kept.iter().zip(["still can't be read", "drop it"]) {
        let why = redrive(&app, kept).await.unwrap().unwrap_err().to_string();
        assert!(why.contains(said), "{why}");
    }
    assert_eq!(letters(&app).await.len(), 2);
}

#[tokio::test]
async fn a_poison_message_goes_back_to_its_queue() {
    let app = App::start().await;
    let hint = r#"{"conversation":"operations:101:0:101"}"#;
    app.process().runtime.keep_poison(backline::runtime::HINTS, hint).await.unwrap();
    let [kept] = letters(&app).await.try_into().unwrap();
    redrive(&app, &kept).await.unwrap().unwrap();
    assert_eq!(app.hints.take(), [hint]);
    assert!(letters(&app).await.is_empty());
}
