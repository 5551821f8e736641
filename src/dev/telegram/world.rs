//! The fake Telegram's world: its bots, people, rooms and files, and how a change to it is kept and told.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{Notify, broadcast, watch};

use super::{
    Limits,
    connections::Connections,
    fault::Faults,
    flood::Flood,
    journal::{Delivery, Journal, State},
    keeper::Keeper,
    kind::Kind,
    mail::{Mail, Parcel},
    room::{About, Kept, Room, RoomKey},
    wire::{Chat, ChatKind, Command, Content, Message, User},
};
use crate::model::{Clock, Timestamp};

/// So many messages of a room are remembered; older ones are forgotten first.
const KEPT_MESSAGES: usize = 2_000;

/// Numbers given out are kept in blocks of this many: after a restart some are skipped, and none is given twice.
const BLOCK: u64 = 256;

/// Everything there is. All of it is behind one lock, held for microseconds.
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) limits: Limits,
    /// Does it take webhooks that only this machine can reach?
    pub(super) is_local: bool,
    pub(super) bots: Vec<Bot>,
    pub(super) people: BTreeMap<i64, User>,
    pub(super) rooms: BTreeMap<RoomKey, Room>,
    pub(super) presses: BTreeMap<u64, Press>,
    pub(super) files: HashMap<String, File>,
    /// Until when the paths that `getFile` gave are good.
    pub(super) links: HashMap<String, Timestamp>,
    pub(super) faults: Faults,
    pub(super) journal: Journal,
    pub(super) keeper: Keeper,
    /// Grows with every change.
    pub(super) changes: watch::Sender<u64>,
    /// What the pages are told, as JSON.
    pub(super) news: broadcast::Sender<Arc<str>>,
}

/// A bot and what it has set.
pub(super) struct Bot {
    pub(super) slug: Arc<str>,
    pub(super) token: String,
    pub(super) user: User,
    pub(super) settings: Settings,
    pub(super) mail: Mail,
    pub(super) connections: Connections,
    pub(super) flood: Flood,
    /// Rung when there may be something to deliver.
    pub(super) bell: Arc<Notify>,
}

/// What of a bot outlives the process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) webhook: Option<Webhook>,
    #[serde(default)]
    pub(super) commands: Vec<Menu>,
    pub(super) next_update: u64,
    pub(super) next_message: u64,
}

/// Where a bot wants its updates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Webhook {
    pub(super) url: String,
    pub(super) secret: Option<String>,
    pub(super) max_connections: usize,
    /// Unless empty, only these kinds of update; else the usual ones.
    pub(super) allowed_updates: Vec<String>,
    /// Where the URL's name led when the webhook was set, or what the bot said instead.
    #[serde(default)]
    pub(super) ip_address: String,
    /// Since when it says 410 to everything.
    #[serde(skip)]
    pub(super) gone_since: Option<Timestamp>,
    /// When the last failure was, in seconds since 1970, and what it was.
    #[serde(skip)]
    pub(super) last_error: Option<(i64, String)>,
}

/// Commands for one scope and language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Menu {
    pub(super) scope: Value,
    pub(super) language_code: String,
    pub(super) commands: Vec<Command>,
}

/// A press of a button, and what the bot said to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Press {
    pub(super) room: String,
    pub(super) person: i64,
    pub(super) bot: Arc<str>,
    pub(super) message_id: i64,
    pub(super) data: String,
    /// Seconds since 1970.
    pub(super) date: i64,
    pub(super) answer: Option<Answer>,
}

impl Press {
    /// How long a press may be answered, in seconds: as long as its update is kept. Telegram doesn't say.
    const ANSWERABLE: i64 = 150;

    /// May it still be answered?
    pub(super) fn is_fresh(&self, now: i64) -> bool {
        now - self.date <= Self::ANSWERABLE
    }

    /// Does its button still glow?
    pub(super) fn is_open(&self, now: i64) -> bool {
        self.answer.is_none() && self.is_fresh(now)
    }
}

/// What `answerCallbackQuery` said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) alert: bool,
    pub(super) url: String,
}

/// A file that somebody sent.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) mime: String,
    pub(super) bytes: Bytes,
}

impl World {
    /// The time in Telegram's dates: seconds since 1970.
    pub(super) fn date(&self) -> i64 {
        self.clock.now().timestamp()
    }

    pub(super) fn bot(&self, slug: &str) -> Option<usize> {
        self.bots.iter().position(|bot| *bot.slug == *slug)
    }

