//! An app in this process: a real store and runtime, a fake Telegram, and people who talk; and what a test may ask.

mod faulty_store;
mod hints;
mod scripts;
mod wire;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use backline::{
    blob::disk::DiskBlobs,
    dev::telegram::{Act, FakeBot, FakeTelegram, Fault as TelegramFault, Options, Spot, Wrong, start},
    functions::{Doors, router},
    model::{Clock, ConversationId, TraceParent, WorkflowId},
    runtime::{Bot, Conversation, DeadLetter, Item, Runtime, Secret, Settings, WorkflowDocument, rebuild},
    store::{
        Batch, Container, Cosmos, CosmosSettings, Document, Draft, Query, Sqlite, SqliteSettings, Store,
        Synchronous, Write, cosmos,
    },
    telegram::client::Client,
};
use chrono::TimeDelta;
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::{
    bot_api,
    cosmos_bridge::{self, Bridge, ConsistencyLevel},
};

pub(crate) use backline::runtime::State;
pub(crate) use faulty_store::{Fault, FaultyStore, Gate, Operation};
pub(crate) use hints::Hints;
pub(crate) use scripts::{World, table};
pub(crate) use wire::{Cut, Held, Kind, Wire};

pub(crate) const ADA: i64 = 101;
pub(crate) const BO: i64 = 102;
pub(crate) const CLEO: i64 = 103;
const SLUG: &str = "operations";
const TOKEN: &str = "42:secret";
const SECRET: &str = "s3cret";
/// Who is told when something goes wrong.
pub(crate) const OPERATOR: i64 = 104;

/// A process of the app: it can die.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) runtime: Runtime,
    pub(crate) store: Arc<FaultyStore>,
    doors: Router,
    // The doors wait for a runtime as long as somebody may bring one.
    _ready: Arc<watch::Sender<Option<Runtime>>>,
}

impl Process {
    /// Brings an update as Telegram does, through the door; what the answer says, unless the process dies over it.
    pub(crate) async fn post(&self, update: &str) -> Option<(StatusCode, Value)> {
        let (doors, request) = (self.doors.clone(), request(update));
        let answered = async move {
            let response = doors.oneshot(request).await.unwrap();
            let status = response.status();
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            (status, serde_json::from_slice(&body).unwrap_or_default())
        };
        self.unless_it_dies(answered).await
    }

    /// Whatever somebody posts to a door, and what it answers.
    pub(crate) async fn knock(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.doors.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// Status and headers of the answer to an update.
    pub(crate) async fn head(&self, update: &str) -> (StatusCode, HeaderMap) {
        let response = self.doors.clone().oneshot(request(update)).await.unwrap();
        (response.status(), response.headers().clone())
    }

    pub(crate) async fn unless_it_dies<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut died = self.store.died.subscribe();
        tokio::select! {
            done = work => Some(done),
            _ = died.wait_for(|died| *died) => None,
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        *self.store.died.borrow()
    }
}

/// An update as Telegram brings it.
fn request(update: &str) -> Request<Body> {
    Request::post(format!("/telegram/{SLUG}"))
        .header("x-telegram-bot-api-secret-token", SECRET)
        .body(Body::from(update.to_owned()))
        .unwrap()
}

/// Where an app remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// In a file; a commit is one transaction.
    Sqlite,
    /// In a file, but as in Cosmos DB: each batch is a commit of its own, and nobody can tell whether a process lives.
    SqliteApart,
    /// In a file on a disk that is soon full.
    SqliteFull,
    /// In Microsoft's emulator. Needs a runtime of several threads.
    Cosmos,
}

impl On {
    fn is_apart(self) -> bool {
        matches!(self, Self::SqliteApart | Self::Cosmos)
    }
}

