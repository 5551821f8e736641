//! Connections to the handler, kept open between calls.

use std::{
    io,
    sync::Mutex,
    time::{Duration, Instant},
};

use tokio::net::TcpStream;

use super::http1::{self, Response, Wire};

/// An idle connection is closed after this long, as the real host's are.
const IDLE: Duration = Duration::from_secs(60);
/// A request without a body is sent again so many times if nothing was answered.
const RETRIES: usize = 3;
/// Answers are buffered whole, up to .NET's limit.
const MOST: usize = i32::MAX as usize;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Error {
    /// Nobody listens.
    Refused(String),
    /// The connection broke, or what came was no answer.
    Broken(String),
}

/// All connections to one port.
pub(super) struct Pool {
    port: u16,
    idle: Mutex<Vec<(Wire, Instant)>>,
}

impl Pool {
    pub(super) fn new(port: u16) -> Self {
        Self { port, idle: Mutex::default() }
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn send(&self, method: &str, head: &[u8], body: &[u8]) -> Result<Response, Error> {
        let most = if body.is_empty() { RETRIES } else { 0 };
        let mut retries = most;
        loop {
            match self.once(method, head, body).await {
                Ok(Err(http1::Error::Ended { read: false })) if retries > 0 => retries -= 1,
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(e)) => return Err(Error::Broken(format!("the handler gave no answer: {e}"))),
                Err(e) => {
                    let why = format!("the handler does not listen on port {}: {e}", self.port);
                    return Err(if retries == most { Error::Refused(why) } else { Error::Broken(why) });
                }
            }
        }
    }

    async fn once(
        &self,
        method: &str,
        head: &[u8],
        body: &[u8],
    ) -> io::Result<Result<Response, http1::Error>> {
        let mut wire = match self.take() {
            Some(wire) => wire,
            None => Wire::new(TcpStream::connect(("127.0.0.1", self.port)).await?),
        };
        // A handler may answer before it has read everything, so a failed write is no verdict yet.
        let _ = wire.write(head, body).await;
        let response = wire.response(method, MOST).await;
        if response.as_ref().is_ok_and(|response| response.reusable) {
            self.idle().push((wire, Instant::now()));
        }
        Ok(response)
    }

    /// The connection used last, if it still stands.
    fn take(&self) -> Option<Wire> {
        let mut idle = self.idle();
        if idle.first().is_some_and(|(_, since)| since.elapsed() > IDLE) {
            idle.retain(|(_, since)| since.elapsed() <= IDLE);
        }
        while let Some((wire, _)) = idle.pop() {
            if wire.is_quiet() {
                return Some(wire);
            }
        }
        None
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(Wire, Instant)>> {
        self.idle.lock().expect("nobody panics while holding the connections")
    }
}
