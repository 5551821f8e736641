//! What the fake refuses because of how often, how much, or where.

use backline::dev::telegram::{Act, Limits, Options, Spot, start};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{acquainted, bot, call, client, noon, telegram};

#[tokio::test]
async fn a_bot_that_sends_too_fast_is_told_when_to_come_back() {
    let clock = noon();
    let options =
        Options { bots: vec![bot(None)], clock: clock.clone(), limits: Limits::Kept, ..Options::default() };
    let telegram = start(options).await.unwrap();
    telegram.say(101, "operations", "/start").unwrap();
    let message = json!({ "chat_id": 101, "text": "x" });
    for n in 0..20 {
        assert_eq!(call(&telegram, "sendMessage", message.clone()).await["ok"], true, "{n}");
    }
    let url = format!("{}/bot{}/sendMessage", telegram.url(), super::TOKEN);
    let refused = client().post(&url).json(&message).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (429, "2"));
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["description"], "Too Many Requests: retry after 2");
    assert_eq!(refused["parameters"], json!({ "retry_after": 2 }));
    assert_eq!(telegram.messages("operations:101").len(), 21, "nothing was sent");
    clock.wind(TimeDelta::seconds(2));
    assert_eq!(call(&telegram, "sendMessage", message.clone()).await["ok"], true);
    let group = telegram.add_group("Night shift", &[101], &["operations"]).unwrap();
    let message = json!({ "chat_id": group, "text": "x" });
    for second in 0..20 {
        assert_eq!(call(&telegram, "sendMessage", message.clone()).await["ok"], true, "{second}");
        clock.wind(TimeDelta::seconds(1));
    }
    let refused = call(&telegram, "sendMessage", message).await;
    assert_eq!(refused["parameters"], json!({ "retry_after": 41 }));
}

#[tokio::test]
async fn a_bot_may_be_let_send_as_fast_as_it_can() {
    let telegram = acquainted().await;
    for n in 0..100 {
        let sent = call(&telegram, "sendMessage", json!({ "chat_id": 101, "text": "x" })).await;
        assert_eq!(sent["ok"], true, "{n}");
    }
}

#[tokio::test]
async fn a_group_that_became_a_supergroup_names_its_new_id() {
    let telegram = telegram(None).await;
    let small = telegram.add_small_group("Three of us", &[101, 102], &["operations"]).unwrap();
    telegram.act(Act::Say { spot: Spot::group(102, small), text: "hello".into(), reply_to: None }).unwrap();
    let large = telegram.upgrade_group(small).unwrap();
    let refused = call(&telegram, "sendMessage", json!({ "chat_id": small, "text": "x" })).await;
    let why = "Bad Request: group chat was upgraded to a supergroup chat";
    let expected = json!({
        "ok": false, "error_code": 400, "description": why, "parameters": { "migrate_to_chat_id": large },
    });
    assert_eq!(refused, expected);
    assert_eq!(call(&telegram, "sendMessage", json!({ "chat_id": large, "text": "x" })).await["ok"], true);
    let updates = call(&telegram, "getUpdates", json!({})).await;
    let [.., left, came] = &updates["result"].as_array().unwrap()[..] else { panic!("{updates}") };
    assert_eq!(
        (&left["message"]["chat"]["type"], &left["message"]["migrate_to_chat_id"]),
        (&json!("group"), &json!(large))
    );
    assert_eq!(
        (&came["message"]["chat"]["id"], &came["message"]["migrate_from_chat_id"]),
        (&json!(large), &json!(small))
    );
    assert!(telegram.upgrade_group(small).is_err() && telegram.upgrade_group(large).is_err());
    telegram.act(Act::Say { spot: Spot::group(102, large), text: "hello".into(), reply_to: None }).unwrap();
}

#[tokio::test]
async fn marks_beyond_the_end_of_a_text_are_refused() {
    let telegram = acquainted().await;
    let bold = |offset: u64, length: u64| {
        let entities = json!([{ "type": "bold", "offset": offset, "length": length }]);
        json!({ "chat_id": 101, "text": "x😀", "entities": entities })
    };
    assert_eq!(call(&telegram, "sendMessage", bold(1, 2)).await["ok"], true);
    let refused = call(&telegram, "sendMessage", bold(1, 3)).await;
    let why =
        "Bad Request: entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 3";
    assert_eq!(refused["description"], why);
    let unread = json!({ "chat_id": 101, "text": "x", "entities": [{ "type": 7 }] });
    assert_eq!(call(&telegram, "sendMessage", unread).await["error_code"], 400);
}
