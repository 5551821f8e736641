//! The head: the state of a workflow, folded from its entries. The fold needs no script: entries hold what each input
//! meant.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    gather::{Counts, gathering_of, vote_name},
    log::{
        Collecting, Entry, Fact, Given, OpenCall, OpenQuestion, Recorded, Standing, Started, StartedBy,
        Status,
    },
};
use crate::model::{
    BotSlug, ConversationId, Input, InputKey, Timestamp, TraceParent, WorkflowId, in_one_piece,
};

/// Reference data larger than this many bytes of JSON stays in its entry: most is small, and then nothing more is read.
const LARGE_DATA: usize = 32 * 1024;

/// An answer larger than this many bytes of JSON stays in its entry; the head only says which.
const LARGE_ANSWER: usize = 4096;

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
    #[serde(serialize_with = "in_one_piece")]
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
    /// Of what was seen, that which is large: it stands in the entry of this key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub looked_up_in: BTreeMap<String, InputKey>,
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
    /// It makes no difference whether that head was [recalled](Self::recall).
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
            head.take(recorded, &entry.input, entry.n);
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
        head.once.extend(entry.once.iter().map(|name| (name.clone(), entry.n)));
        head.looked_up.extend(entry.looked_up.clone());
        head.keep_only_small(entry);
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
            looked_up_in: BTreeMap::new(),
            open: Vec::new(),
            calls: Vec::new(),
        }
    }

    /// What one fact of the entry `n` changes.
    pub(super) fn take(&mut self, recorded: &Recorded, input: &Input, n: u32) {
        match &recorded.fact {
            Fact::Answered { question, given, collecting } => {
                let collecting = collecting.as_ref();
                self.stands(question, given, collecting, recorded, input, n);
            }
            Fact::Gathered { question, by, key } => {
                let given = Given::Value(json!({ "by": by, "key": key }));
                self.stands(&vote_name(question, by.id), &given, None, recorded, input, n);
            }
            Fact::Returned { call, given } => {
                self.calls.retain(|open| open.name != *call);
                self.stands(call, given, None, recorded, input, n);
            }
            Fact::Undone { names } => {
                self.standing.retain(|standing| !names.iter().any(|undone| covers(undone, &standing.name)));
                self.was_said(&recorded.said);
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
            Fact::Started(_) => self.was_said(&recorded.said),
            Fact::Rejected { .. } | Fact::Late | Fact::Cancelled | Fact::Stuck { .. } => {}
        }
    }

    /// An answer goes to the end of what stands; one that only grows by another file stays where it is.
    fn stands(
        &mut self,
        name: &str,
        given: &Given,
        collecting: Option<&Collecting>,
        recorded: &Recorded,
        input: &Input,
        n: u32,
    ) {
        let before = self.standing.iter().position(|standing| standing.name == name);
        if let Some(place) = before {
            let standing = &mut self.standing[place];
            if let (Some(old), Some(new)) = (&standing.collecting, collecting)
                && old.album == new.album
            {
                standing.given = given.clone();
                standing.collecting = Some(new.clone());
                standing.said.extend(recorded.said.iter().cloned());
                return;
            }
            self.standing.remove(place);
        }
        self.standing.push(Standing {
            name: name.to_owned(),
            given: given.clone(),
            at: input.at,
            by: input.from.as_ref().map(|person| person.id),
            n,
            said: recorded.said.clone(),
            collecting: collecting.cloned(),
        });
    }

    /// Something was said because of the newest answer that stands; if there is none, for good.
    pub(super) fn was_said(&mut self, names: &[String]) {
        let said = self.standing.last_mut().map_or(&mut self.said, |standing| &mut standing.said);
        said.extend(names.iter().cloned());
    }

    /// Everything that was said because of something that still stands.
    pub(super) fn said(&self) -> impl Iterator<Item = &str> {
        self.said.iter().chain(self.standing.iter().flat_map(|standing| &standing.said)).map(String::as_str)
    }

    /// The entries whose large answers and reference data a replay needs.
    #[must_use]
    pub fn needed_entries(&self) -> BTreeSet<&InputKey> {
        let answers = self.standing.iter().filter_map(|standing| match &standing.given {
            Given::InEntry(key) => Some(key),
            _ => None,
        });
        answers.chain(self.looked_up_in.values()).collect()
    }

    /// Puts a large answer, read from its entry, to where a replay looks for it. Folding the next entry forgets it
    /// again: a head is never stored with it.
    pub fn recall(&mut self, entry: &Entry) {
        let key = &entry.input.key;
        for (name, _) in self.looked_up_in.iter().filter(|(_, of)| *of == key) {
            if let Some(data) = entry.looked_up.get(name) {
                self.looked_up.insert(name.clone(), data.clone());
            }
        }
        let wanted = |standing: &&mut Standing| matches!(&standing.given, Given::InEntry(of) if of == key);
        for standing in self.standing.iter_mut().filter(wanted) {
            let found = entry.facts.iter().rev().find_map(|recorded| match &recorded.fact {
                Fact::Answered { question: name, given: Given::Value(value), .. }
                | Fact::Returned { call: name, given: Given::Value(value) }
                    if *name == standing.name =>
                {
                    Some(value.clone())
                }
                _ => None,
            });
            if let Some(value) = found {
                standing.given = Given::Recalled { key: key.clone(), value };
            }
        }
    }

    /// Leaves large answers and reference data in their entries.
    fn keep_only_small(&mut self, entry: &Entry) {
        let large = entry.looked_up.iter().filter(|(_, data)| is_larger(data, LARGE_DATA));
        self.looked_up_in.extend(large.map(|(name, _)| (name.clone(), entry.input.key.clone())));
        self.looked_up.retain(|name, _| !self.looked_up_in.contains_key(name));
        let given_now = |name: &str| {
            entry.facts.iter().any(|recorded| match &recorded.fact {
                Fact::Answered { question, .. } => question == name,
                Fact::Returned { call, .. } => call == name,
                _ => false,
            })
        };
        for standing in &mut self.standing {
            match &standing.given {
                Given::Recalled { key, .. } => standing.given = Given::InEntry(key.clone()),
                Given::Value(value) if given_now(&standing.name) && is_larger(value, LARGE_ANSWER) => {
                    standing.given = Given::InEntry(entry.input.key.clone());
                }
                _ => {}
            }
        }
    }

    /// Does it take what is said in its conversation, if that names no other workflow? One that has ended or was put aside
    /// does not, even where an old head of the conversation still says that it is the current one.
    #[must_use]
    pub fn takes_what_is_said(&self) -> bool {
        self.status == Status::Running && !self.aside
    }

    /// Is something that was asked in this conversation still open?
    #[must_use]
    pub fn waits_for(&self, conversation: &ConversationId) -> bool {
        self.open.iter().any(|open| open.to == *conversation && !open.gathers)
    }

    /// What many have answered to one question so far, by key.
    pub(super) fn counts(&self, question: &str) -> Counts {
        let mut counts = Counts::new();
        let votes = self.standing.iter().filter(|standing| gathering_of(&standing.name) == Some(question));
        for key in votes.filter_map(|vote| vote.given.value()?["key"].as_str()) {
            *counts.entry(key.to_owned()).or_default() += 1;
        }
        counts
    }

    /// When the next question stops waiting.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.open.iter().filter_map(|open| open.deadline).min()
    }
}

/// Is it more than so many bytes of JSON?
fn is_larger(value: &Value, bytes: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(words) if words.len() * 6 + 2 <= bytes => false,
        other => other.to_string().len() > bytes,
    }
}

/// Does undoing `undone` undo the answer of this name? `area` covers `area#0` and `area@7#1`, `area#0` itself alone.
pub(super) fn covers(undone: &str, name: &str) -> bool {
    name.strip_prefix(undone).is_some_and(|rest| rest.is_empty() || rest.starts_with(['#', '@']))
}
