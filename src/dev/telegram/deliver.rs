//! Brings updates to a bot's webhook: what Telegram's `WebhookActor` does
//! (<https://github.com/tdlib/telegram-bot-api>, `WebhookActor.cpp`).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::header;
use serde_json::{Map, Value};

use super::{
    Fake,
    journal::State,
    mail::{Fate, Parcel},
    parameters::Parameters,
    world::Webhook,
};

/// An answer that takes longer counts as a failure (<https://github.com/tdlib/telegram-bot-api/issues/211>).
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Delivers a bot's updates until the fake stops.
pub(super) async fn run(fake: Arc<Fake>, bot: usize) {
    let bell = fake.world().bots[bot].bell.clone();
    let busy = Arc::new(AtomicUsize::new(0));
    loop {
        while let Some((webhook, parcel)) = next(&fake, bot, &busy) {
            let (fake, busy) = (fake.clone(), busy.clone());
            tokio::spawn(async move { work(&fake, bot, webhook, parcel, &busy).await });
        }
        let wait = next_due(&fake, bot);
        tokio::select! {
            () = bell.notified() => {}
            () = tokio::time::sleep(wait) => {}
            () = fake.stopping() => return,
        }
    }
}

/// One connection: delivers an update, then the next that may go, until there is none.
async fn work(
    fake: &Arc<Fake>,
    bot: usize,
    mut webhook: Webhook,
    mut parcel: Arc<Parcel>,
    busy: &Arc<AtomicUsize>,
) {
    loop {
        let begun = Instant::now();
        let sent = tokio::select! {
            sent = send(fake, &webhook, &parcel) => sent,
            () = fake.stopping() => return,
        };
        let took = begun.elapsed();
        if let Ok(Sent { body, .. }) = &sent {
            obey(fake, bot, body);
        }
        settle(fake, bot, &parcel, &sent, took);
        busy.fetch_sub(1, Ordering::Relaxed);
        match next(fake, bot, busy) {
            Some(following) => (webhook, parcel) = following,
            None => break,
        }
    }
    // A retry may be due sooner than anything that was known before.
    fake.world().bots[bot].bell.notify_one();
}

/// Takes the next update and a connection for it, if there are both.
fn next(fake: &Fake, bot: usize, busy: &AtomicUsize) -> Option<(Webhook, Arc<Parcel>)> {
    let mut world = fake.world();
    let webhook = world.bots[bot].settings.webhook.clone()?;
    if busy.load(Ordering::Relaxed) >= webhook.max_connections || fake.is_stopping() {
        return None;
    }
    let now = world.clock.now();
    let slug = world.bots[bot].slug.clone();
    let (parcel, expired) = world.bots[bot].mail.take(now, webhook.max_connections);
    expired.iter().for_each(|parcel| world.discard(&slug, parcel, State::Dropped));
    let parcel = parcel?;
    busy.fetch_add(1, Ordering::Relaxed);
    if let Some(delivery) = world.journal.delivery(parcel.journal) {
        delivery.state = State::InFlight;
        delivery.attempts += 1;
        delivery.next = None;
    }
    Some((webhook, parcel))
}

fn next_due(fake: &Fake, bot: usize) -> Duration {
    let world = fake.world();
    let now = world.clock.now();
    let due = world.bots[bot].settings.webhook.as_ref().and_then(|_| world.bots[bot].mail.next_due(now));
    due.and_then(|due| (due - now).to_std().ok()).unwrap_or(Duration::from_secs(3600))
}

/// A webhook's 2xx.
struct Sent {
    status: u16,
    body: Body,
}

/// Any other end of a delivery.
struct Unsent {
    status: Option<u16>,
    why: String,
    retry_after: Option<u32>,
}

enum Body {
    Json(Vec<u8>),
    Form(Vec<u8>),
}

async fn send(fake: &Fake, webhook: &Webhook, parcel: &Parcel) -> Result<Sent, Unsent> {
    let mut request = fake
        .client
        .post(&webhook.url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT_ENCODING, "gzip, deflate")
        .body(parcel.body.clone());
    if let Some(secret) = &webhook.secret {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    let broken = |error: reqwest::Error| Unsent {
        status: None,
        why: if error.is_timeout() {
            "Read timeout expired".to_owned()
        } else if error.is_connect() {
            "Connection refused".to_owned()
        } else {
            "Connection closed".to_owned()
        },
        retry_after: None,
    };
    let response = request.send().await.map_err(broken)?;
    let status = response.status();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let retry_after = header(header::RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok());
    let form = header(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let bytes = response.bytes().await.map_err(broken)?.to_vec();
    if !status.is_success() {
        let why = format!("Wrong response from the webhook: {status}");
        return Err(Unsent { status: Some(status.as_u16()), why, retry_after });
    }
    Ok(Sent { status: status.as_u16(), body: if form { Body::Form(bytes) } else { Body::Json(bytes) } })
}

fn settle(fake: &Fake, bot: usize, parcel: &Parcel, sent: &Result<Sent, Unsent>, took: Duration) {
    let mut world = fake.world();
    let now = world.clock.now();
    let slug = world.bots[bot].slug.clone();
    let fate = match sent {
        Ok(_) => {
            world.bots[bot].mail.settle(parcel);
            None
        }
        Err(Unsent { why, retry_after, .. }) => {
            if let Some(webhook) = &mut world.bots[bot].settings.webhook {
                webhook.last_error = Some((now.timestamp(), why.clone()));
            }
            Some(world.bots[bot].mail.failed(parcel, now, *retry_after))
        }
    };
    if let Some(delivery) = world.journal.delivery(parcel.journal) {
        delivery.micros = took.as_micros().try_into().unwrap_or(u64::MAX);
        delivery.status = match sent {
            Ok(sent) => Some(sent.status),
            Err(unsent) => unsent.status,
        };
        delivery.error = sent.as_ref().err().map(|unsent| unsent.why.clone());
    }
    match fate {
        None => world.discard(&slug, parcel, State::Delivered),
        Some(Fate::Dropped) => world.discard(&slug, parcel, State::Dropped),
        Some(Fate::Again(due)) => {
            if let Some(delivery) = world.journal.delivery(parcel.journal) {
                delivery.state = State::Waiting;
                delivery.next = Some(due);
            }
            world.tell(|| serde_json::json!({ "news": "journal", "room": parcel.room }));
        }
    }
}

/// Carries out the method that a webhook's answer names. Its result goes nowhere
/// (<https://core.telegram.org/bots/api#making-requests-when-getting-updates>).
fn obey(fake: &Fake, bot: usize, body: &Body) {
    let values: Map<String, Value> = match body {
        Body::Json(bytes) => serde_json::from_slice(bytes).unwrap_or_default(),
        Body::Form(bytes) => form_urlencoded::parse(bytes)
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect(),
    };
    let mut parameters = Parameters { values, ..Parameters::default() };
    let Some(Value::String(method)) = parameters.values.remove("method") else { return };
    let lower = method.to_ascii_lowercase();
    if lower.starts_with("get")
        || ["setwebhook", "deletewebhook", "close", "logout"].contains(&lower.as_str())
    {
        return;
    }
    // Neither a refusal nor a fault reaches anybody: Telegram discards the result.
    let _ = fake.call(bot, &method, parameters, true);
}
