//! Albums: files that were sent together arrive one by one, and are one answer or one mistake.

use serde::{Deserialize, Serialize};

use super::{
    decide::Decision,
    effect::prompt_name,
    log::{Entry, Fact},
};
use crate::model::{Content, Input, What};

/// What a conversation remembers of the album that arrives there. Its files are messages of their own with one
/// `media_group_id` (<https://core.telegram.org/bots/api#message>), and none of them says what it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Album {
    /// Telegram's `media_group_id`.
    pub id: String,
    /// The question that it answers, as in [`Send::prompt`](crate::model::Send::prompt).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Somebody was told that it is no answer: once is enough.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
}

impl Album {
    /// What is known of the album that the input belongs to.
    #[must_use]
    pub fn of<'a>(known: Option<&'a Self>, input: &Input) -> Option<&'a Self> {
        known.filter(|known| album(input) == Some(&known.id))
    }

    /// What is to be remembered after the input did this.
    #[must_use]
    pub fn after(known: Option<Self>, input: &Input, decision: &Decision) -> Option<Self> {
        let Some(id) = album(input) else {
            // The messages of a chat come in their order: with the next one the album is complete.
            return known.filter(|_| !matches!(input.what, What::Said(_) | What::Command { .. }));
        };
        let answered = decision
            .entries
            .iter()
            .find_map(|(workflow, entry)| answered(entry).map(|question| prompt_name(*workflow, question)));
        let said = !decision.outside.deliveries.is_empty()
            || decision.entries.iter().any(|(_, entry)| !entry.effects.is_empty());
        let before = known.filter(|known| known.id == *id);
        let told = before.as_ref().is_some_and(|before| before.told) || (answered.is_none() && said);
        let prompt = answered.or_else(|| before.and_then(|before| before.prompt));
        Some(Self { id: id.to_owned(), prompt, told })
    }
}

/// The album that an input belongs to.
pub(super) fn album(input: &Input) -> Option<&String> {
    match &input.what {
        What::Said(Content::File { album, .. }) => album.as_ref(),
        _ => None,
    }
}

/// The question that an entry answers with the first file of an album, or with one more.
pub(super) fn answered(entry: &Entry) -> Option<&str> {
    entry.facts.iter().find_map(|recorded| match &recorded.fact {
        Fact::Answered { question, collecting: Some(_), .. } => Some(question.as_str()),
        _ => None,
    })
}
