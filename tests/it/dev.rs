//! The program as its user runs it: `backline dev` as a process of its own, driven through its chat page's API.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use backline::config::HOST_PROCESS;
use serde_json::{Value, json};

/// Nothing here takes longer; whatever does is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `backline dev`. Dropped, it is killed.
pub(crate) struct Dev {
    child: Child,
    pub(crate) http: reqwest::Client,
    pub(crate) functions: String,
    pub(crate) telegram: String,
    lines: Arc<Mutex<Vec<String>>>,
}

/// A port that nobody listens on. The system gives none of these to whoever asks for any port (it has its own, from 32768
/// on), so that this one is still free when it is used.
pub(crate) fn free_port() -> u16 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    loop {
        // Tests that run beside one another in two processes begin apart.
        let nth = std::process::id().wrapping_mul(97).wrapping_add(ASKED.fetch_add(1, Relaxed)) % 10_000;
        let port = 20_000 + u16::try_from(nth).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// How to start it.
pub(crate) struct Start<'a> {
    pub(crate) program: PathBuf,
    pub(crate) root: &'a Path,
    pub(crate) data: &'a Path,
    pub(crate) settings: &'a [(&'a str, &'a str)],
    /// What `dev` is told besides.
    pub(crate) arguments: &'a [&'a str],
}

impl<'a> Start<'a> {
    /// This repository's own app.
    pub(crate) fn own(data: &'a Path) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self { program: env!("CARGO_BIN_EXE_backline").into(), root, data, settings: &[], arguments: &[] }
    }

    pub(crate) async fn start(&self) -> Dev {
        let (port, telegram_port) = (free_port(), free_port());
        let mut child = Command::new(&self.program)
            .args(["dev", "--port", &port.to_string(), "--telegram-port", &telegram_port.to_string()])
            .arg("--data")
            .arg(self.data)
            .arg("--root")
            .arg(self.root)
            .args(self.arguments)
            .envs(self.settings.iter().copied())
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (heard, out) = (lines.clone(), child.stdout.take().unwrap());
        std::thread::spawn(move || {
            BufReader::new(out)
                .lines()
                .map_while(Result::ok)
                .for_each(|line| heard.lock().unwrap().push(line));
        });
        // An error means that another test has chosen a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        let functions = format!("http://127.0.0.1:{port}");
        let telegram = format!("http://127.0.0.1:{telegram_port}");
        let dev = Dev { child, http, functions, telegram, lines };
        dev.until("the line that says it is ready", || dev.line("Backline is ready")).await;
        dev
    }
}

impl Dev {
    /// A line of the log that contains `words`, the newest first.
    pub(crate) fn line(&self, words: &str) -> Option<String> {
        self.lines.lock().unwrap().iter().rev().find(|line| line.contains(words)).cloned()
    }

    /// Every line so far.
    pub(crate) fn everything(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub(crate) async fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "no {what}; the log:\n{}",
                self.lines.lock().unwrap().join("\n")
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The process id of the handler, as the host tells it.
    pub(crate) fn handler(&self) -> Option<u32> {
        let line = self.line("the handler (process ")?;
        line.split("(process ").nth(1)?.split(')').next()?.parse().ok()
    }

    /// The process id of the host.
    pub(crate) fn host(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9` of the host: nothing of it is asked first. Returns what its handlers have in their environment.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        format!("{HOST_PROCESS}={}", self.child.id())
    }

    /// Ends it as a person does, with Ctrl-C, and returns how it ended.
    pub(crate) async fn interrupt(&mut self) -> std::process::ExitStatus {
        signal("INT", self.child.id());
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn act(&self, verb: &str, what: Value) -> Value {
        let answer =
            self.http.post(format!("{}/chat/{verb}", self.telegram)).json(&what).send().await.unwrap();
        assert!(answer.status().is_success(), "{verb} {what}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    pub(crate) async fn say(&self, person: i64, text: &str) {
        self.act("say", json!({ "person": person, "bot": BOT, "text": text })).await;
    }

    /// Everything that was written in a chat, by both.
    pub(crate) async fn messages(&self, person: i64) -> Vec<Value> {
        let url = format!("{}/chat/room?key={BOT}:{person}", self.telegram);
        let room: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        room["messages"].as_array().unwrap().clone()
    }

    /// Waits for a message of the bot whose text contains `words` and which is the last of the chat.
    pub(crate) async fn hears(&self, person: i64, words: &str) -> Value {
        let start = Instant::now();
        loop {
            let messages = self.messages(person).await;
            if let Some(last) =
                messages.last().filter(|last| last["from"]["is_bot"] == true && text(last).contains(words))
            {
                return last.clone();
            }
            let said: Vec<&str> = messages.iter().map(text).collect();
            assert!(
                start.elapsed() < PATIENCE,
                "no «{words}» but {said:#?}\n{}",
                self.lines.lock().unwrap().join("\n")
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Presses the button of this label under a message.
    pub(crate) async fn press(&self, person: i64, message: &Value, label: &str) {
        let rows = message["reply_markup"]["inline_keyboard"].as_array().unwrap();
        let mut buttons = rows.iter().flat_map(|row| row.as_array().unwrap());
        let button = buttons
            .find(|button| button["text"] == label)
            .unwrap_or_else(|| panic!("no [{label}] in {message}"));
        let press = json!({
            "person": person, "bot": BOT, "message_id": message["message_id"], "data": button["callback_data"],
        });
        self.act("press", press).await;
    }

    /// What stands behind a person's chat with the bot.
    pub(crate) async fn behind(&self, person: i64) -> Value {
        let url = format!("{}/behind/conversation/{BOT}:{person}:0:{person}", self.telegram);
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// The same, once it is as it should be: what is heard is written down a moment later.
    pub(crate) async fn behind_once(&self, person: i64, is_so: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let behind = self.behind(person).await;
            if is_so(&behind) {
                return behind;
            }
            assert!(start.elapsed() < PATIENCE, "it stays like this: {behind:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bot that is there when none is configured.
pub(crate) const BOT: &str = "operations";
/// A person of the fake Telegram.
pub(crate) const ADA: i64 = 101;
pub(crate) const BO: i64 = 102;

pub(crate) fn text(message: &Value) -> &str {
    message["text"].as_str().unwrap_or_default()
}

/// Sends a signal to a process that this test has started.
pub(crate) fn signal(name: &str, process: u32) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
    assert!(sent.success(), "process {process} is not there");
}