/// How an app is made.
pub(crate) struct Plan {
    pub(crate) on: On,
    pub(crate) settings: Settings,
    pub(crate) patience: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        // Time stands still in most tests: only those about the pace have one.
        let settings = Settings {
            inline_budget: Duration::from_secs(600),
            messages_per_second: 0,
            ..Settings::default()
        };
        Self { on: On::Sqlite, settings, patience: Duration::from_secs(10) }
    }
}

/// An app with its people. Dropped, it fails the test if anything is left undone.
pub(crate) struct App {
    pub(crate) telegram: FakeTelegram,
    pub(crate) clock: Clock,
    pub(crate) hints: Arc<Hints>,
    pub(crate) world: Arc<World>,
    pub(crate) wire: Arc<Wire>,
    pub(crate) process: Mutex<Process>,
    /// What whoever pressed was told, in order.
    toasts: Mutex<Vec<String>>,
    plan: Plan,
    api: String,
    deliveries_seen: Mutex<usize>,
    place: Place,
    // Last: the store's file is in it.
    _folder: tempfile::TempDir,
}

impl App {
    pub(crate) async fn start() -> Self {
        Self::planned(Plan::default()).await
    }

    pub(crate) async fn apart() -> Self {
        Self::on(On::SqliteApart).await
    }

    pub(crate) async fn on(on: On) -> Self {
        Self::planned(Plan { on, ..Plan::default() }).await
    }

    pub(crate) async fn planned(plan: Plan) -> Self {
        let clock = Clock::hand_wound("2026-07-01T12:00:00Z".parse().unwrap());
        let bot = FakeBot {
            slug: SLUG.into(),
            token: TOKEN.into(),
            username: "operations_bot".into(),
            secret: SECRET.into(),
            webhook: None,
        };
        let options = Options { bots: vec![bot], clock: clock.clone(), ..Options::default() };
        let telegram = start(options).await.unwrap();
        let (wire, api) = Wire::start(telegram.url()).await;
        let folder = tempfile::tempdir().unwrap();
        let hints = Arc::new(Hints::new(clock.clone()));
        let world = Arc::default();
        let place = Place::made(plan.on, folder.path(), &clock).await;
        let process = Mutex::new(process(&place, &clock, &hints, &world, &plan, &api));
        let (toasts, deliveries_seen) = Default::default();
        assert_eq!(telegram.add_person("Olga", None).unwrap(), OPERATOR);
        telegram.say(OPERATOR, SLUG, "/start").unwrap();
        let app = Self {
            telegram,
            clock,
            hints,
            world,
            wire,
            process,
            toasts,
            plan,
            api,
            deliveries_seen,
            place,
            _folder: folder,
        };
        app.skip_updates();
        app
    }

    /// The process that people talk to.
    pub(crate) fn process(&self) -> Process {
        self.process.lock().unwrap().clone()
    }

    /// One more process on the same store.
    pub(crate) fn another_process(&self) -> Process {
        process(&self.place, &self.clock, &self.hints, &self.world, &self.plan, &self.api)
    }

    /// The old process dies, if it lives; a new one takes its place.
    pub(crate) fn restart(&self) {
        self.process().store.die();
        let new = self.another_process();
        *self.process.lock().unwrap() = new;
    }

    /// The same, and it died over this update: it left the note that a killed one leaves.
    pub(crate) fn restart_over(&self, update: &str) {
        self.process().store.die();
        if let Place::File(file, _) = &self.place {
            let note = format!("{}.alive/{:032x}", file.display(), *self.deliveries_seen.lock().unwrap());
            std::fs::write(note, format!("{}\n", key(update))).unwrap();
        }
        self.restart();
    }

    /// The same, and something is wrong with the new one's store.
    pub(crate) fn restart_with(&self, prepare: impl FnOnce(&FaultyStore)) {
        self.restart();
        prepare(&self.store());
    }

    /// The same, with other settings.
    pub(crate) fn restart_as(&self, plan: Plan) {
        self.process().store.die();
        let new = process(&self.place, &self.clock, &self.hints, &self.world, &plan, &self.api);
        *self.process.lock().unwrap() = new;
    }

