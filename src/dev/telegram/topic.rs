//! Topics: the threads of a group that is a forum (<https://core.telegram.org/bots/api#forumtopiccreated>).

use serde::{Deserialize, Serialize};

use super::{
    kind::Kind,
    refusal::Refusal,
    room::RoomKey,
    wire::{ChatKind, Content, Message, TopicCreated},
    world::World,
};

/// A topic of a group. What is in none is in the one that Telegram calls General.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Topic {
    /// The number of the message that tells of its creation: messages in it carry it as `message_thread_id`.
    pub(super) id: i64,
    pub(super) name: String,
}

impl World {
    /// Opens a topic in a supergroup, which becomes a forum with the first; returns its id.
    pub(super) fn open_topic(&mut self, chat: i64, name: &str) -> Result<i64, Refusal> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 128 {
            return Err(Refusal::bad("a topic's name has 1 to 128 characters"));
        }
        let key = RoomKey { bot: None, chat };
        let about = &self.rooms.get(&key).ok_or_else(Refusal::chat_not_found)?.about;
        let owner = about.people.first().and_then(|id| self.people.get(id)).cloned();
        let owner = owner.filter(|_| about.chat.kind == ChatKind::Supergroup);
        let owner = owner.ok_or_else(|| Refusal::bad("only a supergroup has topics"))?;
        self.change_room(&key, |about| about.chat.is_forum = true);
        let forum_topic_created = Some(TopicCreated { name: name.to_owned(), icon_color: 0x6F_B9_F0 });
        let mut kept = self.post(&key, owner, Content { forum_topic_created, ..Content::default() }, None);
        let id = kept.message.message_id;
        self.change_room(&key, |about| about.topics.push(Topic { id, name: name.to_owned() }));
        self.put_into_topic(&key, &mut kept.message, Some(id));
        self.tell_bots(&key, Kind::Message, &kept.message);
        self.show(&key, kept);
        Ok(id)
    }

    /// Is there this topic? Without one, it is the General one, which is in every group.
    pub(super) fn has_topic(&self, key: &RoomKey, topic: Option<i64>) -> bool {
        topic.is_none_or(|id| self.rooms[key].about.topics.iter().any(|topic| topic.id == id))
    }

    /// A message in a thread; in a topic, it says so (<https://core.telegram.org/bots/api#message>).
    pub(super) fn put_into_topic(&self, key: &RoomKey, message: &mut Message, thread: Option<i64>) {
        message.message_thread_id = thread.filter(|_| key.bot.is_none());
        message.is_topic_message = message.message_thread_id.is_some() && self.has_topic(key, thread);
    }
}
