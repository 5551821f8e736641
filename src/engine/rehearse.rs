//! Rehearsals: a conversation written down as a transcript, played in memory, without Telegram or a store.
//!
//! ```text
//! > Ada: /report                      Ada writes
//! < What is wrong? [Cleaning] [Security]
//! > Ada taps: Cleaning                Ada presses the newest button that says so
//! > Ada taps Yes under May I          the same, under a message that begins so
//! > Ada replies to Any wi: hot        Ada replies to the newest message that begins so
//! > Ada sends a photo: Mud!           also without a caption; a document, a voice, an audio, a video, a sticker,
//!                                     an album of 3 photos, an album of 2 photos, 1 video, a location 52.5 13.4,
//!                                     a live location 52.5 13.4
//! > Ada replies to May I with a photo the same in reply, with all of these
//! > Ada sends an expired photo        a photo that can't be kept; also: a forged photo, a photo of 30 MB
//! < (2 photos) Look!                  Ada is sent an album with words under it
//! > Ada moves to 52.6 13.4            Ada's live location follows her
//! > Ada edits: Mud                    Ada changes what she wrote last
//! < Bo: May Ada do it? [Yes] [No]     Bo is sent something
//! ! This button is no longer in use.  a toast for whoever pressed
//! * order.placed.v1 A7                the business is told something: the event's type and subject
//! ~ moderate: "ok"                    a call's result (JSON, or words)
//! ~ moderate fails: too busy          a call that fails for good
//! ~ Bo is here                        Bo has talked to the bot before
//! ~ Bo speaks de                      Bo's Telegram is set to German
//! ~ Bo blocks the bot                 also: unblocks
//! … 25 hours pass                     also: minutes, days
//! # words to the reader
//! ```
//! A message of several lines goes on in lines indented by two blanks; its empty lines are left out. That a prompt
//! changes once it is answered is not shown.

pub(crate) mod transcript;
pub(super) mod world;

use std::fmt;

#[cfg(feature = "tools")]
pub(crate) use transcript::name_of_kind;

use super::table::{Table, Workflow};
use crate::engine::script::Chat;

/// Where a transcript and what really happens part. What a test that unwraps it shows is what it says.
#[derive(Clone, PartialEq, Eq)]
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

impl fmt::Debug for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
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
        assert_eq!(
            format!("{wrong:?}"),
            "line 1:\n  expected > Ada taps: Fish\n  got      Ada has no button [Fish]"
        );
    }

    #[test]
    fn a_button_is_told_from_another_of_its_label_by_what_it_stands_under() {
        async fn two(chat: Chat) {
            let dish = |name: &str, words: &str| {
                choice(
                    name,
                    Text::literal(words),
                    ["Soup", "Stew"].map(|dish| (dish.into(), Text::literal(dish))),
                )
            };
            let noon = chat.ask(dish("noon", "At noon?"));
            let night = chat.ask(dish("night", "At night: what?"));
            let ((noon, _), (night, _)) = futures_util::future::join(noon, night).await;
            chat.say(Text::literal(format!("{noon}, {night}")));
        }
        let asked = "> Ada: /two\n< At noon? [Soup] [Stew]\n< At night: what? [Soup] [Stew]\n";
        rehearse(two, &format!("{asked}> Ada taps: Soup\n> Ada taps Stew under At noon\n< Stew, Soup\n"))
            .unwrap();
        rehearse(two, &format!("{asked}> Ada taps Soup under At night: w\n> Ada taps: Stew\n! This button is no longer in use.\n")).unwrap();
        let wrong = rehearse(two, &format!("{asked}> Ada taps Soup under In the morning\n")).unwrap_err();
        assert_eq!(wrong.got, "Ada has no button [Soup] under `In the morning`");
    }

    #[test]
    fn words_that_sound_like_an_act_are_words() {
        async fn echo(chat: Chat) {
            let words = chat.ask(text("words", Text::literal("Words?"))).await;
            chat.say(Text::literal(words));
        }
        for words in ["replies to x: y", "taps a under b", "sends a photo", "he taps it", "edits: x"] {
            rehearse(echo, &format!("> Ada: /echo\n< Words?\n> Ada: {words}\n< {words}\n")).unwrap();
        }
    }
}
