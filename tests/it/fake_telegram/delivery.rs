//! How updates get to a webhook: order, patience, retries, expiry, and what becomes of a webhook that fails.

use axum::{body::Body, http::header::CONTENT_TYPE, response::Response};
use backline::{
    dev::telegram::{FakeTelegram, Limits, Options, Reach, State as Delivery, start},
    model::Clock,
};
use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Webhook, acquainted, bot, call, noon, send_button, soon, telegram};

async fn wound(webhook: &Webhook) -> (FakeTelegram, Clock) {
    let clock = noon();
    let options = Options { bots: vec![bot(Some(webhook))], clock: clock.clone(), ..Options::default() };
    (start(options).await.unwrap(), clock)
}

/// The `attempt`th attempt to bring the first update is over.
async fn over(telegram: &FakeTelegram, attempt: u32) {
    let is_over = |telegram: &FakeTelegram| {
        let delivery = &telegram.deliveries()[0];
        (delivery.attempts >= attempt && delivery.status.is_some() | delivery.error.is_some())
            .then_some(delivery.state != Delivery::InFlight || delivery.attempts > attempt)
            .filter(|over| *over)
    };
    soon(telegram.until(is_over)).await;
}

async fn info(telegram: &FakeTelegram) -> Value {
    call(telegram, "getWebhookInfo", json!({})).await["result"].clone()
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_within_a_minute_has_failed() {
    let webhook = Webhook::start().await;
    let (telegram, clock) = wound(&webhook).await;
    telegram.say(101, "operations", "hello").unwrap();
    let silent = webhook.next().await;
    clock.wind(TimeDelta::seconds(59));
    assert_eq!(info(&telegram).await["pending_update_count"], 1);
    assert_eq!(info(&telegram).await.get("last_error_message"), None);
    clock.wind(TimeDelta::seconds(1));
    let again = webhook.next().await;
    assert_eq!(again.update, silent.update, "it comes again at once");
    assert_eq!(info(&telegram).await["last_error_message"], "Read timeout expired");
    assert_eq!(info(&telegram).await["last_error_date"], clock.now().timestamp());
    again.answer("");
    soon(telegram.settled()).await;
}

#[tokio::test]
async fn only_seconds_are_understood_as_retry_after() {
    let webhook = Webhook::start().await;
    let (telegram, clock) = wound(&webhook).await;
    telegram.say(101, "operations", "hello").unwrap();
    let date = [("retry-after", "Fri, 20 Nov 2026 13:00:00 GMT")];
    webhook.next().await.answer((StatusCode::SERVICE_UNAVAILABLE, date));
    webhook.next().await.answer((StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "999999")]));
    let due = |telegram: &FakeTelegram| telegram.deliveries()[0].next.filter(|due| *due > clock.now());
    let due = soon(telegram.until(due)).await;
    assert_eq!(due - clock.now(), TimeDelta::hours(1), "an hour is the most that a webhook may ask for");
}

