//! What only the embedded store promises: its file, its locks, and what survives a kill.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use backline::{
    model::Clock,
    store::{Error, Sqlite, SqliteSettings, Store, Synchronous},
};
use tempfile::TempDir;

use super::{Site, assert_conflict, assert_refused, batch, create, get, number, put};

fn open(path: &Path) -> Result<Sqlite, Error> {
    Sqlite::open(path, SqliteSettings::default(), Clock::real())
}

fn is_empty(directory: &Path, but_for: usize) -> bool {
    fs::read_dir(directory).unwrap().count() == but_for
}

#[tokio::test]
async fn a_conflict_undoes_the_batches_before_it() {
    let site = Site::sqlite(SqliteSettings::default());
    let store = site.open();
    put(&*store, "q", [create("there", 1)]).await.unwrap();
    let refused = store.commit(vec![batch("p", [create("a", 1)]), batch("q", [create("there", 2)])]).await;
    assert_conflict(refused, "there");
    assert_eq!(get(&*store, "p", "a").await, None);
}

#[tokio::test]
async fn in_parts_a_conflict_leaves_the_batches_before_it() {
    let settings = SqliteSettings { one_transaction: false, ..SqliteSettings::default() };
    let site = Site::sqlite(settings);
    let store = site.open();
    put(&*store, "q", [create("there", 1)]).await.unwrap();
    let refused = store.commit(vec![batch("p", [create("a", 1)]), batch("q", [create("there", 2)])]).await;
    assert_conflict(refused, "there");
    assert_eq!(number(&*store, "p", "a").await, Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_that_share_a_transaction_fail_alone() {
    let site = Site::sqlite(SqliteSettings::default());
    let store = site.open();
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let store = store.clone();
            // Every second one is after a document that only one can have.
            let contested = if n % 2 == 0 { "prize".to_owned() } else { format!("own{n}") };
            tokio::spawn(async move {
                put(&*store, "p", [create(&format!("try{n}"), n), create(&contested, n)]).await.is_ok()
            })
        })
        .collect();
    let mut won = 0;
    for (n, task) in tasks.into_iter().enumerate() {
        let done = task.await.unwrap();
        won += usize::from(done);
        assert_eq!(get(&*store, "p", &format!("try{n}")).await.is_some(), done, "{n}");
    }
    assert_eq!(won, 101);
}

#[tokio::test]
async fn many_may_open_a_new_file_at_once() {
    let directory = TempDir::new().unwrap();
    for round in 0..4 {
        let path = directory.path().join(format!("not/there/{round}/store.db"));
        let stores: Vec<Sqlite> = thread::scope(|scope| {
            let openings: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&path))).collect();
            openings.into_iter().map(|opening| opening.join().unwrap().unwrap()).collect()
        });
        for (n, store) in (0..).zip(&stores) {
            put(store, "p", [create(&format!("a{n}"), n)]).await.unwrap();
            assert_eq!(number(&stores[0], "p", &format!("a{n}")).await, Some(n));
            assert!(!stores[0].is_dead(store.instance()).await);
        }
    }
}

#[tokio::test]
async fn reopening_keeps_everything_and_no_etag_returns() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    let first = open(&path).unwrap();
    let etag = put(&first, "p", [create("a", 1)]).await.unwrap();
    let last = put(&first, "p", [create("b", 1)]).await.unwrap();
    put(&first, "p", [backline::store::Write::Delete(super::id("b"), last.clone())]).await.unwrap();
    drop(first);
    let second = open(&path).unwrap();
    assert_eq!(get(&second, "p", "a").await.unwrap().etag, etag);
    assert_ne!(put(&second, "p", [create("b", 1)]).await.unwrap(), last);
}

#[tokio::test]
async fn the_living_are_not_dead_and_the_dropped_are() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    let (ada, bo) = (open(&path).unwrap(), open(&path).unwrap());
    let name = bo.instance().to_owned();
    assert_ne!(ada.instance(), name);
    assert!(!ada.is_dead(&name).await);
    assert!(!ada.is_dead(ada.instance()).await);
    drop(bo);
    assert!(ada.is_dead(&name).await);
    assert!(ada.is_dead(&name).await);
    for stranger in ["", "opening", "../store.db", "cosmos-1"] {
        assert!(!ada.is_dead(stranger).await, "{stranger}");
    }
    assert!(path.exists());
}

