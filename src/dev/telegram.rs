//! A fake Telegram: the Bot API methods we call, updates delivered to webhooks, and a chat page.
//!
//! What it leaves out: topics, channels, group privacy, albums as one act, MarkdownV2, files given by URL, and the limits
//! that protect the original server from its own load.

mod act;
mod api;
mod assets;
mod connections;
mod deliver;
mod fault;
mod flood;
mod group;
mod html;
mod journal;
mod keeper;
mod kind;
mod load;
mod mail;
mod media;
mod page;
mod parameters;
mod photo;
mod refusal;
mod room;
mod text;
mod topic;
mod wait;
mod wire;
mod world;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use anyhow::Context;
use axum::{Router, body::Bytes, extract::DefaultBodyLimit};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use act::{Act, Spot};
pub use fault::{Fault, Wrong};
pub use journal::{Call, Delivery, State};
pub use media::MediaKind;

use crate::model::Clock;
use room::RoomKey;
use wire::ChatKind;
use world::{File, World};

/// What a bot may upload at most: 50 MB (<https://core.telegram.org/bots/api#sending-files>).
const LARGEST_UPLOAD: usize = 50 << 20;

/// How a fake Telegram is to be.
#[derive(Debug, Default)]
pub struct Options {
    /// The port on 127.0.0.1; zero takes a free one.
    pub port: u16,
    /// The SQLite file that remembers people, messages and undelivered updates; without, all is forgotten at the end.
    pub state: Option<PathBuf>,
    /// The bots there are.
    pub bots: Vec<FakeBot>,
    /// Serves what the second pane asks for (`GET /behind/conversation/{id}`); mounted at `/behind`.
    pub behind: Option<Router>,
    /// Serves what the host's pane asks for; mounted at `/dev`.
    pub look: Option<Router>,
    /// Times everything: messages, retries, expiry, patience. Wound by hand, it is the only thing that makes them pass.
    pub clock: Clock,
    /// How fast bots may send and webhooks are called.
    pub limits: Limits,
    /// Which webhooks may be set.
    pub reach: Reach,
}

/// What becomes of haste.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limits {
    /// Everything goes as fast as it can.
    #[default]
    Lifted,
    /// As at Telegram: 429 for a bot that sends too fast; and to a webhook connections are opened one after the other.
    Kept,
}

/// Which webhooks may be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Any, as at a Bot API server that runs with `--local`
    /// (<https://core.telegram.org/bots/api#using-a-local-bot-api-server>).
    #[default]
    Local,
    /// Those that Telegram's own server reaches (<https://core.telegram.org/bots/webhooks>).
    Public,
}

/// A bot as its owner registered it.
#[derive(Clone, Debug, Default)]
pub struct FakeBot {
    /// What the operator calls it.
    pub slug: String,
    /// The secret in the URL of its calls; as at Telegram, the number before the colon is the bot's user id.
    pub token: String,
    /// Its Telegram name, which ends in `bot`.
    pub username: String,
    /// What deliveries prove themselves with (`X-Telegram-Bot-Api-Secret-Token`); empty for nothing.
    pub secret: String,
    /// Where its updates go, as if set by `setWebhook`; it replaces one that the state remembers.
    pub webhook: Option<String>,
}

/// A running fake Telegram. Its verbs are the page's: both do what [`Act`] says. Dropping it stops it, too, without
/// writing its state to the end.
#[derive(Debug)]
pub struct FakeTelegram {
    fake: Arc<Fake>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// What the parts share.
struct Fake {
    world: Mutex<World>,
    client: reqwest::Client,
    stop: watch::Receiver<bool>,
    /// Is there something behind the second pane?
    behind: bool,
    /// Is there a host to look into?
    look: bool,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

/// Starts a fake Telegram.
///
/// # Errors
/// The port is taken, or the state can't be read.
pub async fn start(options: Options) -> anyhow::Result<FakeTelegram> {
    let world = load::world(&options).context("the fake Telegram's state")?;
    let Options { port, bots, behind, look, .. } = options;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("the fake Telegram can't have port {port}"))?;
    let address = listener.local_addr()?;
    let (stop, stopping) = watch::channel(false);
    // An error means that the process has chosen a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let (has_behind, has_look) = (behind.is_some(), look.is_some());
    let fake = Fake { world: Mutex::new(world), client, stop: stopping, behind: has_behind, look: has_look };
    let fake = Arc::new(fake);

