//! The kinds of update: what orders them, and how long they are kept.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::Timestamp;

/// Every kind of <https://core.telegram.org/bots/api#update>; the fake's people cause a few of them, a test any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Message,
    EditedMessage,
    ChannelPost,
    EditedChannelPost,
    InlineQuery,
    ChosenInlineResult,
    CallbackQuery,
    ShippingQuery,
    PreCheckoutQuery,
    MyChatMember,
    ChatMember,
    ChatJoinRequest,
    ChatBoost,
    RemovedChatBoost,
    MessageReaction,
    MessageReactionCount,
    BusinessConnection,
    BusinessMessage,
    EditedBusinessMessage,
    DeletedBusinessMessages,
    GuestMessage,
    PurchasedPaidMedia,
    ManagedBot,
    Poll,
    PollAnswer,
}

/// Whose order an update keeps.
#[derive(Clone, Copy)]
enum By {
    Chat,
    User,
    Poll,
}

const DAY: i64 = 24 * 60 * 60;

impl Kind {
    const ALL: [Self; 25] = [
        Self::Message,
        Self::EditedMessage,
        Self::ChannelPost,
        Self::EditedChannelPost,
        Self::InlineQuery,
        Self::ChosenInlineResult,
        Self::CallbackQuery,
        Self::ShippingQuery,
        Self::PreCheckoutQuery,
        Self::MyChatMember,
        Self::ChatMember,
        Self::ChatJoinRequest,
        Self::ChatBoost,
        Self::RemovedChatBoost,
        Self::MessageReaction,
        Self::MessageReactionCount,
        Self::BusinessConnection,
        Self::BusinessMessage,
        Self::EditedBusinessMessage,
        Self::DeletedBusinessMessages,
        Self::GuestMessage,
        Self::PurchasedPaidMedia,
        Self::ManagedBot,
        Self::Poll,
        Self::PollAnswer,
    ];

    /// Name, what orders it, its lane there, and for how many seconds it is kept: `Client::get_update_queue_id` and its
    /// callers in <https://github.com/tdlib/telegram-bot-api>.
    const fn rule(self) -> (&'static str, By, i64, i64) {
        match self {
            Self::Message => ("message", By::Chat, 0, DAY),
            Self::EditedMessage => ("edited_message", By::Chat, 0, DAY),
            Self::ChannelPost => ("channel_post", By::Chat, 0, DAY),
            Self::EditedChannelPost => ("edited_channel_post", By::Chat, 0, DAY),
            Self::InlineQuery => ("inline_query", By::User, 1, 30),
            Self::ChosenInlineResult => ("chosen_inline_result", By::User, 2, 600),
            Self::CallbackQuery => ("callback_query", By::User, 3, 150),
            Self::ShippingQuery => ("shipping_query", By::User, 4, 150),
            Self::PreCheckoutQuery => ("pre_checkout_query", By::User, 4, 150),
            Self::MyChatMember => ("my_chat_member", By::Chat, 5, DAY),
            Self::ChatMember => ("chat_member", By::User, 6, DAY),
            Self::ChatJoinRequest => ("chat_join_request", By::User, 6, DAY),
            Self::ChatBoost => ("chat_boost", By::Chat, 7, DAY),
            Self::RemovedChatBoost => ("removed_chat_boost", By::Chat, 7, DAY),
            Self::MessageReaction => ("message_reaction", By::Chat, 8, DAY),
            Self::MessageReactionCount => ("message_reaction_count", By::Chat, 9, DAY),
            Self::BusinessConnection => ("business_connection", By::User, 10, DAY),
            Self::BusinessMessage => ("business_message", By::Chat, 11, DAY),
            Self::EditedBusinessMessage => ("edited_business_message", By::Chat, 11, DAY),
            Self::DeletedBusinessMessages => ("deleted_business_messages", By::Chat, 11, DAY),
            Self::GuestMessage => ("guest_message", By::Chat, 12, DAY),
            Self::PurchasedPaidMedia => ("purchased_paid_media", By::User, 12, DAY),
            Self::ManagedBot => ("managed_bot", By::User, 13, DAY),
            Self::Poll => ("poll", By::Poll, 0, DAY),
            Self::PollAnswer => ("poll_answer", By::Poll, 0, DAY),
        }
    }

