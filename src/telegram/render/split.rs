//! Cuts a text into messages that are short enough, without breaking its markup.

use crate::locale::markup::{self, Token};

use super::NOTHING;

/// Cuts well-formed HTML into parts of at most `limit` visible UTF-16 units each: between paragraphs, lines or words
/// where that is possible. Tags that are open at a cut are closed there and opened again after it. Always at least one
/// part, and each has something to see, because Telegram refuses one that has not.
pub(super) fn split(html: &str, limit: usize) -> Vec<String> {
    let mut parts = cut(html, limit);
    parts.retain(|part| is_visible(&markup::plain(part)));
    if parts.is_empty() {
        parts.push(NOTHING.to_owned());
    }
    parts
}

/// Well-formed HTML as one part: what is too long ends in an ellipsis.
pub(super) fn shorten(html: &str, limit: usize) -> String {
    if units(&markup::plain(html)) <= limit {
        return split(html, limit).swap_remove(0);
    }
    let mut first = split(html, limit - 1).swap_remove(0);
    first.push('…');
    first
}

/// The same for a text without markup.
pub(super) fn shorten_plain(words: &str, limit: usize) -> String {
    if units(words) <= limit {
        return words.to_owned();
    }
    let mut left = limit - 1;
    let fits = |character: &char| {
        let fits = character.len_utf16() <= left;
        left = left.saturating_sub(character.len_utf16());
        fits
    };
    words.chars().take_while(fits).chain(['…']).collect()
}

/// Is there anything to see? Telegram takes blanks and invisible characters for nothing.
pub(super) fn is_visible(words: &str) -> bool {
    let invisible = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}')
    };
    !words.chars().all(invisible)
}

fn units(words: &str) -> usize {
    words.chars().map(char::len_utf16).sum()
}

fn cut(html: &str, limit: usize) -> Vec<String> {
    // A UTF-16 unit takes at least a byte.
    if html.len() <= limit {
        return vec![html.to_owned()];
    }
    let mut cuts = cuts(&markup::plain(html).chars().collect::<Vec<_>>(), limit).into_iter().peekable();
    let mut parts = Parts::default();
    let mut position = 0;
    for token in markup::tokens(html) {
        // A tag that closes belongs to what it closes, so a cut there waits for what follows.
        if !matches!(token, Token::Close { .. }) && cuts.next_if_eq(&position).is_some() {
            parts.begin();
        }
        match token {
            Token::Words(words) => {
                for (index, character) in words.chars().enumerate() {
                    if index > 0 && cuts.next_if_eq(&position).is_some() {
                        parts.begin();
                    }
                    markup::push(&mut parts.current, character);
                    position += 1;
                }
            }
            Token::Character(character) => {
                markup::push(&mut parts.current, character);
                position += 1;
            }
            Token::Open { name, tag } => parts.open(name, tag),
            Token::Close { name } => parts.close(name),
        }
    }
    parts.done.push(parts.current);
    parts.done
}

/// Where to cut: positions in the visible text, rising, each the first of a new part.
fn cuts(text: &[char], limit: usize) -> Vec<usize> {
    let mut cuts = Vec::new();
    let mut start = 0;
    loop {
        let mut left = limit;
        let fitting = text[start..].iter().take_while(|character| {
            let fits = character.len_utf16() <= left;
            left = left.saturating_sub(character.len_utf16());
            fits
        });
        // A limit below two would not hold an emoji; without a step forward this would never end.
        let end = (start + fitting.count().max(1)).min(text.len());
        if end == text.len() {
            return cuts;
        }
        start = cut_before(text, start, end);
        cuts.push(start);
    }
}

/// The best place to end a part that began at `start` and must end at `end`: a paragraph, a line or a word ends there;
/// but a part that is less than half full isn't worth it.
fn cut_before(text: &[char], start: usize, end: usize) -> usize {
    let half_full = start + (end - start) / 2;
    let ends: [fn(&[char]) -> bool; 3] = [
        |before| before.ends_with(&['\n', '\n']),
        |before| before.ends_with(&['\n']),
        |before| before.last().is_some_and(|character| character.is_whitespace()),
    ];
    ends.iter().find_map(|ends| (half_full..=end).rev().find(|&at| ends(&text[start..at]))).unwrap_or(end)
}

