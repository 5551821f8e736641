//! Files that are sent: by their ids, as albums, and with words in their place when they can't be.

use super::keeping::{PNG, photo};
use crate::harness::{ADA, App, BO, Cut, On};

/// Ada sends photos, and the bot shows them to Bo by their ids, and says something after them.
async fn passes_on(app: &App, photos: u8) {
    app.says(BO, "/start").await;
    app.says(ADA, "/pass").await;
    for n in 0..photos {
        let update = photo(app, &[PNG, &[n]].concat(), (photos > 1).then_some("7"));
        app.post(&update).await;
    }
}

/// The methods that were called for Bo, with the answers' captions or texts.
fn calls_for_bo(app: &App) -> Vec<(String, bool)> {
    let room = format!("operations:{BO}");
    let calls = app.telegram.calls().into_iter().filter(|call| call.room.as_deref() == Some(room.as_str()));
    calls.map(|call| (call.method.clone(), call.answer["ok"] == true)).collect()
}

fn fine(methods: &[&str]) -> Vec<(String, bool)> {
    methods.iter().map(|method| ((*method).to_owned(), true)).collect()
}

#[tokio::test]
async fn photos_are_passed_on_by_their_ids_as_one_album() {
    for (photos, method) in [(1, "sendPhoto"), (2, "sendMediaGroup"), (10, "sendMediaGroup")] {
        let app = App::start().await;
        passes_on(&app, photos).await;
        app.says(ADA, "go").await;
        assert_eq!(calls_for_bo(&app), fine(&["sendMessage", method, "sendMessage"]));
        let messages = app.telegram.messages(&format!("operations:{BO}"));
        let shown: Vec<_> = messages.iter().filter(|message| !message["photo"].is_null()).collect();
        assert_eq!(shown.len(), usize::from(photos));
        assert_eq!(shown[0]["caption"], "From Ada");
        assert!(shown[1..].iter().all(|message| message["caption"].is_null()), "the words are there once");
        let album: Vec<_> = shown.iter().map(|message| message["media_group_id"].clone()).collect();
        assert!(album.windows(2).all(|two| two[0] == two[1]));
    }
}

#[tokio::test]
async fn files_that_can_no_longer_be_sent_are_a_kind_sentence() {
    for photos in [1, 3] {
        let app = App::start().await;
        passes_on(&app, photos).await;
        for call in app.telegram.messages(&format!("operations:{ADA}")) {
            if let Some(id) = call["photo"][0]["file_id"].as_str() {
                app.telegram.lose_file(id);
            }
        }
        app.says(ADA, "go").await;
        assert_eq!(
            app.sent(BO),
            [
                "Hello.",
                "From Ada\n\nHierher gehört eine Datei, aber sie lässt sich nicht mehr senden.",
                "That was all."
            ]
        );
        assert!(app.dead_letters().is_empty());
    }
}

#[tokio::test]
async fn an_album_is_sent_wherever_the_process_dies() {
    for n in 0..6 {
        let app = App::on(On::SqliteApart).await;
        passes_on(&app, 2).await;
        let cut = if n % 2 == 0 { Cut::Before } else { Cut::After };
        app.wire.cut(app.wire.calls() + 1 + n / 2, cut, app.store());
        let go = app.saying(ADA, "go");
        app.post(&go).await;
        if app.process().is_dead() {
            app.restart();
            app.post(&go).await;
        }
        app.settle().await;
        let albums = calls_for_bo(&app).iter().filter(|(method, _)| method == "sendMediaGroup").count();
        assert!((1..=2).contains(&albums), "{n}: only the call in flight may be made twice");
        assert_eq!(app.sent(BO).last().unwrap(), "That was all.", "{n}");
    }
}