    /// Puts a message into a room, which must be there, and returns it.
    pub(super) fn post(
        &mut self,
        key: &RoomKey,
        from: User,
        content: Content,
        reply_to: Option<i64>,
    ) -> Kept {
        let number = self.number_message(key);
        let date = self.date();
        let room = &self.rooms[key];
        let quoted = reply_to.and_then(|id| room.messages.get(&id)).map(|kept| {
            let quoted = Message { reply_to_message: None, ..kept.message.clone() };
            Box::new(quoted)
        });
        Kept::plain(Message {
            message_id: number,
            message_thread_id: None,
            is_topic_message: false,
            from,
            chat: room.about.chat.clone(),
            date,
            edit_date: None,
            reply_to_message: quoted,
            content,
            reply_markup: None,
        })
    }

    /// Shows a message, new or changed, in its room.
    pub(super) fn show(&mut self, key: &RoomKey, kept: Kept) {
        let Some(room) = self.rooms.get_mut(key) else { return };
        let id = kept.message.message_id;
        let kept = Arc::new(kept);
        room.messages.insert(id, kept.clone());
        if room.messages.len() > KEPT_MESSAGES
            && let Some((old, _)) = room.messages.pop_first()
        {
            self.keeper.remove("message", || message_key(key, old));
        }
        self.keeper.put("message", || message_key(key, id), || as_json(&*kept));
        self.tell(|| json!({ "news": "message", "room": key.to_string(), "message": *kept }));
    }

    /// Takes a message out of its room. False if it isn't there.
    pub(super) fn hide(&mut self, key: &RoomKey, id: i64) -> bool {
        let gone = self.rooms.get_mut(key).and_then(|room| room.messages.remove(&id)).is_some();
        if gone {
            self.keeper.remove("message", || message_key(key, id));
            self.tell(|| json!({ "news": "deleted", "room": key.to_string(), "message_id": id }));
        }
        gone
    }

    /// Changes what is known about a room, which must be there.
    pub(super) fn change_room(&mut self, key: &RoomKey, change: impl FnOnce(&mut About)) {
        let Some(room) = self.rooms.get_mut(key) else { return };
        change(&mut room.about);
        self.keeper.put("room", || key.to_string(), || as_json(&room.about));
        self.tell(|| json!({ "news": "room", "room": key.to_string() }));
    }

    /// The room of a bot and a person, made if it is not there.
    pub(super) fn private_room(&mut self, bot: usize, person: &User) -> RoomKey {
        let slug = self.bots[bot].slug.clone();
        let key = RoomKey { bot: Some(slug.clone()), chat: person.id };
        if !self.rooms.contains_key(&key) {
            let chat = Chat {
                id: person.id,
                title: None,
                first_name: Some(person.first_name.clone()),
                last_name: person.last_name.clone(),
                username: person.username.clone(),
                kind: ChatKind::Private,
                is_forum: false,
            };
            self.open_room(&key, chat, vec![person.id], vec![slug]);
        }
        key
    }

    pub(super) fn open_room(&mut self, key: &RoomKey, chat: Chat, people: Vec<i64>, bots: Vec<Arc<str>>) {
        let about = About {
            chat,
            people,
            bots,
            blocked: false,
            keyboard: None,
            topics: Vec::new(),
            next_message: 1,
            migrated_to: None,
        };
        self.rooms.insert(key.clone(), Room { about, messages: BTreeMap::new() });
        self.change_room(key, |_| {});
    }

    /// Makes an update of this kind for a bot and puts it into the bot's mail.
    pub(super) fn update(
        &mut self,
        bot: usize,
        kind: Kind,
        base: i64,
        key: &RoomKey,
        payload: &impl Serialize,
    ) {
        let now = self.clock.now();
        self.update_until(bot, kind, base, key, now + kind.kept_for(), payload);
    }

    /// The same, for something that is given up at a time of its own. What is older than that is never brought.
    pub(super) fn update_until(
        &mut self,
        bot: usize,
        kind: Kind,
        base: i64,
        key: &RoomKey,
        expires: Timestamp,
        payload: &impl Serialize,
    ) {
        let bot = &mut self.bots[bot];
        let allowed = bot.settings.webhook.as_ref().map_or(&[][..], |webhook| &webhook.allowed_updates);
        let is_wanted = match allowed {
            [] => kind.is_usual(),
            names => names.iter().any(|name| name == kind.name()),
        };
        if !is_wanted || expires < self.clock.now() {
            return;
        }
        let update_id = bot.settings.next_update;
        bot.settings.next_update += 1;
        if bot.settings.next_update.is_multiple_of(BLOCK) {
            keep_settings(&self.keeper, bot);
        }
        let payload = serde_json::to_string(payload).expect("Telegram's shapes have text keys");
        let parcel = Parcel {
            update_id,
            kind,
            queue: kind.queue(base),
            room: key.to_string(),
            expires,
            body: format!("{{\"update_id\":{update_id},\n\"{}\":{payload}}}", kind.name()),
            journal: 0,
        };
        let slug = bot.slug.clone();
        self.keeper.put("update", || format!("{slug}:{update_id:020}"), || as_json(&parcel));
        self.mail(&slug, parcel);
    }

