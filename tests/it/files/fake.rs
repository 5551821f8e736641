//! What the fake Telegram does with files is what Telegram does, and what we read of them is what was sent.

use backline::{
    dev::telegram::{Act, FakeBot, FakeTelegram, MediaKind, Options, Spot, start},
    model::{Clock, Content, FileKind, TraceParent, What},
    telegram::normalize::normalize,
};
use chrono::TimeDelta;
use serde_json::{Value, json};

const TOKEN: &str = "42:secret";

async fn telegram(clock: &Clock) -> FakeTelegram {
    let bot = FakeBot {
        slug: "operations".into(),
        token: TOKEN.into(),
        username: "operations_bot".into(),
        ..FakeBot::default()
    };
    let telegram =
        start(Options { bots: vec![bot], clock: clock.clone(), ..Options::default() }).await.unwrap();
    telegram.say(101, "operations", "hi").unwrap();
    telegram
}

fn noon() -> Clock {
    Clock::hand_wound("2026-07-01T12:00:00Z".parse().unwrap())
}

async fn call(telegram: &FakeTelegram, method: &str, parameters: Value) -> Value {
    let url = format!("{}/bot{TOKEN}/{method}", telegram.url());
    reqwest::Client::new().post(url).json(&parameters).send().await.unwrap().json().await.unwrap()
}

/// The input that the newest update becomes.
fn newest(telegram: &FakeTelegram) -> What {
    let update = telegram.deliveries().last().unwrap().update.clone();
    let now = "2026-07-01T12:00:00Z".parse().unwrap();
    normalize(&"operations".parse().unwrap(), None, update.as_bytes(), now, TraceParent::root()).unwrap().what
}

/// Every way to send a file, with what it is to us and the method that sends it on.
async fn sent_in_every_way(telegram: &FakeTelegram) -> Vec<(FileKind, &'static str, &'static str, String)> {
    let spot = || Spot::private(101, "operations");
    let file = || telegram.upload("../../etc/passwd", "text/plain", &b"not what it says"[..]);
    let (caption, media_group_id) = (String::new(), None);
    let media =
        |kind| Act::Media { spot: spot(), kind, file: file(), caption: String::new(), media_group_id: None };
    let photo = Act::Photo { spot: spot(), file: file(), caption: caption.clone(), media_group_id };
    let ways = [
        (photo, FileKind::Photo, "sendPhoto", "photo"),
        (
            Act::Document { spot: spot(), file: file(), caption, media_group_id: None },
            FileKind::Document,
            "sendDocument",
            "document",
        ),
        (media(MediaKind::Voice), FileKind::Voice, "sendVoice", "voice"),
        (media(MediaKind::Audio), FileKind::Audio, "sendAudio", "audio"),
        (media(MediaKind::Video), FileKind::Video, "sendVideo", "video"),
        (media(MediaKind::VideoNote), FileKind::Video, "sendVideoNote", "video_note"),
        (media(MediaKind::Animation), FileKind::Video, "sendAnimation", "animation"),
        (media(MediaKind::Sticker), FileKind::Sticker, "sendSticker", "sticker"),
    ];
    let mut sent = Vec::new();
    for (act, kind, method, name) in ways {
        telegram.act(act).unwrap();
        let What::Said(Content::File { file, album: None, .. }) = newest(telegram) else {
            panic!("{name}: {:?}", newest(telegram))
        };
        assert_eq!((file.kind, file.size), (kind, Some(16)), "{name}");
        assert!(!file.id.is_empty() && !file.unique_id.is_empty(), "{name}");
        sent.push((kind, method, name, file.id));
    }
    sent
}

#[tokio::test]
async fn every_kind_of_file_is_a_claim_check() {
    let telegram = telegram(&noon()).await;
    for (_, method, name, id) in sent_in_every_way(&telegram).await {
        let found = call(&telegram, "getFile", json!({ "file_id": id })).await;
        let path = found["result"]["file_path"].as_str().unwrap().to_owned();
        assert!(!path.contains(".."), "{path}");
        let url = format!("{}/file/bot{TOKEN}/{path}", telegram.url());
        assert_eq!(reqwest::get(url).await.unwrap().text().await.unwrap(), "not what it says");
        // By its id it is sent on as what it is.
        let sent = call(&telegram, method, json!({ "chat_id": 101, name: id })).await;
        assert!(!sent["result"][name].is_null(), "{method}: {sent}");
    }
}