    let mounts = [("/behind", behind), ("/dev", look)];
    let mut tasks = vec![tokio::spawn(serve(listener, fake.clone(), mounts))];
    for bot in 0..bots.len() {
        tasks.push(tokio::spawn(deliver::run(fake.clone(), bot)));
    }
    Ok(FakeTelegram { fake, address, stop, tasks })
}

async fn serve(listener: TcpListener, fake: Arc<Fake>, mounts: [(&str, Option<Router>); 2]) {
    let mut app =
        page::routes().fallback(api::serve).layer(DefaultBodyLimit::max(LARGEST_UPLOAD + (1 << 20)));
    for (place, mounted) in mounts {
        if let Some(mounted) = mounted {
            app = app.nest_service(place, mounted);
        }
    }
    let app = app.with_state(fake.clone());
    let served = axum::serve(listener, app).with_graceful_shutdown(async move { fake.stopping().await });
    if let Err(error) = served.await {
        tracing::error!(%error, "the fake Telegram stopped serving");
    }
}

impl Fake {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Waits until all that has happened is remembered.
    fn kept(&self) -> impl Future<Output = ()> + Send + use<> {
        self.world().keeper.kept()
    }

    fn is_stopping(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }

    async fn stopping(&self) {
        // An error means that whoever could stop us is gone: so we stop.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    /// Never answers; ends with the fake.
    async fn hang(&self) -> axum::response::Response {
        self.stopping().await;
        axum::response::IntoResponse::into_response(axum::http::StatusCode::SERVICE_UNAVAILABLE)
    }

    fn hurry(&self) {
        let mut world = self.world();
        let now = world.clock.now();
        for bot in &mut world.bots {
            bot.mail.hurry(now);
            bot.bell.notify_one();
        }
    }
}

impl FakeTelegram {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as a URL without a slash at the end: the base of the Bot API, and of the page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops serving and delivering, and writes the state to the end. Deliveries under way are cut off: they are made
    /// again after the next start.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        for task in self.tasks.drain(..) {
            let abort = task.abort_handle();
            if tokio::time::timeout(Duration::from_secs(2), task).await.is_err() {
                abort.abort();
            }
        }
        let mut keeper = std::mem::take(&mut self.fake.world().keeper);
        keeper.close();
    }

    /// Does what somebody does; returns what the page gets to know: `{"message_id"}` or `{"press"}`.
    ///
    /// # Errors
    /// There is no such person, bot, group, message or file.
    pub fn act(&self, act: Act) -> anyhow::Result<Value> {
        self.fake.world().act(act).map_err(|why| anyhow::anyhow!("{why}"))
    }

    /// Something happens that nobody here can do: an update of this kind (`poll_answer`), with this content. Telegram's
    /// rules about its order, its age and `allowed_updates` hold.
    ///
    /// # Errors
    /// There is no such bot or kind.
    pub fn happens(&self, bot: &str, kind: &str, what: &Value) -> anyhow::Result<()> {
        self.fake.world().happen(bot, kind, what).map_err(|why| anyhow::anyhow!("{why}"))
    }

    /// Somebody writes to a bot in private; returns the message's id.
    ///
    /// # Errors
    /// As [`act`](Self::act).
    pub fn say(&self, person: i64, bot: &str, text: &str) -> anyhow::Result<i64> {
        let said = Act::Say { spot: Spot::private(person, bot), text: text.to_owned(), reply_to: None };
        self.act(said)?["message_id"].as_i64().context("a message has an id")
    }

    /// Somebody presses a button of a message from a bot in private; returns the press's id.
    ///
    /// # Errors
    /// As [`act`](Self::act).
    pub fn press(&self, person: i64, bot: &str, message_id: i64, data: &str) -> anyhow::Result<String> {
        let pressed = Act::Press { spot: Spot::private(person, bot), message_id, data: data.to_owned() };
        Ok(self.act(pressed)?["press"].as_str().context("a press has an id")?.to_owned())
    }

