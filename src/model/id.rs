//! Names of things: bots, conversations, workflows, inputs, effects, traces.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::PersonId;

/// A text that is not the name it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {wanted}")]
pub struct InvalidId {
    given: String,
    wanted: &'static str,
}

impl InvalidId {
    fn new(given: &str, wanted: &'static str) -> Self {
        Self { given: given.chars().take(100).collect(), wanted }
    }
}

/// Serializes a name as its text, in one piece (what is written through `Display` is escaped in as many as it is
/// written in), and reads it back through `FromStr`, without a copy in between.
macro_rules! as_text {
    ($($name:ty: $text:ident),+) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.$text().as_ref())
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str(Reader(PhantomData))
            }
        }
    )+};
}
as_text!(
    BotSlug: as_str,
    ConversationId: text,
    WorkflowId: to_string,
    InputKey: as_str,
    EffectId: as_str,
    TraceParent: as_str
);

struct Reader<T>(PhantomData<T>);

impl<T: FromStr<Err = InvalidId>> serde::de::Visitor<'_> for Reader<T> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// What an operator calls a bot: `[a-z][a-z0-9]{0,31}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BotSlug(String);

impl BotSlug {
    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BotSlug {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut letters = text.bytes();
        let fits = letters.next().is_some_and(|b| b.is_ascii_lowercase())
            && letters.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            && text.len() <= 32;
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::new(
                text,
                "a bot's slug: a lower-case letter, then at most 31 lower-case letters or digits",
            ))
        }
    }
}

impl fmt::Display for BotSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whoever talks to us in one place: `{bot}:{chat}:{thread}:{user}`. Everything of one conversation happens in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId {
    /// The bot that is talked to.
    pub bot: BotSlug,
    /// Telegram's chat id; zero if an update names neither chat nor user.
    pub chat: i64,
    /// Telegram's topic (`message_thread_id`), zero outside topics.
    pub thread: i64,
    /// Telegram's user id; the sender chat's id where nobody signs.
    pub user: i64,
}

impl ConversationId {
    /// Where a bot and one person talk in private: Telegram gives the chat the user's id.
    #[must_use]
    pub fn private(bot: BotSlug, user: i64) -> Self {
        Self { bot, chat: user, thread: 0, user }
    }

    /// The chat's own conversation: what concerns all who talk there stands in its head. In private, that is the person's.
    #[must_use]
    pub fn of_chat(&self) -> Self {
        Self { bot: self.bot.clone(), chat: self.chat, thread: 0, user: self.chat }
    }

    /// Do only the bot and one person hear what is said here? The ids of groups and channels are negative
    /// (<https://core.telegram.org/bots/api#chat>); in one, its own id is the user's of whoever signs as the chat.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.chat == self.user && self.chat >= 0
    }

    fn text(&self) -> String {
        let mut text = String::with_capacity(self.bot.0.len() + 3 * ":-9223372036854775808".len());
        text.push_str(&self.bot.0);
        for number in [self.chat, self.thread, self.user] {
            text.push(':');
            text.push_str(itoa::Buffer::new().format(number));
        }
        text
    }
}

impl FromStr for ConversationId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let wrong = || InvalidId::new(text, "a conversation: `bot:chat:thread:user`");
        let mut parts = text.split(':');
        let bot = parts.next().ok_or_else(wrong)?.parse()?;
        let mut number = || parts.next().and_then(|part| part.parse().ok()).ok_or_else(wrong);
        let conversation = Self { bot, chat: number()?, thread: number()?, user: number()? };
        if parts.next().is_some() { Err(wrong()) } else { Ok(conversation) }
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// The GUID of one workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkflowId(Uuid);