#[tokio::test]
async fn a_file_is_sent_by_its_id_as_nothing_else() {
    let telegram = telegram(&noon()).await;
    let sent = sent_in_every_way(&telegram).await;
    for (_, method, name, _) in &sent {
        for (_, own, _, id) in sent.iter().filter(|(_, own, ..)| own != method) {
            let answer = call(&telegram, method, json!({ "chat_id": 101, *name: id })).await;
            let why = answer["description"].as_str().unwrap_or_default();
            assert!(why.starts_with("Bad Request: can't use file of type "), "{own} as {method}: {answer}");
        }
    }
}

#[tokio::test]
async fn albums_have_rules() {
    let telegram = telegram(&noon()).await;
    let sent = sent_in_every_way(&telegram).await;
    let item = |name: &str| {
        let (.., id) = sent.iter().find(|(_, _, known, _)| *known == name).unwrap();
        json!({ "type": name, "media": id })
    };
    let album = async |names: &[&str]| {
        let media: Vec<Value> = names.iter().map(|name| item(name)).collect();
        call(&telegram, "sendMediaGroup", json!({ "chat_id": 101, "media": media })).await
    };
    for fine in [&["photo", "video"][..], &["document"; 2], &["audio"; 10]] {
        assert_eq!(album(fine).await["result"].as_array().unwrap().len(), fine.len());
    }
    for wrong in [
        &["photo"][..],
        &["photo"; 11],
        &["photo", "document"],
        &["video", "audio"],
        &["animation"; 2],
        &["voice"; 2],
    ] {
        let before = telegram.messages("operations:101").len();
        assert_eq!(album(wrong).await["error_code"], 400, "{wrong:?}");
        assert_eq!(telegram.messages("operations:101").len(), before, "{wrong:?}");
    }
    let mut media = vec![item("photo"), item("photo")];
    media[0]["caption"] = "<b>Look</b>".into();
    media[0]["parse_mode"] = "HTML".into();
    let captioned = call(&telegram, "sendMediaGroup", json!({ "chat_id": 101, "media": media })).await;
    assert_eq!(captioned["result"][0]["caption"], "Look");
    assert_eq!(captioned["result"][0]["caption_entities"][0]["type"], "bold");
}

#[tokio::test]
async fn a_link_lasts_an_hour_and_a_lost_file_is_lost() {
    let clock = noon();
    let telegram = telegram(&clock).await;
    let (.., id) = sent_in_every_way(&telegram).await.swap_remove(0);
    let path = format!("{}/file/bot{TOKEN}/photos/{}.png", telegram.url(), id.split('-').next().unwrap());
    assert_eq!(reqwest::get(&path).await.unwrap().status(), 404, "nobody asked for a link");
    let found = call(&telegram, "getFile", json!({ "file_id": id })).await;
    let path = found["result"]["file_path"].as_str().unwrap();
    let url = format!("{}/file/bot{TOKEN}/{path}", telegram.url());
    clock.wind(TimeDelta::minutes(59));
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 200);
    clock.wind(TimeDelta::minutes(1));
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 404);
    telegram.lose_file(&id);
    let gone = call(&telegram, "getFile", json!({ "file_id": id })).await;
    assert_eq!(gone["description"], "Bad Request: wrong file_id or the file is temporarily unavailable");
    let gone = call(&telegram, "sendPhoto", json!({ "chat_id": 101, "photo": id })).await;
    assert_eq!(gone["description"], "Bad Request: wrong file identifier/HTTP URL specified");
}

#[tokio::test]
async fn too_large_is_too_large() {
    let telegram = telegram(&noon()).await;
    let file = telegram.upload("large.bin", "application/octet-stream", vec![0; (20 << 20) + 1]);
    let spot = Spot::private(101, "operations");
    telegram
        .act(Act::Document { spot, file: file.clone(), caption: String::new(), media_group_id: None })
        .unwrap();
    let refused = call(&telegram, "getFile", json!({ "file_id": file })).await;
    assert_eq!(refused["description"], "Bad Request: file is too big");
    let part = reqwest::multipart::Part::bytes(vec![0; (10 << 20) + 1]).file_name("large.png");
    let form = reqwest::multipart::Form::new().text("chat_id", "101").part("photo", part);
    let url = format!("{}/bot{TOKEN}/sendPhoto", telegram.url());
    let answer: Value =
        reqwest::Client::new().post(url).multipart(form).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        answer["description"],
        "Bad Request: file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes"
    );
}
