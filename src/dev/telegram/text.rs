//! What Telegram finds in a text by itself: commands, links, mentions, hashtags.

use super::wire::Entity;

/// The most characters a message may have
/// (<https://core.telegram.org/bots/api#sendmessage>).
pub(super) const LONGEST: usize = 4096;

/// The length in the unit of Telegram's offsets, UTF-16 code units.
pub(super) fn utf16(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The entities of a text without any markup.
pub(super) fn plain_entities(text: &str) -> Vec<Entity> {
    let mut entities = Vec::new();
    let mut offset = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end().trim_end_matches(['.', ',', '!', '?', ';', ':', ')']);
        if let Some((kind, length)) = kind_of(bare) {
            entities.push(Entity::new(kind, offset, utf16(&bare[..length])));
        }
        offset += utf16(word);
    }
    entities
}

/// What a word is, and how many bytes of it.
fn kind_of(word: &str) -> Option<(&'static str, usize)> {
    let name = |text: &str| {
        text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(text.len(), |end| end)
    };
    let rest = word.get(1..)?;
    match word.as_bytes()[0] {
        b'/' => {
            let command = 1 + name(rest);
            let addressed = word[command..].strip_prefix('@').map_or(0, |bot| 1 + name(bot));
            let length = command + if addressed > 3 { addressed } else { 0 };
            ((2..=33).contains(&command) && length == word.len()).then_some(("bot_command", length))
        }
        b'@' => {
            ((4..=32).contains(&name(rest)) && name(rest) == rest.len()).then_some(("mention", word.len()))
        }
        b'#' => (!rest.is_empty() && rest.chars().all(|c| c.is_alphanumeric() || c == '_'))
            .then_some(("hashtag", word.len())),
        _ => ["https://", "http://"]
            .iter()
            .any(|scheme| word.len() > scheme.len() && word.starts_with(scheme))
            .then_some(("url", word.len())),
    }
}

/// The entities of a text some of which is marked already: what is found besides, where nothing marked is in the way.
pub(super) fn with_found(text: &str, mut marked: Vec<Entity>) -> Vec<Entity> {
    let closed =
        |entity: &&Entity| matches!(entity.kind.as_str(), "code" | "pre" | "text_link" | "text_mention");
    let found = plain_entities(text).into_iter().filter(|found| {
        !marked.iter().filter(closed).any(|entity| {
            found.offset < entity.offset + entity.length && entity.offset < found.offset + found.length
        })
    });
    let found: Vec<_> = found.collect();
    marked.extend(found);
    marked.sort_by_key(|entity| (entity.offset, std::cmp::Reverse(entity.length)));
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telegram_finds_commands_links_and_names() {
        let table = [
            ("/report", vec![("bot_command", 0, 7)]),
            ("/start@operations_bot A7", vec![("bot_command", 0, 21)]),
            ("see 😀 https://example.org/a?b.", vec![("url", 7, 23)]),
            ("@operations_bot #wc", vec![("mention", 0, 15), ("hashtag", 16, 3)]),
            ("1/2 of a/b, /a-b, @ab", vec![]),
        ];
        for (text, expected) in table {
            let found: Vec<_> =
                plain_entities(text).into_iter().map(|e| (e.kind, e.offset, e.length)).collect();
            let expected: Vec<_> = expected.into_iter().map(|(k, o, l)| (k.to_owned(), o, l)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
