//! An app that runs: its handler, and every call to it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{
    answer::Answer,
    app::{App, Forward},
    auth::Identity,
    dice,
    envelope::{self, Call},
    events::{HandlerState, Level, Source},
    expression,
    facts::Facts,
    forward,
    function::{self, Function},
    http1::{Request, Response},
    journal::Journal,
    json::Json,
    pool, reply,
    result::{self, Outcome, Reading},
    route::Values,
    target::Target,
    worker::{Post, Shift, Worker},
};
use crate::queue::Mailbox;

/// After the time-out the caller waits so much longer, as on Azure.
const GRACE: Duration = Duration::from_secs(2);
/// A redirect is followed so often in JSON mode.
const MOST_REDIRECTS: usize = 50;

/// What a function is called with.
enum Work<'a> {
    /// The request as it came.
    Forward(&'a Request),
    /// Data and metadata.
    Call(&'a Call),
}

/// One generation of the app: when its files change, another one takes its place.
pub(super) struct Running {
    pub(super) app: Arc<App>,
    pub(super) journal: Journal,
    pub(super) queue: Arc<dyn Mailbox>,
    post: Post,
    /// Set when the host stops: no attempt is repeated any more.
    ending: watch::Sender<bool>,
}

impl Running {
    pub(super) async fn start(app: App, queue: Arc<dyn Mailbox>, journal: Journal) -> Result<Self> {
        let app = Arc::new(app);
        let post = Post::start(app.clone(), journal.clone()).await?;
        Ok(Self { app, journal, queue, post, ending: watch::Sender::new(false) })
    }

    /// The handler that is called now.
    pub(super) fn worker(&self) -> Arc<Worker> {
        self.post.worker()
    }

    /// Something begins that needs the handler: until it is over, the process is not ended.
    pub(super) fn enter(&self) -> Shift {
        self.post.enter()
    }

    /// Has a new process of the executable take the handler's place; see [`Post::exchange`].
    ///
    /// # Errors
    /// There is no new process that answers: the one before goes on.
    pub(super) async fn exchange(&self) -> Result<()> {
        self.post.exchange(self.app.clone(), &self.journal).await
    }

    /// Waits until nothing is under way in the handler.
    pub(super) async fn idle(&self) {
        self.post.idle().await;
    }

    /// Kills the handler.
    pub(super) async fn stop(&self) {
        self.post.stop().await;
    }

    /// From now on a failure is final.
    pub(super) fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Is a failure final now?
    pub(super) fn is_ending(&self) -> bool {
        *self.ending.borrow()
    }

    /// Answers a request through the function it is for.
    pub(super) async fn http(
        &self,
        function: &Function,
        request: &Request,
        target: &Target,
        params: &Values,
        who: &Identity,
    ) -> Answer {
        let answered = match function.forward {
            Forward::Never => {
                let call = envelope::by_request(request, target, params, who);
                self.attempts(function, Work::Call(&call)).await
            }
            Forward::Path | Forward::Name => self.attempts(function, Work::Forward(request)).await,
        };
        answered.unwrap_or_else(|_| Answer::empty(500))
    }

    async fn forward_once(
        &self,
        worker: &Worker,
        function: &Function,
        request: &Request,
        id: Uuid,
    ) -> Result<Answer, String> {
        let path = match function.forward {
            Forward::Name => format!("/{}{}", function.name, Target::parse(&request.target).rebuilt_query()),
            _ => forward::path(request),
        };
        let head = forward::request(request, &path, id)?;
        let response = self.send(worker, id, &request.method, &head, &request.body).await?;
        let head = forward::response(&response, request)?;
        let says_close =
            response.fields.text("connection").is_some_and(|word| word.eq_ignore_ascii_case("close"));
        let closes = says_close || response.status == 101;
        Ok(Answer { status: response.status.into(), head, body: response.body, closes })
    }

    /// Calls a function in JSON mode, where nobody waits for an answer.
    ///
    /// # Errors
    /// The last attempt failed, and how.
    pub(super) async fn call(&self, function: &Function, call: &Call) -> Result<(), String> {
        self.attempts(function, Work::Call(call)).await.map(drop)
    }

    /// Makes one attempt, and others as the retry policy says. Each is timed, limited and told.
    async fn attempts(&self, function: &Function, work: Work<'_>) -> Result<Answer, String> {
        let trigger = function.trigger.kind();
        let mut id = dice::guid();
        let mut failure: Option<String> = None;
        for attempt in 0.. {
            let retry = function
                .retry
                .as_ref()
                .map(|policy| envelope::retry_context(attempt, policy.most, failure.as_deref()));
            let begun = Instant::now();
            self.journal.started(&function.name, trigger, id);
            let worker = self.enter();
            let outcome = self.limited(&worker, self.once(&worker, function, &work, retry, id)).await;
            drop(worker);
            let told = match &outcome {
                Ok(answer) => Ok((trigger == "httpTrigger").then_some(answer.status)),
                Err(why) => Err(why.clone()),
            };
            self.journal.ended(&function.name, trigger, id, begun.elapsed(), told);
            let why = match outcome {
                Ok(answer) => return Ok(answer),
                Err(why) => why,
            };
            let pause = function.retry.as_ref().and_then(|policy| policy.pause_after(attempt + 1));
            let Some(pause) = pause else { return Err(why) };
            let mut ending = self.ending.subscribe();
            tokio::select! {
                biased;
                _ = ending.wait_for(|&ending| ending) => return Err(why),
                () = sleep(pause) => {}
            }
            failure = Some(why);
            // Attempts at a message share their id, attempts at a request do not.
            if trigger == "httpTrigger" {
                id = dice::guid();
            }
        }
        unreachable!("attempts are counted without end")
    }

    async fn once(
        &self,
        worker: &Worker,
        function: &Function,
        work: &Work<'_>,
        retry: Option<Json>,
        id: Uuid,
    ) -> Result<Answer, String> {
        match work {
            Work::Forward(request) => self.forward_once(worker, function, request, id).await,
            Work::Call(call) => {
                let outcome = self.call_once(worker, function, call, retry, id).await?;
                Ok(reply::answer(function, &outcome))
            }
        }
    }

    async fn call_once(
        &self,
        worker: &Worker,
        function: &Function,
        call: &Call,
        retry: Option<Json>,
        id: Uuid,
    ) -> Result<Outcome, String> {
        let now = self.journal.clock().now();
        let (head, body) = envelope::request(function, call, id, worker.handler.port, retry, now);
        let mut response = self.send(worker, id, "POST", &head, &body).await?;
        for _ in 0..MOST_REDIRECTS {
            let Some(request) = self.redirected(worker, &response, &head, &body) else { break };
            response = self.send(worker, id, request.0, &request.1, &request.2).await?;
        }
        let outcome = match result::read(&response) {
            Reading::Outcome(outcome) => outcome,
            Reading::Failure(why) => return Err(why),
            Reading::Nothing => {
                let text = format!(
                    "the handler answered {} without content: Azure waits for the time-out then and kills the handler; answer {{}} instead",
                    response.status
                );
                self.journal.line(Source::Host, Level::Error, Some(&function.name), Some(id), text);
                std::future::pending().await
            }
        };
        self.put_outputs(function, &outcome, &call.facts).await?;
        for line in &outcome.logs {
            self.journal.line(
                Source::Function,
                Level::Information,
                Some(&function.name),
                Some(id),
                line.clone(),
            );
        }
        Ok(outcome)
    }

    /// The request that a redirect asks for; .NET follows it unless forward mode is on.
    fn redirected(
        &self,
        worker: &Worker,
        response: &Response,
        head: &[u8],
        body: &[u8],
    ) -> Option<(&'static str, Vec<u8>, Vec<u8>)> {
        if self.app.forward == Forward::Path || !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = response.fields.text("location")?;
        let own = format!("http://127.0.0.1:{}", worker.handler.port);
        let path = location.strip_prefix(&own).unwrap_or(location);
        if !path.starts_with('/') {
            return None;
        }
        let lines = String::from_utf8_lossy(head);
        let (_, fields) = lines.split_once("\r\n")?;
        if matches!(response.status, 307 | 308) {
            return Some(("POST", format!("POST {path} HTTP/1.1\r\n{fields}").into_bytes(), body.to_vec()));
        }
        let kept: Vec<&str> = fields
            .split_inclusive("\r\n")
            .filter(|line| !line.starts_with("Transfer-Encoding") && !line.starts_with("Content-Type"))
            .collect();
        Some(("GET", format!("GET {path} HTTP/1.1\r\n{}", kept.concat()).into_bytes(), Vec::new()))
    }

    /// Writes what the handler gave for the queues, output by output, in order.
    async fn put_outputs(&self, function: &Function, outcome: &Outcome, facts: &Facts) -> Result<(), String> {
        for output in &function.outputs {
            let function::Target::Queue(template) = &output.target else { continue };
            let Some(value) = outcome.value(function, output) else { continue };
            let queue = expression::resolve(template, facts, self.journal.clock().now())?;
            for message in result::messages(value)? {
                self.queue
                    .send_bytes(&queue, &message, Duration::ZERO)
                    .await
                    .map_err(|e| format!("the output `{}`: {e}", output.name))?;
            }
        }
        Ok(())
    }

    /// Sends to the handler as soon as it is there; to its successor, if that is there first.
    async fn send(
        &self,
        first: &Worker,
        id: Uuid,
        method: &str,
        head: &[u8],
        body: &[u8],
    ) -> Result<Response, String> {
        let mut successor: Option<Shift> = None;
        loop {
            let worker = successor.as_deref().unwrap_or(first);
            let state = tokio::select! {
                biased;
                state = worker.handler.ready() => state,
                () = self.post.succeeded(worker) => HandlerState::Stopped,
            };
            match state {
                HandlerState::Ready { .. } => {}
                _ if !self.post.is_held_by(worker) => {
                    successor = Some(self.enter());
                    continue;
                }
                HandlerState::Failed { why } => return Err(why),
                _ => return Err("the handler does not run".to_owned()),
            }
            match worker.pool.send(method, head, body).await {
                Ok(response) => {
                    self.journal.exchanged(id, head, body, Some(&response));
                    return Ok(response);
                }
                Err(pool::Error::Broken(why)) => {
                    self.journal.exchanged(id, head, body, None);
                    return Err(why);
                }
                // The process is gone, though nobody has noticed yet: its successor may serve.
                Err(pool::Error::Refused(why)) if !worker.handler.leaves(&state).await => return Err(why),
                Err(pool::Error::Refused(_)) => {}
            }
        }
    }

    /// Gives an attempt the function time-out; one that is over it costs the handler its life.
    async fn limited<T>(
        &self,
        worker: &Worker,
        call: impl Future<Output = Result<T, String>>,
    ) -> Result<T, String> {
        let Some(limit) = self.app.function_timeout else { return call.await };
        match timeout(limit + GRACE, call).await {
            Ok(outcome) => outcome,
            Err(_) => {
                worker
                    .handler
                    .restart("a function took longer than `functionTimeout`, so the handler was killed")
                    .await;
                Err(format!("no answer within {limit:?} (`functionTimeout` in host.json)"))
            }
        }
    }
}
