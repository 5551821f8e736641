//! What people do: each act changes the world and becomes the update that Telegram would send.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    kind::Kind,
    media::{Media, MediaKind},
    photo,
    refusal::Refusal,
    room::{Kept, RoomKey},
    text,
    wire::{CallbackQuery, Contact, Content, Document, Entity, Location, Message, User},
    world::{File, Press, World},
};

/// Who does something, and where: in the room with a bot, or in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// Telegram's id of the person.
    pub person: i64,
    /// The bot's slug; not needed in a group.
    #[serde(default)]
    pub bot: String,
    /// The group's id.
    #[serde(default)]
    pub group: Option<i64>,
    /// The group's topic; without one, the General one.
    #[serde(default)]
    pub topic: Option<i64>,
}

impl Spot {
    /// In private with a bot.
    #[must_use]
    pub fn private(person: i64, bot: &str) -> Self {
        Self { person, bot: bot.to_owned(), group: None, topic: None }
    }

    /// In a group.
    #[must_use]
    pub fn group(person: i64, group: i64) -> Self {
        Self { person, bot: String::new(), group: Some(group), topic: None }
    }

    /// In a topic of a group.
    #[must_use]
    pub fn topic(person: i64, group: i64, topic: i64) -> Self {
        Self { topic: Some(topic), ..Self::group(person, group) }
    }
}

/// One thing that somebody does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Writes a text; one that starts with `/` is a command.
    Say {
        /// Who and where.
        #[serde(flatten)]
        spot: Spot,
        /// The words, plain.
        text: String,
        /// The message it answers.
        #[serde(default)]
        reply_to: Option<i64>,
    },
    /// Presses an inline button.
    Press {
        /// Who and where.
        #[serde(flatten)]
        spot: Spot,
        /// The message under which the button is.
        message_id: i64,
        /// The button's `callback_data`. A button that is gone can still be pressed, as on a screen that lags behind.
        data: String,
    },
    /// Changes the text of an own message.
    Edit {
        /// Who and where.
        #[serde(flatten)]
        spot: Spot,
        /// Which message.
        message_id: i64,
        /// The new words.
        text: String,
    },
    /// Sends a photo.
    Photo {
        /// Who and where.
        #[serde(flatten)]
        spot: Spot,
        /// The file, from an upload.
        file: String,
        /// Words under it.
        #[serde(default)]
        caption: String,
        /// Photos with the same one are an album.
        #[serde(default)]
        media_group_id: Option<String>,
    },
    /// Sends a file.
    Document {
        /// Who and where.
        #[serde(flatten)]
        spot: Spot,
        /// The file, from an upload.
        file: String,
        /// Words under it.
        #[serde(default)]
        caption: String,
        /// Files with the same one are an album.
        #[serde(default)]
        media_group_id: Option<String>,
    },
    /// Sends a voice message, a video, a sticker or the like.
    Media {
        /// Who and where.
        #[serde(flatten)]
        spot: Spot,
        /// What it is.
        kind: MediaKind,
        /// The file, from an upload.
        file: String,
        /// Words under it.
        #[serde(default)]
        caption: String,
        /// Files with the same one are an album.
        #[serde(default)]
        media_group_id: Option<String>,
    },
    /// Sends a place.
    Location {
        /// Who and where.
        #[serde(flatten)]
        spot: Spot,
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// So many seconds the place follows the person; without, it is sent once.
        #[serde(default)]
        live_period: Option<u32>,
    },
    /// Goes to another place, which a live location shows.
    Move {
        /// Who and where.
        #[serde(flatten)]
        spot: Spot,
        /// The message with the live location.
        message_id: i64,
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
    },
    /// Sends the own phone number.
    Contact {
        /// Who and where.
        #[serde(flatten)]
        spot: Spot,
        /// The number.
        phone_number: String,
    },
    /// Blocks the bot.
    Block {
        /// Who and where.
        #[serde(flatten)]
        spot: Spot,
    },
    /// Unblocks the bot.
    Unblock {
        /// Who and where.
        #[serde(flatten)]
        spot: Spot,
    },
}

impl Act {
    fn spot(&self) -> &Spot {
        match self {
            Self::Say { spot, .. }
            | Self::Press { spot, .. }
            | Self::Edit { spot, .. }
            | Self::Photo { spot, .. }
            | Self::Document { spot, .. }
            | Self::Media { spot, .. }
            | Self::Location { spot, .. }
            | Self::Move { spot, .. }
            | Self::Contact { spot, .. }
            | Self::Block { spot }
            | Self::Unblock { spot } => spot,
        }
    }
}

