//! The fake Telegram against what Telegram does: calls over HTTP, and updates delivered to a webhook.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod delivery;
mod limits;
mod table;

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse, routing::post};
use backline::{
    dev::telegram::{Act, FakeBot, FakeTelegram, Fault, Options, Spot, State as Delivery, Wrong, start},
    model::Clock,
};
use chrono::{TimeDelta, TimeZone, Utc};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc, oneshot};

const TOKEN: &str = "42:secret";

/// What a webhook got, and where its answer goes.
pub(crate) struct Delivered {
    pub(crate) update: Value,
    pub(crate) secret: Option<String>,
    answer: oneshot::Sender<axum::response::Response>,
}

impl Delivered {
    pub(crate) fn answer(self, answer: impl IntoResponse) {
        self.answer.send(answer.into_response()).unwrap();
    }
}

/// A webhook that hands every update to the test and waits for its answer.
pub(crate) struct Webhook {
    pub(crate) url: String,
    updates: Mutex<mpsc::UnboundedReceiver<Delivered>>,
}

impl Webhook {
    pub(crate) async fn start() -> Self {
        let (to_test, updates) = mpsc::unbounded_channel();
        let app = Router::new().route("/telegram/operations", post(receive)).with_state(Arc::new(to_test));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/telegram/operations", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, updates: Mutex::new(updates) }
    }

    pub(crate) async fn next(&self) -> Delivered {
        let mut updates = self.updates.lock().await;
        soon(updates.recv()).await.unwrap()
    }

    fn is_silent(&self) -> bool {
        self.updates.try_lock().unwrap().try_recv().is_err()
    }
}

async fn receive(
    State(to_test): State<Arc<mpsc::UnboundedSender<Delivered>>>,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    let (answer, answered) = oneshot::channel();
    let secret =
        headers.get("X-Telegram-Bot-Api-Secret-Token").map(|secret| secret.to_str().unwrap().to_owned());
    to_test.send(Delivered { update: serde_json::from_slice(&body).unwrap(), secret, answer }).unwrap();
    answered.await.unwrap()
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it should have happened by now")
}

fn bot(webhook: Option<&Webhook>) -> FakeBot {
    FakeBot {
        slug: "operations".into(),
        token: TOKEN.into(),
        username: "operations_bot".into(),
        secret: "s3cret".into(),
        webhook: webhook.map(|webhook| webhook.url.clone()),
    }
}

async fn telegram(webhook: Option<&Webhook>) -> FakeTelegram {
    start(Options { bots: vec![bot(webhook)], ..Options::default() }).await.unwrap()
}

