//! `webhook info`: how the webhooks are, as Telegram says.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Which, chosen};
use crate::{
    command::tell,
    model::Clock,
    runtime::{Health, Trouble, Wanted, addresses, troubles},
};

/// What is to be shown.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    which: Which,
}

/// One bot's webhook.
struct Row {
    bot: String,
    health: Health,
    troubles: Vec<(String, String)>,
}

/// Shows a row for each bot, and below them what is wrong.
pub(super) async fn info(options: Options) -> anyhow::Result<ExitCode> {
    let (usable, bots) = chosen(&options.which)?;
    let settings = &usable.runtime;
    let mut rows = Vec::new();
    for (_, bot) in &bots {
        let wanted = Wanted::of(bot, settings.address.as_deref(), settings.max_connections);
        let (health, troubles) = match Health::of(bot).await {
            Err(why) => (Health::default(), vec![(why.to_string(), "`doctor` says more".to_owned())]),
            Ok(health) => {
                let here = if wanted.url.is_some() { addresses(&health.url).await } else { Vec::new() };
                let found = troubles(&health, &wanted, &here, Clock::real().now());
                let told = |trouble: &Trouble| (trouble.to_string(), trouble.advice().to_owned());
                (health, found.iter().map(told).collect())
            }
        };
        rows.push(Row { bot: bot.slug.to_string(), health, troubles });
    }
    if options.which.json {
        rows.iter().try_for_each(|row| tell(&format!("{}\n", as_json(row))))?;
    } else {
        tell(&table(&rows))?;
    }
    let is_well = rows.iter().all(|row| row.troubles.is_empty());
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_json(row: &Row) -> Value {
    let mut object = json!(row.health);
    object["bot"] = json!(row.bot);
    object["failed"] = json!(row.health.failed.as_ref().map(|(at, why)| json!({ "at": at, "why": why })));
    let told = |(what, mend): &(String, String)| json!({ "what": what, "mend": mend });
    object["troubles"] = row.troubles.iter().map(told).collect();
    object
}

fn table(rows: &[Row]) -> String {
    let mut lines =
        vec![["BOT", "WAITING", "AT ONCE", "ADDRESS", "FAILED LAST", "LEADS TO"].map(str::to_owned)];
    lines.extend(rows.iter().map(|Row { bot, health, .. }| {
        let none = || "–".to_owned();
        [
            bot.clone(),
            health.waiting.to_string(),
            if health.at_once == 0 { none() } else { health.at_once.to_string() },
            health.address.map_or_else(none, |address| address.to_string()),
            health.failed.as_ref().map_or_else(none, |(at, _)| at.format("%Y-%m-%d %H:%M").to_string()),
            if health.url.is_empty() { none() } else { health.url.clone() },
        ]
    }));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..6).map(width).collect();
    let line = |line: &[String; 6]| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let wrong = rows.iter().flat_map(|row| {
        let told = |(what, mend): &(String, String)| format!("✗ {}: {what}\n  → {mend}\n", row.bot);
        row.troubles.iter().map(told).collect::<Vec<_>>()
    });
    lines.iter().map(line).chain(wrong).collect()
}
