//! The fake against the Bot API as data: what it takes, what it gives, what it refuses.

use backline::dev::telegram::{Act, FakeTelegram, Spot};
use serde_json::{Value, json};

use super::{acquainted, call, send_button, telegram, with_button};
use crate::bot_api;

/// A call of each method that the fake has, as it should be.
async fn good(telegram: &FakeTelegram) -> Vec<(&'static str, Value)> {
    let file = telegram.upload("tap.png", "image/png", "x");
    let id = send_button(telegram).await;
    let press = telegram.press(101, "operations", id, "now").unwrap();
    // A file is known by one id for each thing that it is sent as.
    let sent_as = |kind: &str| format!("{file}-{kind}");
    let photo = call(telegram, "sendPhoto", json!({ "chat_id": 101, "photo": sent_as("w") })).await;
    let photo = photo["result"]["message_id"].as_i64();
    let album = json!([{ "type": "document", "media": file }, { "type": "document", "media": file }]);
    let commands = json!([{ "command": "report", "description": "Report something" }]);
    vec![
        ("getMe", json!({})),
        ("sendMessage", json!({ "chat_id": 101, "text": "x" })),
        ("sendPhoto", json!({ "chat_id": 101, "photo": sent_as("w"), "caption": "x" })),
        ("sendVoice", json!({ "chat_id": 101, "voice": sent_as("voice"), "caption": "x" })),
        ("sendAudio", json!({ "chat_id": 101, "audio": sent_as("audio"), "caption": "x" })),
        ("sendVideo", json!({ "chat_id": 101, "video": sent_as("video"), "caption": "x" })),
        ("sendVideoNote", json!({ "chat_id": 101, "video_note": sent_as("video_note") })),
        ("sendAnimation", json!({ "chat_id": 101, "animation": sent_as("animation"), "caption": "x" })),
        ("sendSticker", json!({ "chat_id": 101, "sticker": sent_as("sticker") })),
        ("sendDocument", json!({ "chat_id": 101, "document": file, "caption": "x" })),
        ("sendMediaGroup", json!({ "chat_id": 101, "media": album })),
        ("sendLocation", json!({ "chat_id": 101, "latitude": 1.5, "longitude": 2.5 })),
        ("sendChatAction", json!({ "chat_id": 101, "action": "typing" })),
        ("editMessageText", json!({ "chat_id": 101, "message_id": id, "text": "new" })),
        ("editMessageCaption", json!({ "chat_id": 101, "message_id": photo, "caption": "new" })),
        (
            "editMessageReplyMarkup",
            json!({ "chat_id": 101, "message_id": id, "reply_markup": with_button("again") }),
        ),
        (
            "setMessageReaction",
            json!({ "chat_id": 101, "message_id": id, "reaction": [{ "type": "emoji", "emoji": "👍" }] }),
        ),
        ("answerCallbackQuery", json!({ "callback_query_id": press, "text": "x" })),
        ("setMyCommands", json!({ "commands": commands })),
        ("getMyCommands", json!({})),
        ("deleteMyCommands", json!({})),
        ("setWebhook", json!({ "url": "http://127.0.0.1:9/x", "secret_token": "x" })),
        ("getWebhookInfo", json!({})),
        ("deleteWebhook", json!({})),
        ("getUpdates", json!({})),
        ("getFile", json!({ "file_id": file })),
        ("deleteMessage", json!({ "chat_id": 101, "message_id": id })),
    ]
}

#[tokio::test]
async fn what_the_fake_takes_and_gives_is_the_bot_apis() {
    let telegram = acquainted().await;
    let good = good(&telegram).await;
    for (method, parameters) in &good {
        bot_api::check_call(method, parameters.as_object().unwrap()).unwrap();
        let answer = call(&telegram, method, parameters.clone()).await;
        assert_eq!(answer["ok"], true, "{method}: {answer}");
        bot_api::check_result(method, &answer["result"]).unwrap_or_else(|why| panic!("{method}: {why}"));
    }
    for method in bot_api::methods() {
        let answer = call(&telegram, method, json!({})).await;
        let has_it = good.iter().any(|(known, _)| *known == method);
        assert_eq!(answer["error_code"] == 404, !has_it, "{method}: {answer}");
    }
}

#[tokio::test]
async fn what_is_required_and_how_long_it_may_be_is_what_the_bot_api_says() {
    let telegram = acquainted().await;
    let mut tried = 0;
    for (method, parameters) in good(&telegram).await {
        let known = bot_api::parameters(method);
        let bounded = |name: &str| known[name]["max"].as_u64();
        for (name, spec) in known {
            // The original takes these away where the Bot API says that they must be given.
            let takes_away =
                matches!((method, name.as_str()), ("setWebhook", "url") | ("setMyCommands", "commands"));
            if spec["required"] == true && !takes_away {
                let mut without = parameters.clone();
                without.as_object_mut().unwrap().remove(name);
                let answer = call(&telegram, method, without).await;
                assert_eq!(answer["error_code"], 400, "{method} without `{name}`: {answer}");
                tried += 1;
            }
            if let (Some(most), true) = (bounded(name), parameters.get(name).is_some()) {
                let mut long = parameters.clone();
                long[name] = "x".repeat(usize::try_from(most).unwrap() + 1).into();
                let answer = call(&telegram, method, long).await;
                assert_eq!(answer["error_code"], 400, "{method} with a long `{name}`: {answer}");
                tried += 1;
            }
        }
    }
    assert!(tried > 25, "only {tried} were tried: has the table changed?");
    let commands = |command: &str, description: &str| json!({ "commands": [{ "command": command, "description": description }] });
    for wrong in [
        commands(&"x".repeat(33), "x"),
        commands("", "x"),
        commands("report", &"x".repeat(257)),
        commands("report", ""),
    ] {
        assert_eq!(call(&telegram, "setMyCommands", wrong).await["error_code"], 400);
    }
}

#[tokio::test]
async fn every_update_that_people_cause_is_one_of_the_bot_api() {
    let telegram = telegram(None).await;
    let spot = || Spot::private(101, "operations");
    let id = telegram.say(101, "operations", "/start https://example.org @somebody").unwrap();
    let button = send_button(&telegram).await;
    telegram.press(101, "operations", button, "now").unwrap();
    let file = telegram.upload("tap.png", "image/png", "x");
    let small = telegram.add_small_group("Three of us", &[101, 102], &["operations"]).unwrap();
    for act in [
        Act::Edit { spot: spot(), message_id: id, text: "/start again".into() },
        Act::Say { spot: spot(), text: "yes".into(), reply_to: Some(button) },
        Act::Photo {
            spot: spot(),
            file: file.clone(),
            caption: "the tap".into(),
            media_group_id: Some("7".into()),
        },
        Act::Document { spot: spot(), file, caption: String::new(), media_group_id: None },
        Act::Location { spot: spot(), latitude: 52.5, longitude: 13.4, live_period: None },
        Act::Contact { spot: spot(), phone_number: "123".into() },
        Act::Block { spot: spot() },
        Act::Unblock { spot: spot() },
        Act::Say { spot: Spot::group(102, small), text: "hello".into(), reply_to: None },
    ] {
        telegram.act(act).unwrap();
    }
    telegram.upgrade_group(small).unwrap();
    let updates = telegram.deliveries();
    assert!(updates.len() >= 13, "{updates:#?}");
    for delivery in updates {
        let update: Value = serde_json::from_str(&delivery.update).unwrap();
        bot_api::check("Update", &update).unwrap_or_else(|why| panic!("{why}\n{update:#}"));
    }
}
