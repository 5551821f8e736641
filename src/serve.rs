//! Serve: the handler process that the Functions host starts and talks to.

use std::{net::Ipv4Addr, process::ExitCode, time::Duration};

use tokio::{net::TcpListener, sync::watch};

use crate::{
    blob,
    config::{BotConfig, Config},
    engine::Table,
    functions::{Doors, router},
    model::Clock,
    queue,
    runtime::{Bot, Runtime},
    store,
    telegram::client::{Client, PATIENCE},
};

/// Listens on loopback and answers the host until it is killed, or until the host is gone.
///
/// # Errors
/// The port is taken, or the store can't be opened: both say what to do.
pub async fn serve(table: Table, config: Config, port: u16) -> anyhow::Result<ExitCode> {
    // Read before anything else: a host that dies while this process starts is to be missed, too.
    let parent = std::os::unix::process::parent_id();
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
            () = orphaned(parent) => {
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

fn bot(config: &BotConfig) -> anyhow::Result<Bot> {
    Ok(Bot {
        slug: config.slug.clone(),
        token: config.token.clone(),
        secret: config.secret.clone(),
        operators: config.operators.clone(),
        api: Client::new(Some(&config.api), PATIENCE)?,
    })
}

/// Ends when the process that started this one has died: the host can't tell us, and a handler without a host would
/// live on with its port (seen with the real host).
async fn orphaned(parent: u32) {
    while std::os::unix::process::parent_id() == parent {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
