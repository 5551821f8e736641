//! The local Functions host: starts the handler as Azure does and drives it over the same wire.
//!
//! What it does is told in `docs/HOST.md`, with the recordings of the real host that hold it to that.

mod admin;
mod answer;
mod app;
mod auth;
mod base64;
mod constraint;
mod date;
mod dice;
mod duration;
mod envelope;
mod events;
mod expression;
mod facts;
mod feed;
mod forward;
mod function;
mod generation;
mod handler;
mod http1;
mod inside;
mod journal;
mod json;
mod ledger;
mod listener;
mod media;
mod pool;
mod reply;
mod result;
mod route;
mod running;
mod schedule;
mod server;
mod settings;
mod target;
mod timers;
mod whole;
mod worker;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use tokio::{
    net::TcpListener,
    sync::{broadcast, watch},
    task::JoinHandle,
    time::{Instant, timeout},
};

pub use events::{Build, Event, FunctionSnapshot, HandlerState, Level, Snapshot, Source};
pub use inside::Inside;
pub use ledger::{Details, Exchange, Invocation, Message};

use self::{app::App, auth::Keys, generation::Generation, journal::Journal, server::Server};
use crate::{
    model::Clock,
    queue::{self, Mailbox},
};

/// The version of the host whose behaviour is played.
const VERSION: &str = "4.1037.0.0";
/// Requests in flight get so long when the host stops.
const HTTP_GRACE: Duration = Duration::from_secs(30);

/// What the host is to run, and how. Never printed: the environment holds secrets.
#[derive(Clone)]
pub struct Options {
    /// The folder with host.json.
    pub root: PathBuf,
    /// The loopback port to listen on; zero for a free one.
    pub port: u16,
    /// Where queues, timers' status and keys are kept.
    pub data: PathBuf,
    /// Must requests show keys, as on Azure? Without, every function is open.
    pub auth: bool,
    /// The whole environment that the handler inherits and `%SETTING%` refers to; it wins over local.settings.json.
    pub environment: BTreeMap<String, String>,
    /// Where the queues are; none: in a file in `data`, see [`queue_file`].
    pub queues: Option<queue::Settings>,
}

impl Options {
    /// The app in `root` on the usual port 7071, open, with the environment of this process.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            port: 7071,
            data: root.join(".backline"),
            auth: false,
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            queues: None,
            root,
        }
    }
}

/// A host that runs. Dropped without [`stop`](Self::stop), it kills the handler at once.
pub struct Host {
    inside: Inside,
    server: Arc<Server>,
    stopping: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    keeping: JoinHandle<Generation>,
    telling: JoinHandle<()>,
}

/// The file in `data` that holds the queues; a handler that opens it sends to the functions of the host.
#[must_use]
pub fn queue_file(data: &Path) -> PathBuf {
    data.join("queues.sqlite")
}

/// Starts the host; the handler may still be starting when this returns, calls wait for it.
///
/// # Errors
/// For people: a busy port, no host.json, a broken function.json, no executable.
pub async fn start(options: Options) -> Result<Host> {
    let clock = Clock::real();
    let journal = Journal::new(clock.clone());
    let app = App::read(&options.root, &options.environment)?;
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await.map_err(|e| match e.kind() {
        std::io::ErrorKind::AddrInUse => anyhow!(
            "port {} is busy: end what listens there (another host?), or choose another port with --port",
            options.port
        ),
        _ => anyhow!("cannot listen on 127.0.0.1:{}: {e}", options.port),
    })?;
    let address = listener.local_addr()?;
    std::fs::create_dir_all(&options.data)
        .with_context(|| format!("cannot make the folder {}", options.data.display()))?;
    let keys = Keys::load(&options.data, options.auth)?;
    let file = || queue::Settings::Sqlite(queue_file(&options.data));
    let queue = queue::open(&options.queues.clone().unwrap_or_else(file), clock)?;
    let generation = Generation::start(app, queue.clone(), journal.clone(), &options.data).await?;
    let server = Arc::new(Server::new(generation.running.clone(), keys));
    let stopping = watch::Sender::new(false);
    let accepting = tokio::spawn(server.clone().accept(listener));
    let keeping = tokio::spawn(generation::keep(options, generation, server.clone(), stopping.subscribe()));
    let telling = tokio::spawn(tell_lengths(queue.clone(), journal.clone()));
    let inside = Inside { address, queue, journal, server: server.clone() };
    Ok(Host { inside, server, stopping, accepting, keeping, telling })
}

impl Host {
    /// Where the host listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.inside.address
    }

    /// The queues whose functions the host calls.
    #[must_use]
    pub fn queue(&self) -> &Arc<dyn Mailbox> {
        self.inside.queue()
    }

    /// A look inside, to be kept.
    #[must_use]
    pub fn inside(&self) -> Inside {
        self.inside.clone()
    }

    /// All that happens from now on. A listener that is slow misses the oldest.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inside.events()
    }

    /// Where things stand.
    pub async fn snapshot(&self) -> Snapshot {
        self.inside.snapshot().await
    }

    /// The file that is started as the handler.
    #[must_use]
    pub fn executable(&self) -> PathBuf {
        self.server.current().app.handler.executable.clone()
    }

    /// Starts the executable, which has been built anew, beside the handler that serves. Once it answers, it takes over
    /// what begins from then on; the one before finishes what it has begun and is killed. No call is lost. Dropped
    /// before the end, it changes nothing.
    ///
    /// # Errors
    /// The new process can't be started, ends, or does not listen in time: the one before goes on serving.
    pub async fn exchange(&self) -> Result<()> {
        self.server.current().exchange().await
    }

    /// Tells everybody how far the build of the handler is.
    pub fn tell_build(&self, build: Build) {
        self.inside.journal.built(build);
    }

    /// Waits until the handler answers, or until it is clear that it won't; returns its state.
    pub async fn ready(&self) -> HandlerState {
        self.server.current().worker().handler.ready().await
    }

    /// Waits until the host cannot go on; returns why.
    pub async fn failed(&self) -> anyhow::Error {
        loop {
            let worker = self.server.current().worker();
            tokio::select! {
                why = worker.handler.failed() => return anyhow!(why),
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    /// Stops: nothing new begins; requests in flight get 30 s, other calls 10 s; then the handler is killed.
    pub async fn stop(mut self) {
        self.server.stop();
        self.stopping.send_replace(true);
        let _ = (&mut self.accepting).await;
        let requests = timeout(HTTP_GRACE, self.server.served());
        if let Ok(mut generation) = (&mut self.keeping).await {
            let _ = tokio::join!(generation.drain(), requests);
            generation.running.stop().await;
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.server.stop();
        self.accepting.abort();
        self.keeping.abort();
        self.telling.abort();
    }
}

/// Tells the lengths of the queues when they change, as long as somebody listens; drops expired messages.
async fn tell_lengths(queue: Arc<dyn Mailbox>, journal: Journal) {
    let mut told = BTreeMap::new();
    for look in 0_u64.. {
        if look.is_multiple_of(3600) {
            let _ = queue.purge().await;
        }
        let begun = Instant::now();
        if journal.is_heard() {
            let lengths = queue.list().await.unwrap_or_default();
            if lengths != told {
                told.clone_from(&lengths);
                journal.tell(|| Event::Queues { lengths });
            }
        }
        // Queues elsewhere are asked one by one: most of the time nobody asks them.
        tokio::time::sleep(Duration::from_secs(1).max(10 * begun.elapsed())).await;
    }
}
