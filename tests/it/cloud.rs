//! The unmodified program on the services it has in Azure, as far as they can be had here: Microsoft's emulators of
//! Cosmos DB and of Storage Queues.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use backline::{
    dev::telegram::{Act, FakeBot, FakeTelegram, Options, Spot, start},
    model::Clock,
    store::{CosmosSettings, cosmos},
};
use serde_json::Value;

use crate::{
    azurite,
    cosmos_bridge::{self, Bridge, ConsistencyLevel, Fault, Kind},
    dev::{ADA, Dev, Start, free_port, signal},
    kill::{STEPS, check, take},
};

/// An account with everything in it that `provision` makes.
pub(crate) async fn account() -> Bridge {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options =
        cosmos_bridge::Options { port: 0, clock: Clock::real(), consistency: ConsistencyLevel::Strong };
    let bridge = Bridge::start(&options).unwrap();
    let settings = CosmosSettings::of_connection_string(&bridge.connection_string(), "backline").unwrap();
    cosmos::provision(&settings).await.unwrap();
    bridge
}

async fn dev(data: &Path, account: &Bridge, more: &[(&str, &str)]) -> Dev {
    let connection = account.connection_string();
    let settings = [&[("STORE", "cosmos"), ("CosmosConnection", connection.as_str())], more].concat();
    Start { settings: &settings, ..Start::own(data) }.start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_made_on_cosmos_and_storage_queues() {
    let Some(queues) = azurite::account() else { return };
    let (data, account) = (tempfile::tempdir().unwrap(), account().await);
    let storage = queues.connection_string();
    // Without time to work in, every update goes through the queue.
    let dev =
        dev(data.path(), &account, &[("AzureWebJobsStorage", &storage), ("INLINE_BUDGET_MS", "0")]).await;
    let mut shown = Value::Null;
    for (step, next) in STEPS {
        take(&dev, step, &shown).await;
        shown = dev.hears(ADA, next).await;
    }
    check(&dev, 0).await;
    assert!(!data.path().join("store.db").exists(), "nothing is remembered on this machine");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handler_may_be_killed_between_the_commits() {
    let (data, account) = (tempfile::tempdir().unwrap(), account().await);
    let dev = dev(data.path(), &account, &[]).await;
    let batches = || account.seen().iter().filter(|seen| seen.kind == Kind::Batch).count();
    let mut shown = Value::Null;
    // The third crash within half an hour would end the host, as on Azure.
    for (place, (step, next)) in STEPS.into_iter().enumerate() {
        let (before, batches_before) = (dev.handler(), batches());
        if place == 1 || place == 4 {
            // A is done, and the handler waits for the answer in vain.
            account.fail(1, Kind::Batch, &Fault::SilenceAfterwards);
        }
        take(&dev, step, &shown).await;
        if place == 1 || place == 4 {
            dev.until("commit A", || (batches() > batches_before).then_some(())).await;
            signal("KILL", before.unwrap());
            dev.until("new handler", || dev.handler().filter(|&now| Some(now) != before)).await;
        }
        shown = dev.hears(ADA, next).await;
    }
    check(&dev, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_day_of_the_service_is_not_seen_in_the_chat() {
    let (data, account) = (tempfile::tempdir().unwrap(), account().await);
    let dev = dev(data.path(), &account, &[]).await;
    let throttled = Fault::Refuse { status: 429, sub_status: 3200, retry_after_ms: 20 };
    let again = Fault::Refuse { status: 449, sub_status: 0, retry_after_ms: 0 };
    let away = Fault::Refuse { status: 503, sub_status: 0, retry_after_ms: 0 };
    let follower = Fault::Writes { statuses: vec![424, 429], retry_after_ms: 5 };
    let days = [
        (Kind::Write, Fault::CutAfterwards),
        (Kind::Batch, again),
        (Kind::Batch, Fault::CutAfterwards),
        (Kind::Read, throttled),
        (Kind::Batch, follower),
        (Kind::Query, away),
        (Kind::Batch, Fault::RefuseAfterwards { status: 408 }),
    ];
    let mut shown = Value::Null;
    for ((step, next), (kind, fault)) in STEPS.into_iter().zip(days) {
        account.fail(1, kind, &fault);
        take(&dev, step, &shown).await;
        shown = dev.hears(ADA, next).await;
    }
    assert_eq!(account.mend(), 0, "a bad day that nobody saw");
    check(&dev, 0).await;
}

/// A handler as a Functions host starts it. Dropped, it is killed.
struct Handler {
    child: Child,
    url: String,
}

impl Handler {
    async fn start(account: &Bridge, telegram: &str, data: &Path) -> Self {
        let port = free_port();
        let child = Command::new(env!("CARGO_BIN_EXE_backline"))
            .args(["serve", "--port", &port.to_string()])
            .current_dir(data)
            .env("STORE", "cosmos")
            .env("CosmosConnection", account.connection_string())
            .env("AzureWebJobsStorage", format!("sqlite:{}", data.join("queues.db").display()))
            .env("BOTS__operations__token", "1:dev")
            .env("BOTS__operations__secret", "secret")
            .env("BOTS__operations__api", telegram)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let http = reqwest::Client::new();
        while http.get(&url).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self { child, url }
    }

    async fn post(&self, update: &str) -> u16 {
        let request = reqwest::Client::new()
            .post(format!("{}/telegram/operations", self.url))
            .header("x-telegram-bot-api-secret-token", "secret")
            .body(update.to_owned());
        request.send().await.unwrap().status().as_u16()
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What Telegram would bring because somebody says or presses something.
fn update(telegram: &FakeTelegram, act: Act) -> String {
    telegram.act(act).unwrap();
    telegram.deliveries().last().unwrap().update.clone()
}

fn buttons(telegram: &FakeTelegram, person: i64) -> (i64, Vec<(String, String)>) {
    let last = telegram.messages(&format!("operations:{person}")).pop().unwrap();
    let rows = last["reply_markup"]["inline_keyboard"].as_array().cloned().unwrap_or_default();
    let buttons = rows.iter().flat_map(|row| row.as_array().unwrap());
    let told = |button: &Value, what: &str| button[what].as_str().unwrap().to_owned();
    (
        last["message_id"].as_i64().unwrap(),
        buttons.map(|b| (told(b, "text"), told(b, "callback_data"))).collect(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn two_handlers_on_one_database_answer_every_update_once() {
    let (data, account) = (tempfile::tempdir().unwrap(), account().await);
    let bot = FakeBot {
        slug: "operations".into(),
        token: "1:dev".into(),
        username: "operations_bot".into(),
        secret: "secret".into(),
        webhook: None,
    };
    let telegram = start(Options { bots: vec![bot], ..Options::default() }).await.unwrap();
    let handlers = [
        Handler::start(&account, &telegram.url(), data.path()).await,
        Handler::start(&account, &telegram.url(), data.path()).await,
    ];
    let spot = || Spot::private(ADA, "operations");
    let says = |words: &str| Act::Say { spot: spot(), text: words.to_owned(), reply_to: None };
    let presses = |label: &str| {
        let (message_id, buttons) = buttons(&telegram, ADA);
        let found = buttons.iter().find(|(text, _)| text == label);
        let (_, data) = found.unwrap_or_else(|| panic!("no [{label}] in {buttons:?}"));
        Act::Press { spot: spot(), message_id, data: data.clone() }
    };
    let mut asked = 0;
    for (step, next) in STEPS {
        let act = match step {
            crate::kill::Step::Says(words) => says(words),
            crate::kill::Step::Presses(label) => presses(label),
        };
        let update = update(&telegram, act);
        // Both get it, at the same moment.
        let answers = tokio::join!(handlers[0].post(&update), handlers[1].post(&update));
        assert_eq!(answers, (200, 200));
        asked += 1;
        let shown = async {
            loop {
                let messages = telegram.messages(&format!("operations:{ADA}"));
                let by_bot: Vec<&str> = messages
                    .iter()
                    .filter(|message| message["from"]["is_bot"] == true)
                    .map(crate::dev::text)
                    .collect();
                if by_bot.last().is_some_and(|last| last.contains(next)) {
                    return by_bot.len();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let count = tokio::time::timeout(Duration::from_secs(40), shown).await.expect(next);
        assert_eq!(count, asked, "each question is put once");
    }
}
