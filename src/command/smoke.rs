//! `smoke`: is a deployed app alive, closed to strangers, and does it answer people? Looked at from outside.

mod conversation;
mod doors;
mod live;
mod site;

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;

use self::site::Site;
use super::{doctor::Report, package::archive};
use crate::config;

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} smoke https://app.azurewebsites.net
  {program} smoke https://app.azurewebsites.net --package bot.zip
  {program} smoke http://127.0.0.1:7071                        after `dev --auth`
  {program} smoke https://app.azurewebsites.net --chat 12345   also a conversation, in that chat

With --package or --expect it waits until that version is live. A conversation needs a bot whose
token and secret are set (BOTS__<slug>__token, BOTS__<slug>__secret) and a chat that has started it; its messages are
deleted afterwards. It exits with 1 if anything is wrong.";

/// What `smoke` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Where the app is
    url: String,
    /// The version that must be live
    #[arg(long, value_name = "VERSION", conflicts_with = "package")]
    expect: Option<String>,
    /// This package's version must be live
    #[arg(long, value_name = "FILE")]
    package: Option<PathBuf>,
    /// How long to wait for the app, for its version, and for an answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    patience: u64,
    /// How long a warm answer may take, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    warm_ms: u64,
    /// Hold a conversation in this chat
    #[arg(long, allow_negative_numbers = true)]
    chat: Option<i64>,
    /// The bot that holds it, if several are set
    #[arg(long, value_name = "SLUG", requires = "chat")]
    bot: Option<String>,
    /// The folder whose local.settings.json may name the bot
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Print each finding as a JSON object
    #[arg(long)]
    json: bool,
}

/// Looks at one thing after another, and tells of each at once.
pub(super) async fn smoke(options: Options) -> anyhow::Result<ExitCode> {
    let site = Site::new(&options.url)?;
    let mut report = Report::new(options.json);
    let expected = match &options.package {
        Some(package) => {
            let zip = fs::read(package).with_context(|| format!("can't read `{}`", package.display()))?;
            let version = archive::version(&zip)?;
            Some(version.with_context(|| format!("`{}` does not tell its version", package.display()))?)
        }
        None => options.expect,
    };
    let patience = Duration::from_secs(options.patience);
    let live = live::wait(&site, expected.as_deref(), patience).await;
    report.add(live.findings)?;
    // Who does not answer at all would be found closed.
    if !live.answers {
        return report.end();
    }
    report.add(vec![live::warm(&site, Duration::from_millis(options.warm_ms)).await])?;
    for bot in &live.bots {
        report.add(vec![doors::webhook(&site, bot).await])?;
    }
    report.add(vec![doors::operators(&site).await, doors::admin(&site).await])?;
    let settings = config::environment(&options.root)?;
    report.add(vec![
        conversation::hold(&site, &settings, options.chat, options.bot.as_deref(), &live.bots, patience)
            .await,
    ])?;
    report.end()
}
