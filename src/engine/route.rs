//! Where an input goes: to the workflow it names, to the current one, to a new one, or to none.

use super::{
    effect::{read_data, read_prompt_name},
    log::{StartedBy, is_of_somebody},
    table::{Table, Workflow},
};
use crate::{
    model::{ChatKind, Content, Delivery, Edit, Input, Message, Send, Text, What, WorkflowId},
    text,
};

/// Where an input goes.
#[derive(Clone)]
pub enum Route<'a> {
    /// To the workflow it names: a button, a deadline, a result, an answer to a prompt (of this question).
    Named(WorkflowId, Option<&'a str>),
    /// To the conversation's current workflow, if it has one that runs.
    Current,
    /// To a new workflow; the current one is put aside.
    Begin(Beginning<'a>),
    /// To none.
    Outside,
}

/// How a workflow begins.
#[derive(Clone)]
pub struct Beginning<'a> {
    pub(super) workflow: &'a Workflow,
    pub(super) by: StartedBy,
}

/// Where `input` goes. Prompts are given by what their message ids are kept under: `replied_to` is the one that the
/// person replied to, `newest` the one that the conversation was sent last. Where that asks somebody by name, it is
/// answered without a reply, too: so `newest` is given only while no current workflow of the conversation
/// [waits](super::Head::waits_for) for anything there.
pub fn route<'a>(
    table: &'a Table,
    input: &Input,
    replied_to: Option<&'a str>,
    newest: Option<&'a str>,
) -> Route<'a> {
    match &input.what {
        What::Press { data, .. } => match read_data(data) {
            Some((workflow, ..)) => Route::Named(workflow, None),
            None => Route::Outside,
        },
        What::Elapsed { workflow, .. }
        | What::Returned { workflow, .. }
        | What::Unreachable { workflow, .. } => Route::Named(*workflow, None),
        What::Command { name, payload } => match name.as_str() {
            "cancel" | "back" => Route::Current,
            name => by_command(table, name, payload.as_deref()).map_or(Route::Outside, Route::Begin),
        },
        What::Said(_) => {
            let replied_to = replied_to.and_then(read_prompt_name);
            // In a group people talk to one another, too.
            let newest = newest.filter(|_| input.chat == ChatKind::Private).and_then(read_prompt_name);
            match replied_to.or(newest.filter(|(_, question)| is_of_somebody(question))) {
                Some((workflow, question)) => Route::Named(workflow, Some(question)),
                None => Route::Current,
            }
        }
        What::Started { script, payload, .. } => table.named(script).map_or(Route::Outside, |workflow| {
            Route::Begin(Beginning { workflow, by: StartedBy::Workflow { payload: payload.clone() } })
        }),
        What::Edited(_) | What::Membership { .. } | What::Ignored { .. } => Route::Outside,
    }
}

/// The workflow that a command starts; `/start report-7`, which a link sends, is `/report 7`.
fn by_command<'a>(table: &'a Table, name: &str, payload: Option<&str>) -> Option<Beginning<'a>> {
    let begin = |name: &str, payload: Option<&str>| {
        let payload = payload.filter(|payload| !payload.is_empty()).map(str::to_owned);
        let by = StartedBy::Command { name: name.to_owned(), payload };
        Some(Beginning { workflow: table.for_command(name)?, by })
    };
    let linked = payload.filter(|_| name == "start").and_then(|payload| {
        // A link's payload holds letters, digits, `_` and `-` only
        // (<https://core.telegram.org/bots/features#deep-linking>), and `_` may be part of a command.
        let (command, rest) = payload.split_once(['-', ' ']).unwrap_or((payload, ""));
        let command = command.to_lowercase();
        begin(&command, Some(rest)).filter(|_| command != "start")
    });
    linked.or_else(|| begin(name, payload))
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
        What::Said(Content::Location(_)) if input.chat == ChatKind::Private => say(text!("position-noted")),
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
    let (cancel, help) = (text!("cancel-title"), text!("help-title"));
    let all = table.commands().chain([("cancel", &cancel), ("help", &help)]);
    let lines = all.map(|(command, title)| text!("help-line", command = command, title = title.clone()));
    let lines = lines.collect();
    Text::Paragraphs(vec![text!("help"), Text::Lines { lines }])
}