    /// The same, and the disk has room again.
    pub(crate) fn restart_with_room(&self) {
        self.process().store.die();
        let Place::File(file, settings) = &self.place else { panic!("it is on no disk") };
        let roomy = Place::File(file.clone(), SqliteSettings { most_pages: None, ..*settings });
        let new = process(&roomy, &self.clock, &self.hints, &self.world, &self.plan, &self.api);
        *self.process.lock().unwrap() = new;
    }

    /// So many things came to somebody from elsewhere.
    pub(crate) fn handed_to(&self, person: i64) -> usize {
        let query = Query { prefix: "out:".into(), ..Query::default() };
        let store = self.real_store();
        now(store.query(Container::Conversations, &conversation(person).to_string(), query)).unwrap().len()
    }

    pub(crate) fn store(&self) -> Arc<FaultyStore> {
        self.process().store
    }

    /// What Telegram would bring: somebody does something, and nobody hears of it yet.
    pub(crate) fn update(&self, act: Act) -> String {
        let mut seen = self.deliveries_seen.lock().unwrap();
        self.telegram.act(act).unwrap();
        let deliveries = self.telegram.deliveries();
        assert_eq!(deliveries.len(), *seen + 1, "one act, one update");
        *seen += 1;
        deliveries.last().unwrap().update.clone()
    }

    /// Forgets the updates that came of preparations.
    pub(crate) fn skip_updates(&self) {
        *self.deliveries_seen.lock().unwrap() = self.telegram.deliveries().len();
    }

    /// So many more people talk to the bot; their ids. What they are answered is on its way when this returns.
    pub(crate) async fn crowd(&self, count: usize) -> Vec<i64> {
        let mut crowd = Vec::with_capacity(count);
        for n in 0..count {
            let person = self.telegram.add_person(&format!("Guest {n}"), None).unwrap();
            self.says(person, "/start").await;
            crowd.push(person);
        }
        crowd
    }

    pub(crate) fn replying(&self, person: i64, reply_to: i64, text: &str) -> String {
        let (spot, reply_to) = (Spot::private(person, SLUG), Some(reply_to));
        self.update(Act::Say { spot, text: text.to_owned(), reply_to })
    }

    pub(crate) fn saying(&self, person: i64, text: &str) -> String {
        self.update(Act::Say { spot: Spot::private(person, SLUG), text: text.to_owned(), reply_to: None })
    }

    /// A press of the newest button with this label.
    pub(crate) fn pressing(&self, person: i64, label: &str) -> String {
        let (message_id, data) = self
            .button(person, label)
            .unwrap_or_else(|| panic!("{person} sees no button `{label}`: {:#?}", self.saw(person)));
        self.pressing_again(person, message_id, &data)
    }

    pub(crate) fn pressing_again(&self, person: i64, message_id: i64, data: &str) -> String {
        self.update(Act::Press { spot: Spot::private(person, SLUG), message_id, data: data.to_owned() })
    }

    pub(crate) fn button(&self, person: i64, label: &str) -> Option<(i64, String)> {
        self.telegram.messages(&room(person)).into_iter().rev().find_map(|message| {
            let rows = message["reply_markup"]["inline_keyboard"].as_array()?.clone();
            let button =
                rows.iter().flat_map(|row| row.as_array().unwrap()).find(|b| says(b, label))?.clone();
            Some((message["message_id"].as_i64()?, button["callback_data"].as_str()?.to_owned()))
        })
    }

    /// What Telegram would bring because of something that is no act of one person.
    pub(crate) fn updates(&self) -> Vec<String> {
        let mut seen = self.deliveries_seen.lock().unwrap();
        let deliveries = self.telegram.deliveries();
        let new = deliveries[*seen..].iter().map(|delivery| delivery.update.clone()).collect();
        *seen = deliveries.len();
        new
    }