/// Calls a method with JSON; gives the whole answer.
async fn call(telegram: &FakeTelegram, method: &str, parameters: Value) -> Value {
    let url = format!("{}/bot{TOKEN}/{method}", telegram.url());
    client().post(url).json(&parameters).send().await.unwrap().json().await.unwrap()
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn noon() -> Clock {
    Clock::hand_wound(Utc.with_ymd_and_hms(2026, 11, 20, 12, 0, 0).unwrap())
}

/// A bot that Ada has written to, so that it may answer her.
async fn acquainted() -> FakeTelegram {
    let telegram = telegram(None).await;
    telegram.say(101, "operations", "/start").unwrap();
    telegram
}

fn with_button(data: &str) -> Value {
    json!({ "inline_keyboard": [[{ "text": "Press", "callback_data": data }]] })
}

async fn send_button(telegram: &FakeTelegram) -> i64 {
    let sent = json!({ "chat_id": 101, "text": "Press it", "reply_markup": with_button("now") });
    call(telegram, "sendMessage", sent).await["result"]["message_id"].as_i64().unwrap()
}

#[tokio::test]
async fn a_text_reaches_the_webhook_and_the_answer_reaches_the_chat() {
    let webhook = Webhook::start().await;
    let telegram = telegram(Some(&webhook)).await;
    telegram.say(101, "operations", "/report now").unwrap();
    let delivered = webhook.next().await;
    assert_eq!(delivered.secret.as_deref(), Some("s3cret"));
    let message = &delivered.update["message"];
    assert_eq!(message["text"], "/report now");
    assert_eq!(message["from"]["language_code"], "en");
    assert_eq!(message["chat"], json!({ "id": 101, "first_name": "Ada", "type": "private" }));
    assert_eq!(message["entities"], json!([{ "type": "bot_command", "offset": 0, "length": 7 }]));
    let sent = json!({ "chat_id": 101, "text": "<b>Hi</b>", "parse_mode": "HTML" });
    let sent = call(&telegram, "sendMessage", sent).await;
    assert_eq!(sent["result"]["text"], "Hi");
    assert_eq!(sent["result"]["entities"], json!([{ "type": "bold", "offset": 0, "length": 2 }]));
    delivered.answer("");
    soon(telegram.settled()).await;
    let texts: Vec<_> =
        telegram.messages("operations:101").iter().map(|message| message["text"].clone()).collect();
    assert_eq!(texts, ["/report now", "Hi"]);
    telegram.stop().await;
}

#[tokio::test]
async fn texts_of_a_chat_arrive_one_by_one_and_presses_beside_them() {
    let webhook = Webhook::start().await;
    let telegram = telegram(Some(&webhook)).await;
    telegram.say(101, "operations", "one").unwrap();
    let first = webhook.next().await;
    telegram.say(101, "operations", "two").unwrap();
    let button = send_button(&telegram).await;
    telegram.press(101, "operations", button, "now").unwrap();
    let press = webhook.next().await;
    assert_eq!(press.update["callback_query"]["data"], "now");
    assert_eq!(press.update["callback_query"]["message"]["reply_markup"], with_button("now"));
    telegram.say(102, "operations", "three").unwrap();
    let other = webhook.next().await;
    assert_eq!(other.update["message"]["text"], "three", "another chat does not wait");
    assert!(webhook.is_silent(), "the second text waits for the first");
    let numbers = [&first, &press, &other].map(|delivered| delivered.update["update_id"].as_u64().unwrap());
    assert!(numbers.is_sorted());
    first.answer("");
    assert_eq!(webhook.next().await.update["message"]["text"], "two");
}

#[tokio::test]
async fn a_failed_delivery_comes_again_at_once_and_then_ever_later() {
    let webhook = Webhook::start().await;
    let clock = noon();
    let options = Options { bots: vec![bot(Some(&webhook))], clock: clock.clone(), ..Options::default() };
    let telegram = start(options).await.unwrap();
    telegram.say(101, "operations", "hello").unwrap();
    webhook.next().await.answer(StatusCode::INTERNAL_SERVER_ERROR);
    webhook.next().await.answer(StatusCode::FOUND);
    soon(telegram.until(|telegram| {
        (telegram.deliveries()[0].next? == clock.now() + TimeDelta::seconds(2)).then_some(())
    }))
    .await;
    assert!(webhook.is_silent());
    clock.wind(TimeDelta::seconds(2));
    webhook.next().await.answer((StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "30")]));
    soon(telegram.until(|telegram| {
        (telegram.deliveries()[0].next? == clock.now() + TimeDelta::seconds(30)).then_some(())
    }))
    .await;
    clock.wind(TimeDelta::seconds(30));
    webhook.next().await.answer("");
    soon(telegram.settled()).await;
    let delivery = telegram.deliveries().remove(0);
    assert_eq!((delivery.attempts, delivery.state, delivery.status), (4, Delivery::Delivered, Some(200)));
    let info = call(&telegram, "getWebhookInfo", json!({})).await;
    let last = "Wrong response from the webhook: 503 Service Unavailable";
    assert_eq!(info["result"]["last_error_message"], last);
}

#[tokio::test]
async fn a_press_that_is_refused_for_too_long_is_dropped() {
    let webhook = Webhook::start().await;
    let telegram = telegram(Some(&webhook)).await;
    telegram.say(101, "operations", "hello").unwrap();
    webhook.next().await.answer("");
    let button = send_button(&telegram).await;
    telegram.press(101, "operations", button, "now").unwrap();
    webhook.next().await.answer((StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "200")]));
    soon(telegram.settled()).await;
    assert_eq!(telegram.deliveries().last().unwrap().state, Delivery::Dropped);
}

