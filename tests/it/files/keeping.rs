//! Files that a workflow keeps: copied once, whoever dies, by what they are and not by what they are called.

use std::path::PathBuf;

use backline::dev::telegram::{Act, MediaKind, Spot};
use chrono::TimeDelta;

use crate::harness::{ADA, App, Cut, Fault, Kind, On};

pub(super) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";

fn spot() -> Spot {
    Spot::private(ADA, "operations")
}

pub(super) fn photo(app: &App, bytes: &[u8], album: Option<&str>) -> String {
    let file = app.telegram.upload("photo.png", "image/png", bytes.to_vec());
    let media_group_id = album.map(str::to_owned);
    app.update(Act::Photo { spot: spot(), file, caption: String::new(), media_group_id })
}

fn document(app: &App, name: &str, mime: &str, bytes: Vec<u8>) -> (String, String) {
    let file = app.telegram.upload(name, mime, bytes);
    let update = app.update(Act::Document {
        spot: spot(),
        file: file.clone(),
        caption: String::new(),
        media_group_id: None,
    });
    (update, file)
}

/// Every file below a folder, with its content.
fn files(folder: PathBuf) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(path));
        } else {
            let content = std::fs::read(&path).unwrap();
            found.push((path, content));
        }
    }
    found
}

async fn sends(app: &App, update: &str) {
    app.says(ADA, "/keep").await;
    app.post(update).await;
    app.says(ADA, "ready").await;
}

fn last(app: &App) -> String {
    app.sent(ADA).pop().unwrap()
}

#[tokio::test]
async fn a_photo_is_kept_as_it_is_and_can_be_sent_again() {
    let app = App::start().await;
    let update = photo(&app, PNG, None);
    sends(&app, &update).await;
    let kept = files(app.kept_files());
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].1, PNG);
    assert_eq!(last(&app), "1 kept: image/png");
    // It was sent along, under a name of ours.
    let sent = app.telegram.calls().into_iter().find(|call| call.method == "sendPhoto").unwrap();
    assert_eq!(sent.answer["ok"], true, "{sent:?}");
    assert_eq!(sent.answer["result"]["caption"], "Kept");
}

#[tokio::test]
async fn an_album_is_kept_and_sent_again_as_an_album() {
    let app = App::start().await;
    app.says(ADA, "/keep").await;
    for n in 0..3 {
        let update = photo(&app, &[PNG, &[n]].concat(), Some("7"));
        app.post(&update).await;
    }
    app.says(ADA, "ready").await;
    assert_eq!(files(app.kept_files()).len(), 3);
    assert_eq!(last(&app), "3 kept: image/png");
    let sent = app.telegram.calls().into_iter().find(|call| call.method == "sendMediaGroup").unwrap();
    assert_eq!(sent.answer["result"].as_array().unwrap().len(), 3, "{sent:?}");
}

#[tokio::test]
async fn what_a_file_is_called_and_said_to_be_is_nothing_to_go_by() {
    let app = App::start().await;
    let (update, _) = document(&app, "../../../../etc/passwd", "text/html", b"%PDF-1.7 and so on".to_vec());
    sends(&app, &update).await;
    assert_eq!(last(&app), "1 kept: application/pdf");
    let kept = files(app.kept_files());
    assert_eq!(kept.len(), 1);
    let inside = kept[0].0.strip_prefix(app.kept_files()).unwrap();
    let parts: Vec<_> =
        inside.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    assert_eq!((parts.len(), parts[0].as_str()), (3, "operations"), "{inside:?}");
    assert!(!inside.to_string_lossy().contains("passwd"));

    let (update, _) = document(&app, "photo.png", "image/png", b"<html><script>alert(1)</script>".to_vec());
    sends(&app, &update).await;
    // What a test reads of a message is cut off after eighty letters.
    let told = "One file is not what I can keep: please send a picture, a video, a sound or a PD";
    assert_eq!(last(&app), told);
    assert_eq!(files(app.kept_files()).len(), 1);
}

