//! Shows people where two texts differ, with some lines around.

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

/// So many lines around each difference are shown.
const AROUND: usize = 3;

/// The differences of two texts, line by line with the numbers of `written`: `-` stands before what is only there,
/// `+` before what only `real` has. In colours; print it where they are taken away if need be.
pub(super) fn show(written: &str, real: &str) -> String {
    let diff = TextDiff::from_lines(written, real);
    let mut shown = String::new();
    for (index, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if index > 0 {
            shown.push_str("       …\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Equal => (' ', Style::new()),
                ChangeTag::Delete => ('-', AnsiColor::Red.on_default()),
                ChangeTag::Insert => ('+', AnsiColor::Green.on_default()),
            };
            let number = change.old_index().map_or_else(String::new, |index| (index + 1).to_string());
            let line = change.value().trim_end();
            shown.push_str(format!("{number:>5}  {style}{sign} {line}{style:#}").trim_end());
            shown.push('\n');
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_some_lines_around_it_with_their_numbers() {
        let written: String = (1..=20).map(|line| format!("line {line}\n")).collect();
        let real = written.replace("line 9\n", "line nine\n");
        let shown = anstream::adapter::strip_str(&show(&written, &real)).to_string();
        assert_eq!(
            shown,
            "    6    line 6\n    7    line 7\n    8    line 8\n    9  - line 9\n       + line nine\n   10    line 10\n   11    \
             line 11\n   12    line 12\n"
        );
    }

    #[test]
    fn differences_far_apart_are_shown_apart() {
        let written: String = (1..=30).map(|line| format!("{line}\n")).collect();
        let real = written.replace("5\n6\n", "5\n").replace("27\n", "27 and more\n");
        let shown = show(&written, &real);
        assert!(shown.contains("       …\n"), "{shown}");
    }
}