    /// A group of Ada, Bo and Cleo, as people make them. That the bot is in it, it has heard.
    pub(crate) async fn small_group(&self) -> i64 {
        let (group, updates) = self.founding();
        for update in updates {
            self.post(&update).await;
        }
        group
    }

    /// The same, and what Telegram brings.
    pub(crate) fn founding(&self) -> (i64, Vec<String>) {
        let group = self.telegram.add_small_group("Crew", &[ADA, BO, CLEO], &[SLUG]).unwrap();
        (group, self.updates())
    }

    pub(crate) fn saying_in(&self, group: i64, person: i64, text: &str) -> String {
        self.update(Act::Say { spot: Spot::group(person, group), text: text.to_owned(), reply_to: None })
    }

    /// A reply to the newest message of the bot there that begins so.
    pub(crate) fn replying_in(&self, group: i64, person: i64, begins: &str, text: &str) -> String {
        let messages = self.telegram.messages(&room(group));
        let begins_so =
            |message: &&Value| message["text"].as_str().is_some_and(|words| words.starts_with(begins));
        let found = messages.iter().rev().filter(|message| message["from"]["is_bot"] == true).find(begins_so);
        let reply_to = found.unwrap_or_else(|| panic!("nothing begins `{begins}`: {:#?}", self.saw(group)))["message_id"].as_i64();
        self.update(Act::Say { spot: Spot::group(person, group), text: text.to_owned(), reply_to })
    }

    pub(crate) fn pressing_in(&self, group: i64, person: i64, label: &str) -> String {
        let button = self.button(group, label);
        let (message_id, data) =
            button.unwrap_or_else(|| panic!("no button `{label}`: {:#?}", self.saw(group)));
        self.update(Act::Press { spot: Spot::group(person, group), message_id, data })
    }

    pub(crate) async fn says_in(&self, group: i64, person: i64, text: &str) {
        let update = self.saying_in(group, person, text);
        self.post(&update).await;
    }

    pub(crate) async fn replies_in(&self, group: i64, person: i64, begins: &str, text: &str) {
        let update = self.replying_in(group, person, begins, text);
        self.post(&update).await;
    }

    pub(crate) async fn presses_in(&self, group: i64, person: i64, label: &str) {
        let update = self.pressing_in(group, person, label);
        self.post(&update).await;
    }

    pub(crate) fn blocking(&self, person: i64, blocks: bool) -> String {
        let spot = Spot::private(person, SLUG);
        self.update(if blocks { Act::Block { spot } } else { Act::Unblock { spot } })
    }

    /// The group becomes a supergroup; its new id, and what Telegram brings.
    pub(crate) fn upgrading(&self, group: i64) -> (i64, Vec<String>) {
        let new = self.telegram.upgrade_group(group).unwrap();
        (new, self.updates())
    }

    /// Brings an update to the process, which must take it.
    pub(crate) async fn post(&self, update: &str) {
        let Some((status, answer)) = self.process().post(update).await else { return };
        assert_eq!(status, StatusCode::OK, "{answer}");
        if answer["method"] == "answerCallbackQuery" {
            self.toasts.lock().unwrap().push(answer["text"].as_str().unwrap_or_default().to_owned());
        }
    }

    pub(crate) async fn says(&self, person: i64, text: &str) {
        let update = self.saying(person, text);
        self.post(&update).await;
    }

    pub(crate) async fn presses(&self, person: i64, label: &str) {
        let update = self.pressing(person, label);
        self.post(&update).await;
    }

    pub(crate) fn toasts(&self) -> Vec<String> {
        self.toasts.lock().unwrap().clone()
    }

    /// What the bot wrote to somebody, as it reads now: `words [button] [button]`, the words cut after 80
    /// letters.
    pub(crate) fn saw(&self, person: i64) -> Vec<String> {
        let messages = self.telegram.messages(&room(person));
        let by_bot = messages.iter().filter(|message| message["from"]["is_bot"] == true);
        by_bot.map(readable).collect()
    }