    /// Takes a file for [`Act::Photo`] or [`Act::Document`]; returns its id.
    pub fn upload(&self, name: &str, mime: &str, bytes: impl Into<Bytes>) -> String {
        self.fake.world().add_file(File { name: name.to_owned(), mime: mime.to_owned(), bytes: bytes.into() })
    }

    /// A file is there no longer: nobody can fetch or send it.
    pub fn lose_file(&self, id: &str) {
        self.fake.world().files.remove(photo::file_of(id));
    }

    /// Adds somebody; returns their id. The first people, Ada (101), Bo (102) and Cleo (103), are there from the start.
    ///
    /// # Errors
    /// The name is empty or too long.
    pub fn add_person(&self, name: &str, language: Option<&str>) -> anyhow::Result<i64> {
        self.fake.world().invite(name, language).map_err(|why| anyhow::anyhow!("{why}"))
    }

    /// Makes a supergroup of people and bots (by slug); returns its id.
    ///
    /// # Errors
    /// There is no such bot.
    pub fn add_group(&self, title: &str, people: &[i64], bots: &[&str]) -> anyhow::Result<i64> {
        self.make_group(title, ChatKind::Supergroup, people, bots)
    }

    /// Makes a group that may become a supergroup; returns its id.
    ///
    /// # Errors
    /// There is no such bot.
    pub fn add_small_group(&self, title: &str, people: &[i64], bots: &[&str]) -> anyhow::Result<i64> {
        self.make_group(title, ChatKind::Group, people, bots)
    }

    fn make_group(&self, title: &str, kind: ChatKind, people: &[i64], bots: &[&str]) -> anyhow::Result<i64> {
        let bots: Vec<String> = bots.iter().map(|bot| (*bot).to_owned()).collect();
        let made = self.fake.world().make_group(title, kind, people.to_vec(), &bots);
        made.map_err(|why| anyhow::anyhow!("{why}"))
    }

    /// Somebody takes a bot into a group, or throws it out.
    ///
    /// # Errors
    /// There is no such group or bot.
    pub fn let_into_group(&self, group: i64, bot: &str, is_in: bool) -> anyhow::Result<()> {
        self.fake.world().let_into_group(group, bot, is_in).map_err(|why| anyhow::anyhow!("{why}"))
    }

    /// A small group becomes a supergroup, which has another id: returned.
    ///
    /// # Errors
    /// It is none.
    pub fn upgrade_group(&self, group: i64) -> anyhow::Result<i64> {
        self.fake.world().upgrade_group(group).map_err(|why| anyhow::anyhow!("{why}"))
    }

    /// Orders something to go wrong.
    pub fn fault(&self, fault: Fault) {
        self.fake.world().faults.order(fault);
    }

    /// The messages of a room, oldest first, as Telegram's JSON (with `force_reply` and `reactions` where there are
    /// any). A room is `{bot}:{person}` or `:{group}`.
    #[must_use]
    pub fn messages(&self, room: &str) -> Vec<Value> {
        let world = self.fake.world();
        let room = room.parse::<RoomKey>().ok().and_then(|key| world.rooms.get(&key));
        room.map_or(Vec::new(), |room| room.messages.values().map(|kept| json!(**kept)).collect())
    }

    /// What the bot said to a press, once it did: `text`, `alert`, `url`.
    #[must_use]
    pub fn answer(&self, press: &str) -> Option<Value> {
        let world = self.fake.world();
        world.presses.get(&press.parse().ok()?)?.answer.as_ref().map(|answer| json!(answer))
    }

    /// The latest calls of the Bot API (10,000 at most), oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.fake.world().journal.calls().cloned().collect()
    }

    /// The latest updates and what became of them (10,000 at most), oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.fake.world().journal.deliveries().cloned().collect()
    }

    /// How many updates are not delivered yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.fake.world().bots.iter().map(|bot| bot.mail.len()).sum()
    }

    /// Waits until `look` finds something; it is asked again after every change. Bound it with a timeout.
    pub async fn until<T>(&self, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let mut changes = self.fake.world().changes.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(found) = look(self) {
                return found;
            }
            // The sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }

    /// Waits until every update is delivered or dropped.
    pub async fn settled(&self) {
        self.until(|telegram| (telegram.pending() == 0).then_some(())).await;
    }

    /// What failed is tried again at once.
    pub fn hurry(&self) {
        self.fake.hurry();
    }
}
