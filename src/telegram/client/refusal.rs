//! Why Telegram did not do as it was told, sorted by what the caller should do about it.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};

use super::{Answered, Token};

/// What a call came to when it did not come to its result
/// (<https://core.telegram.org/bots/api#making-requests>, <https://core.telegram.org/bots/api#responseparameters>).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There was nothing left to do: the message reads so already, can't be edited any more, or the press is too old to
    /// be answered. As good as done.
    #[error("there was nothing left to do")]
    NotModified,
    /// Too many calls. Nothing was done; nobody should call for this chat before so much time has passed.
    #[error("too many calls; again in {} s", .0.as_secs())]
    RetryAfter(Duration),
    /// This chat takes nothing from this bot: it was blocked, thrown out, or the chat is gone. Calling again is no use
    /// until somebody there writes to the bot.
    #[error("the chat can't be reached: {0}")]
    Unreachable(String),
    /// The group became a supergroup with another id: call again with that.
    #[error("the chat moved to `{to}`")]
    Moved {
        /// The chat's new id.
        to: i64,
    },
    /// The token is no longer, or never was, a bot's. No call of this bot will succeed: an operator must act.
    #[error("telegram does not know this token")]
    Unauthorized,
    /// The same call will always be refused: a mistake of ours or of a workflow's.
    #[error("telegram refuses for good ({code}): {description}")]
    Final {
        /// Telegram's error code, mostly an HTTP status; zero if the call could not even be made.
        code: u16,
        /// Telegram's words.
        description: String,
    },
    /// No answer, or none that says anything. The call may have been carried out, or not; the same call may succeed
    /// later.
    #[error("telegram can't be reached: {0}")]
    Transient(String),
}

impl Refusal {
    /// The same, should Telegram (or a proxy) have repeated the token.
    pub(super) fn without(self, token: &Token) -> Self {
        match self {
            Self::Unreachable(why) => Self::Unreachable(token.hide(&why)),
            Self::Final { code, description } => Self::Final { code, description: token.hide(&description) },
            Self::Transient(why) => Self::Transient(token.hide(&why)),
            other => other,
        }
    }
}

/// Telegram's answer to any call.
#[derive(Deserialize)]
struct Answer<T> {
    ok: bool,
    result: Option<T>,
    #[serde(default)]
    error_code: Option<u16>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    migrate_to_chat_id: Option<i64>,
    retry_after: Option<u64>,
}

/// How long to wait if Telegram says "too many" without a number.
const SOME_TIME: u64 = 5;

/// The result of an answer, or the refusal that it is.
pub(super) fn read<T: DeserializeOwned>(answered: &Answered) -> Result<T, Refusal> {
    let Answered { status, retry_after, ref body } = *answered;
    let Ok(answer) = serde_json::from_slice::<Answer<T>>(body) else {
        return Err(unreadable(status, retry_after));
    };
    if answer.ok {
        let result = answer.result.map_or_else(|| serde_json::from_str("null"), Ok);
        return result.map_err(|_| unreadable(status, retry_after));
    }
    let code = answer.error_code.unwrap_or(status);
    let description: String = answer.description.chars().take(300).collect();
    let wait = answer.parameters.retry_after.max(retry_after);
    Err(match (code, wait, answer.parameters.migrate_to_chat_id) {
        (_, _, Some(to)) => Refusal::Moved { to },
        (429, wait, _) => Refusal::RetryAfter(Duration::from_secs(wait.unwrap_or(SOME_TIME))),
        (400, ..) => bad_request(description),
        (401, ..) => Refusal::Unauthorized,
        (403, ..) => Refusal::Unreachable(description),
        // The methods we call exist, so it is the token that was not found.
        (404, ..) if description == "Not Found" => Refusal::Unauthorized,
        (402..500, ..) if code != 408 => Refusal::Final { code, description },
        _ => Refusal::Transient(format!("{code}: {description}")),
    })
}

/// Something between us and Telegram answered.
fn unreadable(status: u16, retry_after: Option<u64>) -> Refusal {
    match status {
        429 => Refusal::RetryAfter(Duration::from_secs(retry_after.unwrap_or(SOME_TIME))),
        413 => Refusal::Final { code: status, description: "the call is too large".to_owned() },
        _ => Refusal::Transient(format!("status {status} with an answer that is not the Bot API's")),
    }
}

