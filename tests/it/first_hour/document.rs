//! Reads a page of Markdown as a person does who types it in.

/// A fenced block.
#[derive(Debug)]
pub(super) enum Block<'a> {
    /// Commands for the shell.
    Commands(&'a str),
    /// What the commands before print. `…` stands for anything.
    Output(&'a str),
    /// A file with its content.
    File(&'a str, &'a str),
    /// What changes in a file: lines that stay, go (`-`) and come (`+`).
    Change(&'a str, &'a str),
    /// What is written in the chat page.
    Chat(&'a str),
}

/// The fenced blocks of a page, in order.
pub(super) fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut rest = page;
    while let Some((_, fence)) = rest.split_once("\n```") {
        let (info, text) = fence.split_once('\n').expect("a fence has an end of line");
        let (text, after) = text.split_once("```").expect("a fence is closed");
        let words: Vec<&str> = info.split_whitespace().collect();
        blocks.push(match words[..] {
            ["sh"] => Block::Commands(text),
            ["text"] => Block::Output(text),
            ["text", "chat"] => Block::Chat(text),
            ["diff", file] => Block::Change(file, text),
            [_, file] => Block::File(file, text),
            _ => panic!("what is to be done with a block of `{info}`?"),
        });
        rest = after;
    }
    blocks
}

/// The text of a file after a change, whose old lines must be there exactly once.
pub(super) fn change(text: &str, change: &str) -> String {
    let side = |signs: [char; 2]| -> String {
        let lines = change.lines().filter(|line| line.starts_with(signs) || line.is_empty());
        lines.map(|line| line.get(1..).unwrap_or_default().to_owned() + "\n").collect()
    };
    let (old, new) = (side([' ', '-']), side([' ', '+']));
    assert_eq!(text.matches(&old).count(), 1, "not once in the file:\n{old}\nbut it is:\n{text}");
    text.replace(&old, &new)
}

/// Does this output fit what the page shows? Empty lines at the end are all the same.
pub(super) fn fits(shown: &str, printed: &str) -> bool {
    lines_fit(&shown.trim_end().lines().collect::<Vec<_>>(), &printed.trim_end().lines().collect::<Vec<_>>())
}

fn lines_fit(shown: &[&str], printed: &[&str]) -> bool {
    match shown {
        [] => printed.is_empty(),
        ["…", rest @ ..] => (0..=printed.len()).any(|skipped| lines_fit(rest, &printed[skipped..])),
        [line, rest @ ..] => printed
            .split_first()
            .is_some_and(|(first, others)| line_fits(line, first) && lines_fit(rest, others)),
    }
}

fn line_fits(shown: &str, printed: &str) -> bool {
    match shown.split_once('…') {
        None => shown == printed,
        Some((before, after)) => printed.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| line_fits(after, &rest[at..]))
        }),
    }
}

#[test]
fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
    for (shown, printed) in
        [("a\n", "a\n"), ("…\nb\n", "b"), ("…\nc\n", "a\nb\nc\n"), ("a … c … e", "a b c dd e")]
    {
        assert!(fits(shown, printed), "{shown:?} {printed:?}");
    }
    for (shown, printed) in [("a\n", "b\n"), ("a\n", "a\nb\n"), ("…\nc\n", "c\nd\n"), ("a…c", "abcd")] {
        assert!(!fits(shown, printed), "{shown:?} {printed:?}");
    }
}

#[test]
fn a_change_is_made_where_its_old_lines_stand() {
    assert_eq!(change("a\nb\n\nc\n", " a\n-b\n+B\n+bb\n \n"), "a\nB\nbb\n\nc\n");
}
