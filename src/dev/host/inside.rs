//! A look inside a host that runs: where things stand, what happens, and a function called by hand.

use std::{net::SocketAddr, sync::Arc};

use chrono::TimeDelta;
use tokio::sync::broadcast;

use super::{
    admin,
    events::{Event, FunctionSnapshot, Snapshot, Source},
    journal::Journal,
    ledger::{Details, Invocation},
    server::Server,
};
use crate::{model::Timestamp, queue::Mailbox};

/// What can be seen of a host. Cheap to clone; it does not keep the host running.
#[derive(Clone)]
pub struct Inside {
    pub(super) address: SocketAddr,
    pub(super) queue: Arc<dyn Mailbox>,
    pub(super) journal: Journal,
    pub(super) server: Arc<Server>,
}

impl Inside {
    /// The queues whose functions the host calls.
    #[must_use]
    pub fn queue(&self) -> &Arc<dyn Mailbox> {
        &self.queue
    }

    /// All that happens from now on. A listener that is slow misses the oldest.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.journal.listen()
    }

    /// Where things stand.
    pub async fn snapshot(&self) -> Snapshot {
        let running = self.server.current();
        let functions = running.app.functions.iter().map(|function| {
            let tally = self.journal.tally(&function.name);
            FunctionSnapshot {
                name: function.name.clone(),
                trigger: function.trigger.kind(),
                what: function.trigger.what().1.to_owned(),
                methods: function.trigger.methods().to_vec(),
                fault: None,
                disabled: function.disabled,
                runs: tally.runs,
                failures: tally.failures,
                total_ms: tally.total_ms,
            }
        });
        let faults = running.app.faults.iter().map(|(name, why)| FunctionSnapshot {
            name: name.clone(),
            fault: Some(why.clone()),
            ..FunctionSnapshot::default()
        });
        Snapshot {
            address: format!("http://{}", self.address),
            handler: running.worker().handler.state(),
            starts: self.journal.starts(),
            build: self.journal.build(),
            functions: functions.chain(faults).collect(),
            queues: self.queue.list().await.unwrap_or_default(),
            timers: self
                .journal
                .timers()
                .into_iter()
                .filter(|(name, _)| running.app.function(name).is_some())
                .collect(),
            recent: self.journal.recent(),
        }
    }

    /// The latest calls, the newest first.
    #[must_use]
    pub fn invocations(&self) -> Vec<Invocation> {
        self.journal.invocations()
    }

    /// A call by its number, with all that is known of it; none if there is no such call or it was forgotten.
    #[must_use]
    pub fn invocation(&self, n: u64) -> Option<Details> {
        let (invocation, wire) = self.journal.invocation(n)?;
        let end = invocation
            .duration_ms
            .map(|duration| invocation.at + TimeDelta::microseconds((duration * 1000.0).ceil() as i64));
        let meanwhile = |at: Timestamp| at >= invocation.at && end.is_none_or(|end| at <= end);
        let (mut logs, mut printed) = (Vec::new(), Vec::new());
        for event in self.journal.recent() {
            match &event {
                Event::Log { invocation: Some(id), .. } if *id == invocation.invocation => logs.push(event),
                Event::Log { at, source: Source::Stdout | Source::Stderr, .. } if meanwhile(*at) => {
                    printed.push(event);
                }
                _ => {}
            }
        }
        Some(Details { invocation, wire, logs, printed })
    }

    /// Calls a function with this input, as `POST /admin/functions/{name}` does; false if there is none of this name.
    /// The call goes on after this returns; called twice, it makes two calls.
    #[must_use]
    pub fn call(&self, function: &str, input: &str) -> bool {
        let running = self.server.current();
        let Some(function) = running.app.function(function).cloned() else { return false };
        admin::begin(running, function, input.to_owned());
        true
    }
}