#[tokio::test]
async fn a_webhooks_answer_may_carry_one_call() {
    let webhook = Webhook::start().await;
    let telegram = telegram(Some(&webhook)).await;
    telegram.say(101, "operations", "hello").unwrap();
    webhook.next().await.answer(axum::Json(json!({ "method": "deleteWebhook" })));
    soon(telegram.settled()).await;
    let button = send_button(&telegram).await;
    let press = telegram.press(101, "operations", button, "now").unwrap();
    let delivered = webhook.next().await;
    assert_eq!(delivered.update["callback_query"]["id"], press.as_str());
    let answer = json!({ "method": "answerCallbackQuery", "callback_query_id": press, "text": "Noted" });
    delivered.answer(axum::Json(answer));
    soon(telegram.settled()).await;
    assert_eq!(telegram.answer(&press).unwrap()["text"], "Noted");
    let call = telegram.calls().pop().unwrap();
    assert!(call.from_webhook);
    assert_eq!(call.room.as_deref(), Some("operations:101"));
}

#[tokio::test]
async fn what_was_not_delivered_is_delivered_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(folder.path().join("telegram.sqlite"));
    let options = |webhook| Options { bots: vec![bot(webhook)], state: state.clone(), ..Options::default() };
    let telegram = start(options(None)).await.unwrap();
    let dora = telegram.add_person("Dora", Some("it")).unwrap();
    telegram.say(dora, "operations", "hello").unwrap();
    let file = telegram.upload("a.txt", "text/plain", "words");
    let document = Act::Document {
        spot: Spot::private(dora, "operations"),
        file,
        caption: String::new(),
        media_group_id: None,
    };
    telegram.act(document).unwrap();
    let before = telegram.deliveries();
    telegram.stop().await;

    let webhook = Webhook::start().await;
    let telegram = start(options(Some(&webhook))).await.unwrap();
    let text = webhook.next().await;
    assert_eq!(text.update, serde_json::from_str::<Value>(&before[0].update).unwrap());
    text.answer("");
    let document = webhook.next().await;
    let id = document.update["message"]["document"]["file_id"].clone();
    document.answer("");
    soon(telegram.settled()).await;
    let path = call(&telegram, "getFile", json!({ "file_id": id })).await;
    let path = path["result"]["file_path"].as_str().unwrap().to_owned();
    let url = format!("{}/file/bot{TOKEN}/{path}", telegram.url());
    assert_eq!(client().get(url).send().await.unwrap().text().await.unwrap(), "words");
    assert_eq!(telegram.messages(&format!("operations:{dora}")).len(), 2);
    telegram.say(dora, "operations", "again").unwrap();
    let later = webhook.next().await;
    assert!(later.update["update_id"].as_u64() > Some(before[1].update_id));
    later.answer("");
    soon(telegram.settled()).await;
    telegram.stop().await;

    let telegram = start(options(None)).await.unwrap();
    assert_eq!(telegram.pending(), 0, "what was delivered is not delivered again");
}

