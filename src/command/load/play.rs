//! A transcript as people can play it against a running system: who does what, and how many messages that brings to whom.

use crate::{
    engine::transcript::{self, Act, Fate},
    model::{FileKind, Place},
};

const REHEARSED: &str = "this can only be rehearsed, with `talk`";

/// What is to be done, step by step.
pub(super) struct Play {
    names: Vec<String>,
    /// The language that somebody's Telegram is set to.
    languages: Vec<Option<String>>,
    steps: Vec<Step>,
}

/// One act, and the messages that must come of it.
pub(super) struct Step {
    pub(super) line: usize,
    /// Who does it, of the names.
    pub(super) who: usize,
    pub(super) deed: Deed,
    /// To whom messages come, one for each.
    pub(super) brings: Vec<usize>,
}

/// What somebody does.
#[derive(Debug, PartialEq)]
pub(super) enum Deed {
    Write(String),
    Tap { label: String, under: String },
    File { kind: FileKind, caption: String },
    Album { count: usize, caption: String },
    Place(Place),
}

impl Play {
    /// Reads a transcript.
    ///
    /// # Errors
    /// The first line that can't be played so.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut play = Self { names: Vec::new(), languages: Vec::new(), steps: Vec::new() };
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index + 1, line.trim_end());
            let is_told = line.is_empty() || line.starts_with(['#', '!', '*', ' ']);
            let told = if is_told {
                Ok(())
            } else if let Some(words) = line.strip_prefix('<') {
                play.expect(words.trim_start())
            } else {
                transcript::read(line).and_then(|act| play.add(number, act))
            };
            told.map_err(|why| format!("line {number}: {why}"))?;
        }
        if play.steps.is_empty() { Err("nobody does anything".to_owned()) } else { Ok(play) }
    }

    /// The people in it.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn language(&self, who: usize) -> Option<&str> {
        self.languages[who].as_deref()
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn who(&mut self, name: &str) -> usize {
        self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.languages.push(None);
            self.names.len() - 1
        })
    }

    /// A message for whoever is named, or else for whoever acted last.
    fn expect(&mut self, words: &str) -> Result<(), String> {
        let named = words.split_once(':').and_then(|(name, _)| self.names.iter().position(|n| n == name));
        let step = self.steps.last_mut().ok_or("nobody has done anything yet")?;
        step.brings.push(named.unwrap_or(step.who));
        Ok(())
    }

    fn add(&mut self, line: usize, act: Act<'_>) -> Result<(), String> {
        let words = |words: Option<&str>| words.unwrap_or_default().to_owned();
        let (who, deed) = match act {
            Act::Writes { who, words } => (who, Deed::Write(words.to_owned())),
            Act::Taps { who, label, under } => {
                (who, Deed::Tap { label: label.to_owned(), under: under.to_owned() })
            }
            Act::SendsFiles { who, files, fate: Fate::Kept, caption, to: None } => {
                let caption = words(caption);
                let deed = match files[..] {
                    [kind @ (FileKind::Photo | FileKind::Document)] => Deed::File { kind, caption },
                    [_, _, ..] if files.iter().all(|kind| *kind == FileKind::Photo) => {
                        Deed::Album { count: files.len(), caption }
                    }
                    _ => return Err(REHEARSED.to_owned()),
                };
                (who, deed)
            }
            Act::SendsLocation { who, place } => (who, Deed::Place(place)),
            Act::Speaks { who, language } => {
                let who = self.who(who);
                self.languages[who] = Some(language.to_owned());
                return Ok(());
            }
            _ => return Err(REHEARSED.to_owned()),
        };
        let who = self.who(who);
        self.steps.push(Step { line, who, deed, brings: Vec::new() });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_says_who_does_what_and_what_that_brings_to_whom() {
        let text = "\
# An approval.
~ Bo speaks de
> Ada: /approve
< What for?
  In a line. [‹ Back]
> Ada taps Yes under What
< Note: nobody of this name.
< Bo: May Ada?
! Sent.
> Bo sends a photo: See
> Bo sends an album of 3 photos
";
        let play = Play::read(text).unwrap();
        assert_eq!(play.names(), ["Bo", "Ada"]);
        assert_eq!((play.language(0), play.language(1)), (Some("de"), None));
        let told: Vec<_> =
            play.steps().iter().map(|step| (step.line, step.who, &step.deed, &step.brings[..])).collect();
        let tap = Deed::Tap { label: "Yes".into(), under: "What".into() };
        let photo = Deed::File { kind: FileKind::Photo, caption: "See".into() };
        let album = Deed::Album { count: 3, caption: String::new() };
        assert_eq!(
            told,
            [
                (3, 1, &Deed::Write("/approve".into()), &[1][..]),
                (6, 1, &tap, &[1, 0][..]),
                (10, 0, &photo, &[][..]),
                (11, 0, &album, &[][..]),
            ]
        );
    }

    #[test]
    fn what_can_only_be_rehearsed_is_refused() {
        for (text, why) in [
            ("> Ada: hi\n… 25 hours pass\n", "line 2: this can only be rehearsed"),
            ("~ moderate: ok\n", "line 1: this can only"),
            ("< Hello\n", "line 1: nobody has done anything yet"),
            ("# nothing\n", "nobody does anything"),
            ("Ada: hi\n", "line 1: `Ada: hi` is no act"),
        ] {
            let found = Play::read(text).map(drop).unwrap_err();
            assert!(found.contains(why), "{found}");
        }
    }
}
