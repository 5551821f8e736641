//! Cold: from the start of the program to its first answer, and to the first update that is committed.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

/// A handler as a Functions host starts it. Dropped, it is killed.
pub(crate) struct Handler {
    child: Child,
    url: String,
    started: Instant,
}

impl Handler {
    /// Starts it and waits until it answers; returns how long that took.
    pub(crate) async fn start(connection: &str, telegram: &str, http: &reqwest::Client) -> (Self, Duration) {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let queues = std::env::temp_dir().join(format!("backline-bench-{}.db", std::process::id()));
        let started = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_backline"))
            .args(["serve", "--port", &port.to_string()])
            .env("STORE", "cosmos")
            .env("CosmosConnection", connection)
            .env("AzureWebJobsStorage", format!("sqlite:{}", queues.display()))
            .env("BOTS__bench__token", "1:bench")
            .env("BOTS__bench__secret", "bench")
            .env("BOTS__bench__api", telegram)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let handler = Self { child, url: format!("http://127.0.0.1:{port}"), started };
        while http.get(&handler.url).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let took = handler.started.elapsed();
        (handler, took)
    }

    /// Brings an update and waits until it is committed, its answer sent.
    pub(crate) async fn update(&self, n: i64, person: i64, http: &reqwest::Client) -> Duration {
        let from = json!({ "id": person, "is_bot": false, "first_name": "Ada" });
        let update = json!({ "update_id": n, "message": {
            "message_id": n, "date": 1_780_000_000, "from": from,
            "chat": { "id": person, "type": "private", "first_name": "Ada" }, "text": "/start"
        } });
        let began = Instant::now();
        let request = http
            .post(format!("{}/telegram/bench", self.url))
            .header("x-telegram-bot-api-secret-token", "bench")
            .body(update.to_string());
        assert_eq!(request.send().await.unwrap().status(), 200);
        began.elapsed()
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts handlers, one after another; for each, what an update costs at once and what it costs after a pause.
pub(crate) async fn measure(connection: &str, telegram: &str, person: i64) {
    let http = reqwest::Client::new();
    let (mut answers, mut at_once, mut rested, mut warm) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for n in 0..10 {
        let (handler, took) = Handler::start(connection, telegram, &http).await;
        answers.push(took);
        at_once.push(handler.update(1_000_000 + 3 * n, person, &http).await);
        let (handler, _) = Handler::start(connection, telegram, &http).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        rested.push(handler.update(1_000_001 + 3 * n, person, &http).await);
        warm.push(handler.update(1_000_002 + 3 * n, person, &http).await);
    }
    println!("Ten starts of the program, median and worst:");
    for (what, mut took) in [
        ("start to first answer of GET /", answers),
        ("first update, sent the moment it answers", at_once),
        ("first update, after half a second of idling", rested),
        ("the update after that", warm),
    ] {
        took.sort_unstable();
        let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
        println!("  {what:<44} {:6.1} ms  {:6.1} ms", ms(took[took.len() / 2]), ms(took[took.len() - 1]));
    }
}
