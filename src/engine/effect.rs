//! What a turn causes, and how a question looks when it is put.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    gather::Counts,
    head::Head,
    log::OpenQuestion,
    question::{Kind, Offer, Part},
};
use crate::{
    model::{
        Button, ConversationId, Delivery, Edit, EffectId, Event, Message, PersonId, Send, Shared, Text,
        TraceParent, WorkflowId, short_hash,
    },
    text,
};

/// One thing to be done to the world because of a turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Caused {
    /// Which effect: doing it twice can be told from doing two.
    pub id: EffectId,
    /// What.
    pub effect: Effect,
    /// The trace it belongs to.
    pub trace: TraceParent,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Send or change something in a conversation.
    Deliver {
        /// Which conversation.
        to: ConversationId,
        /// What.
        delivery: Shared<Delivery>,
    },
    /// Send the same to many, each in their own chat with the bot: in the order of the list, and slower than anything
    /// else.
    Broadcast {
        /// To whom; nobody is in it twice.
        to: Vec<PersonId>,
        /// What it says.
        text: Text,
    },
    /// Tell the rest of the business.
    Publish(Event),
    /// Have an activity done.
    Call {
        /// The call's name.
        call: String,
        /// What does it.
        activity: String,
        /// With what.
        arguments: Value,
    },
    /// Start another workflow.
    Start {
        /// Its id.
        workflow: WorkflowId,
        /// The script that it runs.
        script: String,
        /// What it is told.
        payload: Value,
    },
}

impl Effect {
    pub(super) fn deliver(to: ConversationId, delivery: Delivery) -> Self {
        Self::Deliver { to, delivery: delivery.into() }
    }
}

/// So many offers are shown at once; the rest is on further pages.
const PAGE: usize = 20;

/// How many pages the offers of a question fill.
pub(super) fn pages_of(question: &OpenQuestion) -> usize {
    let most = question.parts.iter().map(|part| part.kind.offers().len()).max();
    most.unwrap_or_default().div_ceil(PAGE)
}

/// What a button means when it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressed<'a> {
    /// The offer of this hash.
    Offer(&'a str),
    Skip,
    Back,
    Done,
    Page(usize),
}

/// What the data of a question's buttons begin with: the workflow in 22 characters, the question in 8. What was pressed
/// follows, in 9 at most.
fn address(workflow: WorkflowId, question: &OpenQuestion) -> String {
    format!("{}{}", workflow.short(), question_hash(question))
}

/// Stands for a question as it was put: a press on an older prompt, or an older look, is stale.
pub(super) fn question_hash(question: &OpenQuestion) -> String {
    let look = (&question.to, question.n, &question.parts, question.skippable);
    short_hash(&serde_json::to_string(&look).expect("questions have text keys only"))
}

/// Stands for one of the things that can be chosen.
pub(super) fn offer_hash(part: &Part, offer: &Offer) -> String {
    short_hash(&format!("{} {}", part.name, offer.key))
}

/// Reads a button's data: the workflow, the question's hash, and what was pressed.
pub(super) fn read_data(data: &str) -> Option<(WorkflowId, &str, Pressed<'_>)> {
    let workflow = WorkflowId::from_short(data.get(..22)?)?;
    let pressed = match data.get(30..)? {
        "-" => Pressed::Skip,
        "<" => Pressed::Back,
        "=" => Pressed::Done,
        other => match other.strip_prefix('.') {
            Some(offer) => Pressed::Offer(offer),
            None => Pressed::Page(other.strip_prefix('p')?.parse().ok()?),
        },
    };
    Some((workflow, data.get(22..30)?, pressed))
}

/// The message that puts a question.
pub(super) fn prompt(
    workflow: WorkflowId,
    question: &OpenQuestion,
    counts: &Counts,
    lead_in: Option<&Text>,
    reply_to: Option<i64>,
) -> Delivery {
    let message = Message {
        files: Vec::new(),
        text: words(question, counts, lead_in),
        buttons: buttons(workflow, question, counts),
        reply_to,
        // Who is asked by name talks about something else: only a reply tells that this is what they answer.
        // And in a group a bot may hear nothing but replies (<https://core.telegram.org/bots/features#privacy-mode>).
        force_reply: (question.is_of_somebody() || !question.to.is_private()) && !question.has_buttons(),
    };
    Delivery::Send(Send { message, prompt: Some(prompt_name(workflow, question.name())) })
}

impl Head {
    /// The message that puts an open question, once more: where the one before is out of reach.
    #[must_use]
    pub fn prompt_again(&self, question: &str) -> Option<Delivery> {
        let open = self.open.iter().find(|open| open.name() == question)?;
        Some(prompt(self.workflow, open, &self.counts(question), None, None))
    }
}

/// The same question with other toggles on, another page, or more answers of many.
pub(super) fn refreshed(workflow: WorkflowId, question: &OpenQuestion, counts: &Counts) -> Delivery {
    let message = Message {
        buttons: buttons(workflow, question, counts),
        ..Message::plain(words(question, counts, None))
    };
    Delivery::Edit(Edit {
        prompt: prompt_name(workflow, question.name()),
        message_id: None,
        message: Some(message),
        closes: false,
    })
}