    /// What the bot sent to somebody, as it read when it was sent; edits are left out.
    pub(crate) fn sent(&self, person: i64) -> Vec<String> {
        let calls = self.telegram.calls();
        let sent = calls.iter().filter(|call| {
            call.method == "sendMessage"
                && call.room.as_deref() == Some(room(person).as_str())
                && call.answer["ok"] == true
        });
        sent.map(|call| readable(&call.answer["result"])).collect()
    }

    pub(crate) fn telegram_fails(&self, goes: Wrong, times: u32) {
        let (bot, method, chat) = (None, Some("sendMessage".to_owned()), None);
        self.telegram.fault(TelegramFault { bot, method, chat, times, goes });
    }

    pub(crate) fn wind(&self, by: TimeDelta) {
        self.clock.wind(by);
    }

    /// Delivers the hints that can be seen now, and those that this leads to.
    pub(crate) async fn deliver_hints(&self) {
        for _ in 0..100 {
            let hints = self.hints.take();
            if hints.is_empty() {
                return;
            }
            for hint in hints {
                let process = self.process();
                if let Some(done) = process.unless_it_dies(process.runtime.follow(&hint)).await {
                    done.unwrap();
                }
            }
        }
        panic!("hints lead to hints without end");
    }

    /// Delivers the hints that can be seen now, and no others.
    pub(crate) async fn deliver_hints_once(&self) {
        for hint in self.hints.take() {
            let process = self.process();
            if let Some(done) = process.unless_it_dies(process.runtime.follow(&hint)).await {
                done.unwrap();
            }
        }
    }

    /// One minute passes, and the sweep comes; returns how much was due.
    pub(crate) async fn sweep(&self) -> usize {
        self.wind(TimeDelta::seconds(61));
        let process = self.process();
        process.unless_it_dies(process.runtime.sweep()).await.map_or(0, Result::unwrap)
    }

    /// Time passes until nothing is left to do.
    pub(crate) async fn settle(&self) {
        for _ in 0..30 {
            self.deliver_hints().await;
            if self.sweep().await == 0 && self.left_undone().is_empty() {
                return;
            }
        }
        panic!("never comes to rest: {:#?}", self.left_undone());
    }

    /// The folder of the files that are kept.
    pub(crate) fn kept_files(&self) -> PathBuf {
        self.place.kept_files()
    }

    fn real_store(&self) -> Arc<dyn Store> {
        self.place.open(&self.clock)
    }

    /// Every document of a container.
    pub(crate) fn documents(&self, container: Container) -> Vec<(String, Document)> {
        all(self.real_store().as_ref(), container)
    }

    pub(crate) fn conversation(&self, person: i64) -> Conversation {
        let id = conversation(person).to_string();
        let documents = self.documents(Container::Conversations);
        let head =
            documents.iter().find(|(partition, document)| *partition == id && document.id.as_str() == "head");
        head.map(|(_, document)| document.parse().unwrap()).unwrap_or_default()
    }

    /// As if all prompts of this conversation had been closed.
    pub(crate) async fn forget_prompts(&self, person: i64) {
        let mut head = self.conversation(person);
        head.prompts.clear();
        let batch = Batch {
            container: Container::Conversations,
            partition: conversation(person).to_string(),
            writes: vec![Write::Upsert("head".parse().unwrap(), Draft::of(&head))],
        };
        self.real_store().commit(vec![batch]).await.unwrap();
    }

    /// The inbox items of somebody, in the order of their keys.
    pub(crate) fn items(&self, person: i64) -> Vec<Item> {
        self.items_of(&conversation(person))
    }

    pub(crate) fn items_of(&self, conversation: &ConversationId) -> Vec<Item> {
        let id = conversation.to_string();
        let query = Query { prefix: "inbox:".into(), ..Query::default() };
        let store = self.real_store();
        let documents = now(store.query(Container::Conversations, &id, query)).unwrap();
        documents.iter().map(|document| document.parse().unwrap()).collect()
    }