impl WorkflowId {
    /// The workflow that this key starts for `starter` (a conversation or a workflow): version 5 of the two, so a redo
    /// makes the same one.
    #[must_use]
    pub fn started_by(starter: &impl fmt::Display, key: &impl fmt::Display) -> Self {
        Self(Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{starter} {key}").as_bytes()))
    }

    /// The workflow that this input begins in its conversation. One that an update begins has that update's number in
    /// front (48 bits, big-endian; version 8): as with version 7, what begins at about the same time lies together in
    /// a sorted index (RFC 9562, 5.7 and 6.11).
    #[must_use]
    pub fn begun_by(conversation: &ConversationId, key: &InputKey) -> Self {
        let Self(hash) = Self::started_by(conversation, key);
        let Some(number) = key.update_id() else { return Self(hash) };
        let mut bytes = hash.into_bytes();
        bytes[..6].copy_from_slice(&number.to_be_bytes()[2..]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// A GUID made from this workflow and a name: the same at every replay.
    #[must_use]
    pub fn derive(self, name: &str) -> Uuid {
        Uuid::new_v5(&self.0, name.as_bytes())
    }

    /// The GUID in 22 characters of base64url, short enough for a button.
    #[must_use]
    pub fn short(self) -> String {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        URL_SAFE_NO_PAD.encode(self.0.as_bytes())
    }

    /// Reads what [`short`](Self::short) wrote.
    #[must_use]
    pub fn from_short(text: &str) -> Option<Self> {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        Some(Self(Uuid::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?))
    }
}

impl FromStr for WorkflowId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Uuid::parse_str(text).map(Self).map_err(|_| InvalidId::new(text, "a workflow's GUID"))
    }
}

impl fmt::Display for WorkflowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What makes an input itself, however often it arrives. Keys of one bot's updates sort as Telegram numbered them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputKey(String);

impl InputKey {
    /// `tg:{bot}:{update_id, 20 digits}`.
    #[must_use]
    pub fn update(bot: &BotSlug, update_id: u64) -> Self {
        Self(format!("tg:{bot}:{update_id:020}"))
    }

    /// The number of the update that it is.
    fn update_id(&self) -> Option<u64> {
        let (_bot, number) = self.0.strip_prefix("tg:")?.rsplit_once(':')?;
        number.parse().ok()
    }

    /// The passing of a deadline; `n` is the entry that opened the question.
    #[must_use]
    pub fn timer(workflow: WorkflowId, n: u32, question: &str) -> Self {
        Self(format!("timer:{workflow}:{n}:{}", safe(question)))
    }

    /// The result of a call.
    #[must_use]
    pub fn result(effect: &EffectId) -> Self {
        Self(format!("result:{effect}"))
    }

    /// The news that the receiver of this effect can't be reached.
    #[must_use]
    pub fn unreachable(effect: &EffectId) -> Self {
        Self(format!("unreachable:{effect}"))
    }

    /// The news that a group is known by another id now.
    #[must_use]
    pub fn moved(chat: i64, to: i64) -> Self {
        Self(format!("moved:{chat}:{to}"))
    }

