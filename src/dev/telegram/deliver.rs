//! Brings updates to a bot's webhook: what Telegram's `WebhookActor` does
//! (<https://github.com/tdlib/telegram-bot-api>, `WebhookActor.cpp`).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{body::Body, extract::Request};
use chrono::TimeDelta;
use reqwest::header;
use serde_json::Value;

use super::{
    Fake,
    connections::End,
    journal::State,
    mail::{Fate, Parcel},
    parameters::Parameters,
    wait,
    world::{Bot, Webhook},
};
use crate::model::Timestamp;

/// An answer that takes longer counts as a failure (<https://github.com/tdlib/telegram-bot-api/issues/211>).
const PATIENCE: TimeDelta = TimeDelta::seconds(60);

/// A webhook that says 410 for so long, and nothing else, is taken away (`WebhookActor` of the official server).
const GONE_FOR: TimeDelta = TimeDelta::hours(23);

/// Delivers a bot's updates until the fake stops.
pub(super) async fn run(fake: Arc<Fake>, bot: usize) {
    let (bell, clock) = {
        let world = fake.world();
        (world.bots[bot].bell.clone(), world.clock.clone())
    };
    loop {
        while let Some((webhook, parcel)) = next(&fake, bot) {
            let fake = fake.clone();
            tokio::spawn(async move { work(&fake, bot, webhook, parcel).await });
        }
        let due = next_due(&fake, bot);
        tokio::select! {
            () = bell.notified() => {}
            () = wait::until(&clock, due) => {}
            () = fake.stopping() => return,
        }
    }
}

/// One connection: delivers an update, then the next that may go, until there is none.
async fn work(fake: &Arc<Fake>, bot: usize, mut webhook: Webhook, mut parcel: Arc<Parcel>) {
    let clock = fake.world().clock.clone();
    loop {
        let begun = Instant::now();
        let patience = wait::until(&clock, Some(clock.now() + PATIENCE));
        let sent = tokio::select! {
            sent = send(fake, &webhook, &parcel) => sent,
            () = patience => Err(Unsent::silent("Read timeout expired")),
            () = fake.stopping() => return,
        };
        let took = begun.elapsed();
        let sent = match sent {
            Ok(Sent { status, kind, body }) => {
                obey(fake, bot, kind, body).await;
                Ok(status)
            }
            Err(unsent) => Err(unsent),
        };
        settle(fake, bot, &parcel, sent, took);
        match next(fake, bot) {
            Some(following) => (webhook, parcel) = following,
            None => break,
        }
    }
    // A retry may be due sooner than anything that was known before.
    fake.world().bots[bot].bell.notify_one();
}

/// Takes the next update and a connection for it, if there are both.
fn next(fake: &Fake, bot: usize) -> Option<(Webhook, Arc<Parcel>)> {
    let mut world = fake.world();
    let now = world.clock.now();
    let Bot { slug, settings, mail, connections, .. } = &mut world.bots[bot];
    let (slug, webhook) = (slug.clone(), settings.webhook.clone()?);
    if fake.is_stopping() || !connections.have_room(now, webhook.max_connections) {
        return None;
    }
    let (parcel, expired) = mail.take(now, webhook.max_connections);
    if parcel.is_some() {
        connections.take(now);
    }
    expired.iter().for_each(|parcel| world.discard(&slug, parcel, State::Dropped));
    let parcel = parcel?;
    if let Some(delivery) = world.journal.delivery(parcel.journal) {
        delivery.state = State::InFlight;
        delivery.attempts += 1;
        delivery.next = None;
    }
    Some((webhook, parcel))
}

fn next_due(fake: &Fake, bot: usize) -> Option<Timestamp> {
    let world = fake.world();
    let now = world.clock.now();
    let Bot { settings, mail, connections, .. } = &world.bots[bot];
    settings.webhook.as_ref()?;
    [mail.next_due(now), connections.next_due(now)].into_iter().flatten().min()
}

/// A webhook's 2xx.
struct Sent {
    status: u16,
    kind: Option<header::HeaderValue>,
    body: Vec<u8>,
}

