//! Transcripts as people can play them against a running system: who does what, and how many messages that brings to whom.

use crate::{
    engine::transcript::{self, Act, Fate},
    model::{FileKind, Place},
};

/// What some people do, step by step.
#[derive(Default)]
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
    Tap {
        label: String,
        under: String,
    },
    /// Several are an album.
    Send {
        files: Vec<FileKind>,
        caption: String,
    },
    Place(Place),
}

impl Play {
    /// Reads a transcript. Empty lines part it into scenes; those in which nobody of the others appears can be played at
    /// the same time as they are, and are plays of their own.
    ///
    /// # Errors
    /// The first line that can't be played so.
    pub(super) fn read(text: &str) -> Result<Vec<Self>, String> {
        let (mut plays, mut scene) = (Vec::new(), Self::default());
        for (index, line) in text.lines().enumerate() {
            scene
                .read_line(index + 1, line.trim_end())
                .map_err(|why| format!("line {}: {why}", index + 1))?;
            if line.trim_end().is_empty() {
                std::mem::take(&mut scene).join(&mut plays);
            }
        }
        scene.join(&mut plays);
        plays.retain(|play| !play.steps.is_empty());
        if plays.is_empty() { Err("nobody does anything".to_owned()) } else { Ok(plays) }
    }

    fn read_line(&mut self, number: usize, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with(['#', '!', '*', ' ']) {
            return Ok(());
        }
        match line.strip_prefix('<') {
            Some(words) => self.expect(words.trim_start()),
            None => transcript::read(line).and_then(|act| self.add(number, act)),
        }
    }

    /// Becomes one of the plays, together with those in which somebody of it appears.
    fn join(self, plays: &mut Vec<Self>) {
        let is_in = |play: &mut Self| play.names.iter().any(|name| self.names.contains(name));
        let mut joined = Self::default();
        for play in plays.extract_if(.., is_in).collect::<Vec<_>>() {
            joined.follow(play);
        }
        joined.follow(self);
        plays.push(joined);
    }

    /// Goes on with another play.
    fn follow(&mut self, other: Self) {
        let who: Vec<usize> = other.names.iter().map(|name| self.who(name)).collect();
        for (here, language) in who.iter().zip(other.languages) {
            self.languages[*here] = language.or(self.languages[*here].take());
        }
        self.steps.extend(other.steps.into_iter().map(|step| Step {
            who: who[step.who],
            brings: step.brings.iter().map(|there| who[*there]).collect(),
            ..step
        }));
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
                (who, Deed::Send { files, caption: words(caption) })
            }
            Act::SendsLocation { who, place } => (who, Deed::Place(place)),
            Act::Speaks { who, language } => {
                let who = self.who(who);
                self.languages[who] = Some(language.to_owned());
                return Ok(());
            }
            _ => return Err("this can only be rehearsed, with `talk`".to_owned()),
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
        let plays = Play::read(text).unwrap();
        let [play] = &plays[..] else { panic!("it is one scene") };
        assert_eq!(play.names(), ["Bo", "Ada"]);
        assert_eq!((play.language(0), play.language(1)), (Some("de"), None));
        let told: Vec<_> =
            play.steps().iter().map(|step| (step.line, step.who, &step.deed, &step.brings[..])).collect();
        let tap = Deed::Tap { label: "Yes".into(), under: "What".into() };
        let photo = Deed::Send { files: vec![FileKind::Photo], caption: "See".into() };
        let album = Deed::Send { files: vec![FileKind::Photo; 3], caption: String::new() };
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
    fn scenes_without_anybody_in_common_are_plays_of_their_own() {
        let text = "> Ada: a\n< A\n\n# Two others.\n> Bo: b\n> Cy: c\n< Bo: C\n\n> Cy: d\n< D\n\n> Di: e\n";
        let plays = Play::read(text).unwrap();
        let told: Vec<_> = plays
            .iter()
            .map(|play| {
                (play.names().join(" "), play.steps().iter().map(|s| (s.line, s.who)).collect::<Vec<_>>())
            })
            .collect();
        let expected = [
            ("Ada".to_owned(), vec![(1, 0)]),
            ("Bo Cy".to_owned(), vec![(5, 0), (6, 1), (9, 1)]),
            ("Di".to_owned(), vec![(12, 0)]),
        ];
        assert_eq!(told, expected);
        assert_eq!((&plays[1].steps()[1].brings[..], &plays[1].steps()[2].brings[..]), (&[0][..], &[1][..]));
    }

    #[test]
    fn what_can_only_be_rehearsed_is_refused() {
        for (text, why) in [
            ("> Ada: hi\n… 25 hours pass\n", "line 2: this can only be rehearsed"),
            ("~ moderate: ok\n", "line 1: this can only"),
            ("> Ada sends a forged photo\n", "line 1: this can only"),
            ("< Hello\n", "line 1: nobody has done anything yet"),
            ("# nothing\n", "nobody does anything"),
            ("Ada: hi\n", "line 1: `Ada: hi` is no act"),
        ] {
            let found = Play::read(text).map(drop).unwrap_err();
            assert!(found.contains(why), "{found}");
        }
    }
}
