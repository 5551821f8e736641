//! The queue listener: fetches messages, calls functions, deletes, releases or poisons.
//! <https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#usage>

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    dice, envelope,
    events::{Level, Source},
    function::{Function, Trigger},
    running::Running,
};
use crate::queue::{Error, Received};

/// A message is hidden so long while its function runs, and again after half of that.
const LEASE: Duration = Duration::from_secs(10 * 60);
const RENEW_EVERY: Duration = Duration::from_secs(5 * 60);
/// The shortest pause between two looks at an empty queue.
const SHORTEST: Duration = Duration::from_millis(100);
/// Names of queues are no longer than this, so some have no poison queue.
const LONGEST_NAME: usize = 63;

/// Serves one queue function until told to stop; returns when its last message is done.
pub(super) async fn listen(
    running: Arc<Running>,
    function: Arc<Function>,
    mut stopping: watch::Receiver<bool>,
) {
    let Trigger::Queue { queue, .. } = &function.trigger else { return };
    let options = running.app.queues.clone();
    let mut sent = running.queue.watch(queue);
    // The batch is fetched when no more than the threshold still run.
    let slots = Arc::new(Semaphore::new(options.batch + options.threshold));
    let mut calls = JoinSet::new();
    let mut empty_looks = 0;
    let mut complaint = String::new();
    loop {
        let room = u32::try_from(options.batch).unwrap_or(32);
        let slot = tokio::select! {
            _ = stopping.wait_for(|&stop| stop) => break,
            slot = slots.clone().acquire_many_owned(room) => slot,
        };
        let Ok(slot) = slot else { break };
        drop(slot);
        sent.mark_unchanged();
        let messages = match running.queue.receive(queue, options.batch, LEASE).await {
            Ok(messages) => {
                complaint.clear();
                messages
            }
            Err(e) => {
                // Queues elsewhere may be away for long: once is enough.
                if complaint != e.to_string() {
                    complaint = e.to_string();
                    let (source, name) = (Source::Host, Some(&function.name[..]));
                    running.journal.line(source, Level::Warning, name, None, complaint.clone());
                }
                Vec::new()
            }
        };
        if messages.is_empty() {
            empty_looks += 1;
            let pause = pause_after(empty_looks, options.longest_pause);
            tokio::select! {
                _ = stopping.wait_for(|&stop| stop) => break,
                _ = timeout(pause, sent.changed()) => {}
            }
            continue;
        }
        empty_looks = 0;
        for message in messages {
            let Ok(slot) = slots.clone().acquire_owned().await else { break };
            let (running, function) = (running.clone(), function.clone());
            calls.spawn(async move {
                process(&running, &function, message).await;
                drop(slot);
            });
        }
        while calls.try_join_next().is_some() {}
    }
    while calls.join_next().await.is_some() {}
}

/// 100 ms, then about 200, 300, 500, 900, … up to the longest.
fn pause_after(empty_looks: u32, longest: Duration) -> Duration {
    if empty_looks <= 1 {
        return SHORTEST.min(longest);
    }
    let growth = SHORTEST.saturating_mul(2_u32.saturating_pow(empty_looks - 2));
    (SHORTEST + growth.mul_f64(dice::between(0.8, 1.2))).min(longest)
}

async fn process(running: &Running, function: &Function, message: Received) {
    let Trigger::Queue { queue, binary } = &function.trigger else { return };
    let most = running.app.queues.most_dequeues;
    if message.dequeue_count > most {
        finish(
            running,
            function,
            queue,
            &message,
            &message.pop_receipt,
            Verdict::Poison("dequeued too often"),
        )
        .await;
        return;
    }
    if message.garbled {
        // Azure's host does not call the function for it either.
        finish(running, function, queue, &message, &message.pop_receipt, Verdict::Poison("not base64")).await;
        return;
    }
    let Some(call) = envelope::by_message(&message, *binary) else {
        finish(running, function, queue, &message, &message.pop_receipt, Verdict::Poison("not UTF-8")).await;
        return;
    };
    let lease = Lease::of(&message);
    let outcome = tokio::select! {
        outcome = running.call(function, &call) => outcome,
        never = renew(running, queue, &lease) => match never {},
    };
    let verdict = match outcome {
        Ok(()) => Verdict::Done,
        Err(_) if message.dequeue_count >= most => Verdict::Poison("its last attempt failed"),
        Err(_) => Verdict::Release,
    };
    finish(running, function, queue, &message, &lease.receipt(), verdict).await;
}

