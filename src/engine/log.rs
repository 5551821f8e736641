//! The log of a workflow and the state it folds to. The fold needs no script: entries hold what each input meant.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    effect::Caused,
    question::{Kind, Part},
};
use crate::model::{
    BotSlug, ConversationId, Input, InputKey, Person, PersonId, Text, Timestamp, TraceParent, WorkflowId,
};

/// An answer larger than this stays in its entry; the head only says which.
const LARGE_ANSWER: usize = 4096;

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
}

/// An answer or result that no later entry has undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Which question or call.
    pub name: String,
    /// What was given.
    pub given: Given,
    /// When.
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
    /// How many files the question takes.
    pub max: usize,
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
    /// The entry that opened it.
    pub n: u32,
    /// Which toggles are on.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub picked: BTreeSet<String>,
    /// Which page of the buttons is shown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub page: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(page: &usize) -> bool {
    *page == 0
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

    /// Does it show the same as the other?
    pub(super) fn looks_like(&self, other: &Self) -> bool {
        self.parts == other.parts && self.skippable == other.skippable
    }
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
    /// The entry that made it, and the ordinal of the effect.
    pub n: u32,
    /// See `n`.
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
    pub input: Input,
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

/// The state of a workflow: what its entries fold to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Which workflow.
    pub workflow: WorkflowId,
    /// The script that it runs.
    pub script: String,
    /// The version that applied the last input.
    pub version: u32,
    /// The bot it speaks through.
    pub bot: BotSlug,
    /// Whom it talks to, unless nobody chats with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// How it came to be.
    pub started: Started,
    /// When.
    pub started_at: Timestamp,
    /// The trace it belongs to.
    pub trace: TraceParent,
    /// How many entries its log has.
    pub n: u32,
    /// How it stands.
    pub status: Status,
    /// Is it no longer the current workflow of its conversation?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aside: bool,
    /// What stands, in the order of the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standing: Vec<Standing>,
    /// What was said for good: by the start, and by what can't be undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
    /// What happens once and has happened, with its entry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub once: BTreeMap<String, u32>,
    /// Reference data that the script has seen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub looked_up: BTreeMap<String, Value>,
    /// What waits for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<OpenQuestion>,
    /// What waits for activities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<OpenCall>,
}

impl Head {
    /// The state after the entries so far and this one.
    ///
    /// Folding a log in two parts is folding it at once; an entry that does not begin a log needs the head before it.
    #[must_use]
    pub fn fold(before: Option<Self>, workflow: WorkflowId, entry: &Entry) -> Option<Self> {
        let mut head = match (before, entry.facts.first().map(|first| &first.fact)) {
            (Some(head), _) => head,
            (None, Some(Fact::Started(started))) => Self::new(workflow, entry, started.clone()),
            (None, _) => return None,
        };
        head.version = entry.version;
        head.n = entry.n + 1;
        head.status = entry.status;
        for recorded in &entry.facts {
            head.take(recorded, entry);
        }
        head.open.retain(|open| !entry.closed.iter().any(|name| name == open.name()));
        for opened in &entry.opened {
            match head.open.iter_mut().find(|open| open.name() == opened.name()) {
                Some(open) => *open = opened.clone(),
                None => head.open.push(opened.clone()),
            }
        }
        head.calls.retain(|call| !entry.dropped.contains(&call.name));
        head.calls.extend(entry.called.iter().cloned());
        for standing in head.standing.iter_mut().filter(|standing| standing.n == entry.n) {
            standing.given = standing.given.kept_by(&entry.input.key);
        }
        head.once.extend(entry.once.iter().map(|name| (name.clone(), entry.n)));
        head.looked_up.extend(entry.looked_up.clone());
        if head.status != Status::Running {
            head.open.clear();
            head.calls.clear();
        }
        Some(head)
    }