#[tokio::test]
async fn refusals_are_telegrams_own() {
    let telegram = acquainted().await;
    let button = send_button(&telegram).await;
    let own = telegram.say(101, "operations", "mine").unwrap();
    let (long, longer) = ("x".repeat(4_097), "x".repeat(33_000));
    let same = "message is not modified: specified new message content and reply markup are exactly the same as a \
                current content and reply markup of the message";
    let table = [
        ("sendMessage", json!({ "text": "x" }), "chat_id is empty"),
        ("sendMessage", json!({ "chat_id": 999, "text": "x" }), "chat not found"),
        ("sendMessage", json!({ "chat_id": 101 }), "message text is empty"),
        ("sendMessage", json!({ "chat_id": 101, "text": " \n" }), "message text is empty"),
        ("sendMessage", json!({ "chat_id": 101, "text": long }), "message is too long"),
        ("sendMessage", json!({ "chat_id": 101, "text": longer }), "text is too long"),
        (
            "sendMessage",
            json!({ "chat_id": 101, "text": "<b>x", "parse_mode": "HTML" }),
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        (
            "sendMessage",
            json!({ "chat_id": 101, "text": "x", "reply_markup": with_button(&"x".repeat(65)) }),
            "BUTTON_DATA_INVALID",
        ),
        (
            "sendMessage",
            json!({ "chat_id": 101, "text": "x", "reply_parameters": { "message_id": 999 } }),
            "message to be replied not found",
        ),
        ("editMessageText", json!({ "chat_id": 101, "text": "x" }), "message identifier is not specified"),
        (
            "editMessageText",
            json!({ "chat_id": 101, "message_id": 999, "text": "x" }),
            "message to edit not found",
        ),
        (
            "editMessageText",
            json!({ "chat_id": 101, "message_id": own, "text": "x" }),
            "message can't be edited",
        ),
        (
            "editMessageText",
            json!({ "chat_id": 101, "message_id": button, "text": "Press it", "reply_markup": with_button("now") }),
            same,
        ),
        ("deleteMessage", json!({ "chat_id": 101, "message_id": 999 }), "message to delete not found"),
        (
            "answerCallbackQuery",
            json!({ "callback_query_id": "7" }),
            "query is too old and response timeout expired or query ID is invalid",
        ),
        (
            "sendChatAction",
            json!({ "chat_id": 101, "action": "dancing" }),
            "wrong parameter action in request",
        ),
        ("sendPhoto", json!({ "chat_id": 101 }), "there is no photo in the request"),
        (
            "setMyCommands",
            json!({ "commands": [{ "command": "No!", "description": "x" }] }),
            "BOT_COMMAND_INVALID",
        ),
        ("getFile", json!({ "file_id": "?" }), "wrong file_id or the file is temporarily unavailable"),
    ];
    for (method, parameters, why) in table {
        let answer = call(&telegram, method, parameters).await;
        let expected =
            json!({ "ok": false, "error_code": 400, "description": format!("Bad Request: {why}") });
        assert_eq!(answer, expected, "{method}");
    }
    let unknown = call(&telegram, "sendKiss", json!({})).await;
    assert_eq!(unknown["description"], "Not Found: method not found");
    let stranger = client().get(format!("{}/bot1:x/getMe", telegram.url())).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(stranger.json::<Value>().await.unwrap()["description"], "Unauthorized");
}

#[tokio::test]
async fn an_edit_changes_text_and_buttons_and_a_deletion_is_for_good() {
    let telegram = acquainted().await;
    let id = send_button(&telegram).await;
    let edited = json!({ "chat_id": 101, "message_id": id, "text": "Pressed" });
    let edited = call(&telegram, "editMessageText", edited).await;
    assert_eq!(edited["result"]["text"], "Pressed");
    assert!(edited["result"]["edit_date"].is_i64());
    assert!(edited["result"].get("reply_markup").is_none(), "an edit without keyboard takes it away");
    let keyboard = json!({ "chat_id": 101, "message_id": id, "reply_markup": with_button("again") });
    let keyboard = call(&telegram, "editMessageReplyMarkup", keyboard).await;
    assert_eq!(keyboard["result"]["reply_markup"], with_button("again"));
    assert_eq!(
        call(&telegram, "deleteMessage", json!({ "chat_id": 101, "message_id": id })).await["ok"],
        true
    );
    assert_eq!(telegram.messages("operations:101").len(), 1);
}

#[tokio::test]
async fn an_old_press_can_not_be_answered() {
    let clock = noon();
    let options = Options { bots: vec![bot(None)], clock: clock.clone(), ..Options::default() };
    let telegram = start(options).await.unwrap();
    telegram.say(101, "operations", "hello").unwrap();
    let button = send_button(&telegram).await;
    let press = telegram.press(101, "operations", button, "now").unwrap();
    clock.wind(TimeDelta::seconds(151));
    let answer = call(&telegram, "answerCallbackQuery", json!({ "callback_query_id": press })).await;
    assert_eq!(answer["error_code"], 400);
    assert_eq!(telegram.answer(&press), None);
}

#[tokio::test]
async fn parameters_come_as_json_as_form_in_the_url_and_in_parts() {
    let telegram = acquainted().await;
    let url = format!("{}/bot{TOKEN}/sendMessage", telegram.url());
    let keyboard = with_button("now").to_string();
    let pairs = [("chat_id", "101"), ("text", "hello"), ("reply_markup", keyboard.as_str())];
    let mut parts = reqwest::multipart::Form::new();
    for (name, value) in pairs {
        parts = parts.text(name, value.to_owned());
    }
    let form = format!("chat_id=101&text=hello&reply_markup={}", keyboard.replace('"', "%22"));
    let requests = [
        client()
            .post(&url)
            .json(&json!({ "chat_id": "101", "text": "hello", "reply_markup": with_button("now") })),
        client().get(&url).query(&pairs),
        client().post(&url).header("content-type", "application/x-www-form-urlencoded").body(form),
        client().post(&url).multipart(parts),
    ];
    for request in requests {
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["result"]["text"], "hello", "{answer}");
        assert_eq!(answer["result"]["reply_markup"], with_button("now"));
    }
}

