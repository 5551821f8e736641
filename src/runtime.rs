//! The deeds: receive, advance, perform, and the sweep that keeps their promises. All I/O, no decisions about a
//! conversation: those are made in `engine`, which is pure.

mod activity;
mod advance;
mod alone;
mod attempts;
mod broadcast;
mod claim;
mod commit;
mod dead_letter;
mod documents;
mod hand_out;
mod inspect;
mod keep_file;
mod latest;
mod locks;
mod migration;
mod pace;
mod perform;
mod purge;
mod receive;
mod reference;
pub mod rules;
mod scene;
mod send_files;
mod sweep;
mod transcript;
mod webhooks;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::{Mutex, Semaphore};

pub use dead_letter::{DeadLetter, KeptLetter, dead_letters};
pub use documents::{Broadcast, Claim, Conversation, Item, Outgoing, State, WorkflowDocument};
pub use inspect::{Behind, Logged, Rebuilt, behind, rebuild};
pub use purge::Purged;
pub use receive::Answer;
pub use reference::{areas, put_areas, remove_area};
pub use transcript::{Told, Transcript, people, transcript};
pub use webhooks::{
    Health, Trouble, Wanted, Watched, addresses, delete_webhook, set_menu, set_webhook, troubles,
};

use crate::{
    blob::Blobs,
    engine::Table,
    model::{BotSlug, Clock},
    queue::{self, Queue},
    store::{self, Store},
    telegram::client::{Client, Token},
};

/// The queue of hints: which conversation or workflow may have something to do.
pub const HINTS: &str = "conversations";

/// A bot we speak through.
#[derive(Clone, Debug)]
pub struct Bot {
    /// What operators call it.
    pub slug: BotSlug,
    /// Telegram's token.
    pub token: Token,
    /// What Telegram proves itself with (`X-Telegram-Bot-Api-Secret-Token`).
    pub secret: Secret,
    /// Chats that are told when something goes wrong.
    pub operators: Vec<i64>,
    /// The Bot API it is served by.
    pub api: Client,
}

/// A text that is never shown.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` to itself.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for Telegram alone.
    fn text(&self) -> &str {
        &self.0
    }

    /// Is `given` the secret? Takes as long for a near miss as for a far one.
    #[must_use]
    pub fn is(&self, given: &[u8]) -> bool {
        use subtle::ConstantTimeEq;
        self.0.as_bytes().ct_eq(given).into()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// So many inputs are worked on at once; further ones are left to hints.
    pub inline_concurrency: usize,
    /// A webhook is answered after this long, done or not.
    pub inline_budget: Duration,
    /// How long transcripts are kept.
    pub retention: Duration,
    /// How long the log of a finished workflow is kept.
    pub workflow_retention: Duration,
    /// How old what an instance knows of people and areas may be; then it asks for what is newer.
    pub reference_max_age: Duration,
    /// So many messages an instance sends through a bot in a second, and to a chat as many as Telegram's guide allows;
    /// zero sends as fast as it can.
    pub messages_per_second: u32,
    /// Where Telegram finds the app (`https://backline.example`), if that is known.
    pub address: Option<String>,
    /// Telegram brings so many updates of a bot at once.
    pub max_connections: u16,
    /// What the pace is kept by.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            inline_concurrency: 64,
            inline_budget: Duration::from_secs(1),
            retention: Duration::from_secs(90 * 24 * 60 * 60),
            workflow_retention: Duration::from_secs(30 * 24 * 60 * 60),
            reference_max_age: Duration::from_secs(5),
            messages_per_second: 30,
            address: None,
            max_connections: 40,
            clock: Clock::real(),
        }
    }
}

/// Why a deed was not done. Nothing is lost by any of these: what was stored is found by the sweep.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store said no.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The queue said no.
    #[error(transparent)]
    Queue(#[from] queue::Error),
    /// A document or a message is not what it should be.
    #[error("{0}")]
    Data(String),
}

impl Error {
    /// May the same deed succeed later?
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Queue(queue::Error::Unavailable(_)) => true,
            Self::Queue(queue::Error::Refused(_)) | Self::Data(_) => false,
        }
    }

    /// How long the store asks to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(store::Error::Unavailable { retry_after, .. }) => *retry_after,
            _ => None,
        }
    }

    fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(store::Error::Conflict { .. }))
    }
}

/// Everything the deeds work with. Cheap to clone; any number of processes may have one on the same store.
#[derive(Clone)]
pub struct Runtime {
    parts: Arc<Parts>,
}

struct Parts {
    table: Table,
    store: Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    blobs: Arc<dyn Blobs>,
    bots: BTreeMap<BotSlug, Bot>,
    settings: Settings,
    locks: locks::Locks,
    latest: latest::Latest,
    inline: Arc<Semaphore>,
    fresh: attempts::Fresh,
    /// What Telegram calls the bots, as far as anybody had to know.
    usernames: Mutex<BTreeMap<BotSlug, String>>,
    reference: reference::Reference,
    pace: pace::Pace,
}

impl Runtime {
    /// A runtime of this app on this store, through these bots.
    #[must_use]
    pub fn new(
        table: Table,
        store: Arc<dyn Store>,
        queue: Arc<dyn Queue>,
        blobs: Arc<dyn Blobs>,
        bots: Vec<Bot>,
        settings: Settings,
    ) -> Self {
        let inline = Arc::new(Semaphore::new(settings.inline_concurrency));
        let bots = bots.into_iter().map(|bot| (bot.slug.clone(), bot)).collect();
        let (locks, latest, fresh, usernames, reference) = Default::default();
        let pace = pace::Pace::new(settings.messages_per_second, settings.clock.clone());
        let parts = Parts {
            table,
            store,
            queue,
            blobs,
            bots,
            settings,
            locks,
            latest,
            inline,
            fresh,
            usernames,
            reference,
            pace,
        };
        Self { parts: Arc::new(parts) }
    }

    /// The bot of this slug.
    #[must_use]
    pub fn bot(&self, slug: &str) -> Option<&Bot> {
        self.parts.bots.values().find(|bot| bot.slug.as_str() == slug)
    }

    /// Every bot.
    pub fn bots(&self) -> impl Iterator<Item = &Bot> {
        self.parts.bots.values()
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.parts.store
    }

    /// The queue that hints are left in.
    #[must_use]
    pub fn queue(&self) -> &Arc<dyn Queue> {
        &self.parts.queue
    }

    fn blobs(&self) -> &dyn Blobs {
        self.parts.blobs.as_ref()
    }

    fn table(&self) -> &Table {
        &self.parts.table
    }

    fn settings(&self) -> &Settings {
        &self.parts.settings
    }

    fn fresh(&self) -> &attempts::Fresh {
        &self.parts.fresh
    }

    fn pace(&self) -> &pace::Pace {
        &self.parts.pace
    }

    fn locks(&self) -> &locks::Locks {
        &self.parts.locks
    }

    fn latest(&self) -> &latest::Latest {
        &self.parts.latest
    }
}