    /// Is this update stored?
    pub(crate) fn knows(&self, update: &str) -> bool {
        let id = format!("inbox:{}", key(update));
        self.documents(Container::Conversations).iter().any(|(_, document)| document.id.as_str() == id)
    }

    pub(crate) fn dead_letters(&self) -> Vec<DeadLetter> {
        self.documents(Container::DeadLetters).iter().map(|(_, document)| document.parse().unwrap()).collect()
    }

    pub(crate) fn workflows(&self) -> Vec<WorkflowDocument> {
        let heads = self.documents(Container::Inputs).into_iter();
        heads.filter(|(_, d)| d.id.as_str() == "head").map(|(_, d)| d.parse().unwrap()).collect()
    }

    /// What every workflow went through: per workflow, script and facts of each entry. The same for two runs of the
    /// same conversation, however they were disturbed.
    pub(crate) fn story(&self) -> BTreeMap<String, Vec<Value>> {
        let mut story: BTreeMap<String, Vec<(u64, Value)>> = BTreeMap::new();
        for (workflow, document) in self.documents(Container::Inputs) {
            if document.id.as_str() == "head" {
                continue;
            }
            let entry: Value = document.parse().unwrap();
            let told = json!([entry["script"], entry["input"]["key"], entry["facts"], entry["status"]]);
            story.entry(workflow).or_default().push((entry["n"].as_u64().unwrap(), told));
        }
        let sorted = |mut entries: Vec<(u64, Value)>| {
            entries.sort_by_key(|(n, _)| *n);
            entries.into_iter().map(|(_, told)| told).collect()
        };
        story.into_iter().map(|(workflow, entries)| (workflow, sorted(entries))).collect()
    }

    /// What is pending, unsent, claimed or not handed out.
    pub(crate) fn left_undone(&self) -> Vec<String> {
        let mut left = Vec::new();
        for (partition, document) in self.documents(Container::Conversations) {
            let id = document.id.as_str();
            if id == "head" {
                let head: Conversation = document.parse().unwrap();
                if !head.outbox.is_empty() || head.claim.is_some() {
                    left.push(format!("{partition}: {} to send, {:?}", head.outbox.len(), head.claim));
                }
            } else if id.starts_with("inbox:") && document.parse::<Item>().unwrap().state == State::Pending {
                left.push(format!("{partition}: `{id}` is pending"));
            }
        }
        for workflow in self.workflows() {
            let leaves = !workflow.handouts.is_empty() || !workflow.broadcasts.is_empty();
            if leaves || !workflow.head.calls.is_empty() {
                left.push(format!("{}: handouts, broadcasts or calls", workflow.head.workflow));
            }
        }
        left
    }

    fn check_logs(&self) {
        let store = self.real_store();
        for workflow in self.workflows() {
            let id: WorkflowId = workflow.head.workflow;
            let rebuilt = now(rebuild(store.as_ref(), id)).unwrap();
            assert!(rebuilt.agrees(), "the log of {id} folds to something else: {rebuilt:#?}");
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.check_logs();
        bot_api::assert_calls(&self.telegram.calls());
        assert_eq!(self.left_undone(), Vec::<String>::new(), "something was left undone");
    }
}

/// The database itself.
enum Place {
    File(PathBuf, SqliteSettings),
    /// It answers as long as the bridge is there.
    Account(CosmosSettings, #[expect(dead_code, reason = "it is only kept")] Bridge),
}

impl Place {
    async fn made(on: On, folder: &Path, clock: &Clock) -> Self {
        if on != On::Cosmos {
            let settings = SqliteSettings {
                synchronous: Synchronous::Normal,
                one_transaction: on != On::SqliteApart,
                most_pages: (on == On::SqliteFull).then_some(80),
            };
            return Self::File(folder.join("store.db"), settings);
        }
        let consistency = ConsistencyLevel::Strong;
        let bridge =
            Bridge::start(&cosmos_bridge::Options { port: 0, clock: clock.clone(), consistency }).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings = CosmosSettings::of_connection_string(&bridge.connection_string(), "backline").unwrap();
        cosmos::provision(&settings).await.unwrap();
        Self::Account(settings, bridge)
    }

