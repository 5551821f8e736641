//! `load`: many people talk to a running system at once, whole conversations long, and it is counted what comes of it.

mod cast;
mod play;
mod stage;
mod tally;

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use futures_util::future::join_all;

use self::{
    cast::Cast,
    play::Play,
    stage::Stage,
    tally::{Counts, Tally},
};
use super::tell;
use crate::{
    config::{self, Usable},
    dev::telegram::{self, FakeBot, FakeTelegram},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  {program} load src/lunch.talk                               20 people, for 30 seconds, through the `dev` that runs here
  {program} load --people 200 --seconds 60 --json src/*.talk
  {program} load --conversations 100 --pause-ms 500 src/lunch.talk
  {program} load --app https://backline-staging.example --bot loadtest --telegram-port 7075 src/lunch.talk

A scene of a transcript is played by as many new people as it has; then they begin again. Scenes with nobody in common are
played at once, like files. Of the lines `>` is done, and for each `<` a
message must come: one that does not within ten seconds is missing, one that nobody waits for is doubled. What can only be
rehearsed (`…`, and most of `~`) is refused. It exits with 1 if anything was missing, doubled or wrong.

Here: start `MESSAGES_PER_SECOND=0 {program} dev --unlimited --data /tmp/load`, or it goes only as fast as Telegram allows.

A deployed app must not send to Telegram, where nobody has the ids of these people: give it a bot of its own whose
BOTS__<slug>__api leads to the port of --telegram-port on this machine (a tunnel does it). This program then plays Telegram
for that bot: it brings the updates to --app with the secret and the token of BOTS__<slug>__… here, and counts what comes back.";

/// What `load` can be told.
#[derive(clap::Args)]
pub(super) struct Options {
    /// What people say, as for `talk`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// So many people talk at once
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    people: u32,
    /// So long new conversations are begun
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// End after so many conversations, if that is sooner
    #[arg(long)]
    conversations: Option<u64>,
    /// People wait so long before they do something
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=60_000))]
    pause_ms: u64,
    /// The bot they talk to
    #[arg(long, default_value = "operations")]
    bot: String,
    /// Where `dev` plays Telegram
    #[arg(long, default_value = "http://127.0.0.1:7072", conflicts_with = "app")]
    telegram: String,
    /// A deployed app: https://<name>
    #[arg(long)]
    app: Option<String>,
    /// The port on which this program plays Telegram for a deployed app
    #[arg(long, default_value_t = 7075)]
    telegram_port: u16,
    /// The folder of the app's local.settings.json
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Print what was counted as a JSON object
    #[arg(long)]
    json: bool,
}

/// How long the last conversations may take after their time.
const GRACE: Duration = Duration::from_secs(60);

/// Lets people talk, tells how it goes, and counts.
pub(super) async fn load(options: Options) -> anyhow::Result<ExitCode> {
    let mut plays = Vec::new();
    for file in &options.files {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("can't read `{}`", file.display()))?;
        let read = Play::read(&text).map_err(|why| anyhow::anyhow!("`{}`, {why}", file.display()))?;
        plays.extend(read.into_iter().map(Arc::new));
    }
    let own = match &options.app {
        Some(app) => Some(play_telegram(&options, app).await?),
        None => None,
    };
    let url = own.as_ref().map_or_else(|| options.telegram.clone(), FakeTelegram::url);
    let counts = Arc::new(Counts::default());
    let (stage, listening) = Stage::open(&url, &options.bot, counts.clone()).await?;
    let casts = cast(&options, &plays, &stage).await?;
    let people: usize = casts.iter().map(Cast::people).sum();
    eprintln!("{people} people talk to `{}` at {url}", options.bot);

    let begun = Instant::now();
    let until = begun + Duration::from_secs(options.seconds);
    let telling = tokio::spawn(tell_how_it_goes(counts.clone(), begun));
    let pause = Duration::from_millis(options.pause_ms);
    let most = options.conversations.unwrap_or(u64::MAX);
    let talks = casts.into_iter().map(|mut cast| {
        let counts = counts.clone();
        async move {
            while Instant::now() < until && counts.may_begin(most) {
                cast.talk(pause, &counts).await;
            }
            cast
        }
    });
    let ended = tokio::time::timeout_at((until + GRACE).into(), join_all(talks)).await;
    let took = begun.elapsed();
    telling.abort();
    if let Ok(mut casts) = ended {
        stage.settle().await;
        casts.iter_mut().for_each(|cast| cast.leave(&counts));
    } else {
        counts.wrong("conversations did not end a minute after their time");
    }
    listening.abort();
    if let Some(own) = own {
        own.stop().await;
    }
    let tally = counts.tally(people, took);
    tell(&if options.json { format!("{}\n", serde_json::to_string(&tally)?) } else { tally.to_string() })?;
    Ok(if tally.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// As many casts as there are people for, and at least one; the plays are dealt out in turn.
async fn cast(options: &Options, plays: &[Arc<Play>], stage: &Stage) -> anyhow::Result<Vec<Cast>> {
    let mut casts: Vec<Cast> = Vec::new();
    let mut people = 0;
    for (number, play) in plays.iter().cycle().enumerate() {
        people += play.names().len();
        if number > 0 && people > options.people as usize {
            break;
        }
        casts.push(Cast::invite(play.clone(), number, stage).await?);
    }
    Ok(casts)
}

/// Plays Telegram for a deployed app.
async fn play_telegram(options: &Options, app: &str) -> anyhow::Result<FakeTelegram> {
    let environment = config::environment(&options.root)?;
    let usable = Usable::of(&environment);
    let bot = usable.bots.iter().find(|bot| bot.slug.as_str() == options.bot);
    let bot = bot.with_context(|| {
        format!("set BOTS__{0}__token and BOTS__{0}__secret as the app has them", options.bot)
    })?;
    ensure!(!bot.token.looks_real(), "`{}` is a real bot: give the app one with a made-up token", bot.slug);
    let setting = |what: &str| {
        environment
            .get(&format!("BOTS__{}__{what}", bot.slug))
            .map(|set| set.trim().to_owned())
            .unwrap_or_default()
    };
    telegram::start(telegram::Options {
        port: options.telegram_port,
        bots: vec![FakeBot {
            slug: bot.slug.to_string(),
            token: setting("token"),
            username: format!("{}_bot", bot.slug),
            secret: setting("secret"),
            webhook: Some(format!("{}/telegram/{}", app.trim_end_matches('/'), bot.slug)),
        }],
        ..telegram::Options::default()
    })
    .await
}

/// A line every two seconds, for whoever waits.
async fn tell_how_it_goes(counts: Arc<Counts>, begun: Instant) {
    let mut before = Tally::default();
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = counts.tally(0, begun.elapsed());
        eprintln!("{}", now.since(&before));
        before = now;
    }
}
