//! Groups: how they are made, which bots are in them, and how a small one becomes a supergroup.

use super::{
    kind::Kind,
    refusal::Refusal,
    room::RoomKey,
    wire::{Chat, ChatKind, Content},
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
        let groups = self.rooms.keys().filter(|key| key.bot.is_none()).count();
        let first = if kind == ChatKind::Group { -4_000_000_001 } else { -1_001_000_000_001 };
        let id = first - groups.cast_signed() as i64;
        let key = RoomKey { bot: None, chat: id };
        let title = Some(title.to_owned());
        let chat =
            Chat { id, title, first_name: None, last_name: None, username: None, kind, is_forum: false };
        let first = people.first().and_then(|id| self.people.get(id)).cloned();
        self.open_room(&key, chat, people, bots.clone());
        if let Some(person) = first {
            for slug in bots {
                self.membership(&key, &person, &slug, ["left", "member"]);
            }
        }
        Ok(id)
    }

    /// Somebody takes a bot into a group, or throws it out.
    pub(super) fn let_into_group(&mut self, chat: i64, slug: &str, is_in: bool) -> Result<(), Refusal> {
        let key = RoomKey { bot: None, chat };
        let bot = self.bot(slug).ok_or_else(|| Refusal::bad("no such bot"))?;
        let slug = self.bots[bot].slug.clone();
        let room = self.rooms.get(&key).ok_or_else(Refusal::chat_not_found)?;
        let first = room.about.people.first().and_then(|id| self.people.get(id)).cloned();
        self.change_room(&key, |about| {
            about.bots.retain(|known| *known != slug);
            about.bots.extend(is_in.then(|| slug.clone()));
        });
        if let Some(person) = first {
            let statuses = if is_in { ["kicked", "member"] } else { ["member", "kicked"] };
            self.membership(&key, &person, &slug, statuses);
        }
        Ok(())
    }

    /// A group becomes a supergroup, as when its owner lets newcomers read its history: another chat with the same
    /// people. Both tell so (`migrate_to_chat_id`, `migrate_from_chat_id` of
    /// <https://core.telegram.org/bots/api#message>), and whoever writes to the old one is told the new id. Returns it.
    pub(super) fn upgrade_group(&mut self, chat: i64) -> Result<i64, Refusal> {
        let old = RoomKey { bot: None, chat };
        let about =
            self.rooms.get(&old).map(|room| room.about.clone()).ok_or_else(Refusal::chat_not_found)?;
        let owner = about.people.first().and_then(|id| self.people.get(id)).cloned();
        let owner = owner.filter(|_| about.chat.kind == ChatKind::Group && about.migrated_to.is_none());
        let owner = owner.ok_or_else(|| Refusal::bad("this is no group that could become a supergroup"))?;
        let groups = self.rooms.keys().filter(|key| key.bot.is_none()).count();
        let id = -1_001_000_000_001 - groups.cast_signed() as i64;
        let new = RoomKey { bot: None, chat: id };
        let chat = Chat { id, kind: ChatKind::Supergroup, ..about.chat.clone() };
        self.open_room(&new, chat, about.people.clone(), about.bots.clone());
        self.change_room(&old, |about| about.migrated_to = Some(id));
        let to = Content { migrate_to_chat_id: Some(id), ..Content::default() };
        let from = Content { migrate_from_chat_id: Some(old.chat), ..Content::default() };
        for (key, content) in [(&old, to), (&new, from)] {
            let kept = self.post(key, owner.clone(), content, None);
            self.tell_bots(key, Kind::Message, &kept.message);
            self.show(key, kept);
        }
        Ok(id)
    }
}