/// The end of a prompt: its keyboard goes, and how it ended shows in its place if there is something to show.
pub(super) fn closed(workflow: WorkflowId, question: &OpenQuestion, ending: Option<Text>) -> Delivery {
    let asked = || words(&OpenQuestion { gathers: false, ..question.clone() }, &Counts::new(), None);
    let message = ending.map(|ending| Message::plain(Text::Paragraphs(vec![asked(), ending])));
    Delivery::Edit(Edit {
        prompt: prompt_name(workflow, question.name()),
        message_id: None,
        message,
        closes: true,
    })
}

/// What a prompt's message id is kept under.
pub(crate) fn prompt_name(workflow: WorkflowId, question: &str) -> String {
    format!("{workflow} {question}")
}

/// Reads what [`prompt_name`] wrote.
pub(crate) fn read_prompt_name(prompt: &str) -> Option<(WorkflowId, &str)> {
    let (workflow, question) = prompt.split_once(' ')?;
    Some((workflow.parse().ok()?, question))
}

/// How many have chosen what, when it is over.
pub(super) fn tally(question: &OpenQuestion, counts: &Counts) -> Text {
    let offers = question.parts.iter().flat_map(|part| part.kind.offers());
    let line = |offer: &Offer| {
        let count = counts.get(&offer.key).copied().unwrap_or_default();
        text!("gathered-line", choice = offer.label.clone(), count = count)
    };
    Text::Lines { lines: offers.map(line).collect() }
}

fn words(question: &OpenQuestion, counts: &Counts, lead_in: Option<&Text>) -> Text {
    let mut texts: Vec<Text> =
        lead_in.into_iter().chain(question.parts.iter().map(|part| &part.text)).cloned().collect();
    if question.gathers {
        texts.push(text!("gathered-so-far", count = counts.values().sum::<usize>()));
    }
    if texts.len() == 1 { texts.remove(0) } else { Text::Paragraphs(texts) }
}

fn buttons(workflow: WorkflowId, question: &OpenQuestion, counts: &Counts) -> Vec<Vec<Button>> {
    let address = address(workflow, question);
    let button = |label: Text, pressed: &str| Button { label, data: format!("{address}{pressed}") };
    let mut rows = Vec::new();
    let mut last = Vec::new();
    for part in &question.parts {
        let on_page = part.kind.offers().iter().skip(question.page.saturating_mul(PAGE)).take(PAGE);
        let labelled: Vec<Button> = on_page
            .map(|offer| {
                let label = offer.label.clone();
                let label = match counts.get(&offer.key) {
                    Some(count) => text!("gathered-choice", choice = label, count = *count),
                    None if question.picked.contains(&offer.key) => text!("picked", choice = label),
                    None => label,
                };
                button(label, &format!(".{}", offer_hash(part, offer)))
            })
            .collect();
        rows.extend(labelled.chunks(2).map(<[Button]>::to_vec));
        if matches!(part.kind, Kind::Toggles { .. }) {
            last.push(button(text!("done"), "="));
        }
    }
    let pages = pages_of(question);
    if pages > 1 {
        rows.push(page_buttons(pages, question.page, button));
    }
    if question.back {
        last.insert(0, button(text!("back"), "<"));
    }
    if question.skippable {
        last.push(button(text!("skip"), "-"));
    }
    if !last.is_empty() {
        rows.push(last);
    }
    rows
}

fn page_buttons(count: usize, page: usize, button: impl Fn(Text, &str) -> Button) -> Vec<Button> {
    let mut row = Vec::new();
    if page > 0 {
        row.push(button(text!("page-before"), &format!("p{}", page - 1)));
    }
    if page + 1 < count {
        row.push(button(text!("page-after"), &format!("p{}", page + 1)));
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_says_in_64_bytes_what_it_means() {
        let workflow = WorkflowId::started_by(&"somewhere", &"something");
        let question = OpenQuestion {
            parts: vec![Part {
                name: "a question with quite a long name/and a scope#17".to_owned(),
                text: Text::literal("Which?"),
                kind: Kind::Choice {
                    options: vec![Offer { key: "k".repeat(200), label: Text::literal("This") }],
                },
            }],
            to: "operations:7:0:7".parse().unwrap(),
            skippable: true,
            back: true,
            deadline: None,
            gathers: false,
            n: 0,
            picked: Default::default(),
            page: 0,
        };
        let rows = buttons(workflow, &question, &Counts::new());
        let all: Vec<&Button> = rows.iter().flatten().collect();
        assert_eq!(all.len(), 3);
        let hash = offer_hash(&question.parts[0], &question.parts[0].kind.offers()[0]);
        let meanings = [Pressed::Offer(&hash), Pressed::Back, Pressed::Skip];
        for (button, meaning) in all.iter().zip(meanings) {
            assert!(button.data.len() <= 64, "{}", button.data);
            assert_eq!(read_data(&button.data), Some((workflow, question_hash(&question).as_str(), meaning)));
        }
        for garbage in ["", "x", "ä", &"ä".repeat(32), "1234567890123456789012345678901234567890"] {
            let _ = read_data(garbage);
        }
    }
}