#[tokio::test]
async fn files_travel_both_ways() {
    let webhook = Webhook::start().await;
    let telegram = telegram(Some(&webhook)).await;
    let spot = Spot::private(101, "operations");
    let file = telegram.upload("tap.png", "image/png", &b"not really a picture"[..]);
    let photo = Act::Photo { spot, file, caption: "See /report".into(), media_group_id: Some("7".into()) };
    telegram.act(photo).unwrap();
    let delivered = webhook.next().await;
    let message = delivered.update["message"].clone();
    delivered.answer("");
    assert_eq!((&message["caption"], &message["media_group_id"]), (&json!("See /report"), &json!("7")));
    let largest = message["photo"].as_array().unwrap().last().unwrap()["file_id"].clone();
    let found = call(&telegram, "getFile", json!({ "file_id": largest })).await;
    let path = found["result"]["file_path"].as_str().unwrap().to_owned();
    let bytes = client().get(format!("{}/file/bot{TOKEN}/{path}", telegram.url())).send().await.unwrap();
    assert_eq!(bytes.text().await.unwrap(), "not really a picture");

    let part = |words: &'static str| reqwest::multipart::Part::text(words).file_name("list.txt");
    let album = json!([
        { "type": "document", "media": "attach://first", "caption": "two lists" },
        { "type": "document", "media": "attach://second" },
    ]);
    let form = reqwest::multipart::Form::new().text("chat_id", "101").text("media", album.to_string());
    let form = form.part("first", part("one")).part("second", part("two"));
    let url = format!("{}/bot{TOKEN}/sendMediaGroup", telegram.url());
    let sent: Value = client().post(url).multipart(form).send().await.unwrap().json().await.unwrap();
    assert_eq!(sent["result"][0]["caption"], "two lists");
    assert_eq!(sent["result"][1]["document"]["file_name"], "list.txt");
    assert_eq!(sent["result"][0]["media_group_id"], sent["result"][1]["media_group_id"]);
}

#[tokio::test]
async fn somebody_who_blocks_the_bot_hears_nothing_from_it() {
    let webhook = Webhook::start().await;
    let telegram = telegram(Some(&webhook)).await;
    let spot = Spot::private(101, "operations");
    telegram.act(Act::Block { spot: spot.clone() }).unwrap();
    let blocked = webhook.next().await;
    assert_eq!(blocked.update["my_chat_member"]["new_chat_member"]["status"], "kicked");
    blocked.answer("");
    let refused = call(&telegram, "sendMessage", json!({ "chat_id": 101, "text": "x" })).await;
    assert_eq!(refused["error_code"], 403);
    assert_eq!(refused["description"], "Forbidden: bot was blocked by the user");
    telegram.act(Act::Unblock { spot }).unwrap();
    let unblocked = webhook.next().await;
    assert_eq!(unblocked.update["my_chat_member"]["new_chat_member"]["status"], "member");
    unblocked.answer("");
    assert_eq!(call(&telegram, "sendMessage", json!({ "chat_id": 101, "text": "x" })).await["ok"], true);
}

