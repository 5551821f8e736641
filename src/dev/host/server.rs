//! The host's own port: connections, routes, and what is answered without a function.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::{
    admin,
    answer::Answer,
    auth::{Identity, Keys},
    function::{Function, Trigger},
    http1::{self, Request, Wire},
    route::Values,
    running::Running,
    settings,
    target::Target,
    worker::Shift,
};

/// The largest body taken, as on Azure: more is answered with 500.
const MOST: usize = 104_857_600;

/// What every connection needs.
pub(super) struct Server {
    current: RwLock<Arc<Running>>,
    pub(super) keys: Keys,
    /// True once the host is stopping.
    stopping: watch::Sender<bool>,
    /// How many requests are being served.
    serving: watch::Sender<usize>,
}

impl Server {
    pub(super) fn new(running: Arc<Running>, keys: Keys) -> Self {
        Self {
            current: RwLock::new(running),
            keys,
            stopping: watch::Sender::new(false),
            serving: watch::Sender::new(0),
        }
    }

    /// The app as it runs now.
    pub(super) fn current(&self) -> Arc<Running> {
        self.current.read().expect("nobody panics while holding the app").clone()
    }

    /// The app as it runs now, for something that begins: until that is over, its handler is not ended.
    fn enter(&self) -> (Arc<Running>, Shift) {
        let current = self.current.read().expect("nobody panics while holding the app");
        (current.clone(), current.enter())
    }

    /// Puts another generation in place.
    pub(super) fn replace(&self, running: Arc<Running>) {
        *self.current.write().expect("nobody panics while holding the app") = running;
    }

    /// No new request is read from now on.
    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until no request is being served.
    pub(super) async fn served(&self) {
        let _ = self.serving.subscribe().wait_for(|&serving| serving == 0).await;
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
            let _serving = Serving::begin(&self.serving);
            let (answer, keeps_alive) = match read {
                Ok(Some(request)) => {
                    let mut answer = self.answer(&request).await;
                    if request.method == "HEAD" {
                        answer.body.clear();
                    }
                    (answer, request.keeps_alive)
                }
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
        let (running, _shift) = self.enter();
        let target = Target::parse(&request.target);
        let Some((function, values)) = find(&running, request, &target) else {
            return self.without_function(&running, request, &target).await;
        };
        let Trigger::Http { level, .. } = &function.trigger else { return Answer::empty(404) };
        let who = self.keys.identify(request, &target, Some(&function.name));
        if !self.keys.allow(*level, &who) {
            return Answer::empty(401);
        }
        if function.disabled && who != Identity::Admin {
            return Answer::empty(404);
        }
        running.http(&function, request, &target, &values, &who).await
    }

    async fn without_function(&self, running: &Arc<Running>, request: &Request, target: &Target) -> Answer {
        let lower = target.path.to_ascii_lowercase();
        if lower.starts_with("/admin/") {
            return admin::answer(self, running, request, target).await;
        }
        if target.path != "/" {
            return Answer::empty(404);
        }
        let disabled = settings::setting(&running.app.settings, "AzureWebJobsDisableHomepage");
        if disabled.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Answer::empty(204);
        }
        Answer::of(200, &[("Content-Type", "text/html")], include_bytes!("home.html").to_vec())
    }
}

/// Counts a request as being served until dropped.
struct Serving<'a>(&'a watch::Sender<usize>);

impl<'a> Serving<'a> {
    fn begin(serving: &'a watch::Sender<usize>) -> Self {
        serving.send_modify(|serving| *serving += 1);
        Self(serving)
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|serving| *serving -= 1);
    }
}

/// The first function, by name, whose route and methods fit.
fn find(running: &Running, request: &Request, target: &Target) -> Option<(Arc<Function>, Values)> {
    let path = target.path.strip_prefix('/').unwrap_or(&target.path);
    running.app.functions.iter().find_map(|function| {
        let Trigger::Http { route, methods, .. } = &function.trigger else { return None };
        let fits = methods.is_empty() || methods.contains(&request.method);
        let values = if fits { route.matches(path)? } else { return None };
        Some((function.clone(), values))
    })
}
