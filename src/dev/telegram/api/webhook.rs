//! How a bot gets its updates: webhooks, and long polling.

use std::net::IpAddr;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    super::{
        Fake,
        journal::State,
        parameters::Parameters,
        refusal::Refusal,
        wait,
        world::{Webhook, World},
    },
    Done, Outcome,
};
use crate::telegram::webhook::{Unfit, check, is_reachable};

pub(super) fn set(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let url = parameters.text("url");
    if url.is_empty() {
        return delete(world, bot, parameters);
    }
    let given_address = parameters.text("ip_address");
    reachable(world, &url, &given_address)?;
    let secret = parameters.text("secret_token");
    let safe = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if secret.len() > 256 {
        return Err(Refusal::bad("secret token is too long"));
    }
    if !secret.bytes().all(safe) {
        return Err(Refusal::bad("secret token contains unallowed characters"));
    }
    drop_pending(world, bot, parameters);
    let before = world.bots[bot].settings.webhook.as_ref();
    let allowed = parameters.json("allowed_updates")?;
    let webhook = Webhook {
        secret: (!secret.is_empty()).then_some(secret),
        max_connections: parameters.integer("max_connections").unwrap_or(40).clamp(1, 100).unsigned_abs()
            as usize,
        allowed_updates: allowed
            .unwrap_or_else(|| before.map(|before| before.allowed_updates.clone()).unwrap_or_default()),
        ip_address: Some(given_address).filter(|given| !given.is_empty()).unwrap_or_else(|| led_to(&url)),
        gone_since: None,
        last_error: None,
        url,
    };
    let description = if before == Some(&webhook) { "Webhook is already set" } else { "Webhook was set" };
    world.change_settings(bot, |settings| settings.webhook = Some(webhook));
    Ok(Done { result: json!(true), description: Some(description) })
}

/// May a webhook lead there?
fn reachable(world: &World, url: &str, address: &str) -> Result<(), Refusal> {
    let bad = |why: Unfit| Refusal::bad(format_args!("bad webhook: {why}"));
    if world.is_local {
        let is_one = url.starts_with("http://") || url.starts_with("https://");
        return if is_one { Ok(()) } else { Err(bad(Unfit::NotHttps)) };
    }
    check(url).map_err(bad)?;
    match address.parse() {
        Ok(address) => is_reachable(address).map_err(bad),
        Err(_) if address.is_empty() => Ok(()),
        Err(_) => Err(Refusal::bad("bad webhook: invalid IP address specified")),
    }
}

/// Where the URL's name leads; the fake asks nobody, and knows only this machine.
fn led_to(url: &str) -> String {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.filter(|host| host.parse::<IpAddr>().is_ok()).unwrap_or_else(|| "127.0.0.1".to_owned())
}

pub(super) fn delete(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    drop_pending(world, bot, parameters);
    let before = world.bots[bot].settings.webhook.is_some();
    world.change_settings(bot, |settings| settings.webhook = None);
    let description = if before { "Webhook was deleted" } else { "Webhook is already deleted" };
    Ok(Done { result: json!(true), description: Some(description) })
}

pub(super) fn info(world: &World, bot: usize) -> Done {
    let bot = &world.bots[bot];
    let mut info =
        json!({ "url": "", "has_custom_certificate": false, "pending_update_count": bot.mail.len() });
    if let Some(webhook) = &bot.settings.webhook {
        info["url"] = json!(webhook.url);
        info["max_connections"] = json!(webhook.max_connections);
        info["ip_address"] = json!(webhook.ip_address);
        if let Some((date, message)) = &webhook.last_error {
            info["last_error_date"] = json!(date);
            info["last_error_message"] = json!(message);
        }
        if !webhook.allowed_updates.is_empty() {
            info["allowed_updates"] = json!(webhook.allowed_updates);
        }
    }
    info.into()
}

/// `getUpdates`: waits up to `timeout` seconds for an update.
pub(super) async fn poll(fake: &Fake, bot: usize, parameters: &Parameters) -> Outcome {
    let patience = TimeDelta::seconds(parameters.integer("timeout").unwrap_or(0).clamp(0, 50));
    let (mut changes, clock) = {
        let world = fake.world();
        (world.changes.subscribe(), world.clock.clone())
    };
    let due = clock.now() + patience;
    loop {
        let updates = fetch(&mut fake.world(), bot, parameters)?;
        if !updates.is_empty() || clock.now() >= due || fake.is_stopping() {
            return Ok(Value::from(updates).into());
        }
        tokio::select! {
            () = wait::until(&clock, Some(due)) => {}
            _ = changes.changed() => {}
            () = fake.stopping() => {}
        }
    }
}

fn fetch(world: &mut World, bot: usize, parameters: &Parameters) -> Result<Vec<Value>, Refusal> {
    if world.bots[bot].settings.webhook.is_some() {
        return Err(Refusal::new(
            409,
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        ));
    }
    let limit = parameters.integer("limit").unwrap_or(100).clamp(1, 100).unsigned_abs() as usize;
    let offset = parameters.integer("offset").unwrap_or(0);
    let mail = &world.bots[bot].mail;
    let from = match offset {
        0.. => offset.unsigned_abs(),
        back => mail.nth_last(back.unsigned_abs() as usize).unwrap_or(0),
    };
    confirm(world, bot, from, State::Delivered);
    let parcels = world.bots[bot].mail.from(from, limit);
    Ok(parcels.iter().filter_map(|parcel| serde_json::from_str(&parcel.body).ok()).collect())
}

fn drop_pending(world: &mut World, bot: usize, parameters: &Parameters) {
    if parameters.flag("drop_pending_updates") {
        confirm(world, bot, u64::MAX, State::Dropped);
    }
}

fn confirm(world: &mut World, bot: usize, before: u64, state: State) {
    let gone = world.bots[bot].mail.confirm(before);
    let slug = world.bots[bot].slug.clone();
    gone.iter().for_each(|parcel| world.discard(&slug, parcel, state));
}
