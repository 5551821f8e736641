//! The local Functions host: starts the handler as Azure does and drives it over the same wire.
//!
//! What it does is told in `docs/HOST.md`, with the recordings of the real host that hold it to that.

mod answer;
mod app;
mod constraint;
mod dice;
mod duration;
mod events;
mod forward;
mod function;
mod handler;
mod http1;
mod json;
mod media;
mod pool;
mod route;
mod running;
mod schedule;
mod server;
mod settings;
mod target;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Result, anyhow};
use tokio::{
    net::TcpListener,
    sync::{broadcast, mpsc},
    task::JoinHandle,
    time::timeout,
};

pub use events::{Event, FunctionSnapshot, HandlerState, Level, Snapshot, Source};

use self::{app::App, events::Journal, running::Running, server::Server};
use crate::model::Clock;

/// The version of the host whose behaviour is played.
const VERSION: &str = "4.1037.0.0";
/// Requests in flight get so long when the host stops.
const HTTP_GRACE: Duration = Duration::from_secs(30);

/// What the host is to run, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder with host.json.
    pub root: PathBuf,
    /// The loopback port to listen on; zero for a free one.
    pub port: u16,
    /// Where queues, timers' status and keys are kept.
    pub data: PathBuf,
    /// Must requests show keys, as on Azure? Without, every function is open.
    pub auth: bool,
    /// What the handler inherits and `%SETTING%` refers to; it wins over local.settings.json.
    pub environment: BTreeMap<String, String>,
}

impl Options {
    /// The app in `root` on the usual port 7071, open, with the environment of this process.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a host hands its whole environment to the handler")]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            port: 7071,
            data: root.join(".backline"),
            auth: false,
            environment: std::env::vars().collect(),
            root,
        }
    }
}

/// A host that runs. Dropped without [`stop`](Self::stop), it kills the handler at once.
pub struct Host {
    address: SocketAddr,
    journal: Journal,
    server: Arc<Server>,
    served: mpsc::Receiver<()>,
    accepting: JoinHandle<()>,
}

/// Starts the host; the handler may still be starting when this returns, calls wait for it.
///
/// # Errors
/// For people: a busy port, no host.json, a broken function.json, no executable.
pub async fn start(options: Options) -> Result<Host> {
    let journal = Journal::new(Clock::real());
    let app = App::read(&options.root, &options.environment)?;
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await.map_err(|e| match e.kind() {
        std::io::ErrorKind::AddrInUse => anyhow!(
            "port {} is busy: end what listens there (another host?), or choose another port with --port",
            options.port
        ),
        _ => anyhow!("cannot listen on 127.0.0.1:{}: {e}", options.port),
    })?;
    let address = listener.local_addr()?;
    for (function, why) in &app.faults {
        journal.line(Source::Host, Level::Error, Some(function), None, format!("not loaded: {why}"));
    }
    let running = Running::start(app, journal.clone()).await?;
    let (server, served) = Server::new(running);
    let server = Arc::new(server);
    let accepting = tokio::spawn(server.clone().accept(listener));
    Ok(Host { address, journal, server, served, accepting })
}

impl Host {
    /// Where the host listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that happens from now on. A listener that is slow misses the oldest.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.journal.listen()
    }

    /// Waits until the host cannot go on; returns why.
    pub async fn failed(&self) -> anyhow::Error {
        anyhow!(self.server.current().handler.failed().await)
    }

    /// Stops: no new requests, those in flight get 30 s, then the handler is killed.
    pub async fn stop(mut self) {
        self.server.stop();
        let _ = (&mut self.accepting).await;
        let running = self.server.current();
        drop(self.server);
        let _ = timeout(HTTP_GRACE, self.served.recv()).await;
        running.handler.stop().await;
    }
}
