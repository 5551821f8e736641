//! Somebody who talks to a bot.

use serde::{Deserialize, Serialize};

/// Telegram's id of a user.
pub type PersonId = i64;

/// Somebody as Telegram described them when they last wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Telegram's user id; a chat's id where a chat signs.
    pub id: PersonId,
    /// What to call them.
    pub name: String,
    /// Their language as an IETF tag, if Telegram told. Among the people that are looked up: the one they chose, if they
    /// did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}