impl World {
    /// Does what somebody does. Returns what came of it: the message, or the press's id.
    pub(super) fn act(&mut self, act: Act) -> Result<Value, Refusal> {
        let spot = act.spot().clone();
        let person =
            self.people.get(&spot.person).cloned().ok_or_else(|| Refusal::bad("nobody has this id"))?;
        let key = self.room_of(&spot, &person)?;
        let topic = spot.topic;
        match act {
            Act::Say { text, reply_to, .. } => {
                let text = text.trim();
                if text.is_empty() || text.chars().count() > text::LONGEST {
                    return Err(Refusal::bad("a message has 1 to 4096 characters"));
                }
                let entities = text::plain_entities(text);
                let content = Content { text: Some(text.to_owned()), entities, ..Content::default() };
                Ok(self.write(&key, topic, person, content, reply_to))
            }
            Act::Press { message_id, data, .. } => self.press(&key, person, message_id, data),
            Act::Edit { message_id, text, .. } => self.correct(&key, &person, message_id, text.trim()),
            Act::Photo { file, caption, media_group_id, .. } => {
                let bytes = &self.files.get(&file).ok_or_else(|| Refusal::bad("no such file"))?.bytes;
                let photo = photo::sizes(&file, bytes);
                let content = Content { photo, media_group_id, ..captioned(&caption) };
                Ok(self.write(&key, topic, person, content, None))
            }
            Act::Document { file, caption, media_group_id, .. } => {
                let document = self.files.get(&file).map(|found| document(&file, found));
                let document = Some(document.ok_or_else(|| Refusal::bad("no such file"))?);
                let content = Content { document, media_group_id, ..captioned(&caption) };
                Ok(self.write(&key, topic, person, content, None))
            }
            Act::Media { kind, file, caption, media_group_id, .. } => {
                let found = self.files.get(&file).ok_or_else(|| Refusal::bad("no such file"))?;
                let media = Media::of(kind, &file, found);
                // An animation is a document, too (<https://core.telegram.org/bots/api#message>).
                let document = (kind == MediaKind::Animation).then(|| document(&file, found));
                let content = Content { media, document, media_group_id, ..captioned(&caption) };
                Ok(self.write(&key, topic, person, content, None))
            }
            Act::Location { latitude, longitude, live_period, .. } => {
                let location = Some(Location { latitude, longitude, live_period });
                Ok(self.write(&key, topic, person, Content { location, ..Content::default() }, None))
            }
            Act::Move { message_id, latitude, longitude, .. } => {
                self.go(&key, &person, message_id, [latitude, longitude])
            }
            Act::Contact { phone_number, .. } => {
                let contact = Some(Contact {
                    phone_number,
                    first_name: person.first_name.clone(),
                    last_name: person.last_name.clone(),
                    user_id: Some(person.id),
                });
                Ok(self.write(&key, topic, person, Content { contact, ..Content::default() }, None))
            }
            Act::Block { .. } => Ok(self.block(&key, person, true)),
            Act::Unblock { .. } => Ok(self.block(&key, person, false)),
        }
    }

    fn room_of(&mut self, spot: &Spot, person: &User) -> Result<RoomKey, Refusal> {
        if let Some(chat) = spot.group {
            let key = RoomKey { bot: None, chat };
            let room = self.rooms.get(&key).ok_or_else(Refusal::chat_not_found)?;
            if !room.about.people.contains(&person.id) {
                return Err(Refusal::chat_not_found());
            }
            return match self.has_topic(&key, spot.topic) {
                true => Ok(key),
                false => Err(Refusal::bad("message thread not found")),
            };
        }
        let bot = self.bot(&spot.bot).ok_or_else(|| Refusal::bad("no such bot"))?;
        Ok(self.private_room(bot, person))
    }

    fn write(
        &mut self,
        key: &RoomKey,
        topic: Option<i64>,
        person: User,
        content: Content,
        reply_to: Option<i64>,
    ) -> Value {
        if self.rooms[key].about.blocked {
            self.block(key, person.clone(), false);
        }
        let sender = person.id;
        let mut kept = self.post(key, person, content, reply_to);
        self.put_into_topic(key, &mut kept.message, topic);
        self.tell_bots(key, Kind::Message, &kept.message);
        let answer = json!({ "message_id": kept.message.message_id, "from": sender });
        self.show(key, kept);
        answer
    }

    fn correct(&mut self, key: &RoomKey, person: &User, id: i64, words: &str) -> Result<Value, Refusal> {
        let kept =
            self.rooms[key].messages.get(&id).ok_or_else(|| Refusal::bad("message to edit not found"))?;
        if kept.message.from.id != person.id || words.is_empty() {
            return Err(Refusal::bad("message can't be edited"));
        }
        let mut kept = Kept::clone(kept);
        let (words, entities) = (Some(words.to_owned()), text::plain_entities(words));
        let content = &mut kept.message.content;
        if content.text.is_some() {
            (content.text, content.entities) = (words, entities);
        } else {
            (content.caption, content.caption_entities) = (words, entities);
        }
        kept.message.edit_date = Some(self.date());
        self.tell_bots(key, Kind::EditedMessage, &kept.message);
        self.show(key, kept);
        Ok(json!({ "message_id": id }))
    }

