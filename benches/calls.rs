//! What a call of the Bot API costs the caller: `cargo bench --bench calls`. Our client, the one that `reqwest` would be,
//! and as the floor hyper's alone, in turn; the server is a process of its own. Only loopback, ends by itself.
#![expect(clippy::unwrap_used, reason = "a measurement, not a library")]

use std::{
    fs,
    io::{self, BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use axum::{Router, http::Request, routing::post};
use backline::telegram::client::{Client, PATIENCE, Token};
use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy, rt::TokioExecutor};
use serde_json::{Value, json};

const TOKEN: &str = "1:bench";
const CALLERS: usize = 32;
const ROUNDS: usize = 5;
/// Calls of each caller in a round.
const CALLS: usize = 2_000;
/// As long as what Telegram answers to a question with a few buttons.
const ANSWER: &str = r#"{"ok":true,"result":{"message_id":17,"from":{"id":1,"is_bot":true,"first_name":"Bench"},"chat":{"id":101,"first_name":"Somebody","type":"private"},"date":1798700000,"text":"Good to see you! What would you like?","reply_markup":{"inline_keyboard":[[{"text":"Coffee","callback_data":"c"},{"text":"Tea","callback_data":"t"}]]}}}"#;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    if std::env::args().nth(1).is_some_and(|word| word == "--serve") {
        return serve().await;
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut server = Command::new(std::env::current_exe().unwrap());
    let mut server = server.arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let url = url.trim();

    let token: Token = TOKEN.parse().unwrap();
    let call = json!({ "chat_id": 101, "text": "Good to see you! What would you like?" });
    let address = format!("{url}/bot{TOKEN}/sendMessage");
    let ours = Client::new(Some(url), PATIENCE).unwrap();
    let reqwest = reqwest::Client::builder().no_proxy().build().unwrap();
    let hyper = legacy::Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    for round in 1..=ROUNDS {
        println!("round {round}");
        run("ours", async || {
            ours.call::<Value>(&token, "sendMessage", &call).await.unwrap();
        })
        .await;
        run("reqwest", async || {
            let answer = reqwest.post(&address).timeout(PATIENCE).json(&call).send().await.unwrap();
            answer.json::<Value>().await.unwrap();
        })
        .await;
        run("hyper alone", async || {
            let request = Request::post(&address).header("content-type", "application/json");
            let body = Bytes::from(serde_json::to_vec(&call).unwrap());
            let answer = hyper.request(request.body(Full::new(body)).unwrap()).await.unwrap();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            serde_json::from_slice::<Value>(&body).unwrap();
        })
        .await;
    }
    // The server hears that we are gone, however that came.
    drop(server.stdin.take());
    server.wait().unwrap();
}

async fn serve() {
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0)
    });
    let answer = async |_: Bytes| ([("content-type", "application/json")], ANSWER);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    axum::serve(listener, Router::new().route("/{bot}/{method}", post(answer))).await.unwrap();
}

/// Has all callers call one after another, and tells what that took of this process.
async fn run(name: &str, call: impl AsyncFn()) {
    let (began, before) = (Instant::now(), cpu_time());
    join_all((0..CALLERS).map(async |_| {
        for _ in 0..CALLS {
            call().await;
        }
    }))
    .await;
    let calls = u32::try_from(CALLERS * CALLS).unwrap();
    let each = cpu_time().saturating_sub(before) / calls;
    println!(
        "    {name:12} {each:.1?} CPU a call, {:.0}/s",
        f64::from(calls) / began.elapsed().as_secs_f64()
    );
}

/// What this process has used so far, by Linux's count of hundredths of a second; elsewhere nothing.
fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}
