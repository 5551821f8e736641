//! Rehearsals: a conversation written down as a transcript, played in memory, without Telegram or a store.
//!
//! ```text
//! > Ada: /report                      Ada writes
//! < What is wrong? [Cleaning] [Security]
//! > Ada taps: Cleaning                Ada presses a button
//! > Ada replies to Any wi: hot         Ada replies to the newest message that begins so
//! > Ada sends a photo                 also: an album of 3 photos, a document, a voice, a location 52.5 13.4
//! > Ada edits: Mud                    Ada changes what she wrote last
//! < Bo: May Ada do it? [Yes] [No]     Bo is sent something
//! ! This button is no longer in use.  a toast for whoever pressed
//! * order.placed.v1 A7                the business is told something: the event's type and subject
//! ~ moderate: "ok"                    a call's result (JSON, or words)
//! ~ moderate fails: too busy          a call that fails for good
//! ~ Bo blocks the bot                 also: unblocks
//! … 25 hours pass                     also: minutes, days
//! # words to the reader
//! ```
//! A message of several lines goes on in lines indented by two blanks; its empty lines are left out. That a prompt
//! changes once it is answered is not shown.

pub(super) mod transcript;
pub(super) mod world;

use std::fmt;

use super::table::{Table, Workflow};
use crate::engine::script::Chat;

/// Where a transcript and what really happens part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line of the transcript, from 1.
    pub line: usize,
    /// What stands there.
    pub expected: String,
    /// What really happens.
    pub got: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_nothing = |line: &str| if line.is_empty() { "(nothing)".to_owned() } else { line.to_owned() };
        write!(
            f,
            "line {}:\n  expected {}\n  got      {}",
            self.line,
            or_nothing(&self.expected),
            or_nothing(&self.got)
        )
    }
}

impl std::error::Error for Difference {}

/// Plays a transcript against one script, which is started by the command that the transcript uses first.
///
/// # Errors
/// The first difference.
pub fn rehearse<F>(
    script: impl Fn(Chat) -> F + std::marker::Send + Sync + 'static,
    transcript: &str,
) -> Result<(), Difference>
where
    F: Future<Output = ()> + 'static,
{
    let command = transcript
        .lines()
        .find_map(|line| line.strip_prefix('>')?.split_once(": /").map(|(_, command)| command))
        .and_then(|command| command.split_whitespace().next())
        .unwrap_or("start");
    let workflow = Workflow::new(command, script).command(command, crate::Text::literal(command));
    rehearse_table(&Table::new().workflow(workflow), transcript)
}

/// Plays a transcript against an app.
///
/// # Errors
/// The first difference.
pub fn rehearse_table(table: &Table, transcript: &str) -> Result<(), Difference> {
    compare(transcript, &play(table, transcript)?)
}

/// The first line in which what should happen and what happened differ.
pub(super) fn compare(transcript: &str, played: &str) -> Result<(), Difference> {
    let (mut expected, mut got) = (transcript.lines(), played.lines());
    for line in 1.. {
        match (expected.next().map(str::trim_end), got.next().map(str::trim_end)) {
            (None, None) => break,
            (Some(expected), Some(got)) if expected == got => {}
            (expected, got) => {
                let (expected, got) = (expected.unwrap_or_default(), got.unwrap_or_default());
                return Err(Difference { line, expected: expected.to_owned(), got: got.to_owned() });
            }
        }
    }
    Ok(())
}

/// What really happens when the acts of a transcript are played: the whole transcript, as it should read.
///
/// # Errors
/// An act that can't be done: a line that can't be read, a button that nobody has.
pub fn play(table: &Table, transcript: &str) -> Result<String, Difference> {
    world::World::new(table).play(transcript)
}

impl world::World<'_> {
    /// Plays the acts of a transcript after those before.
    pub(super) fn play(&mut self, transcript: &str) -> Result<String, Difference> {
        let mut played = String::new();
        for (index, line) in transcript.lines().enumerate() {
            let trimmed = line.trim_end();
            if trimmed.starts_with(['<', '!', '*']) || (line.starts_with("  ") && !trimmed.is_empty()) {
                continue;
            }
            played.push_str(trimmed);
            played.push('\n');
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            let result = transcript::read(trimmed).and_then(|act| self.act(act));
            let shown = result.map_err(|why| Difference {
                line: index + 1,
                expected: trimmed.to_owned(),
                got: why,
            })?;
            played.push_str(&shown);
        }
        Ok(played)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Text,
        engine::{choice, text},
    };

    async fn order(chat: Chat) {
        let dishes = ["Soup", "Stew"].map(|dish| (dish.to_lowercase(), Text::literal(dish)));
        let (dish, _) = chat.ask(choice("dish", Text::literal("Which dish?"), dishes)).await;
        let note = chat.ask(text("note", Text::literal("Any wishes?")).length(3, 50).optional()).await;
        chat.say(Text::literal(format!("One {dish}, {}.", note.as_deref().unwrap_or("as it comes"))));
    }

    #[test]
    fn a_transcript_that_is_true_passes() {
        let transcript = "\
> Ada: /order
< Which dish? [Soup] [Stew]
> Ada: fish
< Please use the buttons.
  Which dish? [Soup] [Stew]
> Ada taps: Stew
< Any wishes? [‹ Back] [Skip]
> Ada: x
< Please write at least 3 characters.
  Any wishes? [‹ Back] [Skip]
> Ada taps: ‹ Back
< Which dish? [Soup] [Stew]
> Ada taps: Soup
< Any wishes? [‹ Back] [Skip]
> Ada taps: Stew
! This button is no longer in use.
> Ada: hot
< One soup, hot.
> Ada taps: Soup
! This button is no longer in use.
";
        rehearse(order, transcript).unwrap();
    }

    #[test]
    fn the_first_difference_is_named() {
        let wrong = rehearse(order, "> Ada: /order\n< Which dish? [Soup] [Fish]\n").unwrap_err();
        assert_eq!((wrong.line, wrong.got.as_str()), (2, "< Which dish? [Soup] [Stew]"));
        let wrong = rehearse(order, "> Ada taps: Fish\n").unwrap_err();
        assert_eq!(wrong.got, "Ada has no button [Fish]");
    }
}