    fn new(workflow: WorkflowId, entry: &Entry, started: Started) -> Self {
        let by_command = matches!(started.by, StartedBy::Command { .. });
        Self {
            workflow,
            script: entry.script.clone(),
            version: entry.version,
            bot: entry.input.conversation.bot.clone(),
            conversation: by_command.then(|| entry.input.conversation.clone()),
            started,
            started_at: entry.input.at,
            trace: entry.input.trace.clone(),
            n: 0,
            status: Status::Running,
            aside: false,
            standing: Vec::new(),
            said: Vec::new(),
            once: BTreeMap::new(),
            looked_up: BTreeMap::new(),
            open: Vec::new(),
            calls: Vec::new(),
        }
    }

    /// What one fact changes.
    pub(super) fn take(&mut self, recorded: &Recorded, entry: &Entry) {
        let input = &entry.input;
        match &recorded.fact {
            Fact::Answered { question: name, given, .. } | Fact::Returned { call: name, given } => {
                let collecting = match &recorded.fact {
                    Fact::Answered { collecting, .. } => collecting.clone(),
                    _ => None,
                };
                self.standing.retain(|standing| standing.name != *name);
                self.calls.retain(|call| call.name != *name);
                self.standing.push(Standing {
                    name: name.clone(),
                    given: given.clone(),
                    at: input.at,
                    by: input.from.as_ref().map(|person| person.id),
                    n: entry.n,
                    said: recorded.said.clone(),
                    collecting,
                });
            }
            Fact::Undone { names } => {
                self.standing.retain(|standing| !names.iter().any(|undone| covers(undone, &standing.name)));
                self.said.extend(recorded.said.iter().cloned());
            }
            Fact::Toggled { question, picked } => {
                if let Some(open) = self.open.iter_mut().find(|open| open.name() == question) {
                    open.picked.clone_from(picked);
                }
            }
            Fact::Paged { question, page } => {
                if let Some(open) = self.open.iter_mut().find(|open| open.name() == question) {
                    open.page = *page;
                }
            }
            Fact::PutAside => self.aside = true,
            Fact::Started(_) => self.said.extend(recorded.said.iter().cloned()),
            Fact::Rejected { .. } | Fact::Late | Fact::Cancelled | Fact::Stuck { .. } => {}
        }
    }

    /// Everything that was said because of something that still stands.
    pub(super) fn said(&self) -> BTreeSet<&str> {
        self.said
            .iter()
            .chain(self.standing.iter().flat_map(|standing| &standing.said))
            .map(String::as_str)
            .collect()
    }

    /// The entries whose large answers a replay needs.
    pub fn needed_entries(&self) -> impl Iterator<Item = &InputKey> {
        self.standing.iter().filter_map(|standing| match &standing.given {
            Given::InEntry(key) => Some(key),
            _ => None,
        })
    }

    /// Puts a large answer, read from its entry, back to where a replay looks for it.
    pub fn recall(&mut self, entry: &Entry) {
        for standing in &mut self.standing {
            let Given::InEntry(key) = &standing.given else { continue };
            if *key != entry.input.key {
                continue;
            }
            let found = entry.facts.iter().rev().find_map(|recorded| match &recorded.fact {
                Fact::Answered { question: name, given, .. } | Fact::Returned { call: name, given }
                    if *name == standing.name =>
                {
                    Some(given.clone())
                }
                _ => None,
            });
            if let Some(given) = found {
                standing.given = given;
            }
        }
    }

    /// When the next question stops waiting.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.open.iter().filter_map(|open| open.deadline).min()
    }
}

impl Given {
    /// Itself if it is small, else where to find it.
    fn kept_by(&self, key: &InputKey) -> Self {
        match self {
            Self::Value(value) if !value.is_number() && value.to_string().len() > LARGE_ANSWER => {
                Self::InEntry(key.clone())
            }
            other => other.clone(),
        }
    }
}

/// Does undoing `undone` undo the answer of this name? `area` covers `area#0` and `area@7#1`, `area#0` itself alone.
pub(super) fn covers(undone: &str, name: &str) -> bool {
    name.strip_prefix(undone).is_some_and(|rest| rest.is_empty() || rest.starts_with(['#', '@']))
}

impl Kind {
    /// Its options, if it is answered by choosing.
    pub(super) fn options(&self) -> &[super::question::Option_] {
        match self {
            Self::Choice { options } | Self::Toggles { options, .. } => options,
            _ => &[],
        }
    }
}