    /// Puts an update into a bot's mail and into the journal.
    pub(super) fn mail(&mut self, slug: &str, mut parcel: Parcel) {
        let Some(bot) = self.bot(slug) else { return };
        parcel.journal = self.journal.number();
        self.journal.sending(Delivery {
            n: parcel.journal,
            at: self.clock.now(),
            bot: slug.to_owned(),
            update_id: parcel.update_id,
            kind: parcel.kind.name(),
            room: parcel.room.clone(),
            state: State::Waiting,
            attempts: 0,
            status: None,
            error: None,
            micros: 0,
            next: None,
            update: parcel.body.clone(),
        });
        self.tell(|| json!({ "news": "journal", "room": parcel.room }));
        self.bots[bot].mail.add(Arc::new(parcel));
        self.bots[bot].bell.notify_one();
    }

    /// An update is gone from a bot's mail.
    pub(super) fn discard(&mut self, slug: &str, parcel: &Parcel, state: State) {
        self.keeper.remove("update", || format!("{slug}:{:020}", parcel.update_id));
        let (mut attempts, mut micros) = (0, 0);
        if let Some(delivery) = self.journal.delivery(parcel.journal) {
            delivery.state = state;
            delivery.next = None;
            (attempts, micros) = (delivery.attempts, delivery.micros);
        }
        self.tell(|| {
            let told = json!({ "state": state, "attempts": attempts, "micros": micros });
            json!({ "news": "journal", "room": parcel.room, "delivery": told })
        });
    }

    pub(super) fn change_settings(&mut self, bot: usize, change: impl FnOnce(&mut Settings)) {
        change(&mut self.bots[bot].settings);
        keep_settings(&self.keeper, &self.bots[bot]);
        self.bots[bot].bell.notify_one();
        self.tell(|| json!({ "news": "bots" }));
    }

    pub(super) fn add_person(&mut self, person: User) {
        self.keeper.put("person", || format!("{:020}", person.id), || as_json(&person));
        self.people.insert(person.id, person);
        self.tell(|| json!({ "news": "people" }));
    }

    /// Something has changed: whoever waits looks again, and the pages are told.
    pub(super) fn tell(&self, news: impl FnOnce() -> Value) {
        self.changes.send_modify(|changes| *changes += 1);
        if self.news.receiver_count() > 0 {
            // An error means that the last page left just now.
            let _ = self.news.send(news().to_string().into());
        }
    }

    fn number_message(&mut self, key: &RoomKey) -> i64 {
        let bot = key.bot.as_deref().and_then(|slug| self.bot(slug));
        let number = match bot {
            Some(bot) => {
                let bot = &mut self.bots[bot];
                bot.settings.next_message += 1;
                if bot.settings.next_message.is_multiple_of(BLOCK) {
                    keep_settings(&self.keeper, bot);
                }
                bot.settings.next_message - 1
            }
            None => {
                let Some(room) = self.rooms.get_mut(key) else { return 0 };
                room.about.next_message += 1;
                self.keeper.put("room", || key.to_string(), || as_json(&room.about));
                room.about.next_message - 1
            }
        };
        number.cast_signed()
    }
}

/// Keeps a bot's settings with numbers that no message or update has yet.
pub(super) fn keep_settings(keeper: &Keeper, bot: &Bot) {
    let settings = || {
        let mut settings = bot.settings.clone();
        settings.next_update = (settings.next_update / BLOCK + 1) * BLOCK;
        settings.next_message = (settings.next_message / BLOCK + 1) * BLOCK;
        as_json(&settings)
    };
    keeper.put("bot", || bot.slug.to_string(), settings);
}

fn message_key(room: &RoomKey, id: i64) -> String {
    format!("{room}/{id:020}")
}

pub(super) fn as_json(fact: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(fact).expect("the world's facts have text keys")
}