#[test]
fn what_the_dead_left_is_cleared_away() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    let alive = directory.path().join("store.db.alive");
    fs::create_dir(&alive).unwrap();
    fs::write(alive.join("0123456789abcdef0123456789abcdef"), "").unwrap();
    let store = open(&path).unwrap();
    assert!(is_empty(&alive, 2), "the door and the living one");
    drop(store);
    assert!(is_empty(&alive, 1));
}

#[test]
fn a_file_that_is_no_database_is_refused_by_name() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("letter.txt");
    fs::write(&path, "Dear Ada, ".repeat(500)).unwrap();
    let error = open(&path).err().unwrap();
    assert!(matches!(error, Error::Refused(_)));
    assert!(error.to_string().contains("letter.txt") && error.to_string().contains("no database"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "Dear Ada, ".repeat(500));
}

#[test]
fn the_database_of_a_stranger_or_of_the_future_is_refused() {
    let directory = TempDir::new().unwrap();
    let stranger = directory.path().join("stranger.db");
    rusqlite::Connection::open(&stranger).unwrap().execute_batch("CREATE TABLE inputs (x)").unwrap();
    let error = open(&stranger).err().unwrap();
    assert!(error.to_string().contains("another program"), "{error}");
    assert_refused(Err::<(), _>(error));

    let future = directory.path().join("future.db");
    drop(open(&future).unwrap());
    rusqlite::Connection::open(&future).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = open(&future).err().unwrap();
    assert!(error.to_string().contains("newer version (schema 99"), "{error}");
    assert_refused(Err::<(), _>(error));
}

const CHILD: &str = "BACKLINE_TEST_STORE";

/// Started as a process of its own by the tests below; by itself it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let settings = SqliteSettings { synchronous: Synchronous::Normal, ..SqliteSettings::default() };
    let store = std::sync::Arc::new(Sqlite::open(Path::new(&path), settings, Clock::real()).unwrap());
    println!("\nis {}", store.instance());
    let writers = (0..4).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0.. {
                let both = ["a", "b"].map(|half| create(&format!("{writer}:{n}:{half}"), n));
                put(&*store, "p", both).await.unwrap();
                println!("wrote {writer}:{n}");
            }
        })
    });
    futures_util::future::join_all(writers).await;
}

/// Another process that writes to the database. Killed when dropped.
struct Writing(Child);

impl Writing {
    fn start(path: &Path) -> (Self, impl Iterator<Item = String>) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "store_contract::sqlite_only::a_child_that_writes_until_it_is_killed",
            ])
            .env(CHILD, OsString::from(path))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        (Self(child), lines)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_answered() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    for life in 0..3 {
        let path = path.with_extension(life.to_string());
        let (mut child, mut lines) = Writing::start(&path);
        let instance = lines.find_map(|line| line.strip_prefix("is ").map(str::to_owned)).unwrap();
        let store = open(&path).unwrap();
        assert!(!store.is_dead(&instance).await);

        let mut answered: Vec<String> = lines.by_ref().take(300).collect();
        child.0.kill().unwrap();
        child.0.wait().unwrap();
        answered.extend(lines);

        assert!(store.is_dead(&instance).await);
        let whole = answered.iter().filter_map(|line| line.strip_prefix("wrote "));
        let mut found = 0;
        for name in whole.filter(|name| name.contains(':') && !name.ends_with(':')) {
            for half in ["a", "b"] {
                assert!(get(&store, "p", &format!("{name}:{half}")).await.is_some(), "{name}:{half}");
            }
            found += 1;
        }
        assert!(found >= 300);
        let all = store.query(super::PLACE, "p", backline::store::Query::default()).await.unwrap();
        assert_eq!(all.len() % 2, 0, "half a batch");
    }
}
