//! Brings the changes of a container to a function, batch by batch, and remembers how far it has come.
//! <https://learn.microsoft.com/azure/azure-functions/functions-bindings-cosmosdb-v2-trigger#usage>

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{sync::watch, time::sleep};

use super::{
    Feed, batch,
    checkpoints::Checkpoints,
    source::{Page, Source},
};
use crate::dev::host::{
    envelope::{self, Call},
    events::{HandlerState, Level, Source as Speaker},
    function::{Function, Trigger},
    running::Running,
};

/// How often a lease is asked for that somebody else holds, and the shortest pause between two looks at a feed.
const SHORTEST: Duration = Duration::from_millis(50);
/// How long to wait after an error, at least, and for a handler that does not run.
const PATIENCE: Duration = Duration::from_secs(1);

/// Serves one function until told to stop; returns when its last batches are done.
pub(in crate::dev::host) async fn run(
    running: Arc<Running>,
    function: Arc<Function>,
    data: PathBuf,
    mut stopping: watch::Receiver<bool>,
) {
    let Trigger::Feed(feed) = &function.trigger else { return };
    let follower = Follower { running: &running, function: &function, feed };
    let opened = tokio::select! {
        _ = stopping.wait_for(|&stop| stop) => return,
        opened = follower.open(&data) => opened,
    };
    let (checkpoints, sources) = opened;
    join_all(
        sources
            .into_iter()
            .map(|(part, source)| follower.follow(part, source, &checkpoints, stopping.clone())),
    )
    .await;
}

/// What became of a batch.
enum Outcome {
    /// The function has it, or has lost it for good: go on after it.
    Over,
    /// The function is to be brought it again, when there is a handler.
    NotNow,
    /// The host stops: the next one brings it.
    Later,
}

struct Follower<'a> {
    running: &'a Running,
    function: &'a Function,
    feed: &'a Feed,
}

impl Follower<'_> {
    fn say(&self, level: Level, text: String) {
        self.running.journal.line(Speaker::Host, level, Some(&self.function.name), None, text);
    }

    /// Tries until it succeeds; tells each new reason why it does not.
    async fn open(&self, data: &Path) -> (Checkpoints, Vec<(String, Source)>) {
        let mut trouble = Trouble::default();
        let checkpoints = loop {
            match Checkpoints::take(data, &self.function.name, self.feed.identity()) {
                Ok(Some(checkpoints)) => break checkpoints,
                Ok(None) => sleep(SHORTEST).await,
                Err(e) => {
                    trouble.tell(self, &format!("its checkpoints can't be kept: {e}"));
                    sleep(PATIENCE).await;
                }
            }
        };
        loop {
            match Source::open(self.feed, self.running, &checkpoints).await {
                Ok(sources) => return (checkpoints, sources),
                Err(why) => {
                    trouble.tell(self, &format!("`{}` can't be followed: {why}", self.feed.container));
                    sleep(PATIENCE.max(self.feed.pause)).await;
                }
            }
        }
    }

    async fn follow(
        &self,
        part: String,
        mut source: Source,
        checkpoints: &Checkpoints,
        mut stopping: watch::Receiver<bool>,
    ) {
        let mut trouble = Trouble::default();
        loop {
            let page = tokio::select! {
                _ = stopping.wait_for(|&stop| stop) => return,
                page = source.next() => page,
            };
            let pause = match page {
                Ok(page) => {
                    trouble = Trouble::default();
                    if !page.documents.is_empty() && !self.deliver(&page, &mut stopping).await {
                        return;
                    }
                    if let Err(e) = checkpoints.set(&part, &page.next) {
                        self.say(Level::Warning, format!("its checkpoint can't be written: {e}"));
                    }
                    // More may be there: one looks again at once until there is nothing.
                    if page.documents.is_empty() { self.feed.pause.max(SHORTEST) } else { Duration::ZERO }
                }
                Err(why) => {
                    trouble.tell(
                        self,
                        &format!("the changes of `{}` can't be read: {why}", self.feed.container),
                    );
                    self.feed.pause.max(PATIENCE)
                }
            };
            if pause.is_zero() {
                continue;
            }
            tokio::select! {
                _ = stopping.wait_for(|&stop| stop) => return,
                () = sleep(pause) => {}
            }
        }
    }

    /// Brings a batch until it is over; false if it is to be brought by another host.
    async fn deliver(&self, page: &Page, stopping: &mut watch::Receiver<bool>) -> bool {
        let call = envelope::by_changes(&batch(&page.documents));
        loop {
            tokio::select! {
                biased;
                _ = stopping.wait_for(|&stop| stop) => return false,
                () = self.handler_answers() => {}
            }
            match self.bring(&call, page.documents.len()).await {
                Outcome::Over => return true,
                Outcome::Later => return false,
                Outcome::NotNow => {}
            }
        }
    }

    /// Waits until there is a handler that answers.
    async fn handler_answers(&self) {
        while !matches!(self.running.worker().handler.ready().await, HandlerState::Ready { .. }) {
            sleep(PATIENCE).await;
        }
    }

    async fn bring(&self, call: &Call, documents: usize) -> Outcome {
        if self.running.call(self.function, call).await.is_ok() {
            return Outcome::Over;
        }
        if self.running.is_ending() {
            return Outcome::Later;
        }
        let state = self.running.worker().handler.state();
        if !matches!(state, HandlerState::Ready { .. } | HandlerState::Starting) {
            return Outcome::NotNow;
        }
        let why = match &self.function.retry {
            None => "it has no `retry`",
            Some(_) => "its `retry` allows no more attempts",
        };
        let changes = if documents == 1 { "a change is" } else { "changes are" };
        self.say(
            Level::Error,
            format!("{documents} {changes} lost to it, as on Azure: the call failed, and {why}"),
        );
        Outcome::Over
    }
}

/// What was last told to be wrong.
#[derive(Default)]
struct Trouble(Option<String>);

impl Trouble {
    /// Tells it unless it was told just before.
    fn tell(&mut self, follower: &Follower<'_>, why: &str) {
        if self.0.as_deref() != Some(why) {
            follower.say(Level::Warning, format!("{why}; it is tried again"));
            self.0 = Some(why.to_owned());
        }
    }
}
