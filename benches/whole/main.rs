//! The whole path, measured from outside: the handler as a process of its own, a Bot API that answers at once, people
//! who report things. Beside it, in the same run, a floor: bare axum, one SQLite commit, one HTTP call an update.
//!
//! `cargo bench --bench whole` prints start, memory, throughput, latency and CPU; `-- --seconds 2 --users 32` narrows.
//! `-- --course soak --updates 200000` follows one system over time instead, see [`course`].
//! Only loopback, bounded in time or count, ends by itself.
#![expect(clippy::unwrap_used, reason = "a measurement, not a library")]

mod course;

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::State, routing::post};
use serde_json::{Value, json};

const TOKEN: &str = "1:bench";
const SECRET: &str = "bench";

/// What people were shown last, by chat: a message id and the data of its first button that goes on.
#[derive(Default)]
struct Api {
    shown: Mutex<HashMap<i64, (i64, Option<String>)>>,
    messages: AtomicU64,
    calls: AtomicU64,
}

async fn call(State(api): State<Arc<Api>>, Json(call): Json<Value>) -> Json<Value> {
    api.calls.fetch_add(1, Ordering::Relaxed);
    let id = i64::try_from(api.messages.fetch_add(1, Ordering::Relaxed)).unwrap() + 1;
    let chat = call["chat_id"].as_i64().unwrap_or_default();
    if call.get("message_id").is_none() && call.get("text").is_some() {
        let rows = call["reply_markup"]["inline_keyboard"].as_array().into_iter().flatten();
        let mut buttons = rows.flat_map(|row| row.as_array().into_iter().flatten());
        let onward = buttons.find(|button| !button["text"].as_str().unwrap_or_default().starts_with('‹'));
        let data = onward.and_then(|button| button["callback_data"].as_str()).map(str::to_owned);
        api.shown.lock().unwrap().insert(chat, (id, data));
    }
    Json(json!({ "ok": true, "result": { "message_id": id } }))
}

/// The floor: what an update costs at the very least.
async fn floor(State(floor): State<Arc<Floor>>, body: String) -> &'static str {
    let update: Value = serde_json::from_str(&body).unwrap();
    {
        let store = floor.store.lock().unwrap();
        store.execute("INSERT INTO updates VALUES (?, ?)", (update["update_id"].as_i64(), &body)).unwrap();
    }
    let chat = update["message"]["chat"]["id"].as_i64();
    let answer = json!({ "chat_id": chat, "text": "Thank you." });
    floor.http.post(&floor.api).json(&answer).send().await.unwrap();
    ""
}

struct Floor {
    store: Mutex<rusqlite::Connection>,
    http: reqwest::Client,
    api: String,
}

async fn run_floor(port: u16, file: &Path, synchronous: &str, api: String) {
    let store = rusqlite::Connection::open(file).unwrap();
    store
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; CREATE TABLE updates (id INTEGER PRIMARY KEY, body TEXT)"
        ))
        .unwrap();
    let floor_ = Arc::new(Floor { store: Mutex::new(store), http: reqwest::Client::new(), api });
    let router = Router::new()
        .route("/", axum::routing::get(|| async {}))
        .route("/telegram/bench", post(floor))
        .with_state(floor_);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    axum::serve(listener, router).await.unwrap();
}

/// A system under measurement.
struct System {
    name: String,
    child: Child,
    url: String,
}

