//! Can hints be left?

use std::time::{Duration, Instant};

use super::{Finding, dice};
use crate::{
    model::Clock,
    queue::{self, Error, Mailbox},
};

pub(super) async fn look(settings: Option<&queue::Settings>) -> Vec<Finding> {
    let Some(settings) = settings else { return Vec::new() };
    let (what, mend) = match settings {
        queue::Settings::Sqlite(file) => {
            (format!("queues {}", file.display()), "see that this file can be written".to_owned())
        }
        queue::Settings::Storage(storage) => (
            format!("queues {}", storage.account),
            format!(
                "see that `{}` can be reached, and that who we are may use it (role Storage Queue Data Contributor)",
                storage.endpoint
            ),
        ),
    };
    let started = Instant::now();
    let done = async { send_and_take_back(&*queue::open(settings, Clock::real())?).await };
    vec![match done.await {
        Ok(()) => {
            let ms = started.elapsed().as_millis();
            Finding::fine(what, format!("a message was sent, received and deleted in {ms} ms"))
        }
        Err(error) => Finding::wrong(what, error.to_string(), mend),
    }]
}

/// Through a queue of its own, that no function listens to.
async fn send_and_take_back(queues: &dyn Mailbox) -> Result<(), Error> {
    const QUEUE: &str = "doctor";
    let ours = dice();
    queues.send(QUEUE, &ours, Duration::ZERO).await?;
    loop {
        // Whoever looked before and was interrupted may have left some.
        let received = queues.receive(QUEUE, 32, Duration::from_secs(30)).await?;
        if received.is_empty() {
            return Err(Error::Unavailable("a message that was sent can't be received".into()));
        }
        for message in &received {
            queues.delete(QUEUE, &message.id, &message.pop_receipt).await?;
        }
        if received.iter().any(|message| message.body == ours.as_bytes()) {
            return Ok(());
        }
    }
}
