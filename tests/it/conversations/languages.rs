//! Everybody is spoken to in their own language, wherever they meet the bot.

use backline::model::Person;

use crate::harness::{ADA, App, BO, CLEO};
use backline::store::Container;

const ENGLISH: &str =
    "I don't know what to do with this. Send /start to begin, or /help to see what I can do.";
const GERMAN: &str = "Damit kann ich nichts anfangen. Mit /start geht es los, /help zeigt, was ich kann.";

fn cut(words: &str) -> String {
    words.chars().take(80).collect()
}

fn known_as(app: &App, person: i64) -> Option<String> {
    let people = app.documents(Container::People).into_iter();
    let mut people = people.map(|(_, document)| document.parse::<Person>().unwrap());
    people.find(|known| known.id == person).and_then(|known| known.language)
}

#[tokio::test]
async fn a_person_is_spoken_to_as_their_telegram_says() {
    let app = App::start().await;
    for (person, words) in [(ADA, ENGLISH), (BO, GERMAN), (CLEO, ENGLISH)] {
        app.says(person, "hello?").await;
        assert_eq!(app.sent(person), [cut(words)]);
    }
}

#[tokio::test]
async fn a_chosen_language_stays_whatever_telegram_says_and_can_be_taken_back() {
    let app = App::start().await;
    app.says(CLEO, "/tongue").await;
    app.presses(CLEO, "German").await;
    app.says(CLEO, "hello?").await;
    assert_eq!(app.sent(CLEO)[1..], ["übersprungen".to_owned(), cut(GERMAN)]);
    assert_eq!(app.saw(CLEO)[0], "Which tongue?\n\n✓ German", "what a label says does not change");
    assert_eq!(known_as(&app, CLEO).as_deref(), Some("de"), "a look-up finds the chosen language");
    app.restart();
    // Nobody introduces her again as Telegram does.
    let renamed = app.saying(CLEO, "hello?").replace("Cleo", "Clio");
    app.post(&renamed).await;
    assert_eq!(app.sent(CLEO)[3], cut(GERMAN));
    assert_eq!(known_as(&app, CLEO).as_deref(), Some("de"));
    app.says(CLEO, "/tongue").await;
    app.presses(CLEO, "Telegram's").await;
    app.says(CLEO, "hello?").await;
    assert_eq!(app.sent(CLEO)[5..], ["skipped".to_owned(), cut(ENGLISH)]);
    assert_eq!(known_as(&app, CLEO).as_deref(), Some("fr"));
}

#[tokio::test]
async fn a_toast_and_a_dialect_are_in_the_chosen_language() {
    let app = App::start().await;
    app.says(ADA, "/tongue").await;
    let (message, data) = app.button(ADA, "Swiss").unwrap();
    app.presses(ADA, "Swiss").await;
    app.post(&app.pressing_again(ADA, message, &data)).await;
    assert_eq!(app.toasts(), ["", "Dieser Knopf gilt nicht mehr."]);
}
