//! The log of a workflow: what each input was taken to mean, and what it caused.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{effect::Caused, question::Part};
use crate::model::{
    self, ConversationId, FileKind, Input, InputKey, Person, PersonId, Shared, Text, Timestamp, in_one_piece,
};

/// What was given for an answer, or for the result of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// This.
    Value(Value),
    /// The question was skipped.
    Skipped,
    /// The question's deadline passed.
    Elapsed,
    /// The person who was asked can't be reached.
    Unreachable,
    /// The call failed for good.
    Failed(String),
    /// A large value: it stands in the entry of this key.
    InEntry(InputKey),
    /// The same, with the value at hand: only while an input is decided, never stored.
    Recalled {
        /// Its entry.
        key: InputKey,
        /// What it says.
        value: Value,
    },
}

/// An answer or result that no later entry has undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Which question or call.
    pub name: String,
    /// What was given.
    pub given: Given,
    /// When.
    #[serde(serialize_with = "in_one_piece")]
    pub at: Timestamp,
    /// By whom, if by somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// By which entry.
    pub n: u32,
    /// What was said because of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
    /// More files may still come for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collecting: Option<Collecting>,
}

/// An answer of files that grows while the rest of its album arrives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collecting {
    /// The album.
    pub album: String,
    /// Files of these kinds are taken.
    pub kinds: Vec<FileKind>,
    /// How many files the question takes.
    pub max: usize,
    /// Did more come, and was the person told?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
}

/// A question that waits for its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenQuestion {
    /// The ways to answer it; the first one's name is the question's.
    pub parts: Vec<Part>,
    /// Where it was put.
    pub to: ConversationId,
    /// May it be skipped?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skippable: bool,
    /// Can the person go back from here?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub back: bool,
    /// When it stops waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// May everybody in its chat answer it?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gathers: bool,
    /// The entry that opened it.
    pub n: u32,
    /// Which toggles are on.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub picked: BTreeSet<String>,
    /// Which page of the buttons is shown.
    #[serde(default, skip_serializing_if = "model::is_default")]
    pub page: usize,
}

impl Given {
    /// The value, if it is at hand.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) | Self::Recalled { value, .. } => Some(value),
            _ => None,
        }
    }
}

impl OpenQuestion {
    /// The question's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.parts.first().map_or("", |part| &part.name)
    }

    /// Is it put with buttons?
    #[must_use]
    pub fn has_buttons(&self) -> bool {
        self.skippable || self.back || self.parts.iter().any(|part| part.kind.has_buttons())
    }

    /// Was it put to somebody by name?
    #[must_use]
    pub fn is_of_somebody(&self) -> bool {
        is_of_somebody(self.name())
    }

    /// Does it show the same as the other?
    pub(super) fn looks_like(&self, other: &Self) -> bool {
        (&self.parts, self.skippable, self.gathers) == (&other.parts, other.skippable, other.gathers)
    }
}

/// Is this the name of a question that was put to somebody by name?
pub(super) fn is_of_somebody(question: &str) -> bool {
    question.rsplit('/').next().is_some_and(|name| name.contains('@'))
}

/// A call whose result is not in the log yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenCall {
    /// Its name.
    pub name: String,
    /// What does it.
    pub activity: String,
    /// With what.
    pub arguments: Value,
    /// The entry that made it.
    pub n: u32,
    /// Where its effect stands among those of that entry.
    pub ordinal: usize,
}

/// What an input was taken to mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The workflow began.
    Started(Started),
    /// An answer.
    Answered {
        /// To which question.
        question: String,
        /// What.
        given: Given,
        /// More files may still come for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        collecting: Option<Collecting>,
    },
    /// Somebody's answer to what many are asked.
    Gathered {
        /// To which question.
        question: String,
        /// Whose.
        by: Person,
        /// The key of what they chose.
        key: String,
    },
    /// The result of a call.
    Returned {
        /// Of which call.
        call: String,
        /// What.
        given: Given,
    },
    /// These answers count no longer: names without number stand for every number of theirs.
    Undone {
        /// Which.
        names: Vec<String>,
    },
    /// No answer to this question: it is asked again.
    Rejected {
        /// Which question.
        question: String,
        /// What the person is told.
        why: Text,
    },
    /// A toggle was switched.
    Toggled {
        /// Of which question.
        question: String,
        /// What is on now.
        picked: BTreeSet<String>,
    },
    /// Another page of buttons is shown.
    Paged {
        /// Of which question.
        question: String,
        /// Which page.
        page: usize,
    },
    /// Came when nothing waited for it.
    Late,
    /// The person turned to something else; the workflow ended, or goes on without being their current one.
    PutAside,
    /// The person cancelled the workflow.
    Cancelled,
    /// The workflow can't go on.
    Stuck {
        /// Why.
        why: String,
    },
}

impl Fact {
    /// Can the script go on because of it?
    pub(super) fn moves(&self) -> bool {
        matches!(
            self,
            Self::Started(_)
                | Self::Answered { .. }
                | Self::Gathered { .. }
                | Self::Returned { .. }
                | Self::Undone { .. }
        )
    }
}

/// How a workflow came to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// What began it.
    pub by: StartedBy,
    /// Who it talks to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Person>,
}

/// What began a workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartedBy {
    /// `/name payload`.
    Command {
        /// Without the slash.
        name: String,
        /// What stood behind it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payload: Option<String>,
    },
    /// Another workflow.
    Workflow {
        /// What it was told.
        payload: Value,
    },
}

/// A fact with what was said because of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The fact.
    pub fact: Fact,
    /// The names of what was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
}

/// How a workflow stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits for something.
    #[default]
    Running,
    /// Its script came to its end.
    Finished,
    /// The person cancelled it, or turned to something else.
    Cancelled,
    /// It broke a limit.
    Stuck,
}

/// One applied input, with all that it meant and caused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the log, from 0.
    pub n: u32,
    /// The script that it was applied to.
    pub script: String,
    /// That script's version.
    pub version: u32,
    /// The input as it came.
    pub input: Shared<Input>,
    /// What it meant.
    pub facts: Vec<Recorded>,
    /// Questions that opened or changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<OpenQuestion>,
    /// Questions that wait no longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<String>,
    /// Calls that were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub called: Vec<OpenCall>,
    /// Calls whose result is wanted no longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
    /// Names of what happens once: events and started workflows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub once: Vec<String>,
    /// Reference data that the script saw for the first time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub looked_up: BTreeMap<String, Value>,
    /// What is to be done because of it; the index is the ordinal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Caused>,
    /// What whoever pressed the button is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toast: Option<Text>,
    /// How the workflow stands afterwards.
    pub status: Status,
}
