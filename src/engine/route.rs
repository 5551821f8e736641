//! Where an input goes: to the workflow it names, to the current one, to a new one, or to none.

use super::{
    effect::{read_data, read_prompt_name},
    table::{Table, Workflow},
};
use crate::{
    model::{ChatKind, Content, Delivery, Edit, Input, Message, Send, Text, What, WorkflowId},
    text,
};

/// Where an input goes.
#[derive(Clone)]
pub enum Route<'a> {
    /// To the workflow it names: a button, a deadline, a result, a reply to a prompt (of this question).
    Named(WorkflowId, Option<&'a str>),
    /// To the conversation's current workflow, if it has one that runs.
    Current,
    /// To a new workflow; the current one is put aside.
    Begin(&'a Workflow),
    /// To none.
    Outside,
}

/// Where `input` goes. `prompt` is what the prompt was kept under that the person replied to, if it was one.
pub fn route<'a>(table: &'a Table, input: &Input, prompt: Option<&'a str>) -> Route<'a> {
    match &input.what {
        What::Press { data, .. } => match read_data(data) {
            Some((workflow, ..)) => Route::Named(workflow, None),
            None => Route::Outside,
        },
        What::Elapsed { workflow, .. }
        | What::Returned { workflow, .. }
        | What::Unreachable { workflow, .. } => Route::Named(*workflow, None),
        What::Command { name, .. } => match name.as_str() {
            "cancel" | "back" => Route::Current,
            name => table.for_command(name).map_or(Route::Outside, Route::Begin),
        },
        What::Said(_) => match prompt.and_then(read_prompt_name) {
            Some((workflow, question)) => Route::Named(workflow, Some(question)),
            None => Route::Current,
        },
        What::Started { script, .. } => table.named(script).map_or(Route::Outside, Route::Begin),
        What::Edited(_) | What::Membership { .. } | What::Ignored { .. } => Route::Outside,
    }
}

/// What is done about an input that no workflow takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outside {
    /// Sent to the conversation.
    pub deliveries: Vec<Delivery>,
    /// For whoever pressed a button.
    pub toast: Option<Text>,
}

/// Answers an input that no workflow takes.
#[must_use]
pub(super) fn outside(table: &Table, input: &Input) -> Outside {
    let say = |text: Text| Outside {
        deliveries: vec![Delivery::Send(Send { message: Message::plain(text), prompt: None })],
        toast: None,
    };
    match &input.what {
        What::Press { .. } => Outside {
            deliveries: input.message_id.map(strip).into_iter().collect(),
            toast: Some(text!("stale-button")),
        },
        What::Command { name, .. } => match name.as_str() {
            "help" | "start" => say(help(table)),
            "cancel" => say(text!("nothing-to-cancel")),
            "back" => say(text!("no-way-back")),
            // In a group the command may be another bot's.
            _ if input.chat != ChatKind::Private => Outside::default(),
            other => say(text!("unknown-command", command = other)),
        },
        What::Said(_) if input.chat == ChatKind::Private => say(text!("unknown-input")),
        What::Edited(Content::Text(_)) if input.chat == ChatKind::Private => say(text!("edited")),
        _ => Outside::default(),
    }
}

fn strip(message_id: i64) -> Delivery {
    Delivery::Edit(Edit { prompt: String::new(), message_id: Some(message_id), message: None, closes: false })
}

/// Every command with what it is for.
pub(crate) fn help(table: &Table) -> Text {
    let own =
        table.commands().map(|(command, title)| text!("help-line", command = command, title = title.clone()));
    let lines = own.chain([text!("help-cancel"), text!("help-help")]).collect();
    Text::Paragraphs(vec![text!("help"), Text::Lines { lines }])
}
