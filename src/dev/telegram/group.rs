//! Groups: how they are made and become supergroups, and who may speak in them.

use std::sync::Arc;

use super::{
    refusal::Refusal,
    room::RoomKey,
    wire::{Chat, ChatKind, Content, User},
    world::World,
};

impl World {
    /// Makes a group of people and bots; returns its id.
    pub(super) fn make_group(
        &mut self,
        title: &str,
        kind: ChatKind,
        people: Vec<i64>,
        bots: &[String],
    ) -> Result<i64, Refusal> {
        let bots: Option<Vec<_>> =
            bots.iter().map(|slug| self.bot(slug).map(|bot| self.bots[bot].slug.clone())).collect();
        let bots = bots.ok_or_else(|| Refusal::bad("no such bot"))?;
        let key = self.open_group(title, kind, people, bots.clone());
        for slug in bots {
            self.tell_standing(&key, &slug, ["left", "member"]);
        }
        Ok(key.chat)
    }

    /// Supergroups have longer ids than groups.
    fn open_group(&mut self, title: &str, kind: ChatKind, people: Vec<i64>, bots: Vec<Arc<str>>) -> RoomKey {
        let groups = self.rooms.keys().filter(|key| key.bot.is_none()).count();
        let first = if kind == ChatKind::Group { -4_000_000_001 } else { -1_001_000_000_001 };
        let id = first - groups.cast_signed() as i64;
        let key = RoomKey { bot: None, chat: id };
        let title = Some(title.to_owned());
        let chat = Chat { id, title, first_name: None, last_name: None, username: None, kind };
        self.open_room(&key, chat, people, bots);
        key
    }

    /// A group becomes a supergroup; returns its new id. The old one says so in its last message, the new one in its
    /// first (<https://core.telegram.org/bots/api#message>), and whoever sends to the old one is told the new id.
    pub(super) fn upgrade_group(&mut self, group: i64) -> Result<i64, Refusal> {
        let old = RoomKey { bot: None, chat: group };
        let about = self.rooms.get(&old).ok_or_else(Refusal::chat_not_found)?.about.clone();
        if about.moved_to.is_some() || about.chat.kind != ChatKind::Group {
            return Err(Refusal::bad("it is no group, or no longer"));
        }
        let from = self.first_of(&old)?;
        let title = about.chat.title.clone().unwrap_or_default();
        let new = self.open_group(&title, ChatKind::Supergroup, about.people, about.bots);
        self.change_room(&old, |about| about.moved_to = Some(new.chat));
        let last = Content { migrate_to_chat_id: Some(new.chat), ..Content::default() };
        self.write(&old, from.clone(), last, None);
        let first = Content { migrate_from_chat_id: Some(group), ..Content::default() };
        self.write(&new, from, first, None);
        Ok(new.chat)
    }

    /// Somebody takes a bot into a group, or throws it out.
    pub(super) fn let_into_group(&mut self, group: i64, slug: &str, is_in: bool) -> Result<(), Refusal> {
        let key = RoomKey { bot: None, chat: group };
        let bot = self.bot(slug).ok_or_else(|| Refusal::bad("no such bot"))?;
        let slug = self.bots[bot].slug.clone();
        self.rooms.get(&key).ok_or_else(Refusal::chat_not_found)?;
        self.change_room(&key, |about| {
            about.bots.retain(|known| *known != slug);
            about.bots.extend(is_in.then(|| slug.clone()));
        });
        self.tell_standing(&key, &slug, if is_in { ["kicked", "member"] } else { ["member", "kicked"] });
        Ok(())
    }

    fn tell_standing(&mut self, key: &RoomKey, slug: &str, statuses: [&str; 2]) {
        if let Ok(person) = self.first_of(key) {
            self.membership(key, &person, slug, statuses);
        }
    }

    fn first_of(&self, key: &RoomKey) -> Result<User, Refusal> {
        let room = self.rooms.get(key).ok_or_else(Refusal::chat_not_found)?;
        let first = room.about.people.first().and_then(|id| self.people.get(id)).cloned();
        first.ok_or_else(|| Refusal::bad("nobody is in the group"))
    }
}
