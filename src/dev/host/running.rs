//! An app that runs: its handler, and every call to it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    answer::Answer,
    app::{App, Forward},
    dice,
    events::{HandlerState, Journal},
    forward,
    function::Function,
    handler::Handler,
    http1::Request,
    pool::Pool,
};

/// After the time-out the client waits so much longer, as on Azure.
const GRACE: Duration = Duration::from_secs(2);

/// One generation of the app: when its files change, another one takes its place.
pub(super) struct Running {
    pub(super) app: Arc<App>,
    pub(super) handler: Handler,
    pub(super) journal: Journal,
    pub(super) pool: Pool,
}

impl Running {
    pub(super) async fn start(app: App, journal: Journal) -> Result<Self> {
        let app = Arc::new(app);
        let handler = Handler::start(app.clone(), journal.clone()).await?;
        let pool = Pool::new(handler.port);
        Ok(Self { app, handler, journal, pool })
    }

    /// Answers a request through the handler.
    pub(super) async fn http(&self, function: &Function, request: &Request) -> Answer {
        match function.forward {
            Forward::Never => Answer::empty(500),
            Forward::Path | Forward::Name => self.forward(function, request).await,
        }
    }

    async fn forward(&self, function: &Function, request: &Request) -> Answer {
        let mut failures = 0;
        loop {
            let id = dice::guid();
            let begun = Instant::now();
            self.journal.started(&function.name, function.trigger.kind(), id);
            let outcome = self.limited(self.forward_once(function, request, id)).await;
            let told = outcome.as_ref().map(|answer| Some(answer.status)).map_err(Clone::clone);
            self.journal.ended(&function.name, function.trigger.kind(), id, begun.elapsed(), told);
            match outcome {
                Ok(answer) => return answer,
                Err(_) => failures += 1,
            }
            match function.retry.as_ref().and_then(|retry| retry.pause_after(failures)) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Answer::empty(500),
            }
        }
    }

    async fn forward_once(&self, function: &Function, request: &Request, id: Uuid) -> Result<Answer, String> {
        let path = match function.forward {
            Forward::Name => format!("/{}", function.name),
            _ => forward::path(request),
        };
        let head = forward::request(request, &path, id)?;
        let response = self.send(&request.method, &head, &request.body).await?;
        let head = forward::response(&response, request)?;
        let closes = response.status == 101
            || response.fields.text("connection").is_some_and(|c| c.eq_ignore_ascii_case("close"));
        Ok(Answer { status: response.status.into(), head, body: response.body, closes })
    }

    /// Sends to the handler as soon as it is there.
    pub(super) async fn send(
        &self,
        method: &str,
        head: &[u8],
        body: &[u8],
    ) -> Result<super::http1::Response, String> {
        loop {
            let ready = match self.handler.ready().await {
                ready @ HandlerState::Ready { .. } => ready,
                HandlerState::Failed { why } => return Err(why),
                _ => return Err("the handler does not run".to_owned()),
            };
            match self.pool.send(method, head, body).await {
                Err(super::pool::Error::Refused(why)) => {
                    // The process is gone, though nobody has noticed yet: its successor may serve.
                    if !self.handler.leaves(&ready).await {
                        return Err(why);
                    }
                }
                Err(super::pool::Error::Broken(why)) => return Err(why),
                Ok(response) => return Ok(response),
            }
        }
    }

    /// Gives an invocation the function time-out; one that is over it costs the handler its life.
    pub(super) async fn limited<T>(
        &self,
        call: impl Future<Output = Result<T, String>>,
    ) -> Result<T, String> {
        let Some(limit) = self.app.function_timeout else { return call.await };
        match timeout(limit + GRACE, call).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.handler
                    .restart("a function took longer than `functionTimeout`, so the handler was killed")
                    .await;
                Err(format!("no answer within {limit:?} (`functionTimeout` in host.json)"))
            }
        }
    }
}