    /// A live location moves: its message is edited (<https://core.telegram.org/bots/api#location>).
    fn go(
        &mut self,
        key: &RoomKey,
        person: &User,
        id: i64,
        [latitude, longitude]: [f64; 2],
    ) -> Result<Value, Refusal> {
        let kept = self.rooms[key].messages.get(&id);
        let mut kept = Kept::clone(kept.ok_or_else(|| Refusal::bad("message to edit not found"))?);
        let (is_own, since) = (kept.message.from.id == person.id, self.date() - kept.message.date);
        let live = kept.message.content.location.as_mut().filter(|location| {
            is_own && location.live_period.is_some_and(|period| since <= i64::from(period))
        });
        let location = live.ok_or_else(|| Refusal::bad("message can't be edited"))?;
        (location.latitude, location.longitude) = (latitude, longitude);
        kept.message.edit_date = Some(self.date());
        self.tell_bots(key, Kind::EditedMessage, &kept.message);
        self.show(key, kept);
        Ok(json!({ "message_id": id }))
    }

    fn press(&mut self, key: &RoomKey, from: User, message_id: i64, data: String) -> Result<Value, Refusal> {
        let kept = self.rooms[key].messages.get(&message_id);
        let message = kept.ok_or_else(|| Refusal::bad("message to press not found"))?.message.clone();
        let slug = message.from.username.as_ref();
        let bot = self.bots.iter().position(|bot| bot.user.username.as_ref() == slug && message.from.is_bot);
        let bot = bot.ok_or_else(|| Refusal::bad("the message has no buttons"))?;
        // Ids grow with time, and an old answer finds no new press after a restart.
        let last = self.presses.last_key_value().map_or(0, |(id, _)| *id);
        let id = (last + 1).max(self.clock.now().timestamp_micros().unsigned_abs());
        let press = Press {
            room: key.to_string(),
            person: from.id,
            bot: self.bots[bot].slug.clone(),
            message_id,
            data: data.clone(),
            date: self.date(),
            answer: None,
        };
        self.tell(|| json!({ "news": "pressed", "id": id.to_string(), "press": press }));
        self.presses.insert(id, press);
        if self.presses.len() > 10_000 {
            self.presses.pop_first();
        }
        let base = from.id;
        let chat_instance = format!("{}", key.chat.wrapping_mul(7_919));
        let query = CallbackQuery { id: id.to_string(), from, message, chat_instance, data };
        self.update(bot, Kind::CallbackQuery, base, key, &query);
        Ok(json!({ "press": id.to_string() }))
    }

    fn block(&mut self, key: &RoomKey, person: User, blocked: bool) -> Value {
        let Some(slug) = key.bot.clone() else { return json!({}) };
        if self.rooms[key].about.blocked != blocked {
            self.change_room(key, |about| about.blocked = blocked);
            let statuses = if blocked { ["member", "kicked"] } else { ["kicked", "member"] };
            self.membership(key, &person, &slug, statuses);
        }
        json!({ "blocked": blocked })
    }

    /// Tells a bot that its own membership changed from one status to another.
    pub(super) fn membership(&mut self, key: &RoomKey, from: &User, slug: &str, [old, new]: [&str; 2]) {
        let Some(bot) = self.bot(slug) else { return };
        let user = &self.bots[bot].user;
        let member = |status: &str| match status {
            "kicked" => json!({ "user": user, "status": status, "until_date": 0 }),
            _ => json!({ "user": user, "status": status }),
        };
        let change = json!({
            "chat": self.rooms[key].about.chat,
            "from": from,
            "date": self.date(),
            "old_chat_member": member(old),
            "new_chat_member": member(new),
        });
        self.update(bot, Kind::MyChatMember, key.chat, key, &change);
    }

    /// Something happens that nobody here can do: an update of any kind, with content of the caller's own.
    pub(super) fn happen(&mut self, slug: &str, kind: &str, what: &Value) -> Result<(), Refusal> {
        let bot = self.bot(slug).ok_or_else(|| Refusal::bad("no such bot"))?;
        let kind = Kind::named(kind).ok_or_else(|| Refusal::bad("no such kind of update"))?;
        let (base, chat) = kind.base(what);
        let chat = chat.unwrap_or(base);
        let key = RoomKey { bot: (chat > 0).then(|| self.bots[bot].slug.clone()), chat };
        self.update_until(bot, kind, base, &key, kind.expires(what, self.clock.now()), what);
        Ok(())
    }

    pub(super) fn tell_bots(&mut self, key: &RoomKey, kind: Kind, message: &Message) {
        for slug in self.rooms[key].about.bots.clone() {
            if let Some(bot) = self.bot(&slug) {
                self.update(bot, kind, key.chat, key, message);
            }
        }
    }
}

pub(super) fn document(id: &str, file: &File) -> Document {
    Document {
        file_name: file.name.clone(),
        mime_type: file.mime.clone(),
        file_id: id.to_owned(),
        file_unique_id: id.to_owned(),
        file_size: file.bytes.len(),
    }
}

fn captioned(words: &str) -> Content {
    let words = words.trim();
    let caption_entities: Vec<Entity> = text::plain_entities(words);
    Content { caption: (!words.is_empty()).then(|| words.to_owned()), caption_entities, ..Content::default() }
}
