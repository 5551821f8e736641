//! How many commits the embedded store does in a second, and what each costs: `cargo bench --bench store`.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use backline::{
    model::Clock,
    store::{
        Batch, Container, Document, DocumentId, Draft, ETag, Query, Sqlite, SqliteSettings, Store,
        Synchronous, Write,
    },
};
use serde_json::json;
use tempfile::TempDir;

const FOR: Duration = Duration::from_secs(3);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    println!("a commit: one document of 0.5 KB created, one of 1 KB replaced");
    for synchronous in [Synchronous::Normal, Synchronous::Full] {
        for callers in [1, 32] {
            let directory = TempDir::new_in(".").expect("a directory on a real disk");
            let path = directory.path().join("store.db");
            let settings = SqliteSettings { synchronous, ..SqliteSettings::default() };
            let store = Arc::new(Sqlite::open(&path, settings, Clock::real()).expect("a new store"));
            let (began, cpu) = (Instant::now(), cpu_time());
            let waits = runtime.block_on(run(&store, callers));
            let (took, cpu) = (began.elapsed(), cpu_time().saturating_sub(cpu));
            report(&format!("{synchronous:?}, {callers} callers"), waits, took, cpu);
            let log = fs::metadata(path.with_extension("db-wal")).map_or(0, |file| file.len());
            println!("    log {} MB", log >> 20);
            if callers == 1 {
                runtime.block_on(reads(&store));
            }
        }
    }
}

/// Every caller commits to a partition of its own until the time is up; how long each commit took.
async fn run(store: &Arc<Sqlite>, callers: usize) -> Vec<Duration> {
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let (mut waits, mut head) = (Vec::new(), None);
                let began = Instant::now();
                while began.elapsed() < FOR {
                    let asked = Instant::now();
                    head = Some(commit(&store, caller, waits.len(), head.as_ref()).await);
                    waits.push(asked.elapsed());
                }
                waits
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.expect("no commit fails"));
    }
    waits
}

async fn commit(store: &Sqlite, caller: usize, n: usize, head: Option<&ETag>) -> ETag {
    let now = store.now();
    let item = Draft::of(&json!({ "n": n, "text": "x".repeat(480) })).ttl(Duration::from_secs(3600));
    let conversation = Draft::of(&json!({ "n": n, "text": "x".repeat(1000) })).due(Some(now));
    let writes = vec![
        Write::Create(id(&format!("inbox:tg:operations:{n:020}")), item),
        Write::put(id("head"), head, conversation),
    ];
    let partition = format!("operations:{caller}:0:{caller}");
    let batch = Batch { container: Container::Conversations, partition, writes };
    let mut etags = store.commit(vec![batch]).await.expect("nobody else writes there");
    etags.pop().and_then(|mut batch| batch.pop()).expect("two writes have two ETags")
}

async fn reads(store: &Sqlite) {
    let partition = "operations:0:0:0";
    let head = id("head");
    let began = Instant::now();
    for _ in 0..20_000 {
        let read: Option<Document> =
            store.read(Container::Conversations, partition, &head).await.expect("it is there");
        assert!(read.is_some());
    }
    let read = began.elapsed() / 20_000;
    let began = Instant::now();
    for _ in 0..20_000 {
        let query = Query { prefix: "inbox:".into(), due_only: true, ..Query::default() };
        store.query(Container::Conversations, partition, query).await.expect("none are pending");
    }
    println!("    a read {read:.1?}, a query for what is pending {:.1?}", began.elapsed() / 20_000);
}

fn report(name: &str, mut waits: Vec<Duration>, took: Duration, cpu: Duration) {
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() - 1) * share / 1000];
    let count = u32::try_from(waits.len()).unwrap_or(u32::MAX);
    println!(
        "{name}: {:.0} commits/s, {:.1?} CPU each, half within {:.0?}, 99 % {:.0?}, 99.9 % {:.0?}",
        f64::from(count) / took.as_secs_f64(),
        cpu / count,
        at(500),
        at(990),
        at(999),
    );
}

fn id(text: &str) -> DocumentId {
    text.parse().expect("a document id")
}

/// What this process has used so far, by Linux's count of hundredths of a second; elsewhere nothing.
fn cpu_time() -> Duration {
    let stat = fs::read_to_string(Path::new("/proc/self/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    // The 14th and 15th field of all, of which the first two are before this (man 5 proc_pid_stat).
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
