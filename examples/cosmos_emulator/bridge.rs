//! Serves Microsoft's in-memory emulator of Cosmos DB over HTTP, and plays what it lacks: the key, expiry, prices and
//! bad days.

mod asked;
mod door;
mod expiry;
mod faults;
mod price;

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use azure_core::http::Url;
use azure_data_cosmos_driver::in_memory_emulator::{
    InMemoryEmulatorHttpClient, VirtualAccountConfig, VirtualRegion,
};
use backline::model::Clock;
use tokio::{sync::RwLock, task::JoinHandle};

use asked::Asked;
use expiry::Expiry;
use faults::Planned;

pub(crate) use asked::Kind;
pub(crate) use azure_data_cosmos_driver::in_memory_emulator::ConsistencyLevel;
pub(crate) use faults::Fault;

/// The key that every emulator of Cosmos DB has (<https://learn.microsoft.com/azure/cosmos-db/emulator#authentication>).
const KEY: &str = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==";

/// How the emulated account is.
pub(crate) struct Options {
    /// Where it listens; 0 takes a free port.
    pub(crate) port: u16,
    /// What documents expire by.
    pub(crate) clock: Clock,
    /// The account's default.
    pub(crate) consistency: ConsistencyLevel,
}

/// An account that answers until this is dropped.
pub(crate) struct Bridge {
    account: Arc<Account>,
    server: JoinHandle<()>,
}

/// A request as a test may want to know it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    /// What the SDK is told it cost: by the emulator's model.
    pub(crate) ru: f64,
    /// What it would cost by Azure's documentation.
    pub(crate) listed: f64,
}

struct Account {
    url: Url,
    clock: Clock,
    strong: bool,
    emulator: InMemoryEmulatorHttpClient,
    /// Written while documents expire, so that nobody sees half of it.
    turn: RwLock<()>,
    expiry: Mutex<Expiry>,
    faults: Mutex<Vec<Planned>>,
    seen: Mutex<Vec<Seen>>,
}

impl Bridge {
    /// Listens on this machine. Call it inside a runtime.
    pub(crate) fn start(options: &Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}/", listener.local_addr()?);
        let url: Url = url.parse().map_err(io::Error::other)?;
        let region = VirtualRegion::new("West Europe", url.clone());
        let config = VirtualAccountConfig::new(vec![region]).map_err(io::Error::other)?;
        let account = Arc::new(Account {
            url,
            clock: options.clock.clone(),
            strong: options.consistency == ConsistencyLevel::Strong,
            emulator: InMemoryEmulatorHttpClient::new(config.with_consistency(options.consistency)),
            turn: RwLock::default(),
            expiry: Mutex::default(),
            faults: Mutex::default(),
            seen: Mutex::default(),
        });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&account));
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { account, server })
    }

    pub(crate) fn connection_string(&self) -> String {
        format!("AccountEndpoint={};AccountKey={KEY};", self.account.url)
    }

    /// Lets the next `times` requests of this kind go wrong; after those planned before.
    pub(crate) fn fail(&self, times: usize, kind: Kind, fault: &Fault) {
        let planned = (0..times).map(|_| Planned { kind, fault: fault.clone() });
        lock(&self.account.faults).extend(planned);
    }

    /// Nothing goes wrong any more; how many planned faults nobody has met.
    pub(crate) fn mend(&self) -> usize {
        lock(&self.account.faults).drain(..).count()
    }

    /// How many planned faults nobody has met yet.
    pub(crate) fn planned(&self) -> usize {
        lock(&self.account.faults).len()
    }

    /// Every request answered so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        lock(&self.account.seen).clone()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(State(account): State<Arc<Account>>, request: Request) -> Response {
    let asked = match Asked::read(request).await {
        Ok(asked) => asked,
        Err(error) => return error.into_response(),
    };
    let (mut answer, after) = if door::lets_in(&asked, KEY) {
        let luck = faults::take(&mut lock(&account.faults), asked.kind);
        luck.meet(&account, &asked).await
    } else {
        (door::closed(), faults::After::Answer)
    };
    price::correct(&asked, &mut answer, account.strong);
    lock(&account.seen).push(Seen {
        kind: asked.kind,
        method: asked.method.to_string(),
        path: asked.path.clone(),
        status: answer.status().as_u16(),
        ru: price::of(&answer),
        listed: price::listed(&asked, &answer, account.strong),
    });
    after.finish(answer).await
}

impl Account {
    /// What the emulator answers, once what has expired is gone.
    async fn answer(&self, asked: &Asked) -> Response {
        self.expire().await;
        let _turn = self.turn.read().await;
        let answer = asked.send(&self.emulator, &self.url).await;
        lock(&self.expiry).note(asked, answer.status(), self.clock.now());
        answer
    }

    async fn expire(&self) {
        let now = self.clock.now();
        if !lock(&self.expiry).is_due(now) {
            return;
        }
        let _turn = self.turn.write().await;
        let expired = lock(&self.expiry).take(now);
        for deletion in expired {
            deletion.send(&self.emulator, &self.url).await;
        }
    }
}

/// Nothing here is left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
