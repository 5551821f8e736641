//! `/start` asks how the day was. Make it your own.

use backline::{
    choices,
    engine::{Chat, choice, text},
    text,
};

choices! {
    enum Day: "hello-day" { Good = "good", Mixed = "mixed", Bad = "bad" }
}

/// A conversation, top to bottom. It may take a minute or a week, and survives restarts and new versions.
pub(crate) async fn hello(chat: Chat) {
    let day = chat.ask(choice("day", text!("hello-day"), Day::ALL)).await;
    if day == Day::Good {
        return chat.say(text!("hello-glad"));
    }
    let why = chat.ask(text("why", text!("hello-why")).length(3, 500).optional()).await;
    match why {
        Some(why) => chat.say(text!("hello-noted", why = why)),
        None => chat.say(text!("hello-tomorrow")),
    }
}

#[cfg(test)]
mod tests {
    use backline::engine::rehearse_table;

    #[test]
    fn it_goes_as_the_transcript_says() {
        rehearse_table(&crate::table(), include_str!("hello.talk")).unwrap();
    }
}
