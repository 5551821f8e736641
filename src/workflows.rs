//! Backline's own workflows: the only table.

use crate::{
    Text,
    engine::{Chat, Table, Workflow, choice, text},
};

async fn report(chat: Chat) {
    let kinds = ["Cleaning", "Security"].map(|kind| (kind.to_lowercase(), Text::literal(kind)));
    let (kind, _) = chat.ask(choice("kind", Text::literal("What is wrong?"), kinds)).await;
    let note = chat.ask(text("note", Text::literal("Describe it."))).await;
    chat.say(Text::literal(format!("Thank you: {kind}, {note}.")));
}

/// Backline as an app of its own.
#[must_use]
pub fn table() -> Table {
    Table::new().workflow(Workflow::new("report", report).command("report", Text::literal("Report an issue")))
}
