//! What the store costs in Azure: request units and round trips of an update, of an idle minute, and of a million.
//!
//! `cargo bench --bench cosmos` runs the real runtime on the real SDK against Microsoft's in-memory emulator; the
//! emulator's RU are a model, so the sum at list price stands beside them. `-- --conversations 100000` fills the
//! database first. Only loopback, ends by itself.
#![expect(clippy::unwrap_used, reason = "a measurement, not a library")]

#[path = "../../examples/cosmos_emulator/bridge.rs"]
#[expect(dead_code, reason = "a measurement lets nothing go wrong")]
mod bridge;
mod cold;
mod watched;

use std::{cell::Cell, fmt, sync::Arc, time::Instant};

use backline::{
    Text,
    blob::disk::DiskBlobs,
    dev::telegram::{FakeBot, FakeTelegram, Options as TelegramOptions, start},
    engine::{Chat, Table, Workflow, text},
    model::{Clock, TraceParent},
    queue::sqlite::SqliteQueue,
    runtime::{Bot, Runtime, Secret, Settings},
    store::{Batch, Container, CosmosSettings, Draft, Settings as StoreSettings, Store, Write, cosmos},
    telegram::client::{Client, PATIENCE},
};
use bridge::Bridge;
use futures_util::{StreamExt, stream};
use serde_json::json;
use watched::Watched;

/// Azure's price of a million RU where nothing is reserved, in dollars (West Europe and East US, 2026;
/// <https://azure.microsoft.com/pricing/details/cosmos-db/serverless/>).
const MILLION_RU_USD: f64 = 0.25;

/// What is said: as long as a report is.
const ANSWER: &str = "The floor is wet again, at the bar beside the big tent.";

/// Asks the same again and again: the standing answers stay the same, the log grows.
async fn echo(chat: Chat) {
    chat.ask(text(
        "word",
        Text::literal("What is wrong, and where is it? A sentence or two are enough, please."),
    ))
    .await;
    chat.reopen(["word"]).await;
}

struct Site {
    runtime: Runtime,
    store: Arc<Watched>,
    /// Whom the fake Telegram knows.
    people: [i64; 2],
    telegram: FakeTelegram,
    bridge: Bridge,
    seen: Cell<usize>,
    updates: Cell<i64>,
}

impl Site {
    /// Somebody writes; returns what it cost.
    async fn says(&self, person: i64, words: &str) -> Cost {
        let update = self.updates.get() + 1;
        self.updates.set(update);
        let from = json!({ "id": person, "is_bot": false, "first_name": "Ada", "language_code": "en" });
        let raw = json!({
            "update_id": update,
            "message": {
                "message_id": update, "date": 1_780_000_000, "from": from,
                "chat": { "id": person, "type": "private", "first_name": "Ada" }, "text": words
            }
        });
        self.begin();
        let bot = self.runtime.bot("bench").unwrap();
        self.runtime.receive(bot, raw.to_string().as_bytes(), TraceParent::root()).await.unwrap();
        self.end()
    }

    /// From here on.
    fn begin(&self) {
        self.seen.set(self.bridge.seen().len());
        self.store.begin();
    }

    /// Up to here: what the SDK was told it cost, and what it would cost by Azure's documentation.
    fn end(&self) -> Cost {
        let listed = self.bridge.seen()[self.seen.get()..].iter().map(|seen| seen.listed).sum();
        Cost { listed, watched: self.store.end() }
    }
}

struct Cost {
    listed: f64,
    watched: watched::Cost,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listed {:5.1}, model {}", self.listed, self.watched)
    }
}

