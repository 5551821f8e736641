//! Why a call of the Bot API is refused, in Telegram's own words.

use std::{borrow::Cow, fmt};

/// An answer that is not `ok`. Numbers and texts are those of the official server
/// (<https://github.com/tdlib/telegram-bot-api>, `Client.cpp`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) description: Cow<'static, str>,
    pub(super) retry_after: Option<u32>,
    pub(super) migrate_to: Option<i64>,
}

impl Refusal {
    /// A 400 with this text after `Bad Request: `.
    pub(super) fn bad(why: impl fmt::Display) -> Self {
        Self::new(400, format!("Bad Request: {why}"))
    }

    pub(super) fn new(code: u16, description: impl Into<Cow<'static, str>>) -> Self {
        Self { code, description: description.into(), retry_after: None, migrate_to: None }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized")
    }

    pub(super) fn unknown_method() -> Self {
        Self::new(404, "Not Found: method not found")
    }

    pub(super) fn too_many_requests(retry_after: u32) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(429, format!("Too Many Requests: retry after {retry_after}"))
        }
    }

    /// The group has become a supergroup with another id.
    pub(super) fn migrated(to: i64) -> Self {
        Self { migrate_to: Some(to), ..Self::bad("group chat was upgraded to a supergroup chat") }
    }

    pub(super) fn blocked() -> Self {
        Self::new(403, "Forbidden: bot was blocked by the user")
    }

    pub(super) fn chat_not_found() -> Self {
        Self::bad("chat not found")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.description)
    }
}
