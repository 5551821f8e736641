//! Is this text a command?

use crate::telegram::update::Message;

/// A command, who it is for and what it says.
pub(super) struct Command<'a> {
    pub(super) name: &'a str,
    /// Whom it names, without `@`.
    pub(super) bot: Option<&'a str>,
    pub(super) payload: Option<&'a str>,
}

/// A text that is a command: as Telegram marked it, or by its look.
pub(super) fn command<'a>(message: &Message, text: &'a str) -> Option<Command<'a>> {
    let marked = message.entities.0.iter();
    let marked = marked
        .filter(|entity| entity.offset == 0 && entity.kind == "bot_command")
        .map(|entity| entity.length);
    let by_look = text.find(char::is_whitespace).unwrap_or(text.len());
    // A command is ASCII, so Telegram's UTF-16 units are bytes here.
    let (word, rest) = marked.chain([by_look]).find_map(|length| {
        let (word, rest) = text.split_at_checked(length)?;
        word.is_ascii().then_some((word, rest.trim()))
    })?;
    let word = word.strip_prefix('/')?;
    let (name, bot) = word.split_once('@').map_or((word, None), |(name, bot)| (name, Some(bot)));
    let fits = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (fits(name) && name.len() <= 64 && bot.is_none_or(fits)).then_some(Command {
        name,
        bot,
        payload: Some(rest).filter(|rest| !rest.is_empty()),
    })
}
