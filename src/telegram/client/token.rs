//! A bot's token: whoever has it is the bot.

use std::{fmt, str::FromStr};

use serde::Serialize;

/// A bot's token (<https://core.telegram.org/bots/api#authorizing-your-bot>). However it is printed, it shows the bot's
/// id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// A text that is no token. It is not repeated: it may be one that somebody mistyped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a bot's token: digits, a colon, then letters, digits, `_` or `-`, as BotFather gave it")]
pub struct InvalidToken;

impl Token {
    /// The bot's user id as text: the part of the token that is no secret.
    #[must_use]
    pub fn bot_id(&self) -> &str {
        self.0.split_once(':').map_or("", |(id, _)| id)
    }

    /// Does it look as Telegram gives them: digits, a colon, 35 characters? Others are made up, for a fake Telegram.
    #[must_use]
    pub fn looks_real(&self) -> bool {
        self.0.split_once(':').is_some_and(|(_, secret)| secret.len() == 35)
    }

    /// Where a method is called, below the server's own path.
    pub(super) fn path(&self, method: &str) -> String {
        format!("/bot{}/{method}", self.0)
    }

    /// Where a file of this path is fetched (<https://core.telegram.org/bots/api#getfile>).
    pub(super) fn file_path(&self, path: &str) -> String {
        format!("/file/bot{}/{path}", self.0)
    }

    /// The same words, should somebody have put the token into them.
    pub(super) fn hide(&self, words: &str) -> String {
        words.replace(&self.0, &self.to_string())
    }
}

impl FromStr for Token {
    type Err = InvalidToken;
    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let (id, secret) = text.split_once(':').ok_or(InvalidToken)?;
        let fits = !id.is_empty()
            && id.bytes().all(|byte| byte.is_ascii_digit())
            && !secret.is_empty()
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        fits.then(|| Self(text.to_owned())).ok_or(InvalidToken)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:…", self.bot_id())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({self})")
    }
}

impl Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_shows_its_secret() {
        let token: Token = "123:very-Secret_1".parse().unwrap();
        let shown = [
            token.to_string(),
            format!("{token:?}"),
            format!("{token:#?}"),
            serde_json::to_string(&token).unwrap(),
        ];
        for shown in shown {
            assert!(shown.contains("123:…") && !shown.contains("Secret"), "{shown}");
        }
        assert_eq!(token.hide("at /bot123:very-Secret_1/sendMessage"), "at /bot123:…/sendMessage");
    }

    #[test]
    fn what_could_change_the_url_is_no_token() {
        for text in
            ["", "123", "123:", ":abc", "12a:abc", "123:abc/def", "123:a b", "123:a?b", "123:ä", "1:a:b"]
        {
            let error = text.parse::<Token>().unwrap_err();
            assert!(text.len() < 4 || !error.to_string().contains(text), "{text}");
        }
    }
}