fn number(name: &str, default: usize) -> usize {
    let mut words = std::env::args().skip_while(|word| word != name).skip(1);
    words.next().map_or(default, |word| word.parse().unwrap())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let conversations = number("--conversations", 2_000);
    let inputs = number("--inputs", 200);
    let bridge = Bridge::start(&bridge::Options {
        port: 0,
        clock: Clock::real(),
        consistency: bridge::ConsistencyLevel::Strong,
    })
    .unwrap();
    let settings = CosmosSettings::of_connection_string(&bridge.connection_string(), "backline").unwrap();
    cosmos::provision(&settings).await.unwrap();
    let folder = std::env::temp_dir().join(format!("backline-bench-cosmos-{}", std::process::id()));
    let site = site(bridge, settings, &folder).await;

    let [ada, bo] = site.people;

    println!(
        "RU by the emulator's model (reads doubled for Strong), as the SDK was told, beside those of Azure's documentation; round trips"
    );
    for (n, words) in ["/echo", ANSWER, ANSWER].into_iter().enumerate() {
        println!("  input {:<6} of a workflow       {}", n + 1, site.says(ada, words).await);
    }
    let before = site.bridge.seen().len();
    let first = site.says(ada, ANSWER).await;
    println!("  input 4      of a workflow       {first}");
    for seen in &site.bridge.seen()[before..] {
        println!("      {:5.2} RU  {:?} {}", seen.ru, seen.kind, seen.path);
    }
    for (what, count) in &first.watched.operations {
        println!("      {count} × {what}");
    }
    for _ in 5..inputs {
        site.says(ada, ANSWER).await;
    }
    let last = site.says(ada, ANSWER).await;
    println!("  input {inputs:<6} of a workflow       {last}");

    let started = Instant::now();
    fill(&*site.store, conversations).await;
    println!("  … {conversations} further conversations stored in {:.0} s", started.elapsed().as_secs_f64());
    site.says(bo, "/echo").await;
    site.says(bo, ANSWER).await;
    let grown = site.says(bo, ANSWER).await;
    println!("  input 3 of conversation {:<8} {grown}", conversations + 2);

    site.begin();
    site.runtime.sweep().await.unwrap();
    let idle = site.end();
    println!("  an idle minute (one sweep)   {idle}");

    let month = 30.0 * 24.0 * 60.0;
    let (model, list) = (first.watched.ru.max(grown.watched.ru), first.listed.max(grown.listed));
    let usd = |ru: f64| ru * MILLION_RU_USD;
    println!(
        "A million updates: {:.1} to {:.1} million RU, ${:.2} to ${:.2}; a month of idle minutes: ${:.2}",
        model.min(list),
        model.max(list),
        usd(model.min(list)),
        usd(model.max(list)),
        usd(idle.watched.ru.max(idle.listed) * month / 1e6)
    );
    cold::measure(&site.bridge.connection_string(), &site.telegram.url(), ada).await;
    let _ = std::fs::remove_dir_all(folder);
}

async fn site(bridge: Bridge, settings: CosmosSettings, folder: &std::path::Path) -> Site {
    let bot = FakeBot {
        slug: "bench".into(),
        token: "1:bench".into(),
        username: "bench_bot".into(),
        secret: "bench".into(),
        webhook: None,
    };
    let telegram = start(TelegramOptions { bots: vec![bot], ..TelegramOptions::default() }).await.unwrap();
    let store = backline::store::open(&StoreSettings::Cosmos(settings), Clock::real()).unwrap();
    store.warm().await;
    let store = Arc::new(Watched::new(store));
    let queue = Arc::new(SqliteQueue::open(&folder.join("queues.db"), Clock::real()).unwrap());
    let bot = Bot {
        slug: "bench".parse().unwrap(),
        token: "1:bench".parse().unwrap(),
        secret: Secret::new("bench".to_owned()),
        operators: Vec::new(),
        api: Client::new(Some(&telegram.url()), PATIENCE).unwrap(),
    };
    let blobs = Arc::new(DiskBlobs::new(&folder.join("kept-files")));
    let table = Table::new().workflow(Workflow::new("echo", echo).command("echo", Text::literal("Echo")));
    let runtime = Runtime::new(table, store.clone(), queue, blobs, vec![bot], unpaced());
    let people = ["Ada", "Bo"].map(|name| telegram.add_person(name, None).unwrap());
    for person in people {
        telegram.say(person, "bench", "/start").unwrap();
    }
    Site { runtime, store, people, telegram, bridge, seen: Cell::new(0), updates: Cell::new(0) }
}

/// Other people's conversations, as they lie in the store when they are over.
async fn fill(store: &dyn Store, count: usize) {
    stream::iter(0..count)
        .for_each_concurrent(32, |n| async move {
            let person = 10_000 + n;
            let conversation = format!("bench:{person}:0:{person}");
            let head = json!({ "person": { "id": person, "name": "Ada" }, "reachable": true });
            let writes = vec![
                Write::Upsert("head".parse().unwrap(), Draft::of(&head)),
                Write::Upsert(format!("inbox:tg:bench:{n:020}").parse().unwrap(), Draft::of(&head)),
            ];
            let batch = Batch { container: Container::Conversations, partition: conversation, writes };
            // A busy machine may lose an answer among so many; written twice is written.
            while let Err(error) = store.commit(vec![batch.clone()]).await {
                assert!(error.is_transient(), "{error}");
            }
        })
        .await;
}

/// What we can do, not what Telegram takes.
fn unpaced() -> Settings {
    Settings { messages_per_second: 0, ..Settings::default() }
}