impl System {
    fn start(name: &str, mut command: Command, port: u16) -> (Self, Duration) {
        let begun = Instant::now();
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let url = format!("http://{address}");
        loop {
            if answers(address) {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{name} does not start");
            std::thread::sleep(Duration::from_micros(200));
        }
        (Self { name: name.to_owned(), child, url }, begun.elapsed())
    }

    fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    fn rss_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answers(address: SocketAddr) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(address) else { return false };
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).is_ok()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What a person does next: presses what goes on, or writes.
fn act(shown: Option<&(i64, Option<String>)>, step: u32, user: i64, update: u64) -> Value {
    let from = json!({ "id": user, "is_bot": false, "first_name": "Person", "language_code": "en" });
    let chat = json!({ "id": user, "type": "private" });
    match shown {
        Some((message, Some(data))) if step > 0 => json!({ "update_id": update, "callback_query": {
            "id": update.to_string(), "from": from, "data": data, "chat_instance": "1",
            "message": { "message_id": message, "date": 1, "chat": chat, "text": "?" },
        }}),
        _ => {
            let text = if step == 0 { "/report" } else { "There is mud everywhere." };
            json!({ "update_id": update, "message": {
                "message_id": update, "date": 1, "from": from, "chat": chat, "text": text,
            }})
        }
    }
}

/// `/report`, kind, area, no photo, a note, Submit.
const STEPS: u32 = 6;

/// Posts an update and waits for the answer, which is to be a good one.
async fn post_update(http: &reqwest::Client, url: &str, update: &Value) -> Duration {
    let sent = Instant::now();
    let request = http.post(url).header("X-Telegram-Bot-Api-Secret-Token", SECRET).json(update);
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.bytes().await.unwrap();
    sent.elapsed()
}

async fn load(system: &System, api: &Arc<Api>, users: i64, seconds: u64, updates: &Arc<AtomicU64>) {
    let http = reqwest::Client::new();
    let until = Instant::now() + Duration::from_secs(seconds);
    let (before, begun, calls) = (system.cpu(), Instant::now(), api.calls.load(Ordering::Relaxed));
    let people = (0..users).map(|user| {
        let (http, api, updates) = (http.clone(), api.clone(), updates.clone());
        let url = format!("{}/telegram/bench", system.url);
        tokio::spawn(async move {
            let user = 1000 + user;
            let mut times = Vec::new();
            let mut step = 0;
            while Instant::now() < until {
                let shown = api.shown.lock().unwrap().get(&user).cloned();
                let update = act(shown.as_ref(), step, user, updates.fetch_add(1, Ordering::Relaxed));
                times.push(post_update(&http, &url, &update).await);
                step = (step + 1) % STEPS;
            }
            times
        })
    });
    let mut times: Vec<Duration> = Vec::new();
    for person in people.collect::<Vec<_>>() {
        times.extend(person.await.unwrap());
    }
    let (cpu, took) = (system.cpu() - before, begun.elapsed());
    times.sort();
    let count = times.len();
    let at = |share: f64| times[((count - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{:<28} {users:>3} users {:>8.0} updates/s   p50 {:>7.2} ms   p99 {:>7.2} ms   {:>5.0} µs CPU/update   {:>4.2} calls/update   {:>5.1} MiB",
        system.name,
        count as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.99),
        cpu.as_secs_f64() * 1e6 / count as f64,
        (api.calls.load(Ordering::Relaxed) - calls) as f64 / count as f64,
        system.rss_mib(),
    );
}

fn backline(port: u16, data: &Path, synchronous: &str, api: SocketAddr) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backline"));
    command
        .args(["serve", "--port", &port.to_string()])
        .current_dir(data)
        .env("STORE", format!("sqlite:{}", data.join("store.db").display()))
        .env("AzureWebJobsStorage", format!("sqlite:{}", data.join("queues.db").display()))
        .env("STORE_SYNCHRONOUS", synchronous)
        // What we can do, not what Telegram takes.
        .env("MESSAGES_PER_SECOND", "0")
        .env("TELEGRAM_API_URL", format!("http://{api}"))
        .env("BOTS__bench__token", TOKEN)
        .env("BOTS__bench__secret", SECRET)
        .env("RUST_LOG", "warn");
    command
}

fn floor_command(port: u16, data: &Path, synchronous: &str, api: SocketAddr) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--floor", &port.to_string(), data.join("floor.db").to_str().unwrap(), synchronous]);
    command.arg(format!("http://{api}/bot{TOKEN}/sendMessage"));
    command
}

fn option(name: &str, default: u64) -> u64 {
    let words: Vec<String> = std::env::args().collect();
    let place = words.iter().position(|word| word == name);
    place.and_then(|place| words.get(place + 1)?.parse().ok()).unwrap_or(default)
}

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let words: Vec<String> = std::env::args().collect();
    if words.get(1).is_some_and(|word| word == "--floor") {
        return run_floor(words[2].parse().unwrap(), Path::new(&words[3]), &words[4], words[5].clone()).await;
    }
    let (users, seconds) = (i64::try_from(option("--users", 32)).unwrap(), option("--seconds", 4).min(60));
    let api = Arc::new(Api::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/{bot}/{method}", post(call)).with_state(api.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let updates = Arc::new(AtomicU64::new(1));
    if let Some(place) = words.iter().position(|word| word == "--course") {
        let course = words.get(place + 1).and_then(|name| course::Course::named(name));
        let course = course.expect("say --course soak, --course history or --course conversations");
        return course.run(&api, address, users, option("--updates", 200_000).min(2_000_000)).await;
    }

    for synchronous in ["NORMAL", "FULL"] {
        for floor in [true, false] {
            let data = tempfile::tempdir().unwrap();
            let mut starts = Vec::new();
            let mut idle = 0.0;
            for _ in 0..7 {
                let port = free_port();
                let command = if floor { floor_command } else { backline };
                let name = if floor { "floor" } else { "backline" };
                let folder = tempfile::tempdir().unwrap();
                let (system, took) =
                    System::start(name, command(port, folder.path(), synchronous, address), port);
                starts.push(took);
                std::thread::sleep(Duration::from_millis(150));
                idle = system.rss_mib();
            }
            starts.sort();
            let port = free_port();
            let command = if floor { floor_command } else { backline };
            let name = format!("{} ({synchronous})", if floor { "floor" } else { "backline" });
            println!(
                "{name:<28} start → first answer {:.1} ms (median of 7), idle {idle:.1} MiB",
                starts[3].as_secs_f64() * 1e3
            );
            let (system, _) = System::start(&name, command(port, data.path(), synchronous, address), port);
            load(&system, &api, 1, seconds.min(2), &updates).await;
            load(&system, &api, users, seconds, &updates).await;
        }
    }
}