/// The latest receipt of a message that is being worked on.
struct Lease {
    id: String,
    receipt: std::sync::Mutex<String>,
}

impl Lease {
    fn of(message: &Received) -> Self {
        Self { id: message.id.clone(), receipt: message.pop_receipt.clone().into() }
    }

    fn receipt(&self) -> String {
        self.receipt.lock().expect("nobody panics while holding a receipt").clone()
    }
}

/// Keeps a message hidden; never returns, for a lost lease is noticed when the message is finished.
async fn renew(running: &Running, queue: &str, lease: &Lease) -> Infallible {
    loop {
        sleep(RENEW_EVERY).await;
        match running.queue.extend(queue, &lease.id, &lease.receipt(), LEASE).await {
            Ok(Some(receipt)) => {
                *lease.receipt.lock().expect("nobody panics while holding a receipt") = receipt;
            }
            Ok(None) => std::future::pending().await,
            Err(_) => {}
        }
    }
}

enum Verdict {
    Done,
    Release,
    Poison(&'static str),
}

async fn finish(
    running: &Running,
    function: &Function,
    queue: &str,
    message: &Received,
    receipt: &str,
    verdict: Verdict,
) {
    let log = |level, text| running.journal.line(Source::Host, level, Some(&function.name), None, text);
    let id = &message.id;
    let done: Result<bool, Error> = match verdict {
        Verdict::Done => running.queue.delete(queue, id, receipt).await,
        Verdict::Release => {
            let visibility = running.app.queues.visibility;
            running.queue.extend(queue, id, receipt, visibility).await.map(|new| new.is_some())
        }
        Verdict::Poison(why) => match poison_queue(queue) {
            None => {
                log(
                    Level::Error,
                    format!("message {id}: {why}; `{queue}` has no poison queue, so it stays hidden"),
                );
                return;
            }
            Some(poison) => {
                log(Level::Error, format!("message {id}: {why}; moved to `{poison}`"));
                match running.queue.send_bytes(&poison, &message.body, Duration::ZERO).await {
                    Ok(()) => running.queue.delete(queue, id, receipt).await,
                    Err(e) => Err(e),
                }
            }
        },
    };
    match done {
        Ok(true) => {}
        Ok(false) => log(Level::Warning, format!("message {id} was taken by another receiver meanwhile")),
        Err(e) => log(Level::Error, format!("message {id}: {e}")),
    }
}

/// Where messages go that cannot be processed; none for a queue that is one, or whose name is too long.
fn poison_queue(queue: &str) -> Option<String> {
    let poison = format!("{queue}-poison");
    (!queue.ends_with("-poison") && poison.len() <= LONGEST_NAME).then_some(poison)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let longest = Duration::from_secs(2);
        assert_eq!(pause_after(1, longest), SHORTEST);
        for (looks, from, to) in
            [(2, 180, 220), (3, 260, 340), (4, 420, 580), (5, 740, 1060), (50, 2000, 2000)]
        {
            let pause = pause_after(looks, longest).as_millis();
            assert!((from..=to).contains(&pause), "{looks}: {pause}");
        }
    }

    #[test]
    fn poison_queues_have_none() {
        assert_eq!(poison_queue("hints").as_deref(), Some("hints-poison"));
        assert_eq!(poison_queue("hints-poison"), None);
        assert_eq!(poison_queue(&"q".repeat(60)), None);
    }
}
