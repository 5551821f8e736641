//! Many people talk to the real program while its processes are killed: at sends, at writes and at random; in the end
//! everything is as if nobody had been killed. `docs/RELIABILITY.md` has the counts of the long forms.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod book;
mod fleet;
mod gate;
mod people;
mod reaper;
mod verdict;

use std::{
    convert::Infallible,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use backline::{
    dev::telegram::{FakeBot, FakeTelegram, Options, start},
    model::Clock,
    queue::{self, Mailbox},
    runtime::HINTS,
    store::{self, CosmosSettings, Store, Synchronous},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{cloud, cosmos_bridge::Bridge};
use fleet::{Fleet, Program};
use gate::Gate;
use people::{Somebody, UPDATES};
use reaper::{Reaper, Writes};
use verdict::Verdict;

/// What is killed, how often, and what goes on meanwhile. In Cosmos DB, the claim of the dead lasts for 30 seconds: so
/// there people think, and not everybody is at it at every kill.
#[derive(Clone, Copy)]
struct Form {
    program: Program,
    /// So many of them at once, on one store.
    processes: usize,
    on: On,
    people: usize,
    /// Of each person.
    reports: usize,
    kills: usize,
    thinks: Duration,
    seed: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum On {
    Sqlite,
    /// In Microsoft's emulator.
    Cosmos,
}

const SHORT: Form = Form {
    program: Program::Handler,
    processes: 1,
    on: On::Sqlite,
    people: 8,
    reports: 6,
    kills: 30,
    thinks: Duration::ZERO,
    seed: 1,
};

impl Form {
    /// Has everything happen, and looks at what came of it.
    async fn run(self) -> Verdict {
        let begun = Instant::now();
        let data = tempfile::tempdir().unwrap();
        let (store, account, settings) = self.place(data.path()).await;
        let gate = Gate::start().await;
        let telegram = telegram(&gate).await;
        let fleet = Fleet::start(&gate, self.program, self.processes, data.path(), settings).await;
        let writes = match &account {
            Some(account) => Writes::AtAccount(account),
            None => Writes::InFile(data.path().join("store.db-shm")),
        };
        let updates = self.people * self.reports * UPDATES;
        let reaper = Reaper::new(&gate, &fleet, writes, self.kills, updates, self.seed);
        let names = (0..self.people).map(|n| telegram.add_person(&format!("Person {n}"), None).unwrap());
        let people: Vec<Somebody<'_>> =
            names.map(|id| Somebody { gate: &gate, telegram: &telegram, id, thinks: self.thinks }).collect();
        let reports = async {
            let reports = async {
                join_all(people.iter().map(|person| person.reports(self.reports))).await;
                gate.is_over();
            };
            tokio::join!(reports, reaper.run());
            Verdict::reach(
                store.as_ref(),
                || gate.book().clone(),
                &people.iter().map(|person| (person.id, self.reports)).collect::<Vec<_>>(),
            )
            .await
        };
        let verdict = tokio::select! {
            verdict = reports => verdict,
            never = hurry(&telegram) => match never {},
            // A host does this itself.
            never = play_host(&gate, data.path()), if self.program == Program::Handler => match never {},
        };
        let verdict = Verdict { took: begun.elapsed(), ..verdict };
        println!("{verdict}");
        verdict
    }

    /// All of it happened, and nobody was harmed.
    async fn proves(self) {
        let verdict = self.run().await;
        verdict.expect_no_harm();
        assert!(verdict.kills >= self.kills, "{verdict}");
    }

    /// As large as the environment asks for.
    #[expect(clippy::disallowed_methods, reason = "how long a test may take is no setting of the program")]
    fn as_asked(self) -> Self {
        let number = |name| std::env::var(name).ok().map(|number| number.parse::<usize>().unwrap());
        let reports = number("BACKLINE_UPDATES").map(|updates| updates.div_ceil(UPDATES * self.people));
        Self {
            kills: number("BACKLINE_KILLS").unwrap_or(self.kills),
            reports: reports.unwrap_or(self.reports),
            ..self
        }
    }

    async fn place(&self, data: &Path) -> (Arc<dyn Store>, Option<Bridge>, Vec<(&'static str, String)>) {
        let file = data.join("store.db");
        match self.on {
            On::Sqlite => {
                let stored = format!("sqlite:{}", file.display());
                let settings = store::Settings::Sqlite { file, synchronous: Synchronous::Full };
                (store::open(&settings, Clock::real()).unwrap(), None, with_time(vec![("STORE", stored)]))
            }
            On::Cosmos => {
                let account = cloud::account().await;
                let connection = account.connection_string();
                let settings = CosmosSettings::of_connection_string(&connection, "backline").unwrap();
                let store = store::open(&store::Settings::Cosmos(settings), Clock::real()).unwrap();
                let named = vec![("STORE", "cosmos".to_owned()), ("CosmosConnection", connection)];
                (store, Some(account), with_time(named))
            }
        }
    }
}

/// An update is answered when all that it causes is done: so it is known from outside when that was.
fn with_time(mut settings: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    settings.push(("INLINE_BUDGET_MS", "60000".to_owned()));
    settings
}

async fn telegram(gate: &Gate) -> FakeTelegram {
    let bot = FakeBot {
        slug: "operations".into(),
        token: "1:dev".into(),
        username: "operations_bot".into(),
        secret: "secret".into(),
        webhook: Some(gate.webhook()),
    };
    let telegram = start(Options { bots: vec![bot], ..Options::default() }).await.unwrap();
    gate.lead_to(telegram.url());
    telegram
}

/// What Telegram brings again after seconds, it brings again at once.
async fn hurry(telegram: &FakeTelegram) -> Infallible {
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        telegram.hurry();
    }
}

/// The timer and the queue listener of a host whose handlers come and go; a minute of the timer is a second.
async fn play_host(gate: &Gate, data: &Path) -> Infallible {
    let file = queue::Settings::Sqlite(data.join("queues.db"));
    let hints = queue::open(&file, Clock::real()).unwrap();
    tokio::join!(sweep_for_ever(gate), follow_for_ever(gate, hints.as_ref())).0
}

async fn sweep_for_ever(gate: &Gate) -> Infallible {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Some((process, url)) = gate.anybody() {
            gate.ask(process, format!("{url}/sweep"), "{}".to_owned()).await;
        }
    }
}

async fn follow_for_ever(gate: &Gate, hints: &dyn Mailbox) -> Infallible {
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let received = hints.receive(HINTS, 16, Duration::from_secs(30)).await.unwrap();
        join_all(received.iter().map(|message| async {
            let Some((process, url)) = gate.anybody() else { return };
            let hint = Value::String(String::from_utf8_lossy(&message.body).into_owned()).to_string();
            let body = json!({ "Data": { "hint": hint }, "Metadata": {} }).to_string();
            let url = format!("{url}/advance_conversations");
            let (id, receipt) = (&message.id, &message.pop_receipt);
            if gate.ask(process, url, body).await == Some(200) {
                hints.delete(HINTS, id, receipt).await.unwrap();
            } else {
                hints.extend(HINTS, id, receipt, Duration::ZERO).await.unwrap();
            }
        }))
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_is_killed_thirty_times_and_nobody_is_harmed() {
    SHORT.proves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_handlers_at_once_are_killed_thirty_times_and_nobody_is_harmed() {
    Form { processes: 3, seed: 2, ..SHORT }.proves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handlers_on_cosmos_are_killed_and_nobody_is_harmed() {
    let thinks = Duration::from_millis(500);
    Form { processes: 2, on: On::Cosmos, people: 16, reports: 1, kills: 10, thinks, seed: 3, ..SHORT }
        .proves()
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_is_killed_and_nobody_is_harmed() {
    Form { program: Program::Host, reports: 2, kills: 8, seed: 4, ..SHORT }.proves().await;
}

/// The long forms: `BACKLINE_KILLS` (1,000) kills over `BACKLINE_UPDATES` (20,000) updates.
const LONG: Form = Form { people: 32, kills: 1000, reports: 20_000 / UPDATES / 32 + 1, ..SHORT };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes many minutes"]
async fn long_form_of_one_handler() {
    LONG.as_asked().proves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes many minutes"]
async fn long_form_of_three_handlers() {
    Form { processes: 3, seed: 2, ..LONG.as_asked() }.proves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes many minutes"]
async fn long_form_of_two_handlers_on_cosmos() {
    let thinks = Duration::from_secs(2);
    Form { processes: 2, on: On::Cosmos, thinks, seed: 3, ..LONG.as_asked() }.proves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes many minutes"]
async fn long_form_of_a_host() {
    Form { program: Program::Host, seed: 4, ..LONG.as_asked() }.proves().await;
}