/// What code 400 means stands only in its words, which Telegram does not document; they are in
/// <https://github.com/tdlib/telegram-bot-api/blob/master/telegram-bot-api/Client.cpp>.
fn bad_request(description: String) -> Refusal {
    const NOTHING_LEFT: [&str; 6] = [
        "message is not modified",
        "query is too old",
        "query id is invalid",
        "message to edit not found",
        "message can't be edited",
        "message_id_invalid",
    ];
    const UNREACHABLE: [&str; 14] = [
        "chat not found",
        "user not found",
        "peer_id_invalid",
        "user is deactivated",
        "bot was blocked",
        "bot was kicked",
        "group chat was deactivated",
        "not enough rights to send",
        "have no rights to send",
        "chat_write_forbidden",
        "need administrator rights in the channel",
        "message thread not found",
        "topic_closed",
        "topic_deleted",
    ];
    let words = description.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    if says(&NOTHING_LEFT) {
        Refusal::NotModified
    } else if says(&UNREACHABLE) {
        Refusal::Unreachable(description)
    } else {
        Refusal::Final { code: 400, description }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read<T: DeserializeOwned>(status: u16, retry_after: Option<u64>, body: &str) -> Result<T, Refusal> {
        super::read(&Answered { status, retry_after, body: body.to_owned().into() })
    }

    #[test]
    fn every_answer_says_what_to_do() {
        let seconds = |s| Refusal::RetryAfter(Duration::from_secs(s));
        let unreachable = |why: &str| Refusal::Unreachable(why.to_owned());
        let is_final = |code, why: &str| Refusal::Final { code, description: why.to_owned() };
        let transient = |why: &str| Refusal::Transient(why.to_owned());
        let blocked = "Forbidden: bot was blocked by the user";
        let unparsed = "Bad Request: can't parse entities: Unsupported start tag \"x\"";
        let too_old = "Bad Request: query is too old and response timeout expired or query ID is invalid";
        let same = "Bad Request: message is not modified: specified new message content and reply markup are exactly the same";
        for (code, description, parameters, expected) in [
            (400, same, json!({}), Refusal::NotModified),
            (400, too_old, json!({}), Refusal::NotModified),
            (400, "Bad Request: message to edit not found", json!({}), Refusal::NotModified),
            (400, "Bad Request: chat not found", json!({}), unreachable("Bad Request: chat not found")),
            (400, "Bad Request: TOPIC_CLOSED", json!({}), unreachable("Bad Request: TOPIC_CLOSED")),
            (400, unparsed, json!({}), is_final(400, unparsed)),
            (400, "Bad Request: moved", json!({ "migrate_to_chat_id": -1001 }), Refusal::Moved { to: -1001 }),
            (401, "Unauthorized", json!({}), Refusal::Unauthorized),
            (403, blocked, json!({}), unreachable(blocked)),
            (404, "Not Found", json!({}), Refusal::Unauthorized),
            (404, "Not Found: method not found", json!({}), is_final(404, "Not Found: method not found")),
            (409, "Conflict: webhook is active", json!({}), is_final(409, "Conflict: webhook is active")),
            (429, "Too Many Requests: retry after 7", json!({ "retry_after": 7 }), seconds(7)),
            (429, "Too Many Requests", json!({}), seconds(SOME_TIME)),
            (500, "Internal Server Error", json!({}), transient("500: Internal Server Error")),
            (502, "Bad Gateway", json!({}), transient("502: Bad Gateway")),
        ] {
            let body = json!({ "ok": false, "error_code": code, "description": description, "parameters": parameters });
            assert_eq!(read::<Value>(code, None, &body.to_string()), Err(expected), "{code} {description}");
        }
    }

    #[test]
    fn the_longer_of_two_waits_counts() {
        let body = r#"{"ok":false,"error_code":429,"description":"","parameters":{"retry_after":7}}"#;
        assert_eq!(read::<Value>(429, Some(9), body), Err(Refusal::RetryAfter(Duration::from_secs(9))));
        assert_eq!(read::<Value>(429, Some(3), "<html>"), Err(Refusal::RetryAfter(Duration::from_secs(3))));
    }

    #[test]
    fn what_is_not_the_bot_apis_answer_may_be_another_one_next_time() {
        for (status, body) in
            [(200, ""), (200, "<html>"), (301, ""), (404, "nginx"), (502, "<html>"), (200, "{}")]
        {
            assert!(
                matches!(read::<Value>(status, None, body), Err(Refusal::Transient(_))),
                "{status} {body}"
            );
        }
        assert!(matches!(read::<Value>(413, None, "<html>"), Err(Refusal::Final { code: 413, .. })));
    }

    #[test]
    fn a_result_is_handed_back() {
        assert_eq!(
            read::<Value>(200, None, r#"{"ok":true,"result":{"message_id":5}}"#),
            Ok(json!({ "message_id": 5 }))
        );
        assert_eq!(read::<Value>(200, None, r#"{"ok":true}"#), Ok(Value::Null));
        let other = read::<Vec<i64>>(200, None, r#"{"ok":true,"result":{"message_id":5}}"#);
        assert!(matches!(other, Err(Refusal::Transient(_))), "{other:?}");
    }
}
