//! `smoke`: is a deployed app alive, closed to strangers, and does it answer people? Looked at from outside.

mod conversation;
mod doors;
mod live;
mod site;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use self::site::Site;
use super::doctor::Report;
use crate::{config, functions::PACKAGED};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} smoke https://app.azurewebsites.net
  {program} smoke http://127.0.0.1:7071                        after `dev --auth`
  {program} smoke https://app.azurewebsites.net --chat 12345   also a conversation, in that chat

The program out of a package expects its own version to be live, and waits for it. A conversation needs a bot whose
token and secret are set (BOTS__<slug>__token, BOTS__<slug>__secret) and a chat that has started it; its messages are
deleted afterwards. It exits with 1 if anything is wrong.";

/// What `smoke` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Where the app is
    url: String,
    /// The version that must be live; this program's own, if `package` made it
    #[arg(long, value_name = "VERSION")]
    expect: Option<String>,
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
    let expected = options.expect.as_deref().or(PACKAGED);
    let patience = Duration::from_secs(options.patience);
    let live = live::wait(&site, expected, patience).await;
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
