//! Albums through the front door: one answer, wherever the process dies.

use backline::dev::telegram::{Act, Spot};

use crate::harness::{ADA, App, BO, Fault, On};

/// The updates of an album of photos by Bo, and of what he says with it.
fn album(app: &App, name: &str, photos: usize) -> Vec<String> {
    let updates = (0..photos).map(|n| {
        let file = app.telegram.upload("photo.png", "image/png", format!("{name} {n}").into_bytes());
        let (spot, caption) = (Spot::private(BO, "operations"), String::new());
        app.update(Act::Photo { spot, file, caption, media_group_id: Some(name.to_owned()) })
    });
    updates.collect()
}

async fn asked(on: On) -> App {
    let app = App::on(on).await;
    app.says(BO, "/start").await;
    app.says(ADA, "/proof").await;
    assert_eq!(app.sent(BO), ["Hello.", "Proof?"]);
    app
}

#[tokio::test]
async fn an_album_answers_what_somebody_elses_workflow_asks() {
    for on in [On::Sqlite, On::SqliteApart] {
        let app = asked(on).await;
        for update in album(&app, "7", 3) {
            app.post(&update).await;
        }
        assert_eq!(app.sent(BO), ["Hello.", "Proof?"], "nobody wonders about the second photo");
        app.says(ADA, "fine").await;
        assert_eq!(app.sent(ADA), ["Content?", "3 photos"]);
        // The next album is nobody's, and that is said once.
        for update in album(&app, "8", 3) {
            app.post(&update).await;
        }
        assert_eq!(app.sent(BO).len(), 3, "{:?}", app.sent(BO));
    }
}

#[tokio::test]
async fn an_album_is_one_answer_wherever_the_process_dies() {
    for n in 0..24 {
        let fault = if n % 2 == 0 { Fault::DieBefore } else { Fault::DieAfter };
        let write = 1 + n / 2;
        let app = asked(On::SqliteApart).await;
        app.store().fail(fault.clone(), write, |operation| operation.is_write_of(""));
        for update in album(&app, "7", 3) {
            app.post(&update).await;
            if app.process().is_dead() {
                app.restart();
                app.post(&update).await;
            }
        }
        app.settle().await;
        app.says(ADA, "fine").await;
        app.settle().await;
        assert_eq!(app.sent(ADA), ["Content?", "3 photos"], "{fault:?} at write {write}");
        assert_eq!(app.sent(BO), ["Hello.", "Proof?"], "{fault:?} at write {write}");
    }
}
