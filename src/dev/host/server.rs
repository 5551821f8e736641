//! The host's own port: connections, routes, and what is answered without a function.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};

use super::{
    answer::Answer,
    function::{Function, Trigger},
    http1::{self, Request, Wire},
    route::Values,
    running::Running,
    target::Target,
};

/// The largest body taken, as on Azure: more is answered with 500.
const MOST: usize = 104_857_600;

/// What every connection needs.
pub(super) struct Server {
    current: RwLock<Arc<Running>>,
    /// True once the host is stopping.
    stopping: watch::Sender<bool>,
    /// Dropped with the server, when no connection needs it any more.
    _serving: mpsc::Sender<()>,
}

impl Server {
    /// The server, and what ends when it serves nothing any more.
    pub(super) fn new(running: Running) -> (Self, mpsc::Receiver<()>) {
        let (serving, served) = mpsc::channel(1);
        let server = Self {
            current: RwLock::new(Arc::new(running)),
            stopping: watch::Sender::new(false),
            _serving: serving,
        };
        (server, served)
    }

    /// The app as it runs now.
    pub(super) fn current(&self) -> Arc<Running> {
        self.current.read().expect("nobody panics while holding the app").clone()
    }

    /// Puts another generation in place; returns the one before.
    pub(super) fn replace(&self, running: Running) -> Arc<Running> {
        let mut current = self.current.write().expect("nobody panics while holding the app");
        std::mem::replace(&mut *current, Arc::new(running))
    }

    /// No new request is read from now on.
    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Takes connections until the host stops.
    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut stopping = self.stopping.subscribe();
        loop {
            let accepted = tokio::select! {
                _ = stopping.wait_for(|&stop| stop) => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(self.clone().serve(stream));
                }
                // Out of file descriptors: wait for some to be closed.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let mut stopping = self.stopping.subscribe();
        let mut wire = Wire::new(stream);
        loop {
            let read = tokio::select! {
                read = wire.request(MOST) => read,
                _ = stopping.wait_for(|&stop| stop) => return,
            };
            let (answer, keeps_alive) = match read {
                Ok(Some(request)) => (self.answer(&request).await, request.keeps_alive),
                Ok(None) | Err(http1::Error::Ended { .. }) => return,
                Err(http1::Error::TooLarge(_)) => (Answer::empty(500), false),
                Err(http1::Error::NotHttp(_)) => (Answer::empty(400), false),
            };
            if wire.write(&answer.head, &answer.body).await.is_err() {
                return;
            }
            if !keeps_alive || answer.closes || *stopping.borrow() {
                wire.finish().await;
                return;
            }
        }
    }

    async fn answer(&self, request: &Request) -> Answer {
        let running = self.current();
        let target = Target::parse(&request.target);
        match find(&running, request, &target) {
            Some((function, _)) if function.disabled => Answer::empty(404),
            Some((function, _values)) => running.http(&function, request).await,
            None if target.path == "/" => home(),
            None => Answer::empty(404),
        }
    }
}

/// The first function, by name, whose route and methods fit.
fn find(running: &Running, request: &Request, target: &Target) -> Option<(Arc<Function>, Values)> {
    let path = target.path.strip_prefix('/').unwrap_or(&target.path);
    running.app.functions.iter().find_map(|function| {
        let Trigger::Http { route, methods, .. } = &function.trigger else { return None };
        let fits = methods.is_empty() || methods.iter().any(|method| *method == request.method);
        let values = if fits { route.matches(path)? } else { return None };
        Some((function.clone(), values))
    })
}

fn home() -> Answer {
    let page = include_str!("home.html");
    Answer::of(200, &[("Content-Type", "text/html")], page.as_bytes().to_vec())
}
