//! Plays Azure and Telegram at home: `backline dev`.

pub(crate) mod app;
mod behind;
pub mod host;
mod look;
mod poll;
pub mod telegram;
pub mod watch;

use std::{convert::Infallible, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    config::{self, BotConfig, Config, Environment, Mistakes, Usable},
    model::Clock,
    queue,
    store::{self, Store},
};

/// What `backline dev` can be told.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// The port of the functions, as on Azure
    #[arg(long, default_value_t = 7071)]
    pub port: u16,
    /// The port of the fake Telegram and its chat page
    #[arg(long, default_value_t = 7072)]
    pub telegram_port: u16,
    /// Where everything is kept
    #[arg(long, default_value = ".backline")]
    pub data: PathBuf,
    /// The app: a folder with host.json; one without is served by what is built in
    #[arg(long, default_value = ".")]
    pub root: PathBuf,
    /// Ask for keys as Azure does; without, every function is open
    #[arg(long)]
    pub auth: bool,
    /// Print each line as a JSON object; the one with `ready` names the addresses
    #[arg(long)]
    pub json: bool,
    /// Let bots send, and webhooks be called, as fast as they can: the fake Telegram keeps none of Telegram's limits
    #[arg(long)]
    pub unlimited: bool,
    /// Build with cargo when the sources change, and exchange the handler without losing a request
    #[arg(long)]
    pub watch: bool,
}

/// Has this thread, and all threads and processes that it starts from now on, take turns on a processor instead of
/// interrupting one another whenever there is something to do (`SCHED_BATCH`,
/// <https://man7.org/linux/man-pages/man7/sched.7.html>). Where there is no such thing, or it is refused, they go on as before.
pub fn take_turns() {
    #[cfg(target_os = "linux")]
    let _ = uapi::sched_setscheduler(0, uapi::c::SCHED_BATCH, &uapi::c::sched_param { sched_priority: 0 });
}

/// Runs the host, the fake Telegram and whatever fetches updates for real bots, until it is told to end.
///
/// # Errors
/// For people: what is in the way, and what to do about it.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&options.data)
        .with_context(|| format!("can't make the folder `{}`", options.data.display()))?;
    let data = options.data.canonicalize()?;
    let mut environment = config::environment(&options.root)?;
    let app = app::App::find(&options.root, &data)?;
    app.adapt(&mut environment);
    let queues = queues_elsewhere(&environment)?;
    if app.is_ours {
        fill_in(&mut environment, &data, queues.is_none());
    }
    let port = options.port;
    // A stranger's handler knows nothing of our bots.
    let bots = if app.is_ours { Config::read(&environment)?.bots } else { Vec::new() };
    let fakes: Vec<&BotConfig> = bots.iter().filter(|bot| is_fake(bot, &environment)).collect();
    let look = look::Look::default();
    let telegram = telegram::start(telegram::Options {
        port: options.telegram_port,
        state: Some(data.join("telegram.db")),
        behind: if app.is_ours { Some(behind::router(open_store(&environment)?)) } else { None },
        look: Some(look.router()),
        clock: Clock::real(),
        limits: if options.unlimited { telegram::Limits::Lifted } else { telegram::Limits::Kept },
        reach: telegram::Reach::Local,
        bots: fakes.iter().map(|bot| fake(bot, &environment, port)).collect(),
    })
    .await?;
    for bot in fakes {
        environment.insert(format!("BOTS__{}__api", bot.slug), telegram.url());
    }
    let host = host::start(host::Options {
        root: app.root.clone(),
        port,
        data: data.clone(),
        auth: options.auth,
        environment: environment.clone(),
        queues,
    })
    .await?;
    look.at(&host);
    let watch =
        options.watch.then(|| watch::Options::of_cargo(host.executable(), &environment)).transpose()?;
    let polls: Vec<_> = bots
        .iter()
        .filter(|bot| is_polled(bot, &environment))
        .map(|bot| tokio::spawn(poll::run(bot.clone(), secret_of(bot, &environment), host.address())))
        .collect();
    // Whoever reads that we are ready may end us at once.
    let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    println!("{}", ready(options.json, &telegram.url(), &format!("http://{}", host.address())));
    let code = tokio::select! {
        code = until_told(&host, interrupt, terminate) => code,
        never = watched(&host, watch) => match never {},
    };
    polls.iter().for_each(tokio::task::JoinHandle::abort);
    look.end();
    telegram.stop().await;
    host.stop().await;
    Ok(code)
}

