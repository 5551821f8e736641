//! The fake Telegram against what Telegram does: calls over HTTP, and updates delivered to a webhook.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse, routing::post};
use backline::{
    dev::telegram::{FakeBot, FakeTelegram, Options, start},
    model::Clock,
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

const TOKEN: &str = "42:secret";

/// What a webhook got, and where its answer goes.
struct Delivered {
    update: Value,
    secret: Option<String>,
    answer: oneshot::Sender<axum::response::Response>,
}

impl Delivered {
    fn answer(self, answer: impl IntoResponse) {
        self.answer.send(answer.into_response()).unwrap();
    }
}

/// A webhook that hands every update to the test and waits for its answer.
struct Webhook {
    url: String,
    updates: Mutex<mpsc::UnboundedReceiver<Delivered>>,
}

impl Webhook {
    async fn start() -> Self {
        let (to_test, updates) = mpsc::unbounded_channel();
        let app = Router::new().route("/telegram/operations", post(receive)).with_state(Arc::new(to_test));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/telegram/operations", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, updates: Mutex::new(updates) }
    }

    async fn next(&self) -> Delivered {
        let mut updates = self.updates.try_lock().expect("one test asks at a time");
        soon(updates.recv()).await.unwrap()
    }

    fn is_silent(&self) -> bool {
        self.updates.lock().unwrap().try_recv().is_err()
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
    let response = reqwest::Client::new().post(url).json(&parameters).send().await.unwrap();
    response.json().await.unwrap()
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
    let sent =
        call(&telegram, "sendMessage", json!({ "chat_id": 101, "text": "<b>Hi</b>", "parse_mode": "HTML" }))
            .await;
    assert_eq!(sent["result"]["text"], "Hi");
    assert_eq!(sent["result"]["entities"][0]["type"], "bold");
    delivered.answer("");
    soon(telegram.settled()).await;
    assert_eq!(telegram.messages("operations:101").len(), 2);
    telegram.stop().await;
}
