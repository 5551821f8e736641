//! Whole conversations through the front door, and what goes wrong on the way.

mod attempts;
mod dead_letters;
mod doors;
mod languages;
mod others;
mod pacing;
mod processes;
mod protocol;
mod reference;
mod retention;
mod sending;

use crate::harness::{ADA, App, BO};

#[tokio::test]
async fn a_conversation_is_had() {
    let app = App::start().await;
    app.says(ADA, "/order").await;
    app.says(ADA, "Ada Lovelace").await;
    app.presses(ADA, "Blue").await;
    assert_eq!(app.saw(ADA), ["Your name?", "Which colour?\n\n✓ Blue", "Thanks, Ada Lovelace.", "Blue"]);
}

#[tokio::test]
async fn somebody_else_is_asked_and_everybody_hears() {
    for apart in [false, true] {
        let app = if apart { App::apart().await } else { App::start().await };
        app.says(BO, "/start").await;
        app.says(ADA, "/approve").await;
        app.says(ADA, "Paint").await;
        app.presses(BO, "Yes").await;
        assert_eq!(app.saw(ADA), ["What for?", "Paint: Yes"]);
        assert_eq!(app.saw(BO), ["Hello.", "Somebody needs you.", "Approve Paint?\n\n✓ Yes", "Noted."]);
    }
}
