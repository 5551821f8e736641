//! Serve: the handler process that the Functions host starts and talks to.

use std::{net::Ipv4Addr, path::Path, process::ExitCode, time::Duration};

use anyhow::Context;
use tokio::{net::TcpListener, sync::watch};

use crate::{
    blob,
    config::{self, BotConfig, Config},
    engine::Table,
    functions::{Doors, router},
    model::Clock,
    queue,
    runtime::{Bot, Runtime},
    store,
    telegram::client::{Client, PATIENCE},
    telemetry,
};

/// What the host calls the port:
/// <https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers#overview>.
pub const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

/// Runs the app of this table as the packaged program does: the handler and nothing else.
#[cfg(not(feature = "tools"))]
#[must_use]
pub fn run(table: Table) -> ExitCode {
    prepare();
    let served = match std::env::args().nth(1) {
        None => wait(hosted(table, "This is the packaged handler, which the Functions host starts")),
        Some(word) => Err(anyhow::anyhow!(
            "this is the packaged handler, which knows no `{word}`: run it where the app is built, with \
             `cargo run -- {word}`"
        )),
    };
    served.unwrap_or_else(|why| {
        eprintln!("{why:#}");
        ExitCode::FAILURE
    })
}

/// What each program does first.
pub(crate) fn prepare() {
    // The one provider of TLS in this process; a second installation, in a test, changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Runs a deed to its end, on the threads of the whole program.
pub(crate) fn wait(deed: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("can't start the asynchronous runtime")?
        .block_on(deed)
}

/// Serves on the port that the host names.
///
/// # Errors
/// No host named one: then `hint` tells people what to do instead. And those of [`listen`].
pub async fn hosted(table: Table, hint: &str) -> anyhow::Result<ExitCode> {
    let Some(port) = config::environment(".".as_ref())?.get(PORT).cloned() else {
        anyhow::bail!("nothing to do. {hint}");
    };
    let port = port
        .parse()
        .map_err(|_| anyhow::anyhow!("`{PORT}` is `{port}`: set it to a port, such as 8080, or unset it"))?;
    listen(table, port).await
}

/// Serves on this port, with the settings of this folder and this environment.
///
/// # Errors
/// Settings that can't be used; and those of [`serve`].
pub async fn listen(table: Table, port: u16) -> anyhow::Result<ExitCode> {
    let environment = config::environment(".".as_ref())?;
    telemetry::start(&environment);
    serve(table, Config::read(&environment)?, port).await
}

/// Listens on loopback and answers the host until it is killed, or until the host is gone.
///
/// # Errors
/// The port is taken, or the store can't be opened: both say what to do.
pub async fn serve(table: Table, config: Config, port: u16) -> anyhow::Result<ExitCode> {
    let parent = std::os::unix::process::parent_id();
    let host = config::host_process();
    // The port first: the host's probe is answered before anything else is ready.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        anyhow::anyhow!("can't listen on port {port}: {error}; is another handler running there?")
    })?;
    let (ready, runtime) = watch::channel(None);
    let opening = tokio::task::spawn_blocking(move || open(table, &config));
    let server = axum::serve(listener, router(Doors::new(runtime))).into_future();
    tokio::pin!(server);
    let mut opening = std::pin::pin!(opening);
    let mut open = false;
    loop {
        tokio::select! {
            built = &mut opening, if !open => {
                let runtime = built??;
                // While nobody asks for anything yet: the first update need not wait for it.
                let (store, queue) = (runtime.store().clone(), runtime.queue().clone());
                tokio::spawn(async move { tokio::join!(store.warm(), queue.warm()) });
                ready.send_replace(Some(runtime));
                open = true;
            }
            ended = &mut server => {
                ended?;
                return Ok(ExitCode::FAILURE);
            }
            () = orphaned(parent, host.as_deref()) => {
                tracing::error!("the host is gone; so am I");
                // Not zero: zero would mean that all is well.
                return Ok(ExitCode::from(3));
            }
        }
    }
}

/// Opens everything the settings name.
///
/// # Errors
/// What can't be opened, and what to do about it.
pub fn open(table: Table, config: &Config) -> anyhow::Result<Runtime> {
    let store = store::open(&config.store, Clock::real())?;
    let queue = queue::open(&config.queues, Clock::real())?;
    let blobs = blob::open(&config.blobs, Clock::real())?;
    let bots = config.bots.iter().map(bot).collect::<Result<_, _>>()?;
    Ok(Runtime::new(table, store, queue, blobs, bots, config.runtime.clone()))
}

/// A bot as the runtime knows it.
///
/// # Errors
/// There is no such Bot API server.
pub fn bot(config: &BotConfig) -> anyhow::Result<Bot> {
    Ok(Bot {
        slug: config.slug.clone(),
        token: config.token.clone(),
        secret: config.secret.clone(),
        operators: config.operators.clone(),
        api: Client::new(Some(&config.api), PATIENCE)?,
    })
}

/// Ends when the process that started this one has died: the host can't tell us, and a handler without a host would
/// live on with its port (seen with the real host). Had it died before we asked who it is, the name that it gave us tells.
async fn orphaned(parent: u32, host: Option<&str>) {
    while std::os::unix::process::parent_id() == parent && host.is_none_or(lives) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Is there such a process? Where the system does not list them, there is.
fn lives(process: &str) -> bool {
    let all = Path::new("/proc");
    !all.join("self").exists() || all.join(process).exists()
}
