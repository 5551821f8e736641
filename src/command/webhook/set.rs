//! `webhook set`: tells Telegram where the bots are.

use std::process::ExitCode;

use anyhow::{Context, ensure};

use super::{Finding, Report, Which, chosen, refused};
use crate::{
    engine::Table,
    runtime::{Bot, Wanted, addresses, set_menu, set_webhook},
    telegram::{
        client::{Refusal, TELEGRAM_API_URL},
        webhook::{HANDLED, check, is_reachable},
    },
};

/// What is to be set.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Where Telegram finds the app: https://<name>; without it, WEBHOOK_URL
    url: Option<String>,
    #[command(flatten)]
    which: Which,
    /// Forget what people have written and was not brought yet
    #[arg(long)]
    drop_pending: bool,
}

/// Sets what is asked for; before anything is set, every address is looked at.
pub(super) async fn set(table: &Table, options: Options) -> anyhow::Result<ExitCode> {
    let (usable, bots) = chosen(&options.which)?;
    let app = options.url.or(usable.runtime.address);
    let app = app.context("say where the app is: `webhook set https://…`, or set WEBHOOK_URL")?;
    let at_once = usable.runtime.max_connections;
    let mut wanted = Vec::new();
    for (config, bot) in &bots {
        let url = Wanted::of(bot, Some(&app), at_once).url.unwrap_or_default();
        if config.api == TELEGRAM_API_URL {
            fits(&url).await.with_context(|| format!("Telegram would refuse `{url}`"))?;
        }
        wanted.push(url);
    }
    let mut report = Report::new(options.which.json);
    for ((config, bot), url) in bots.iter().zip(wanted) {
        let what = format!("bot {}", bot.slug);
        report.add(vec![match set_all(table, bot, &url, at_once, options.drop_pending).await {
            Ok(menus) => Finding::fine(what, told(&url, at_once, &menus)),
            Err(why) => refused(what, config, &why),
        }])?;
    }
    report.end()
}

/// Would Telegram take this address, as far as can be told from here?
async fn fits(url: &str) -> anyhow::Result<()> {
    check(url)?;
    let found = addresses(url).await;
    ensure!(!found.is_empty(), "its name leads nowhere");
    // One address that can be called is enough.
    match found.iter().map(|address| is_reachable(*address)).reduce(Result::or) {
        Some(Err(why)) => Err(why.into()),
        _ => Ok(()),
    }
}

/// Returns the languages whose menus are another one now.
async fn set_all(
    table: &Table,
    bot: &Bot,
    url: &str,
    at_once: u16,
    drop_pending: bool,
) -> Result<Vec<String>, Refusal> {
    set_webhook(bot, url, at_once, drop_pending).await?;
    let mut changed = Vec::new();
    for menu in table.menus() {
        if set_menu(bot, menu.language.as_deref(), &menu.commands).await? {
            changed.push(menu.language.unwrap_or_else(|| "everybody".to_owned()));
        }
    }
    Ok(changed)
}

fn told(url: &str, at_once: u16, menus: &[String]) -> String {
    let menus = match menus {
        [] => "menus as they were".to_owned(),
        changed => format!("new menus for {}", changed.join(", ")),
    };
    format!("{url}: {} kinds of update, {at_once} at once; {menus}", HANDLED.len())
}
