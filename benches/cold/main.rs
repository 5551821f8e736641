//! Cold start: from the start of a process to its first answer, and under the local host to its first committed update.
//!
//! `cargo bench --bench cold -- --package FILE` starts the program out of that package (without it, the one that was
//! just built) thirty times, beside a bare axum handler and one in Node. `-- --times 5` narrows. Only loopback, ends by
//! itself.
#![expect(clippy::unwrap_used, reason = "a measurement, not a library")]

mod bare;
#[path = "../../examples/cosmos_emulator/bridge.rs"]
#[expect(dead_code, reason = "a measurement lets nothing go wrong")]
mod bridge;
mod contestant;

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use backline::{
    dev::{
        host::{self, HandlerState},
        telegram::{FakeBot, Options as TelegramOptions, start},
    },
    model::Clock,
    store::{CosmosSettings, cosmos},
};
use bridge::Bridge;
use serde_json::json;

use self::contestant::{Contestant, Settings};

const TOKEN: &str = "1:bench";
const SECRET: &str = "bench";
const PERSON: i64 = 101;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words.get(1).is_some_and(|word| word == bare::WORD) {
        return bare::run().await;
    }
    let after = |name: &str| words.iter().skip_while(|word| *word != name).nth(1).cloned();
    let times: usize = after("--times").map_or(30, |times| times.parse().unwrap());
    let _ = rustls::crypto::ring::default_provider().install_default();

    let bot = FakeBot {
        slug: "bench".into(),
        token: TOKEN.into(),
        username: "bench_bot".into(),
        secret: SECRET.into(),
        webhook: None,
    };
    let telegram = start(TelegramOptions { bots: vec![bot], ..TelegramOptions::default() }).await.unwrap();
    telegram.say(PERSON, "bench", "/start").unwrap();
    let database = Bridge::start(&bridge::Options {
        port: 0,
        clock: Clock::real(),
        consistency: bridge::ConsistencyLevel::Strong,
    })
    .unwrap();
    let connection = database.connection_string();
    cosmos::provision(&CosmosSettings::of_connection_string(&connection, "backline").unwrap()).await.unwrap();

    let mut bots = Settings::new();
    for (name, value) in [("token", TOKEN), ("secret", SECRET), ("api", &telegram.url())] {
        bots.insert(format!("BOTS__bench__{name}"), value.to_owned());
    }
    let folder = tempfile::tempdir().unwrap();
    let contestants = [
        Contestant::bare(folder.path()),
        Contestant::node(folder.path()),
        Contestant::backline("Backline, SQLite", folder.path(), after("--package"), &bots, None),
        Contestant::backline(
            "Backline, Cosmos DB",
            folder.path(),
            after("--package"),
            &bots,
            Some(&connection),
        ),
    ];

    println!(
        "{times} starts each, median and worst in ms; `first answer` is of the process alone, asked every 0.2 ms;"
    );
    println!(
        "`ready` and `first update` are under the local host, which asks every 25 ms, from the start of the host"
    );
    println!("{:<24}{:>19}{:>19}{:>19}", "", "first answer", "ready", "first update");
    // In turn, so that what else the machine does meets them all.
    let mut took = vec![[const { Vec::new() }; 3]; contestants.len()];
    for n in 0..times {
        for (contestant, took) in contestants.iter().zip(&mut took) {
            let data = tempfile::tempdir().unwrap();
            took[0].push(alone(contestant, data.path()));
            let (ready, update) = under_the_host(contestant, data.path(), n).await;
            took[1].push(ready);
            took[2].push(update);
        }
    }
    let medians: Vec<Duration> = contestants
        .iter()
        .zip(&mut took)
        .map(|(contestant, took)| {
            let told: String =
                took.iter_mut().map(|took| format!("{:>19}", median_and_worst(took))).collect();
            println!("{:<24}{told}", contestant.name);
            took[0][took[0].len() / 2]
        })
        .collect();
    let ratio = medians[2].as_secs_f64() / medians[0].as_secs_f64();
    println!("Backline's first answer: {ratio:.2} times the bare one's (goal: 1.5), at most 20 ms wanted");
}

fn median_and_worst(took: &mut [Duration]) -> String {
    took.sort_unstable();
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    format!("{:.1} / {:.1}", ms(took[took.len() / 2]), ms(took[took.len() - 1]))
}

/// From the start of the process to its first answer, started as the host does: no word, a port in the environment.
fn alone(contestant: &Contestant, data: &Path) -> Duration {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(&contestant.program);
    command
        .args(&contestant.arguments)
        .current_dir(&contestant.root)
        .envs(contestant.settings(data))
        .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
        .stdout(std::process::Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn().unwrap();
    while !answers(port) {
        assert!(begun.elapsed() < Duration::from_secs(10), "{} does not start", contestant.name);
        std::thread::sleep(Duration::from_micros(200));
    }
    let took = begun.elapsed();
    child.kill().unwrap();
    child.wait().unwrap();
    took
}

fn answers(port: u16) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else { return false };
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 12]).is_ok()
}

/// From the start of the host: until it finds the handler ready, and until the update that came at once is answered.
async fn under_the_host(contestant: &Contestant, data: &Path, n: usize) -> (Duration, Duration) {
    let mut environment = backline::config::environment(&contestant.root).unwrap();
    environment.extend(contestant.settings(data));
    let http = reqwest::Client::new();
    let begun = Instant::now();
    let host = host::start(host::Options {
        port: 0,
        data: data.join("host"),
        environment,
        ..host::Options::new(&contestant.root)
    })
    .await
    .unwrap();
    let update = json!({ "update_id": 1_000_000 + n, "message": {
        "message_id": n, "date": 1_780_000_000, "text": "/start",
        "from": { "id": PERSON, "is_bot": false, "first_name": "Ada" },
        "chat": { "id": PERSON, "type": "private", "first_name": "Ada" },
    }});
    let request = http
        .post(format!("http://{}/telegram/bench", host.address()))
        .header("x-telegram-bot-api-secret-token", SECRET)
        .json(&update);
    let answered = async {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", contestant.name);
        begun.elapsed()
    };
    let ready = async {
        let state = host.ready().await;
        assert!(matches!(state, HandlerState::Ready { .. }), "{}: {state:?}", contestant.name);
        begun.elapsed()
    };
    let (ready, update) = tokio::join!(ready, answered);
    host.stop().await;
    (ready, update)
}
