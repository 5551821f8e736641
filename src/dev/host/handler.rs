//! The handler's process: started, watched, restarted and ended as Azure does it.

mod command;
mod output;

use std::{
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

use super::{
    app::App,
    events::{Event, HandlerState, Level, Source},
    http1::Wire,
    journal::Journal,
    settings,
};
use crate::config::HOST_PROCESS;

/// How often a starting handler is asked whether it listens.
const PROBE_EVERY: Duration = Duration::from_millis(25);
/// Errors with a longer gap between them are forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(30 * 60);
/// With this many errors the host gives up.
const TOO_MANY: usize = 3;
/// The exit code by which a handler asks to be started again.
const PLEASE_RESTART: i32 = 200;

/// What the watcher of the process is told.
enum Order {
    /// Kill the process of this state and start it again, without counting an error.
    Restart(HandlerState, &'static str),
    /// Kill it for good.
    Stop,
}

/// What a process is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// It is called: it is started again when it ends, and everybody hears of its state.
    Serving,
    /// It is to serve once it answers; if it ends before, it is given up.
    Candidate,
    /// Another one serves; this one finishes what it has.
    Leaving,
}

/// The handler's process and what is known of it.
pub(super) struct Handler {
    pub(super) port: u16,
    orders: mpsc::Sender<Order>,
    state: watch::Receiver<HandlerState>,
    duty: Arc<Mutex<Duty>>,
    journal: Journal,
}

impl Handler {
    /// Starts the process and somebody who watches it; whether it answers is known later ([`Self::ready`]).
    ///
    /// # Errors
    /// The executable cannot be started.
    pub(super) async fn start(app: Arc<App>, journal: Journal, duty: Duty) -> Result<Self> {
        let port = free_port().await?;
        let (orders, ordered) = mpsc::channel(4);
        let (tell, state) = watch::channel(HandlerState::Unneeded);
        let duty = Arc::new(Mutex::new(duty));
        if !app.functions.is_empty() {
            let (journal, duty) = (journal.clone(), duty.clone());
            let watcher = Watcher { app, port, journal, tell, ordered, duty, errors: Vec::new() };
            let child = watcher.spawn()?;
            watcher.set(HandlerState::Starting);
            tokio::spawn(watcher.watch(child));
        }
        Ok(Self { port, orders, state, duty, journal })
    }

    /// Gives the process another duty.
    pub(super) fn be(&self, duty: Duty) {
        let mut held = self.duty.lock().expect("nobody panics while holding a duty");
        *held = duty;
        // Told before the duty is let go, so that what the process does next is told after it.
        if duty == Duty::Serving {
            self.journal.keep(Event::HandlerChanged { state: self.state() });
        }
    }

    pub(super) fn state(&self) -> HandlerState {
        self.state.borrow().clone()
    }

    /// Waits until the handler answers or never will.
    pub(super) async fn ready(&self) -> HandlerState {
        if matches!(*self.state.borrow(), HandlerState::Ready { .. }) {
            return self.state();
        }
        let mut state = self.state.clone();
        match state.wait_for(|state| !matches!(state, HandlerState::Starting)).await {
            Ok(state) => state.clone(),
            Err(_) => HandlerState::Stopped,
        }
    }

    /// Waits a moment for the handler to leave this state; did it?
    pub(super) async fn leaves(&self, current: &HandlerState) -> bool {
        let mut state = self.state.clone();
        timeout(Duration::from_secs(1), state.wait_for(|state| state != current)).await.is_ok()
    }

    /// Waits until the handler has failed too often; returns how.
    pub(super) async fn failed(&self) -> String {
        let mut state = self.state.clone();
        match state.wait_for(|state| matches!(state, HandlerState::Failed { .. })).await.as_deref() {
            Ok(HandlerState::Failed { why }) => why.clone(),
            _ => std::future::pending().await,
        }
    }

    /// Has the process killed and started again; no error is counted. Returns when it serves no more.
    pub(super) async fn restart(&self, why: &'static str) {
        let current = self.state();
        let _ = self.orders.send(Order::Restart(current.clone(), why)).await;
        self.leaves(&current).await;
    }

    /// Kills the process and waits until it is gone.
    pub(super) async fn stop(&self) {
        let _ = self.orders.send(Order::Stop).await;
        let mut state = self.state.clone();
        let gone =
            |state: &HandlerState| !matches!(state, HandlerState::Starting | HandlerState::Ready { .. });
        let _ = timeout(Duration::from_secs(2), state.wait_for(gone)).await;
    }
}

/// A port that was free a moment ago, as the real host finds one.
async fn free_port() -> Result<u16> {
    let listener =
        TcpListener::bind(("127.0.0.1", 0)).await.context("no free loopback port for the handler")?;
    Ok(listener.local_addr()?.port())
}

struct Watcher {
    app: Arc<App>,
    port: u16,
    journal: Journal,
    tell: watch::Sender<HandlerState>,
    ordered: mpsc::Receiver<Order>,
    duty: Arc<Mutex<Duty>>,
    errors: Vec<Instant>,
}

/// Why a process is no more.
enum End {
    /// It ended by itself.
    Exited(i32),
    /// It did not listen in time.
    TooSlow,
    /// It was killed to be started again.
    Restarted(&'static str),
    /// It was killed for good.
    Stopped,
}

impl Watcher {
    fn set(&self, state: HandlerState) {
        let duty = self.duty.lock().expect("nobody panics while holding a duty");
        self.tell.send_replace(state.clone());
        if *duty == Duty::Serving {
            self.journal.keep(Event::HandlerChanged { state });
        }
    }

    fn serves(&self) -> bool {
        *self.duty.lock().expect("nobody panics while holding a duty") == Duty::Serving
    }

    async fn watch(mut self, mut child: Child) {
        loop {
            let end = self.life(&mut child).await;
            let again = match end {
                End::Stopped => {
                    self.set(HandlerState::Stopped);
                    return;
                }
                End::Exited(0) if self.serves() => {
                    self.journal.log(
                        Level::Error,
                        "the handler ended with code 0; it is not started again, and every call fails until the host is restarted (use another code to be restarted)",
                    );
                    self.set(HandlerState::Ended);
                    self.until_stopped().await;
                    return;
                }
                End::Exited(PLEASE_RESTART) => Ok("the handler asked to be restarted".to_owned()),
                End::Restarted(why) => Ok(why.to_owned()),
                End::Exited(code) => self.count(format!("the handler ended with code {code}")),
                End::TooSlow => self.count(format!(
                    "the handler did not listen on 127.0.0.1:{} within {:?}: it must bind the port in FUNCTIONS_CUSTOMHANDLER_PORT",
                    self.port, self.app.handler.startup_limit
                )),
            };
            let started = again.and_then(|why| {
                self.journal.log(Level::Warning, format!("{why}; starting it again"));
                self.set(HandlerState::Starting);
                self.spawn().map_err(|e| format!("{e:#}"))
            });
            match started {
                Ok(new) => child = new,
                Err(why) => {
                    if self.serves() {
                        self.journal.log(Level::Error, format!("{why}; the host stops"));
                    }
                    self.set(HandlerState::Failed { why });
                    return;
                }
            }
        }
    }

    /// Counts an error; the third within reach of one another is one too many. Who does not serve may have none.
    fn count(&mut self, why: String) -> Result<String, String> {
        if !self.serves() {
            return Err(why);
        }
        let now = Instant::now();
        if self.errors.last().is_some_and(|last| now - *last > FORGET_AFTER) {
            self.errors.clear();
        }
        self.errors.push(now);
        if self.errors.len() < TOO_MANY {
            return Ok(why);
        }
        Err(format!("{why}, the third failure with less than 30 minutes between them"))
    }

    /// From the start of a process to its end.
    async fn life(&mut self, child: &mut Child) -> End {
        let starting = answers(self.port, &self.journal);
        let limit = sleep(self.app.handler.startup_limit);
        tokio::pin!(starting, limit);
        let (mut process, mut listens) = (child.id(), false);
        loop {
            tokio::select! {
                exit = child.wait() => {
                    return End::Exited(exit.map_or(1, |status| code(&status)));
                }
                order = self.ordered.recv() => match order {
                    Some(Order::Restart(state, why)) => {
                        // Another call may have had that process killed already.
                        if state == *self.tell.borrow() {
                            self.set(HandlerState::Starting);
                            kill(child).await;
                            return End::Restarted(why);
                        }
                    }
                    Some(Order::Stop) | None => {
                        kill(child).await;
                        return End::Stopped;
                    }
                },
                // Pings that hang are waited for without limit, as the real host does: only pauses count.
                () = &mut starting, if process.is_some() => {
                    if let Some(process) = process.take() {
                        let text = format!("the handler (process {process}) answers on 127.0.0.1:{}", self.port);
                        self.journal.log(Level::Information, text);
                        self.set(HandlerState::Ready { process, port: self.port });
                    }
                }
                () = &mut limit, if !listens && process.is_some() => {
                    listens = TcpStream::connect(("127.0.0.1", self.port)).await.is_ok();
                    if !listens {
                        kill(child).await;
                        return End::TooSlow;
                    }
                }
            }
        }
    }

    /// Keeps the orders' receiver alive, so that a stop is heard.
    async fn until_stopped(&mut self) {
        while let Some(order) = self.ordered.recv().await {
            if matches!(order, Order::Stop) {
                self.set(HandlerState::Stopped);
                return;
            }
        }
    }

    fn spawn(&self) -> Result<Child> {
        let handler = &self.app.handler;
        let environment = command::environment(&self.app, self.port);
        let arguments = command::split(&settings::expand(&handler.arguments, &environment));
        let mut command = Command::new(&handler.executable);
        command
            .args(arguments)
            .env_clear()
            .envs(&environment)
            .env(HOST_PROCESS, std::process::id().to_string())
            .current_dir(&handler.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Out of the terminal's reach: Ctrl-C is for the host, which then lets calls finish.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().with_context(|| {
            format!(
                "cannot start the handler {} in {}: is it executable, and built for this machine?",
                handler.executable.display(),
                handler.directory.display()
            )
        })?;
        let errors = handler.stderr_is_errors;
        if let Some(stream) = child.stdout.take() {
            tokio::spawn(output::tell(stream, Source::Stdout, errors, self.journal.clone()));
        }
        if let Some(stream) = child.stderr.take() {
            tokio::spawn(output::tell(stream, Source::Stderr, errors, self.journal.clone()));
        }
        Ok(child)
    }
}

/// Ends a process at once; on Azure it gets no other signal either.
async fn kill(child: &mut Child) {
    let _ = child.start_kill();
    let _ = timeout(Duration::from_secs(1), child.wait()).await;
}

/// An exit code as .NET reports it: 128 and the signal for what was killed.
fn code(status: &std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

/// Asks `GET /` until there is any answer at all, or the connection breaks after it was made.
async fn answers(port: u16, journal: &Journal) {
    let ask = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    let stream = loop {
        match TcpStream::connect(("127.0.0.1", port)).await {
            Ok(stream) => break stream,
            Err(_) => sleep(PROBE_EVERY).await,
        }
    };
    let mut wire = Wire::new(stream);
    let answer = async {
        if wire.write(ask.as_bytes(), &[]).await.is_ok() {
            let _ = wire.response("GET", 1024 * 1024).await;
        }
    };
    tokio::pin!(answer);
    if timeout(Duration::from_secs(3), &mut answer).await.is_err() {
        journal.log(
            Level::Warning,
            "the handler takes connections but does not answer `GET /`: nothing is called before it does",
        );
        answer.await;
    }
}