/// Any other end of a delivery.
struct Unsent {
    status: Option<u16>,
    why: String,
    retry_after: Option<u32>,
}

impl Unsent {
    fn silent(why: &str) -> Self {
        Self { status: None, why: why.to_owned(), retry_after: None }
    }
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
    let broken = |error: reqwest::Error| {
        Unsent::silent(if error.is_connect() { "Connection refused" } else { "Connection closed" })
    };
    let response = request.send().await.map_err(broken)?;
    let status = response.status();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let retry_after = header(header::RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok());
    let kind = response.headers().get(header::CONTENT_TYPE).cloned();
    let body = response.bytes().await.map_err(broken)?.to_vec();
    if !status.is_success() {
        let why = format!("Wrong response from the webhook: {status}");
        return Err(Unsent { status: Some(status.as_u16()), why, retry_after });
    }
    Ok(Sent { status: status.as_u16(), kind, body })
}

fn settle(fake: &Fake, bot: usize, parcel: &Parcel, sent: Result<u16, Unsent>, took: Duration) {
    let mut world = fake.world();
    let now = world.clock.now();
    let Bot { slug, settings, mail, connections, .. } = &mut world.bots[bot];
    let slug = slug.clone();
    let status = sent.as_ref().map_or_else(|unsent| unsent.status, |status| Some(*status));
    connections.done(
        now,
        match &sent {
            Ok(_) => End::Taken,
            Err(Unsent { status: Some(_), .. }) => End::Refused,
            Err(_) => End::Broken,
        },
    );
    if let (Some(webhook), Err(Unsent { why, .. })) = (&mut settings.webhook, &sent) {
        webhook.last_error = Some((now.timestamp(), why.clone()));
    }
    let fate = match &sent {
        Ok(_) => {
            mail.settle(parcel);
            None
        }
        Err(unsent) => Some(mail.failed(parcel, now, unsent.retry_after)),
    };
    let is_gone = settings.webhook.as_mut().is_some_and(|webhook| webhook.is_gone(status, now));
    if is_gone {
        world.change_settings(bot, |settings| settings.webhook = None);
    }
    if let Some(delivery) = world.journal.delivery(parcel.journal) {
        delivery.micros = took.as_micros().try_into().unwrap_or(u64::MAX);
        delivery.status = status;
        delivery.error = sent.err().map(|unsent| unsent.why);
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

impl Webhook {
    /// Notes an answer; has the webhook said 410, and nothing else, for long enough to be taken away?
    fn is_gone(&mut self, status: Option<u16>, now: Timestamp) -> bool {
        match status {
            Some(410) => now - *self.gone_since.get_or_insert(now) >= GONE_FOR,
            Some(_) => {
                self.gone_since = None;
                false
            }
            None => false,
        }
    }
}

/// Carries out the method that a webhook's answer names. Its result goes nowhere
/// (<https://core.telegram.org/bots/api#making-requests-when-getting-updates>).
async fn obey(fake: &Fake, bot: usize, kind: Option<header::HeaderValue>, body: Vec<u8>) {
    if body.is_empty() {
        return;
    }
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = axum::http::Method::POST;
    // What does not say what it is, is taken for JSON.
    let kind = kind.unwrap_or(header::HeaderValue::from_static("application/json"));
    request.headers_mut().insert(header::CONTENT_TYPE, kind);
    let Ok(mut parameters) = Parameters::of(request).await else { return };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_other_answer_than_410_begins_the_day_anew() {
        let mut webhook = Webhook::default();
        let at = |hours| Timestamp::UNIX_EPOCH + TimeDelta::hours(hours);
        assert!(!webhook.is_gone(Some(410), at(0)) && !webhook.is_gone(Some(410), at(22)));
        assert!(!webhook.is_gone(Some(500), at(22)) && !webhook.is_gone(Some(410), at(23)));
        assert!(!webhook.is_gone(None, at(45)) && !webhook.is_gone(Some(410), at(45)));
        assert!(webhook.is_gone(Some(410), at(46)));
    }
}