#[tokio::test]
async fn faults_happen_as_ordered_and_then_no_more() {
    let telegram = acquainted().await;
    let message = json!({ "chat_id": 101, "text": "x" });
    let fault =
        |goes| Fault { bot: None, method: Some("sendMessage".into()), chat: Some(101), times: 1, goes };
    telegram.fault(fault(Wrong::TooManyRequests(7)));
    telegram.fault(fault(Wrong::InternalError));
    telegram.fault(fault(Wrong::Forbidden));
    telegram.fault(fault(Wrong::ResetAfterProcessing));
    assert_eq!(call(&telegram, "getMe", json!({})).await["ok"], true, "another method is not meant");
    let url = format!("{}/bot{TOKEN}/sendMessage", telegram.url());
    let flood = client().post(&url).json(&message).send().await.unwrap();
    assert_eq!(flood.headers()["retry-after"], "7");
    let flood: Value = flood.json().await.unwrap();
    assert_eq!(flood["parameters"], json!({ "retry_after": 7 }));
    assert_eq!(flood["description"], "Too Many Requests: retry after 7");
    assert_eq!(call(&telegram, "sendMessage", message.clone()).await["error_code"], 500);
    assert_eq!(call(&telegram, "sendMessage", message.clone()).await["error_code"], 403);
    assert_eq!(telegram.messages("operations:101").len(), 1);
    assert!(client().post(&url).json(&message).send().await.is_err(), "the connection breaks");
    assert_eq!(telegram.messages("operations:101").len(), 2, "after the message was sent");
    assert_eq!(call(&telegram, "sendMessage", message).await["ok"], true);
}

#[tokio::test]
async fn a_call_that_hangs_does_nothing() {
    let telegram = acquainted().await;
    let fault = json!({ "method": "sendMessage", "goes": "hang" });
    let ordered = client().post(format!("{}/chat/faults", telegram.url())).json(&fault).send().await.unwrap();
    assert_eq!(ordered.status(), StatusCode::OK);
    let hanging = call(&telegram, "sendMessage", json!({ "chat_id": 101, "text": "x" }));
    tokio::select! {
        answer = hanging => panic!("it answered {answer}"),
        () = telegram.until(|telegram| telegram.calls().iter().any(|call| call.status == 0).then_some(())) => {}
    }
    assert_eq!(telegram.messages("operations:101").len(), 1);
}

#[tokio::test]
async fn updates_can_be_polled_where_no_webhook_is_set() {
    let telegram = telegram(None).await;
    let polling = call(&telegram, "getUpdates", json!({ "timeout": 20 }));
    let saying = async { telegram.say(101, "operations", "hello").unwrap() };
    let (polled, _) = tokio::join!(polling, saying);
    let update = &polled["result"][0];
    assert_eq!(update["message"]["text"], "hello");
    let again = call(&telegram, "getUpdates", json!({})).await;
    assert_eq!(again["result"][0], *update, "it comes again until it is confirmed");
    let offset = update["update_id"].as_u64().unwrap() + 1;
    let rest = call(&telegram, "getUpdates", json!({ "offset": offset })).await;
    assert_eq!(rest["result"], json!([]));
    assert_eq!(telegram.pending(), 0);
    let set = call(&telegram, "setWebhook", json!({ "url": "http://127.0.0.1:9/x" })).await;
    assert_eq!((&set["result"], &set["description"]), (&json!(true), &json!("Webhook was set")));
    let refused = call(&telegram, "getUpdates", json!({})).await;
    assert_eq!(refused["error_code"], 409);
}