/// Parts in the making.
#[derive(Default)]
struct Parts<'a> {
    done: Vec<String>,
    current: String,
    open: Vec<(&'a str, &'a str)>,
}

impl<'a> Parts<'a> {
    fn open(&mut self, name: &'a str, tag: &'a str) {
        self.current.push_str(tag);
        self.open.push((name, tag));
    }

    fn close(&mut self, name: &str) {
        markup::close(&mut self.current, name);
        self.open.pop();
    }

    fn begin(&mut self) {
        for (name, _) in self.open.iter().rev() {
            markup::close(&mut self.current, name);
        }
        self.done.push(std::mem::take(&mut self.current));
        self.current.extend(self.open.iter().map(|(_, tag)| *tag));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_cut_where_a_paragraph_a_line_or_a_word_ends() {
        for (text, expected) in [
            ("one\n\ntwo three", &["one\n\n", "two three"][..]),
            ("one two\nthree", &["one two\n", "three"]),
            ("one two three", &["one two ", "three"]),
            ("a\n\nbcdefghijklm", &["a\n\nbcdefgh", "ijklm"]),
            ("abcdefghijklm", &["abcdefghij", "klm"]),
            ("0123456789", &["0123456789"]),
        ] {
            assert_eq!(cut(text, 10), expected, "{text:?}");
        }
    }

    #[test]
    fn open_tags_are_closed_at_the_cut_and_opened_again() {
        assert_eq!(
            split("<b>bold <i>both</i> <a href=\"u\">link text</a></b> end", 10),
            ["<b>bold <i>both</i> </b>", "<b><a href=\"u\">link text</a></b> ", "end"]
        );
    }

    #[test]
    fn an_emoji_counts_two_units_and_an_entity_one() {
        assert_eq!(split("😀😀😀😀😀😀", 5), ["😀😀", "😀😀", "😀😀"]);
        assert_eq!(split("&lt;&lt;&lt;&amp;&gt;&lt;", 5), ["&lt;&lt;&lt;&amp;&gt;", "&lt;"]);
    }

    #[test]
    fn there_is_always_something_to_see() {
        for nothing in ["", "  \n", "<b> </b>", "<b><i></i></b>", "\u{200b}\u{2060}"] {
            assert_eq!(split(nothing, 10), [NOTHING], "{nothing:?}");
            assert_eq!(shorten(nothing, 10), NOTHING, "{nothing:?}");
        }
        assert_eq!(split(&format!("a{}b", " ".repeat(40)), 10).len(), 2);
    }

    #[test]
    fn what_must_stay_one_part_ends_in_an_ellipsis() {
        assert_eq!(shorten("<b>0123456789</b>", 10), "<b>0123456789</b>");
        assert_eq!(shorten("<b>0123456789a</b>", 10), "<b>012345678</b>…");
        assert_eq!(shorten_plain("0123456789a", 10), "012345678…");
        assert_eq!(shorten_plain("01234567😀9", 10), "01234567…");
        assert_eq!(shorten_plain("0123456789", 10), "0123456789");
    }

    proptest! {
        #[test]
        fn parts_are_short_well_formed_and_together_the_original(
            html in "(<b>|</b>|<i>|</i>|<a href=\"u\">|</a>|&lt;|&amp;|\n\n|\n| |[a-z]{1,6}|é|😀){0,60}",
            limit in 3_usize..20,
        ) {
            let html = markup::well_formed(&html);
            let parts = cut(&html, limit);
            let visible: Vec<String> = parts.iter().map(|part| markup::plain(part)).collect();
            prop_assert_eq!(visible.concat(), markup::plain(&html));
            for part in &parts {
                prop_assert!(units(&markup::plain(part)) <= limit, "{part}");
                prop_assert_eq!(&markup::well_formed(part), part);
            }
            let short = shorten(&html, limit);
            prop_assert!(units(&markup::plain(&short)) <= limit);
            prop_assert_eq!(&markup::well_formed(&short), &short);
            for part in split(&html, limit) {
                prop_assert!(is_visible(&markup::plain(&part)));
            }
        }
    }
}