    /// The kind of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The field of the update that holds it, which is also its name in `allowed_updates`.
    pub(super) fn name(self) -> &'static str {
        self.rule().0
    }

    /// The queue of updates of this kind. `base` is the id of whatever orders them: a chat, a user or a poll.
    pub(super) fn queue(self, base: i64) -> i64 {
        base.wrapping_add(self.rule().2 << 33)
    }

    pub(super) fn kept_for(self) -> TimeDelta {
        TimeDelta::seconds(self.rule().3)
    }

    /// Is it brought to a bot that has not said what it wants? (`allowed_updates` of
    /// <https://core.telegram.org/bots/api#setwebhook>)
    pub(super) fn is_usual(self) -> bool {
        !matches!(self, Self::ChatMember | Self::MessageReaction | Self::MessageReactionCount)
    }

    /// The id that orders an update with this content, and the chat it is about, if any.
    pub(super) fn base(self, what: &Value) -> (i64, Option<i64>) {
        let id = |of: &Value| of["id"].as_i64();
        let chat = id(&what["chat"]).or_else(|| id(&what["message"]["chat"]));
        let user = id(&what["from"]).or_else(|| id(&what["user"]));
        let poll = || what["poll_id"].as_str().or(what["id"].as_str())?.parse().ok();
        let base = match self.rule().1 {
            By::Chat => chat,
            By::User => user,
            By::Poll => poll(),
        };
        (base.unwrap_or(0), chat)
    }

    /// When an update with this content, made now, is given up: of a message it counts when it was written or changed.
    pub(super) fn expires(self, what: &Value, now: Timestamp) -> Timestamp {
        let is_message = matches!(self.rule(), (_, By::Chat, 0, _));
        let date = what["edit_date"].as_i64().or(what["date"].as_i64()).filter(|_| is_message);
        let since = date.and_then(|date| Timestamp::from_timestamp(date, 0)).unwrap_or(now);
        since + self.kept_for()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_orders_updates_and_how_long_they_are_kept() {
        let of = |kind: &str, what: Value| {
            let kind = Kind::named(kind).unwrap();
            (kind.queue(kind.base(&what).0), kind.kept_for().num_seconds())
        };
        let from = json!({ "from": { "id": 7 }, "message": { "chat": { "id": -9 } } });
        let chat = json!({ "chat": { "id": -9 }, "from": { "id": 7 }, "user": { "id": 7 } });
        let lane = |base: i64, k: i64| base + (k << 33);
        for (kind, what, queue, kept) in [
            ("message", &chat, lane(-9, 0), DAY),
            ("edited_channel_post", &chat, lane(-9, 0), DAY),
            ("inline_query", &from, lane(7, 1), 30),
            ("chosen_inline_result", &from, lane(7, 2), 600),
            ("callback_query", &from, lane(7, 3), 150),
            ("pre_checkout_query", &from, lane(7, 4), 150),
            ("my_chat_member", &chat, lane(-9, 5), DAY),
            ("chat_join_request", &chat, lane(7, 6), DAY),
            ("message_reaction", &chat, lane(-9, 8), DAY),
            ("poll_answer", &json!({ "poll_id": "42", "user": { "id": 7 } }), 42, DAY),
        ] {
            assert_eq!(of(kind, what.clone()), (queue, kept), "{kind}");
        }
    }

    #[test]
    fn every_kind_is_written_as_it_is_called() {
        for kind in Kind::ALL {
            assert_eq!(json!(kind), kind.name());
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
    }

    #[test]
    fn a_message_counts_from_when_it_was_written_or_changed() {
        let now = Timestamp::UNIX_EPOCH + TimeDelta::days(2);
        let at = |what: Value| Kind::EditedMessage.expires(&what, now) - Timestamp::UNIX_EPOCH;
        assert_eq!(at(json!({ "date": 60 })), TimeDelta::days(1) + TimeDelta::minutes(1));
        assert_eq!(at(json!({ "date": 60, "edit_date": 120 })), TimeDelta::days(1) + TimeDelta::minutes(2));
        assert_eq!(at(json!({})), TimeDelta::days(3));
    }
}
