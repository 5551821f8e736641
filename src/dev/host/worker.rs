//! A handler with its connections and what is under way in it, and the post it holds until another takes its place.

use std::{
    ops::Deref,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Result, bail};
use tokio::{
    sync::{Mutex as Turn, watch},
    task::JoinSet,
    time::timeout,
};

use super::{
    app::App,
    events::HandlerState,
    handler::{Duty, Handler},
    journal::Journal,
    pool::Pool,
};

/// Handlers that are idle and told to stop are gone by then.
const LAST_MOMENTS: Duration = Duration::from_secs(2);

/// A handler's process, the connections to it, and how much is under way in it.
pub(super) struct Worker {
    pub(super) handler: Handler,
    pub(super) pool: Pool,
    busy: watch::Sender<usize>,
}

impl Worker {
    async fn start(app: Arc<App>, journal: Journal, duty: Duty) -> Result<Arc<Self>> {
        let handler = Handler::start(app, journal, duty).await?;
        let pool = Pool::new(handler.port);
        Ok(Arc::new(Self { handler, pool, busy: watch::Sender::new(0) }))
    }

    /// Waits until nothing is under way.
    async fn idle(&self) {
        let _ = self.busy.subscribe().wait_for(|&busy| busy == 0).await;
    }
}

/// Something is under way in a worker, until dropped: so long its process is not ended.
pub(super) struct Shift(Arc<Worker>);

impl Shift {
    fn begin(worker: &Arc<Worker>) -> Self {
        worker.busy.send_modify(|busy| *busy += 1);
        Self(worker.clone())
    }
}

impl Deref for Shift {
    type Target = Worker;

    fn deref(&self) -> &Worker {
        &self.0
    }
}

impl Drop for Shift {
    fn drop(&mut self) {
        self.0.busy.send_modify(|busy| *busy -= 1);
    }
}

/// Where the worker stands that is called now, and those that finish what they have begun.
pub(super) struct Post {
    current: watch::Sender<Arc<Worker>>,
    leaving: Mutex<JoinSet<()>>,
    exchanging: Turn<()>,
}

impl Post {
    /// Starts the first worker.
    ///
    /// # Errors
    /// The executable cannot be started.
    pub(super) async fn start(app: Arc<App>, journal: Journal) -> Result<Self> {
        let first = Worker::start(app, journal, Duty::Serving).await?;
        Ok(Self {
            current: watch::Sender::new(first),
            leaving: Mutex::default(),
            exchanging: Turn::default(),
        })
    }

    /// The worker of now.
    pub(super) fn worker(&self) -> Arc<Worker> {
        self.current.borrow().clone()
    }

    /// Begins something in the worker of now.
    pub(super) fn enter(&self) -> Shift {
        // Counted while the place is held: who takes it afterwards sees the count.
        Shift::begin(&self.current.borrow())
    }

    /// Is it the worker of now?
    pub(super) fn is_held_by(&self, worker: &Worker) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.current.borrow()), worker)
    }

    /// Waits until another worker has taken this one's place.
    pub(super) async fn succeeded(&self, worker: &Worker) {
        let mut current = self.current.subscribe();
        let _ = current.wait_for(|current| !std::ptr::eq(Arc::as_ptr(current), worker)).await;
    }

    /// Starts the executable anew beside the worker of now; once it answers, it takes over what begins from then on.
    /// The one before finishes what it has, and is killed. Dropped before the end, it changes nothing.
    ///
    /// # Errors
    /// The new process cannot be started, ended or did not listen in time: the one before goes on.
    pub(super) async fn exchange(&self, app: Arc<App>, journal: &Journal) -> Result<()> {
        let _turn = self.exchanging.lock().await;
        let next = Worker::start(app, journal.clone(), Duty::Candidate).await?;
        match next.handler.ready().await {
            HandlerState::Ready { .. } | HandlerState::Unneeded => {}
            HandlerState::Failed { why } => bail!(why),
            state => bail!("the new handler is {state:?}"),
        }
        next.handler.be(Duty::Serving);
        let before = self.current.send_replace(next);
        before.handler.be(Duty::Leaving);
        let mut leaving = self.leaving.lock().expect("nobody panics while holding those who leave");
        while leaving.try_join_next().is_some() {}
        leaving.spawn(async move {
            before.idle().await;
            before.handler.stop().await;
        });
        Ok(())
    }

    /// Waits until nothing is under way in the worker of now.
    pub(super) async fn idle(&self) {
        self.worker().idle().await;
    }

    /// Kills every process.
    pub(super) async fn stop(&self) {
        self.worker().handler.stop().await;
        let leaving = std::mem::take(&mut *self.leaving.lock().expect("nobody panics while holding them"));
        // Whoever is not done by then is dropped, and its process is killed with it.
        let _ = timeout(LAST_MOMENTS, leaving.join_all()).await;
    }
}
