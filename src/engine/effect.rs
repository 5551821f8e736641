//! What a turn causes, and how a question looks when it is put.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{log::OpenQuestion, question::Kind};
use crate::model::{
    Button, ConversationId, Delivery, Edit, EffectId, Event, Message, Send, Text, TraceParent, WorkflowId,
    short_hash,
};
use crate::text;

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
        delivery: Delivery,
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

/// So many options are shown at once; the rest is on further pages.
const PAGE: usize = 20;

/// What a button means when it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressed<'a> {
    /// The option of this hash.
    Option(&'a str),
    Skip,
    Back,
    Done,
    Page(usize),
}

/// A button's data: the workflow in 22 characters, the question in 8, and what was pressed. 39 bytes at most.
fn data(workflow: WorkflowId, question: &OpenQuestion, pressed: &str) -> String {
    format!("{}{}{pressed}", workflow.short(), question_hash(question))
}

/// Stands for a question as it looks: a press on an older look is stale.
pub(super) fn question_hash(question: &OpenQuestion) -> String {
    let look = (&question.to, &question.parts, question.skippable);
    short_hash(&serde_json::to_string(&look).expect("questions have text keys only"))
}

/// Reads a button's data: the workflow, the question's hash, and what was pressed.
pub(super) fn read_data(data: &str) -> Option<(WorkflowId, &str, Pressed<'_>)> {
    let workflow = WorkflowId::from_short(data.get(..22)?)?;
    let pressed = match data.get(30..)? {
        "-" => Pressed::Skip,
        "<" => Pressed::Back,
        "=" => Pressed::Done,
        other => match other.strip_prefix('.') {
            Some(option) => Pressed::Option(option),
            None => Pressed::Page(other.strip_prefix('p')?.parse().ok()?),
        },
    };
    Some((workflow, data.get(22..30)?, pressed))
}

/// The message that puts a question.
pub(super) fn prompt(workflow: WorkflowId, question: &OpenQuestion, lead_in: Option<&Text>) -> Delivery {
    let by_buttons = question.parts.iter().any(|part| part.kind.has_buttons());
    let message = Message {
        text: words(question, lead_in),
        buttons: buttons(workflow, question),
        force_reply: !by_buttons && !question.has_buttons() && question.to.is_private(),
    };
    Delivery::Send(Send { message, prompt: Some(prompt_name(workflow, question.name())) })
}

/// The same question with other toggles on, or another page.
pub(super) fn refreshed(workflow: WorkflowId, question: &OpenQuestion) -> Delivery {
    let message =
        Message { text: words(question, None), buttons: buttons(workflow, question), force_reply: false };
    Delivery::Edit(Edit {
        prompt: prompt_name(workflow, question.name()),
        message_id: None,
        message: Some(message),
        closes: false,
    })
}

/// The end of a prompt: its keyboard goes, and where a button chose something, what was chosen shows.
pub(super) fn closed(workflow: WorkflowId, question: &OpenQuestion, chosen: Option<Text>) -> Delivery {
    let message = chosen.map(|choice| {
        Message::plain(Text::Paragraphs(vec![words(question, None), text!("chosen", choice = choice)]))
    });
    Delivery::Edit(Edit {
        prompt: prompt_name(workflow, question.name()),
        message_id: None,
        message,
        closes: true,
    })
}

/// What a prompt's message id is kept under.
fn prompt_name(workflow: WorkflowId, question: &str) -> String {
    format!("{workflow} {question}")
}

/// Reads what [`prompt_name`] wrote.
pub(crate) fn read_prompt_name(prompt: &str) -> Option<(WorkflowId, &str)> {
    let (workflow, question) = prompt.split_once(' ')?;
    Some((workflow.parse().ok()?, question))
}

fn words(question: &OpenQuestion, lead_in: Option<&Text>) -> Text {
    let mut texts: Vec<Text> =
        lead_in.into_iter().chain(question.parts.iter().map(|part| &part.text)).cloned().collect();
    if texts.len() == 1 { texts.remove(0) } else { Text::Paragraphs(texts) }
}

fn buttons(workflow: WorkflowId, question: &OpenQuestion) -> Vec<Vec<Button>> {
    let button = |label: Text, pressed: &str| Button { label, data: data(workflow, question, pressed) };
    let mut rows = Vec::new();
    let mut last = Vec::new();
    for part in &question.parts {
        let options = part.kind.options();
        let on_page = options.iter().skip(question.page * PAGE).take(PAGE);
        let labelled: Vec<Button> = on_page
            .map(|option| {
                let on = question.picked.contains(&option.key);
                let label =
                    if on { text!("picked", choice = option.label.clone()) } else { option.label.clone() };
                button(label, &format!(".{}", short_hash(&option.key)))
            })
            .collect();
        rows.extend(labelled.chunks(2).map(<[Button]>::to_vec));
        if options.len() > PAGE {
            rows.push(pages(options.len().div_ceil(PAGE), question.page, button));
        }
        if matches!(part.kind, Kind::Toggles { .. }) {
            last.push(button(text!("done"), "="));
        }
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

fn pages(count: usize, page: usize, button: impl Fn(Text, &str) -> Button) -> Vec<Button> {
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
    use crate::engine::question::{Option_, Part};

    #[test]
    fn a_button_says_in_64_bytes_what_it_means() {
        let workflow = WorkflowId::started_by(&"somewhere", &"something");
        let question = OpenQuestion {
            parts: vec![Part {
                name: "a question with quite a long name/and a scope#17".to_owned(),
                text: Text::literal("Which?"),
                kind: Kind::Choice {
                    options: vec![Option_ { key: "k".repeat(200), label: Text::literal("This") }],
                },
            }],
            to: "operations:7:0:7".parse().unwrap(),
            skippable: true,
            back: true,
            deadline: None,
            n: 0,
            picked: Default::default(),
            page: 0,
        };
        let rows = buttons(workflow, &question);
        let all: Vec<&Button> = rows.iter().flatten().collect();
        assert_eq!(all.len(), 3);
        let hash = short_hash(&"k".repeat(200));
        let meanings = [Pressed::Option(&hash), Pressed::Back, Pressed::Skip];
        for (button, meaning) in all.iter().zip(meanings) {
            assert!(button.data.len() <= 64, "{}", button.data);
            assert_eq!(read_data(&button.data), Some((workflow, question_hash(&question).as_str(), meaning)));
        }
        for garbage in ["", "x", "ä", &"ä".repeat(32), "1234567890123456789012345678901234567890"] {
            let _ = read_data(garbage);
        }
    }
}
