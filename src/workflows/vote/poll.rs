//! What is voted on: how somebody writes it, how it ends, and what the business is told.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Text, choices,
    engine::{DomainEvent, Started, StartedBy, Votes},
    model::{Person, short_hash},
    text,
};

choices! {
    pub(super) enum Limit: "vote-limit" { Minutes = "10-minutes", Hour = "1-hour", Day = "1-day" }
}

impl Limit {
    /// How long that is.
    pub(super) fn time(self) -> TimeDelta {
        match self {
            Self::Minutes => TimeDelta::minutes(10),
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
        }
    }
}

/// One of the things to vote for: a key and what the button says.
pub(super) type Candidate = (String, Text);

/// So many things can be voted for.
const MOST_CHOICES: usize = 10;
/// A button shows about so many letters.
const LONGEST_CHOICE: usize = 40;

/// A vote that somebody calls.
pub(super) struct Poll {
    pub(super) asker: Person,
    pub(super) question: String,
    pub(super) choices: Vec<Candidate>,
}

impl Poll {
    /// What stood behind the command.
    pub(super) fn asked_by(started: &Started) -> Option<String> {
        let StartedBy::Command { payload, .. } = &started.by else { return None };
        payload.as_ref().map(|question| question.chars().take(300).collect())
    }

    /// The choices of a text that has one on each line, or commas between them; the same ones twice are one.
    pub(super) fn choices(lines: &str) -> Result<Vec<Candidate>, Text> {
        let mut choices: Vec<Candidate> = Vec::new();
        for line in lines.split(['\n', ',']).map(str::trim).filter(|line| !line.is_empty()) {
            if line.chars().count() > LONGEST_CHOICE {
                return Err(text!("vote-choice-too-long", count = LONGEST_CHOICE));
            }
            let candidate = (short_hash(line), Text::literal(line));
            if !choices.contains(&candidate) {
                choices.push(candidate);
            }
        }
        match choices.len() {
            0 | 1 => Err(text!("vote-too-few")),
            2..=MOST_CHOICES => Ok(choices),
            _ => Err(text!("vote-too-many", count = MOST_CHOICES)),
        }
    }

    /// Who has won, in words.
    pub(super) fn result(&self, votes: &Votes<Candidate>) -> Text {
        let most = self.choices.iter().map(|choice| votes.of(choice)).max().unwrap_or_default();
        if most == 0 {
            return text!("vote-nobody", question = &self.question);
        }
        let first = self.choices.iter().filter(|choice| votes.of(choice) == most);
        let first: Vec<Text> = first.map(|(_, name)| name.clone()).collect();
        let (question, all) = (&self.question, votes.len());
        match first.as_slice() {
            [winner] => {
                text!("vote-won", question = question, winner = winner.clone(), count = most, all = all)
            }
            _ => {
                let winners = Text::Lines { lines: first };
                text!("vote-tied", question = question, winners = winners, count = most, all = all)
            }
        }
    }

    /// The fact that it is over.
    pub(super) fn closed(&self, vote: Uuid, votes: &Votes<Candidate>) -> VoteClosed {
        let count = |choice: &Candidate| match &choice.1 {
            Text::Literal(name) => (name.clone(), votes.of(choice)),
            other => (format!("{other:?}"), votes.of(choice)),
        };
        let counts = self.choices.iter().map(count).collect();
        VoteClosed { vote, asked_by: self.asker.clone(), question: self.question.clone(), counts }
    }
}

/// A vote is over. Who voted for what nobody is told.
#[derive(Serialize)]
pub(super) struct VoteClosed {
    vote: Uuid,
    asked_by: Person,
    question: String,
    counts: BTreeMap<String, usize>,
}

impl DomainEvent for VoteClosed {
    const TYPE: &'static str = "backline.vote-closed.v1";
    fn subject(&self) -> String {
        self.vote.to_string()
    }
}