    /// The start of a workflow by another one.
    #[must_use]
    pub fn start(effect: &EffectId) -> Self {
        Self(format!("start:{effect}"))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A question's name may hold what a document's id must not (`item.3/photo#0`): those characters become `~`, and a
/// hash keeps two names apart that differ only there.
fn safe(name: &str) -> String {
    if name.contains(['/', '\\', '?', '#']) {
        format!("{}~{}", name.replace(['/', '\\', '?', '#'], "~"), short_hash(name))
    } else {
        name.to_owned()
    }
}

impl FromStr for InputKey {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty() || text.len() > 900 || text.contains(['/', '\\', '?', '#']) {
            return Err(InvalidId::new(text, "an input's key: 1 to 900 bytes without / \\ ? #"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for InputKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing to be done because of one input: `{workflow}:{n}:{ordinal}`, or `{input key}:{ordinal}` for what is said
/// outside any workflow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId(String);

impl EffectId {
    /// The `ordinal`th effect of a workflow's `n`th entry.
    #[must_use]
    pub fn of_entry(workflow: WorkflowId, n: u32, ordinal: usize) -> Self {
        Self(format!("{workflow}:{n}:{ordinal}"))
    }

    /// What a broadcast is to one of its receivers.
    #[must_use]
    pub fn of_broadcast(broadcast: &Self, receiver: PersonId) -> Self {
        Self(format!("{broadcast}.{receiver}"))
    }

    /// The `ordinal`th effect of an input that reached no workflow.
    #[must_use]
    pub fn of_input(key: &InputKey, ordinal: usize) -> Self {
        Self(format!("{key}:{ordinal}"))
    }
}

impl EffectId {
    fn as_str(&self) -> &str {
        &self.0
    }

    /// The workflow that caused it; none for what was said outside any workflow.
    #[must_use]
    pub fn workflow(&self) -> Option<WorkflowId> {
        self.0.split_once(':')?.0.parse().ok()
    }

    /// Which entry of its workflow's log caused it; none for what was said outside any workflow.
    #[must_use]
    pub fn entry(&self) -> Option<u32> {
        Some(self.place()?.0)
    }

    /// Where it stands among the effects of its workflow: the entry that caused it, and its ordinal there.
    #[must_use]
    pub fn place(&self) -> Option<(u32, usize)> {
        let (before, ordinal) = self.0.rsplit_once(':')?;
        let (workflow, n) = before.rsplit_once(':')?;
        workflow.parse::<WorkflowId>().ok()?;
        let (ordinal, _receiver) = ordinal.split_once('.').unwrap_or((ordinal, ""));
        Some((n.parse().ok()?, ordinal.parse().ok()?))
    }
}

impl FromStr for EffectId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        InputKey::from_str(text).map(|key| Self(key.0)).map_err(|_| InvalidId::new(text, "an effect's id"))
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// W3C trace context, `00-{trace}-{span}-01`: carried by every input, effect, event and hint.
/// <https://www.w3.org/TR/trace-context/#traceparent-header>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent(String);

impl TraceParent {
    /// A new trace.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where the dice for traces are thrown")]
    pub fn root() -> Self {
        let (trace, span) = (Uuid::new_v4(), Uuid::new_v4());
        Self(format!("00-{}-{}-01", trace.simple(), &span.simple().to_string()[..16]))
    }

    fn as_str(&self) -> &str {
        &self.0
    }

    /// The trace id, 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.0[3..35]
    }
}

impl FromStr for TraceParent {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let hex = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
        let parts: Vec<&str> = text.split('-').collect();
        match parts[..] {
            [version, trace, span, flags, ..]
                if hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidId::new(text, "a traceparent")),
        }
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Eight characters of base64url that stand for `text`: 48 bits, the same on every machine and in every version.
#[must_use]
pub fn short_hash(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(&Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).as_bytes()[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_what_they_write() {
        let conversation: ConversationId = "operations:-100:7:42".parse().unwrap();
        assert_eq!(conversation.to_string(), "operations:-100:7:42");
        let workflow = WorkflowId::started_by(&conversation, &"tg:operations:1");
        assert_eq!(WorkflowId::from_short(&workflow.short()), Some(workflow));
        assert_eq!(workflow.short().len(), 22);
        assert_eq!(workflow.to_string().parse(), Ok(workflow));
        let trace = TraceParent::root();
        assert_eq!(trace.to_string().parse(), Ok(trace.clone()));
        let written = serde_json::to_value((&conversation, workflow, &trace)).unwrap();
        let texts = [conversation.to_string(), workflow.to_string(), trace.to_string()];
        assert_eq!(written, serde_json::to_value(texts).unwrap());
    }

    #[test]
    fn workflows_sort_as_the_updates_that_begin_them() {
        let begun_in = |conversation: &str, update| {
            let conversation: ConversationId = conversation.parse().unwrap();
            WorkflowId::begun_by(&conversation, &InputKey::update(&conversation.bot, update))
        };
        let in_order = [9, 10, 255, 256, 1 << 40].map(|update| begun_in("operations:1:0:1", update));
        assert!(in_order.is_sorted());
        assert_eq!(in_order[0].to_string()[..15], *"00000000-0009-8");
        assert_eq!(in_order[0], begun_in("operations:1:0:1", 9));
        assert_ne!(in_order[0], begun_in("operations:1:0:2", 9));
        assert_ne!(in_order[0], begun_in("security:1:0:1", 9));
    }

    #[test]
    fn wrong_names_are_refused() {
        for slug in ["", "Operations", "1bot", "a-b", "a234567890123456789012345678901234"] {
            assert!(slug.parse::<BotSlug>().is_err(), "{slug}");
        }
        for conversation in ["operations:1:2", "operations:1:2:3:4", "operations:x:0:1", ":1:2:3"] {
            assert!(conversation.parse::<ConversationId>().is_err(), "{conversation}");
        }
    }

    #[test]
    fn update_keys_sort_as_telegram_numbers_them() {
        let bot: BotSlug = "operations".parse().unwrap();
        assert!(InputKey::update(&bot, 9) < InputKey::update(&bot, 10));
        let workflow = WorkflowId::started_by(&bot, &"x");
        let timer = InputKey::timer(workflow, 3, "item.3/photo#0");
        assert!(timer > InputKey::update(&bot, u64::MAX), "an answer that came in time wins");
        assert!(timer.as_str().parse::<InputKey>().is_ok());
        assert_ne!(timer, InputKey::timer(workflow, 3, "item.3#photo/0"));
    }
}