#[tokio::test]
async fn a_voice_message_is_kept_and_sent_again_as_one() {
    let app = App::start().await;
    let file = app.telegram.upload("x", "audio/ogg", &b"OggS\0\x02 and so on"[..]);
    let (caption, media_group_id) = (String::new(), None);
    let update =
        app.update(Act::Media { spot: spot(), kind: MediaKind::Voice, file, caption, media_group_id });
    sends(&app, &update).await;
    assert_eq!(last(&app), "1 kept: audio/ogg");
    assert!(app.telegram.calls().iter().any(|call| call.method == "sendVoice" && call.answer["ok"] == true));
}

#[tokio::test]
async fn a_file_too_large_to_fetch_is_a_kind_sentence() {
    let app = App::start().await;
    let (update, _) = document(&app, "large.pdf", "application/pdf", vec![b'%'; (20 << 20) + 1]);
    let calls = app.telegram.calls().len();
    sends(&app, &update).await;
    assert_eq!(last(&app), "One file is too large for me: 20 MB is the most that I can fetch.");
    assert!(app.telegram.calls()[calls..].iter().all(|call| call.method != "getFile"), "its size was known");
    assert!(app.dead_letters().is_empty(), "there is nothing that an operator could do");
}

#[tokio::test]
async fn a_file_that_telegram_lost_is_asked_for_thrice_and_then_a_kind_sentence() {
    let app = App::start().await;
    let (update, file) = document(&app, "list.pdf", "application/pdf", b"%PDF-1.7".to_vec());
    app.telegram.lose_file(&file);
    sends(&app, &update).await;
    for _ in 0..3 {
        app.wind(TimeDelta::minutes(5));
        app.deliver_hints().await;
    }
    assert_eq!(last(&app), "One file can no longer be fetched. Could you send it once more?");
    let asked = app.telegram.calls().into_iter().filter(|call| call.method == "getFile").count();
    assert_eq!(asked, 3);
    assert!(app.dead_letters().is_empty());
}

#[tokio::test]
async fn a_file_that_can_not_be_had_now_is_had_later() {
    let app = App::start().await;
    let update = photo(&app, PNG, None);
    app.says(ADA, "/keep").await;
    app.post(&update).await;
    // `getFile` comes first, then the file.
    app.wire.fail_for_now(Kind::Other, 1);
    app.wire.fail_for_now(Kind::Other, 3);
    app.says(ADA, "ready").await;
    assert!(files(app.kept_files()).is_empty());
    for _ in 0..3 {
        app.wind(TimeDelta::minutes(5));
        app.deliver_hints().await;
    }
    assert_eq!(last(&app), "1 kept: image/png");
    assert_eq!(files(app.kept_files()).len(), 1);
}

#[tokio::test]
async fn a_file_is_kept_once_wherever_the_process_dies() {
    for n in 0..20 {
        let app = App::on(On::SqliteApart).await;
        let update = photo(&app, PNG, None);
        app.says(ADA, "/keep").await;
        app.post(&update).await;
        let calls = app.wire.calls();
        let of_call = calls + 1 + n / 4;
        match n % 4 {
            0 => app.store().fail(Fault::DieBefore, 1 + n / 4, |operation| operation.is_write_of("")),
            1 => app.store().fail(Fault::DieAfter, 1 + n / 4, |operation| operation.is_write_of("")),
            2 => app.wire.cut(of_call, Cut::Before, app.store()),
            _ => app.wire.cut(of_call, Cut::After, app.store()),
        }
        let ready = app.saying(ADA, "ready");
        app.post(&ready).await;
        if app.process().is_dead() {
            app.restart();
            app.post(&ready).await;
        }
        app.settle().await;
        let kept = files(app.kept_files());
        assert_eq!(kept.iter().map(|(_, content)| content.as_slice()).collect::<Vec<_>>(), [PNG], "{n}");
        let told = app.sent(ADA).iter().filter(|told| *told == "1 kept: image/png").count();
        // Only a call that was made as the process died may be made twice.
        let most = if n % 4 == 3 { 2 } else { 1 };
        assert!((1..=most).contains(&told), "{n}: {:?}", app.sent(ADA));
    }
}