    /// The folder of the files that are kept: nothing is made before one is.
    fn kept_files(&self) -> PathBuf {
        match self {
            Self::File(file, _) => file.with_file_name("kept-files"),
            Self::Account(..) => std::env::temp_dir().join("backline-tests-keep-no-files"),
        }
    }

    fn open(&self, clock: &Clock) -> Arc<dyn Store> {
        match self {
            Self::File(file, settings) => Arc::new(Sqlite::open(file, *settings, clock.clone()).unwrap()),
            Self::Account(settings, _) => Arc::new(Cosmos::new(settings.clone(), clock.clone())),
        }
    }
}

/// What a store on this machine answers at once, and another after a while.
fn now<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    match work.as_mut().now_or_never() {
        Some(done) => done,
        None => tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work)),
    }
}

fn process(
    place: &Place,
    clock: &Clock,
    hints: &Arc<Hints>,
    world: &Arc<World>,
    plan: &Plan,
    api: &str,
) -> Process {
    let store = Arc::new(FaultyStore::new(place.open(clock), clock.clone(), plan.on.is_apart()));
    let bot = Bot {
        slug: SLUG.parse().unwrap(),
        token: TOKEN.parse().unwrap(),
        secret: Secret::new(SECRET.into()),
        operators: vec![OPERATOR],
        api: Client::new(Some(api), plan.patience).unwrap(),
    };
    let settings = Settings { clock: clock.clone(), ..plan.settings.clone() };
    let blobs = Arc::new(DiskBlobs::new(&place.kept_files()));
    let runtime =
        Runtime::new(scripts::table(world), store.clone(), hints.clone(), blobs, vec![bot], settings);
    let (ready, waiting) = watch::channel(Some(runtime.clone()));
    Process { runtime, store, doors: router(Doors::new(waiting)), _ready: Arc::new(ready) }
}

fn all(store: &dyn Store, container: Container) -> Vec<(String, Document)> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = now(store.list(container, after, 500)).unwrap();
        all.extend(page.documents.into_iter().map(|found| (found.partition, found.document)));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// What the input is known by that an update becomes.
fn key(update: &str) -> String {
    let update: Value = serde_json::from_str(update).unwrap();
    format!("tg:{SLUG}:{:020}", update["update_id"].as_u64().unwrap())
}

/// Of a person, or of a group, whose id is negative.
fn room(chat: i64) -> String {
    if chat < 0 { format!(":{chat}") } else { format!("{SLUG}:{chat}") }
}

/// Where somebody talks to the bot in a group.
pub(crate) fn talk(person: i64, group: i64) -> ConversationId {
    ConversationId { chat: group, ..conversation(person) }
}

pub(crate) fn conversation(person: i64) -> ConversationId {
    ConversationId::private(SLUG.parse().unwrap(), person)
}

pub(crate) fn trace() -> TraceParent {
    TraceParent::root()
}

/// How many have chosen it is not what a button says.
fn says(button: &Value, label: &str) -> bool {
    let words = button["text"].as_str().unwrap_or_default();
    words == label || words.rsplit_once(" · ").is_some_and(|(words, _)| words == label)
}

fn readable(message: &Value) -> String {
    let mut words: String = message["text"].as_str().unwrap_or_default().chars().take(80).collect();
    for button in message["reply_markup"]["inline_keyboard"].as_array().into_iter().flatten() {
        for button in button.as_array().into_iter().flatten() {
            words += &format!(" [{}]", button["text"].as_str().unwrap_or_default());
        }
    }
    words
}