fn ready(json: bool, chat: &str, functions: &str) -> String {
    if json {
        serde_json::json!({ "ready": true, "chat": chat, "functions": functions }).to_string()
    } else {
        format!("Backline is ready: chat at {chat} (functions at {functions})")
    }
}

async fn watched(host: &host::Host, watch: Option<watch::Options>) -> Infallible {
    match watch {
        Some(watch) => watch::run(host, &watch).await,
        None => std::future::pending().await,
    }
}

async fn until_told(host: &host::Host, mut interrupt: Signal, mut terminate: Signal) -> ExitCode {
    tokio::select! {
        _ = interrupt.recv() => ExitCode::SUCCESS,
        _ = terminate.recv() => ExitCode::SUCCESS,
        why = host.failed() => {
            eprintln!("backline: {why:#}");
            ExitCode::FAILURE
        }
    }
}

/// The queues that the settings name, if they are not on this machine's own account: then the host listens to them, and
/// the handler is told of them as it would be on Azure.
fn queues_elsewhere(environment: &Environment) -> Result<Option<queue::Settings>, Mistakes> {
    let Usable { queues, mistakes, .. } = Usable::of(environment);
    match queues {
        Some(queue::Settings::Sqlite(_)) => Ok(None),
        Some(elsewhere) => Ok(Some(elsewhere)),
        None => Err(Mistakes(mistakes)),
    }
}

/// What is not set, so that a first start needs nothing.
fn fill_in(environment: &mut Environment, data: &std::path::Path, queues_are_here: bool) {
    let mut default = |name: &str, value: String| {
        environment.entry(name.to_owned()).or_insert(value);
    };
    default("FUNCTIONS_WORKER_RUNTIME", "custom".to_owned());
    default("STORE", format!("sqlite:{}", data.join("store.db").display()));
    if queues_are_here {
        default("KEPT_FILES", format!("disk:{}", data.join("kept-files").display()));
        // The file is the local host's own, whatever the handler's would be called.
        let file = format!("sqlite:{}", host::queue_file(data).display());
        environment.insert("AzureWebJobsStorage".to_owned(), file);
    }
    if !environment.keys().any(|name| name.starts_with("BOTS__")) {
        environment.insert("BOTS__operations__token".to_owned(), "1:dev".to_owned());
        environment.insert("BOTS__operations__secret".to_owned(), "dev-secret".to_owned());
    }
}

/// A bot that no real Bot API knows, and for which none is named, talks to the fake Telegram.
fn is_fake(bot: &BotConfig, environment: &Environment) -> bool {
    !bot.token.looks_real() && !names_api(bot, environment)
}

/// A real bot whose updates nobody would bring to this machine: they are fetched.
fn is_polled(bot: &BotConfig, environment: &Environment) -> bool {
    bot.token.looks_real() && !environment.contains_key("TELEGRAM_API_URL")
}

fn names_api(bot: &BotConfig, environment: &Environment) -> bool {
    environment.contains_key("TELEGRAM_API_URL")
        || environment.contains_key(&format!("BOTS__{}__api", bot.slug))
}

fn setting(bot: &BotConfig, what: &str, environment: &Environment) -> String {
    environment.get(&format!("BOTS__{}__{what}", bot.slug)).cloned().unwrap_or_default()
}

fn secret_of(bot: &BotConfig, environment: &Environment) -> String {
    setting(bot, "secret", environment)
}

fn fake(bot: &BotConfig, environment: &Environment, port: u16) -> telegram::FakeBot {
    telegram::FakeBot {
        slug: bot.slug.to_string(),
        token: setting(bot, "token", environment),
        username: format!("{}_bot", bot.slug),
        secret: secret_of(bot, environment),
        webhook: Some(format!("http://127.0.0.1:{port}/telegram/{}", bot.slug)),
    }
}

fn open_store(environment: &Environment) -> anyhow::Result<Arc<dyn Store>> {
    Ok(store::open(&Config::read(environment)?.store, Clock::real())?)
}
