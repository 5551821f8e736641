//! Azurite, Microsoft's emulator of Azure Storage: installed once, started once for all tests, each on an account of its own.
//! <https://learn.microsoft.com/azure/storage/common/storage-use-azurite>

mod conversations;
mod secrets;

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use backline::{
    azure::{Service, StorageAccount},
    model::Clock,
    queue::storage_queue::StorageQueue,
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// The version that is installed.
const VERSION: &str = "3.37.0";
/// So many tests can have an account.
const ACCOUNTS: usize = 100;

/// One service of the emulator. It ends when the test process does: then its standard input does.
struct Azurite {
    endpoint: String,
    given: AtomicUsize,
    _child: Child,
}

/// A storage account that no other test has.
pub(crate) struct Account {
    name: String,
    endpoint: String,
}

impl Account {
    /// What `AzureWebJobsStorage` says of it.
    pub(crate) fn connection_string(&self) -> String {
        self.with_key(&key())
    }

    fn with_key(&self, key: &str) -> String {
        format!("AccountName={};AccountKey={key};QueueEndpoint={}", self.name, self.endpoint)
    }

    /// The queues in it, for one process.
    pub(crate) fn open(&self) -> StorageQueue {
        open(&self.connection_string())
    }
}

/// The queues that a connection string names.
fn open(connection_string: &str) -> StorageQueue {
    // An error means that another test has chosen a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = StorageAccount::of_connection_string(Service::Queue, connection_string).unwrap();
    StorageQueue::new(settings, Clock::real()).unwrap()
}

/// An account in the emulator. Where there is no Node, says so once in a line that everybody sees, and gives none; on a
/// build server that is a failure.
pub(crate) fn account() -> Option<Account> {
    static QUEUES: OnceLock<Result<Azurite, String>> = OnceLock::new();
    account_of(&QUEUES, "queue")
}

/// The same, with blobs: what `AzureWebJobsStorage` says of it.
pub(crate) fn blobs() -> Option<String> {
    static BLOBS: OnceLock<Result<Azurite, String>> = OnceLock::new();
    let Account { name, endpoint } = account_of(&BLOBS, "blob")?;
    // An error means that another test has chosen a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Some(format!("AccountName={name};AccountKey={};BlobEndpoint={endpoint}", key()))
}

fn account_of(service: &OnceLock<Result<Azurite, String>>, called: &str) -> Option<Account> {
    let started = service.get_or_init(|| {
        let started = install().and_then(|folder| start(&folder, called));
        if let Err(why) = &started {
            // Not `eprintln!`, which is shown for tests that fail alone.
            let _ =
                writeln!(std::io::stderr(), "SKIPPED: {why}; the {called}s of Azure Storage were not tested");
        }
        started
    });
    match started {
        Ok(azurite) => {
            let number = azurite.given.fetch_add(1, Ordering::Relaxed);
            assert!(number < ACCOUNTS, "raise ACCOUNTS");
            let name = name(number);
            Some(Account { endpoint: format!("{}/{name}", azurite.endpoint), name })
        }
        Err(why) => {
            assert!(std::env::var_os("CI").is_none(), "{why}");
            None
        }
    }
}

fn name(number: usize) -> String {
    format!("backline{number}")
}

/// The key of every account.
fn key() -> String {
    STANDARD.encode("the key of all accounts in the tests")
}

/// Installs Azurite where it is not; the folder of its package.
fn install() -> Result<PathBuf, String> {
    let node =
        Command::new("node").arg("--version").output().map_err(|_| "no node on the PATH".to_owned())?;
    let version = String::from_utf8_lossy(&node.stdout).trim().trim_start_matches('v').to_owned();
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or_default();
    if major < 20 {
        return Err(format!("node is {version}, Azurite needs 20 or later"));
    }
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (wanted, package) = (cache.join(format!("azurite-{VERSION}")), "node_modules/azurite");
    if wanted.join(package).is_dir() {
        return Ok(wanted.join(package));
    }
    let _ = writeln!(std::io::stderr(), "installing azurite@{VERSION} with npm, once");
    // Elsewhere first: what is half there, or somebody else installs at the same time, does no harm.
    let fresh = tempfile::tempdir_in(cache).map_err(|error| error.to_string())?;
    let installed = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
        .arg(fresh.path())
        .arg(format!("azurite@{VERSION}"))
        .stdin(Stdio::null())
        .output()
        .map_err(|_| "no npm on the PATH".to_owned())?;
    if !installed.status.success() {
        let why = String::from_utf8_lossy(&installed.stderr).lines().next().unwrap_or_default().to_owned();
        return Err(format!("npm can't install azurite@{VERSION} ({why})"));
    }
    let _ = std::fs::rename(fresh.path(), &wanted);
    Ok(wanted.join(package))
}

fn start(package: &Path, service: &str) -> Result<Azurite, String> {
    let accounts: Vec<String> = (0..ACCOUNTS).map(|number| format!("{}:{}", name(number), key())).collect();
    let mut child = Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/azurite/start.js"))
        .arg(package.join(format!("dist/src/{service}/main.js")))
        .args([&format!("--{service}Port"), "0", "--inMemoryPersistence", "--disableTelemetry", "--silent"])
        .env("AZURITE_ACCOUNTS", accounts.join(";"))
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        // Held open as long as this process lives.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("node does not start: {error}"))?;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let endpoint = lines.find_map(|line| Some(line.split_once("successfully listens on ")?.1.to_owned()));
    let endpoint = endpoint.ok_or("Azurite ended before it listened")?;
    // Whoever writes to a closed pipe ends: it is read to its end.
    std::thread::spawn(move || lines.for_each(drop));
    Ok(Azurite { endpoint, given: AtomicUsize::new(0), _child: child })
}
