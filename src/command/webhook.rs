//! `webhook`: where Telegram brings the bots' updates, and which commands it offers.

mod info;
mod set;

use std::{path::PathBuf, process::ExitCode};

use anyhow::ensure;

use super::doctor::{Finding, Report, telegram::mend};
use crate::{
    config::{self, BotConfig, Usable},
    engine::Table,
    runtime::{Bot, delete_webhook},
    serve,
    telegram::client::Refusal,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} webhook set https://backline.example    all bots: address, secret, kinds of update, menus of commands
  {program} webhook set --bot operations            one bot, at WEBHOOK_URL
  {program} webhook info                            how each webhook is, as Telegram says
  {program} webhook delete --bot operations         stop a bot; Telegram keeps for a day what people write

The updates of a bot are brought to <address>/telegram/<bot>. Telegram calls https addresses on the ports 443, 80, 88
and 8443, over IPv4, outside of any private network (https://core.telegram.org/bots/webhooks). Set twice, nothing
changes, but that Telegram asks again where the address leads. Where the app runs, `watch_webhooks` looks every five
minutes, and sets again what is ours and has changed.";

/// What `webhook` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    deed: Deed,
}

/// What is to be done.
#[derive(clap::Subcommand)]
enum Deed {
    /// Tell Telegram where the bots are, what they prove themselves with, and which commands they have
    Set(set::Options),
    /// Show how the webhooks are; exit with 1 if one is not as it should be
    Info(info::Options),
    /// Take webhooks away: no more updates are brought, and none is lost for a day
    Delete(Deletion),
}

/// Which bots.
#[derive(clap::Args)]
struct Which {
    /// Only this bot; may be repeated
    #[arg(long, value_name = "SLUG")]
    bot: Vec<String>,
    /// The folder of the app's local.settings.json
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Print a JSON object for each bot
    #[arg(long)]
    json: bool,
}

/// What is to be taken away.
#[derive(clap::Args)]
struct Deletion {
    #[command(flatten)]
    which: Which,
    /// Those of all bots
    #[arg(long)]
    all: bool,
    /// Forget what people have written and was not brought yet
    #[arg(long)]
    drop_pending: bool,
}

/// Does it.
pub(super) async fn webhook(table: Table, options: Options) -> anyhow::Result<ExitCode> {
    match options.deed {
        Deed::Set(options) => set::set(&table, options).await,
        Deed::Info(options) => info::info(options).await,
        Deed::Delete(options) => delete(options).await,
    }
}

async fn delete(options: Deletion) -> anyhow::Result<ExitCode> {
    ensure!(options.all || !options.which.bot.is_empty(), "say which: --bot SLUG, or --all");
    let (_, bots) = chosen(&options.which)?;
    let mut report = Report::new(options.which.json);
    for (config, bot) in bots {
        let what = format!("bot {}", bot.slug);
        report.add(vec![match delete_webhook(&bot, options.drop_pending).await {
            Ok(()) => Finding::fine(what, "it has no webhook"),
            Err(why) => refused(what, &config, &why),
        }])?;
    }
    report.end()
}

/// The bots that are meant, with how they are set.
fn chosen(which: &Which) -> anyhow::Result<(Usable, Vec<(BotConfig, Bot)>)> {
    let usable = Usable::of(&config::environment(&which.root)?);
    let about_bots: Vec<&String> =
        usable.mistakes.iter().filter(|told| told.contains("BOTS__") || told.contains("WEBHOOK_")).collect();
    ensure!(
        about_bots.is_empty(),
        "{}",
        about_bots.iter().map(|told| told.as_str()).collect::<Vec<_>>().join("\n")
    );
    for slug in &which.bot {
        ensure!(usable.bots.iter().any(|bot| bot.slug.as_str() == slug), "there is no bot `{slug}`");
    }
    let is_meant =
        |bot: &&BotConfig| which.bot.is_empty() || which.bot.iter().any(|slug| bot.slug.as_str() == slug);
    let bots = usable.bots.iter().filter(is_meant).map(|config| Ok((config.clone(), serve::bot(config)?)));
    let bots: Vec<_> = bots.collect::<anyhow::Result<_>>()?;
    ensure!(!bots.is_empty(), "there is no bot: set BOTS__<slug>__token and BOTS__<slug>__secret");
    Ok((usable, bots))
}

/// What Telegram said no to, and what mends that.
fn refused(what: String, config: &BotConfig, why: &Refusal) -> Finding {
    Finding::wrong(what, why.to_string(), mend(why, config))
}
