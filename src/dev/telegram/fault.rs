//! Faults that tests order: the next calls of the Bot API go wrong in a way that Telegram's do.

use serde::{Deserialize, Serialize};

use super::refusal::Refusal;

/// The next `times` calls that match answer wrongly. Of several orders that match, the oldest is used up first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Only calls by this bot (its slug).
    #[serde(default)]
    pub bot: Option<String>,
    /// Only calls of this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only calls about this chat.
    #[serde(default)]
    pub chat: Option<i64>,
    /// How many calls.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens to them.
    pub goes: Wrong,
}

fn once() -> u32 {
    1
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// 429 with this many seconds of `retry_after`; nothing is done.
    TooManyRequests(u32),
    /// 403, the bot was blocked by the user; nothing is done.
    Forbidden,
    /// 500; nothing is done.
    InternalError,
    /// The answer never comes; nothing is done.
    Hang,
    /// The call is carried out, and the connection breaks before the answer.
    ResetAfterProcessing,
}

impl Wrong {
    /// The answer, where there is one.
    pub(super) fn refusal(self) -> Option<Refusal> {
        match self {
            Self::TooManyRequests(seconds) => Some(Refusal::too_many_requests(seconds)),
            Self::Forbidden => Some(Refusal::blocked()),
            Self::InternalError => Some(Refusal::new(500, "Internal Server Error")),
            Self::Hang | Self::ResetAfterProcessing => None,
        }
    }
}

/// The faults that are still to happen.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn order(&mut self, fault: Fault) {
        if fault.times > 0 {
            self.0.push(fault);
        }
    }

    /// What is to go wrong with this call; counts it.
    pub(super) fn strike(&mut self, bot: &str, method: &str, chat: Option<i64>) -> Option<Wrong> {
        let at = self.0.iter().position(|fault| {
            fault.bot.as_deref().is_none_or(|wanted| wanted == bot)
                && fault.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && fault.chat.is_none_or(|wanted| chat == Some(wanted))
        })?;
        let fault = &mut self.0[at];
        fault.times -= 1;
        let goes = fault.goes;
        if fault.times == 0 {
            self.0.remove(at);
        }
        Some(goes)
    }
}
