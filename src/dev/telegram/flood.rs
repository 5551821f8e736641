//! How fast a bot may send: what Telegram's guide says, and a 429 for what is faster.
//!
//! <https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this>: about 30 messages a second in all;
//! one a second to a chat, where short bursts may pass; 20 a minute to a group. The guide gives no number for a burst: here
//! it is 20. Changes of messages are not spoken of, but in groups they are counted, too: for themselves.

use std::collections::{BTreeMap, VecDeque};

use chrono::TimeDelta;

use crate::model::Timestamp;

/// What goes through all chats together: "about" 30 a second.
const ALL: Limit = Limit { every: TimeDelta::microseconds(33_333), burst: 35 };
/// What goes to one chat.
const CHAT: Limit = Limit { every: TimeDelta::seconds(1), burst: 20 };
/// What goes to a group within [`WINDOW`].
const GROUP: usize = 20;
const WINDOW: TimeDelta = TimeDelta::minutes(1);

struct Limit {
    every: TimeDelta,
    burst: i32,
}

/// What one bot has sent lately.
#[derive(Debug, Default)]
pub(super) struct Flood {
    /// When nothing would be left of what has gone through.
    all: Timestamp,
    chats: BTreeMap<i64, Timestamp>,
    /// The last minute of each group: what was sent, and what was changed.
    groups: BTreeMap<(i64, bool), VecDeque<Timestamp>>,
}

impl Flood {
    /// Counts a call that makes or changes so many messages in a chat; if that is too fast, the seconds after which to
    /// come back, and nothing is counted.
    pub(super) fn stops(&mut self, method: &str, chat: i64, messages: usize, now: Timestamp) -> Option<u32> {
        let method = method.to_ascii_lowercase();
        let is_edit = method.starts_with("editmessage");
        let is_sent = ["send", "forward", "copy"].iter().any(|verb| method.starts_with(verb));
        if !(is_edit && chat < 0 || is_sent && method != "sendchataction") {
            return None;
        }
        let count = i32::try_from(messages.max(1)).unwrap_or(i32::MAX);
        let group = (chat < 0).then(|| self.groups.entry((chat, is_edit)).or_default());
        let in_group = group.and_then(|lately| {
            lately.retain(|at| now - *at < WINDOW);
            (lately.len() + messages > GROUP).then(|| lately.front().map_or(WINDOW, |at| *at + WINDOW - now))
        });
        let here = self.chats.get(&chat).copied().unwrap_or_default();
        let in_chat = (chat > 0).then(|| CHAT.wait(here, count, now)).flatten();
        let in_all = (!is_edit).then(|| ALL.wait(self.all, count, now)).flatten();
        if let Some(wait) = [in_group, in_chat, in_all].into_iter().flatten().max() {
            return Some(u32::try_from(wait.num_milliseconds().div_euclid(1000) + 1).unwrap_or(u32::MAX));
        }
        if chat < 0 {
            let lately = self.groups.entry((chat, is_edit)).or_default();
            lately.extend(std::iter::repeat_n(now, messages.max(1)));
        } else {
            self.chats.insert(chat, CHAT.after(here, count, now));
        }
        if !is_edit {
            self.all = ALL.after(self.all, count, now);
        }
        None
    }
}

impl Limit {
    fn after(&self, empty_at: Timestamp, count: i32, now: Timestamp) -> Timestamp {
        empty_at.max(now) + self.every * count
    }

    /// How long so many must wait, if they must.
    fn wait(&self, empty_at: Timestamp, count: i32, now: Timestamp) -> Option<TimeDelta> {
        let over = self.after(empty_at, count.min(self.burst), now) - now - self.every * self.burst;
        (over > TimeDelta::zero()).then_some(over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::days(1) + TimeDelta::milliseconds(milliseconds)
    }

    /// How many of these calls, all at one moment, go through.
    fn through(
        flood: &mut Flood,
        method: &str,
        chats: impl IntoIterator<Item = i64>,
        now: Timestamp,
    ) -> usize {
        chats.into_iter().filter(|chat| flood.stops(method, *chat, 1, now).is_none()).count()
    }

    #[test]
    fn a_chat_gets_a_burst_and_then_one_a_second() {
        let mut flood = Flood::default();
        assert_eq!(through(&mut flood, "sendMessage", [7; 50], at(0)), 20);
        assert_eq!(flood.stops("sendMessage", 7, 1, at(0)), Some(2), "whole seconds, and none too few");
        assert_eq!(through(&mut flood, "sendMessage", [7; 50], at(1_000)), 1);
        assert_eq!(through(&mut flood, "editMessageText", [7; 50], at(1_000)), 50, "changes are no messages");
        assert_eq!(through(&mut flood, "sendChatAction", [7; 50], at(1_000)), 50);
        assert_eq!(through(&mut flood, "answerCallbackQuery", [0; 50], at(1_000)), 50);
    }

    #[test]
    fn all_chats_together_get_about_thirty_a_second() {
        let mut flood = Flood::default();
        assert_eq!(through(&mut flood, "sendMessage", 1..=100, at(0)), 35);
        assert_eq!(through(&mut flood, "sendPhoto", 101..=200, at(1_000)), 30);
    }

    #[test]
    fn a_group_gets_twenty_messages_a_minute_and_as_many_changes() {
        let mut flood = Flood::default();
        for second in 0..20 {
            assert_eq!(flood.stops("sendMessage", -7, 1, at(second * 1_000)), None);
        }
        assert_eq!(flood.stops("sendMessage", -7, 1, at(20_000)), Some(41));
        assert_eq!(flood.stops("sendMessage", -8, 1, at(20_000)), None, "another group is another one");
        assert_eq!(through(&mut flood, "editMessageText", [-7; 50], at(20_000)), 20);
        assert_eq!(flood.stops("sendMessage", -7, 1, at(60_000)), None);
    }

    #[test]
    fn an_album_is_as_many_messages_as_it_has_pictures() {
        let mut flood = Flood::default();
        assert_eq!(flood.stops("sendMediaGroup", -7, 10, at(0)), None);
        assert_eq!(flood.stops("sendMediaGroup", -7, 10, at(0)), None);
        assert_eq!(flood.stops("sendMessage", -7, 1, at(0)), Some(61));
    }
}
