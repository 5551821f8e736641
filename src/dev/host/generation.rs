//! One generation of the app with all that listens for it, and the change to the next when files change.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Result;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    Options,
    app::{self, App},
    events::{Event, Level, Source},
    feed,
    function::Trigger,
    journal::Journal,
    listener,
    running::Running,
    server::Server,
    timers,
};
use crate::queue::Mailbox;

/// Calls other than requests get so long when the host stops.
const GRACE: Duration = Duration::from_secs(10);
/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// An app that runs, and what listens for it.
pub(super) struct Generation {
    pub(super) running: Arc<Running>,
    stopping: watch::Sender<bool>,
    listeners: JoinSet<()>,
}

impl Generation {
    /// Starts the handler and the listeners.
    pub(super) async fn start(
        app: App,
        queue: Arc<dyn Mailbox>,
        journal: Journal,
        data: &Path,
    ) -> Result<Self> {
        for (function, why) in &app.faults {
            journal.line(Source::Host, Level::Error, Some(function), None, format!("not loaded: {why}"));
        }
        for warning in &app.warnings {
            journal.log(Level::Warning, warning);
        }
        let running = Arc::new(Running::start(app, queue, journal).await?);
        let stopping = watch::Sender::new(false);
        let mut listeners = JoinSet::new();
        for function in running.app.functions.iter().filter(|function| !function.disabled) {
            let (running, function, stop) = (running.clone(), function.clone(), stopping.subscribe());
            match &function.trigger {
                Trigger::Http { .. } => {}
                Trigger::Queue { .. } => drop(listeners.spawn(listener::listen(running, function, stop))),
                Trigger::Timer { .. } => {
                    listeners.spawn(timers::run(running, function, data.to_owned(), stop));
                }
                Trigger::Feed(_) => {
                    drop(listeners.spawn(feed::run(running, function, data.to_owned(), stop)))
                }
            }
        }
        Ok(Self { running, stopping, listeners })
    }

    /// Nothing new is begun from now on.
    pub(super) fn end(&self) {
        self.running.end();
        self.stopping.send_replace(true);
    }

    /// Ends, and waits for what is under way, but not for ever.
    pub(super) async fn drain(&mut self) {
        self.end();
        let all = async { while self.listeners.join_next().await.is_some() {} };
        let _ = timeout(GRACE, all).await;
    }
}

/// Looks at the app's files, and puts a new generation in place when one has changed; returns the last one when told
/// to stop.
pub(super) async fn keep(
    options: Options,
    mut generation: Generation,
    server: Arc<Server>,
    mut stopping: watch::Receiver<bool>,
) -> Generation {
    let mut seen = look(&options.root);
    loop {
        tokio::select! {
            _ = stopping.wait_for(|&stop| stop) => return generation,
            () = sleep(LOOK_EVERY) => {}
        }
        let now = look(&options.root);
        if now == seen {
            continue;
        }
        seen = now;
        let journal = generation.running.journal.clone();
        let next = async {
            let app = App::read(&options.root, &options.environment)?;
            let queue = generation.running.queue.clone();
            Generation::start(app, queue, journal.clone(), &options.data).await
        };
        match next.await {
            Ok(next) => {
                journal.log(Level::Information, "the app's files changed: started it anew");
                server.replace(next.running.clone());
                journal.keep(Event::Reloaded);
                let mut before = std::mem::replace(&mut generation, next);
                before.drain().await;
                let _ = timeout(GRACE, before.running.idle()).await;
                before.running.stop().await;
            }
            Err(e) => journal.log(
                Level::Error,
                format!("the app's files changed, but the app still runs as before: {e:#}"),
            ),
        }
    }
}

/// The files that make the app, and when each was written.
fn look(root: &Path) -> Vec<(PathBuf, Option<SystemTime>)> {
    app::files(root)
        .into_iter()
        .map(|file| {
            let written = std::fs::metadata(&file).and_then(|metadata| metadata.modified()).ok();
            (file, written)
        })
        .collect()
}