#[tokio::test]
async fn a_webhook_that_says_gone_for_23_hours_is_taken_away() {
    let webhook = Webhook::start().await;
    let (telegram, clock) = wound(&webhook).await;
    telegram.say(101, "operations", "hello").unwrap();
    // At once and again at once, then every hour.
    for attempt in 1..=24 {
        webhook.next().await.answer(StatusCode::GONE);
        over(&telegram, attempt).await;
        assert_ne!(info(&telegram).await["url"], "", "after {attempt} attempts");
        if attempt > 1 {
            clock.wind(TimeDelta::hours(1));
        }
    }
    webhook.next().await.answer(StatusCode::GONE);
    let is_gone = |telegram: &FakeTelegram| telegram.deliveries()[0].attempts == 25;
    soon(telegram.until(|telegram| is_gone(telegram).then_some(()))).await;
    soon(async {
        while info(&telegram).await["url"] != "" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let kept = call(&telegram, "getUpdates", json!({})).await;
    assert_eq!(kept["result"][0]["message"]["text"], "hello", "what it did not take can be fetched");
}

#[tokio::test]
async fn enough_chats_that_fail_stop_the_bot_for_everybody() {
    let webhook = Webhook::start().await;
    let (telegram, clock) = wound(&webhook).await;
    call(&telegram, "setWebhook", json!({ "url": webhook.url, "max_connections": 1 })).await;
    for person in [101, 102, 103] {
        telegram.say(person, "operations", "hello").unwrap();
    }
    for _ in 0..2 {
        let stuck = [("retry-after", "600")];
        webhook.next().await.answer((StatusCode::INTERNAL_SERVER_ERROR, stuck));
    }
    let stuck = |telegram: &FakeTelegram| {
        let waiting = telegram.deliveries().iter().filter(|delivery| delivery.next.is_some()).count();
        (waiting == 2).then_some(())
    };
    soon(telegram.until(stuck)).await;
    tokio::task::yield_now().await;
    assert!(webhook.is_silent(), "two queues are all that one connection looks at");
    clock.wind(TimeDelta::seconds(600));
    for _ in 0..3 {
        webhook.next().await.answer("");
    }
    soon(telegram.settled()).await;
}

#[tokio::test]
async fn no_more_updates_are_brought_at_once_than_the_webhook_has_asked_for() {
    let webhook = Webhook::start().await;
    let telegram = telegram(None).await;
    call(&telegram, "setWebhook", json!({ "url": webhook.url, "max_connections": 2 })).await;
    for person in [101, 102, 103] {
        telegram.say(person, "operations", "hello").unwrap();
    }
    let (first, second) = (webhook.next().await, webhook.next().await);
    let under_way = telegram.deliveries().iter().filter(|d| d.state == Delivery::InFlight).count();
    assert!(under_way == 2 && webhook.is_silent());
    first.answer("");
    webhook.next().await.answer("");
    second.answer("");
    soon(telegram.settled()).await;
}

#[tokio::test]
async fn what_nobody_asked_for_is_not_brought_and_what_is_too_old_neither() {
    let webhook = Webhook::start().await;
    let (telegram, clock) = wound(&webhook).await;
    let user = json!({ "id": 101, "is_bot": false, "first_name": "Ada" });
    let chat = json!({ "id": 101, "type": "private", "first_name": "Ada" });
    let written = |text: &str, hours: i64| {
        let date = (clock.now() - TimeDelta::hours(hours)).timestamp();
        json!({ "message_id": 1, "date": date, "chat": chat, "from": user, "text": text })
    };
    let reaction = json!({ "chat": chat, "message_id": 1, "user": user, "date": 0, "old_reaction": [], "new_reaction": [] });
    let query = json!({ "id": "1", "from": user, "query": "x", "offset": "" });
    telegram.happens("operations", "message_reaction", &reaction).unwrap();
    telegram.happens("operations", "message", &written("from yesterday", 25)).unwrap();
    assert_eq!(telegram.pending(), 0, "without `allowed_updates` there are no reactions");
    assert!(telegram.happens("operations", "holiday", &json!({})).is_err());
    let wanted = json!({ "url": webhook.url, "allowed_updates": ["message_reaction", "inline_query"] });
    call(&telegram, "setWebhook", wanted).await;
    telegram.happens("operations", "message", &written("not asked for any more", 0)).unwrap();
    telegram.happens("operations", "message_reaction", &reaction).unwrap();
    webhook.next().await.answer("");
    telegram.happens("operations", "inline_query", &query).unwrap();
    webhook.next().await.answer((StatusCode::INTERNAL_SERVER_ERROR, [("retry-after", "31")]));
    soon(telegram.settled()).await;
    assert_eq!(telegram.deliveries().last().unwrap().state, Delivery::Dropped, "30 s are all it has");
    let again = json!({ "url": webhook.url });
    call(&telegram, "setWebhook", again).await;
    assert_eq!(info(&telegram).await["allowed_updates"], json!(["message_reaction", "inline_query"]));
    call(&telegram, "setWebhook", json!({ "url": webhook.url, "allowed_updates": [] })).await;
    assert_eq!(info(&telegram).await.get("allowed_updates"), None, "an empty list means the usual ones");
}

#[tokio::test]
async fn a_webhook_may_answer_with_a_call_in_any_form() {
    let webhook = Webhook::start().await;
    let telegram = telegram(Some(&webhook)).await;
    let of_kind = |kind: &str, body: &'static str| {
        Response::builder().header(CONTENT_TYPE, kind).body(Body::from(body)).unwrap()
    };
    let parts = "--x\r\nContent-Disposition: form-data; name=\"method\"\r\n\r\nsendMessage\r\n\
                 --x\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n101\r\n\
                 --x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nparts\r\n--x--\r\n";
    for answer in [
        of_kind("application/json", r#"{"method":"sendMessage","chat_id":101,"text":"json"}"#),
        of_kind("application/x-www-form-urlencoded", "method=sendMessage&chat_id=101&text=form"),
        of_kind("multipart/form-data; boundary=x", parts),
        of_kind("application/json", r#"{"method":"getMe"}"#),
        of_kind("text/html", "<p>thanks</p>"),
    ] {
        telegram.say(101, "operations", "hello").unwrap();
        webhook.next().await.answer(answer);
        soon(telegram.settled()).await;
    }
    let texts = telegram.messages("operations:101");
    let texts: Vec<_> = texts.iter().filter(|m| m["from"]["is_bot"] == true).map(|m| &m["text"]).collect();
    assert_eq!(texts, ["json", "form", "parts"]);
    assert!(telegram.calls().iter().all(|call| call.from_webhook && call.method == "sendMessage"));
}

#[tokio::test]
async fn telegrams_own_server_takes_only_webhooks_that_it_can_reach() {
    let options = Options { bots: vec![bot(None)], reach: Reach::Public, ..Options::default() };
    let telegram = start(options).await.unwrap();
    let set = async |url: &str, address: &str| {
        call(&telegram, "setWebhook", json!({ "url": url, "ip_address": address })).await
    };
    for (url, address, why) in [
        ("http://example.org/x", "", "An HTTPS URL must be provided for webhook"),
        ("https://example.org:7071/x", "", "Webhook can be set up only on ports 80, 88, 443 or 8443"),
        ("https://192.168.1.2/x", "", "IP address 192.168.1.2 is reserved"),
        ("https://localhost/x", "", "IP address 127.0.0.1 is reserved"),
        ("https://example.org/x", "10.0.0.1", "IP address 10.0.0.1 is reserved"),
    ] {
        let answer = set(url, address).await;
        assert_eq!(answer["description"], format!("Bad Request: bad webhook: {why}"), "{url}");
    }
    assert_eq!(set("https://example.org/x", "20.50.2.10").await["description"], "Webhook was set");
    assert_eq!(set("https://example.org/x", "20.50.2.10").await["description"], "Webhook is already set");
    assert_eq!(info(&telegram).await["ip_address"], "20.50.2.10");
    let secret = json!({ "url": "https://example.org/x", "secret_token": "no spaces" });
    let answer = call(&telegram, "setWebhook", secret).await;
    assert_eq!(answer["description"], "Bad Request: secret token contains unallowed characters");
}

#[tokio::test]
async fn after_an_outage_deliveries_begin_with_one_connection() {
    let webhook = Webhook::start().await;
    let options = Options { bots: vec![bot(Some(&webhook))], limits: Limits::Kept, ..Options::default() };
    let telegram = start(options).await.unwrap();
    for person in [101, 102, 103] {
        telegram.say(person, "operations", "hello").unwrap();
    }
    let first = webhook.next().await;
    assert!(webhook.is_silent(), "nobody knows yet whether it works");
    first.answer("");
    let (second, third) = (webhook.next().await, webhook.next().await);
    second.answer("");
    third.answer("");
    soon(telegram.settled()).await;
}

#[tokio::test]
async fn a_poll_that_waits_does_so_by_the_fakes_clock() {
    let clock = noon();
    let options = Options { bots: vec![bot(None)], clock: clock.clone(), ..Options::default() };
    let telegram = start(options).await.unwrap();
    let mut polling = std::pin::pin!(call(&telegram, "getUpdates", json!({ "timeout": 50 })));
    // Nobody can tell when the poll has come in: so time goes on until it is answered.
    let polled = soon(async {
        loop {
            tokio::select! {
                polled = &mut polling => break polled,
                () = tokio::task::yield_now() => clock.wind(TimeDelta::seconds(1)),
            }
        }
    });
    assert_eq!(polled.await["result"], json!([]));
}

#[tokio::test]
async fn an_update_waits_with_its_press_until_somebody_answers() {
    let telegram = acquainted().await;
    let button = send_button(&telegram).await;
    telegram.press(101, "operations", button, "now").unwrap();
    assert_eq!(info(&telegram).await["pending_update_count"], 2);
    call(&telegram, "deleteWebhook", json!({ "drop_pending_updates": true })).await;
    assert_eq!(info(&telegram).await["pending_update_count"], 0);
}