#[tokio::test]
async fn set_webhook_says_which_updates_come_and_how_they_prove_themselves() {
    let webhook = Webhook::start().await;
    let telegram = telegram(None).await;
    telegram.say(101, "operations", "too early").unwrap();
    let set = json!({
        "url": webhook.url, "secret_token": "other", "allowed_updates": ["edited_message"],
        "drop_pending_updates": true, "max_connections": 3,
    });
    call(&telegram, "setWebhook", set).await;
    let id = telegram.say(101, "operations", "not wanted").unwrap();
    let spot = Spot::private(101, "operations");
    telegram.act(Act::Edit { spot, message_id: id, text: "wanted".into() }).unwrap();
    let delivered = webhook.next().await;
    assert_eq!(delivered.secret.as_deref(), Some("other"));
    assert_eq!(delivered.update["edited_message"]["text"], "wanted");
    delivered.answer("");
    let info = call(&telegram, "getWebhookInfo", json!({})).await;
    assert_eq!(info["result"]["max_connections"], 3);
    assert_eq!(info["result"]["allowed_updates"], json!(["edited_message"]));
}

#[tokio::test]
async fn a_group_is_one_room_for_all_its_people_and_bots() {
    let telegram = telegram(None).await;
    let group = telegram.add_group("Night shift", &[101, 102], &["operations"]).unwrap();
    let spot = |person| Spot::group(person, group);
    telegram.act(Act::Say { spot: spot(101), text: "/report".into(), reply_to: None }).unwrap();
    let sent = json!({ "chat_id": group, "text": "Who comes?", "reply_markup": with_button("me") });
    let sent = call(&telegram, "sendMessage", sent).await;
    let message_id = sent["result"]["message_id"].as_i64().unwrap();
    telegram.act(Act::Press { spot: spot(102), message_id, data: "me".into() }).unwrap();
    let stranger = telegram.act(Act::Say { spot: spot(103), text: "hi".into(), reply_to: None });
    assert!(stranger.is_err(), "Cleo is not in the group");
    let updates = call(&telegram, "getUpdates", json!({})).await;
    assert_eq!(updates["result"][0]["my_chat_member"]["new_chat_member"]["status"], "member");
    assert_eq!(updates["result"][1]["message"]["chat"]["type"], "supergroup");
    assert_eq!(updates["result"][2]["callback_query"]["from"]["first_name"], "Bo");
    assert_eq!(updates["result"][2]["callback_query"]["message"]["chat"]["id"], group);
}

#[tokio::test]
async fn the_page_does_and_hears_what_the_handle_does() {
    let telegram = telegram(None).await;
    let url = telegram.url();
    let mut events = client().get(format!("{url}/chat/events")).send().await.unwrap();
    let hello = soon(events.chunk()).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&hello).contains(r#"data: {"news":"all"}"#));
    let say = json!({ "person": 101, "bot": "operations", "text": "from the page" });
    let said = client().post(format!("{url}/chat/say")).json(&say).send().await.unwrap();
    assert_eq!(said.status(), StatusCode::OK);
    let mut heard = String::new();
    while !heard.contains("from the page") {
        heard.push_str(&String::from_utf8_lossy(&soon(events.chunk()).await.unwrap().unwrap()));
    }
    let room: Value = client()
        .get(format!("{url}/chat/room?key=operations:101"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(room["messages"][0]["text"], "from the page");
    let nobody = client()
        .post(format!("{url}/chat/say"))
        .json(&json!({ "person": 1, "bot": "operations", "text": "x" }));
    assert_eq!(nobody.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    for file in ["", "page/page.css", "page/page.js", "page/icon.svg"] {
        assert_eq!(
            client().get(format!("{url}/{file}")).send().await.unwrap().status(),
            StatusCode::OK,
            "{file}"
        );
    }
    telegram.stop().await;
}

#[tokio::test]
async fn commands_are_kept_by_scope_and_language() {
    let telegram = telegram(None).await;
    let commands = json!([{ "command": "report", "description": "Etwas melden" }]);
    call(&telegram, "setMyCommands", json!({ "commands": commands, "language_code": "de" })).await;
    assert_eq!(call(&telegram, "getMyCommands", json!({})).await["result"], json!([]));
    assert_eq!(call(&telegram, "getMyCommands", json!({ "language_code": "de" })).await["result"], commands);
    call(&telegram, "deleteMyCommands", json!({ "language_code": "de" })).await;
    assert_eq!(call(&telegram, "getMyCommands", json!({ "language_code": "de" })).await["result"], json!([]));
}
