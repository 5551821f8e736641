//! A conversation on the chat page becomes a transcript, which then tests the app.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::dev::{BOT, Dev, Start};

const ADA: i64 = 101;
const BO: i64 = 102;
/// How a picture begins.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";

/// `talk` over this repository's app and the data of a `dev`: did it succeed, and what did it print?
fn talk(data: &Path, words: &[&str]) -> (bool, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_backline"))
        .arg("talk")
        .args(words)
        .args(["--root", env!("CARGO_MANIFEST_DIR")])
        .env("STORE", format!("sqlite:{}", data.join("store.db").display()))
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let printed =
        format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    (done.status.success(), printed)
}

async fn sends_photo_of_album(dev: &Dev, person: i64, caption: &str) {
    let url = format!("{}/chat/upload?name=photo.png", dev.telegram);
    let upload = dev.http.post(url).header("content-type", "image/png").body(PNG);
    let uploaded: Value = upload.send().await.unwrap().json().await.unwrap();
    let photo = json!({
        "person": person, "bot": BOT, "file": uploaded["file"], "caption": caption, "media_group_id": "7",
    });
    dev.act("photo", photo).await;
}

/// Bo, whose Telegram is German, is asked by Ada, who reports something first.
async fn converse(dev: &Dev) {
    dev.say(BO, "/start").await;
    dev.hears(BO, "/help").await;
    dev.say(ADA, "/report").await;
    let asked = dev.hears(ADA, "What is it about?").await;
    dev.press(ADA, &asked, "Cleaning").await;
    dev.hears(ADA, "Where is it?").await;
    dev.act("location", json!({ "person": ADA, "bot": BOT, "latitude": 52.4739, "longitude": 13.4066 }))
        .await;
    dev.hears(ADA, "A photo says a lot").await;
    sends_photo_of_album(dev, ADA, "Mud").await;
    sends_photo_of_album(dev, ADA, "").await;
    let asked = dev.hears(ADA, "I take what you wrote").await;
    dev.press(ADA, &asked, "Skip").await;
    // A press may overtake what was sent before, so one more of the album comes after it in any case.
    dev.hears(ADA, "Photos: 2").await;
    sends_photo_of_album(dev, ADA, "").await;
    let asked = dev.hears(ADA, "Photos: 3").await;
    dev.press(ADA, &asked, "Submit").await;
    dev.hears(ADA, "Thank you!").await;
    dev.say(ADA, "/approve").await;
    dev.hears(ADA, "?").await;
    dev.say(ADA, "a new broom").await;
    let asked = dev.hears(ADA, "long").await;
    dev.press(ADA, &asked, "1 hour").await;
    let asked = dev.hears(ADA, "Who decides?").await;
    dev.press(ADA, &asked, "Bo").await;
    let asked = dev.hears(BO, "a new broom").await;
    dev.press(BO, &asked, "Ja").await;
    dev.hears(ADA, "Bo approves").await;
    dev.act("block", json!({ "person": BO, "bot": BOT })).await;
    // Telegram keeps no order between two people.
    let is_told = |behind: &Value| behind["items"].to_string().contains("membership");
    dev.behind_once(BO, is_told).await;
    dev.say(ADA, "/cancel").await;
    dev.hears(ADA, "There is nothing to cancel.").await;
    // A command has ended the album: what comes now belongs to no answer.
    sends_photo_of_album(dev, ADA, "").await;
    dev.hears(ADA, "I don't know what to do with this.").await;
}

#[tokio::test]
async fn what_was_said_on_the_page_becomes_a_transcript_that_is_true() {
    let data = tempfile::tempdir().unwrap();
    let dev = Start::own(data.path()).start().await;
    converse(&dev).await;
    let file = data.path().join("recorded.talk");
    let name = file.to_str().unwrap();
    let (well, printed) = talk(data.path(), &["--record", name]);
    assert!(well, "{printed}");
    let written = std::fs::read_to_string(&file).unwrap();
    let acts: Vec<&str> = written.lines().filter(|line| line.starts_with(['>', '~'])).collect();
    assert_eq!(
        acts,
        [
            "~ Bo speaks de",
            "> Bo: /start",
            "> Ada: /report",
            "> Ada taps: Cleaning",
            "> Ada sends a location 52.4739 13.4066",
            "> Ada sends an album of 3 photos: Mud",
            "> Ada taps: Skip",
            "> Ada taps: Submit",
            "> Ada: /approve",
            "> Ada: a new broom",
            "> Ada taps: 1 hour",
            "> Ada taps: Bo",
            "> Bo taps: Ja",
            "~ Bo blocks the bot",
            "> Ada: /cancel",
            "> Ada sends a photo",
        ],
        "{written}"
    );
    assert!(written.contains("< Worum") || written.contains("[Ja] [Nein]"), "Bo reads German: {written}");
    assert!(written.contains("* backline.evidence-kept.v1"), "{written}");
    let (well, printed) = talk(data.path(), &[name]);
    assert!(well, "played, it is the same: {printed}");

    let (well, printed) = talk(data.path(), &["--record", name, "--with", "Ada"]);
    assert!(well, "{printed}");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.starts_with("~ Bo is here\n~ Bo speaks de\n> Ada: /report\n"), "{written}");
    assert!(!written.contains("> Bo"), "{written}");
    let (well, printed) = talk(data.path(), &["--record", name, "--with", "Zoe"]);
    assert!(!well && printed.contains("nobody who talked to the bot is called `Zoe`"), "{printed}");
}
