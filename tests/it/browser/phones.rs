//! Several people in one browser: phones side by side, files that are dropped, places that move, topics.

use serde_json::json;

use super::{Browser, ENTER, in_a_browser};
use crate::dev::{ADA, BO, Dev, Start};

const ARROW_DOWN: &str = "\u{E015}";
const SPACE: &str = " ";

/// Drops pictures of these colours on the zone of the chat that takes them as `how`.
async fn drop(browser: &Browser, how: &str, colours: &[&str]) {
    let script = "const [how, colours, done] = arguments;
        const draw = async (colour) => {
            const canvas = new OffscreenCanvas(640, 480), pen = canvas.getContext('2d');
            pen.fillStyle = colour;
            pen.fillRect(0, 0, 640, 480);
            pen.fillStyle = 'rgb(255 255 255 / 25%)';
            pen.arc(320, 300, 150, 0, 7);
            pen.fill();
            return new File([await canvas.convertToBlob()], `${colour}.png`, { type: 'image/png' });
        };
        Promise.all(colours.map(draw)).then((files) => {
            const dataTransfer = new DataTransfer(), chat = document.querySelector('#chat');
            for (const file of files) dataTransfer.items.add(file);
            const happen = (what, where) => where.dispatchEvent(new DragEvent(what, { dataTransfer, bubbles: true, cancelable: true }));
            happen('dragenter', chat);
            const zone = document.querySelector(`[data-drop=${how}]`);
            const seen = zone.checkVisibility();
            happen('drop', zone);
            done(seen);
        });";
    let seen = browser.ask("/execute/async", json!({ "script": script, "args": [how, colours] })).await;
    assert_eq!(seen, true, "whoever drags sees where to drop");
}

/// Presses the newest button that says so, once it is there.
async fn tap(browser: &Browser, label: &str) {
    let label = json!(label);
    let found =
        format!("[...document.querySelectorAll('.key')].findLast((key) => key.textContent === {label})");
    browser.until(&found).await;
    browser.eval(&format!("{found}.click()")).await;
}

/// Writes into the open chat.
async fn write(browser: &Browser, words: &str) {
    browser.keys("#text", &format!("{words}{ENTER}")).await;
}

async fn reads(browser: &Browser, words: &str) {
    let words = json!(words);
    browser.until(&format!("document.querySelector('#messages').textContent.includes({words})")).await;
}

fn phone_of(person: i64) -> String {
    format!(".phone[data-person='{person}'] iframe")
}

#[tokio::test]
async fn two_people_talk_in_german_on_phones_side_by_side() {
    in_a_browser(async |browser| {
        let data = tempfile::tempdir().unwrap();
        let dev = Start::own(data.path()).start().await;
        dev.act("languages", json!({ "person": ADA, "language": "de" })).await;
        browser.resize(1280, 860).await;
        browser.colours("light").await;
        browser.open(&dev.telegram).await;
        browser.click("#side-by-side").await;
        browser.until("document.querySelectorAll('.phone').length === 3").await;
        browser.click("[data-phone-of='103']").await;
        browser.until("document.querySelectorAll('.phone').length === 2").await;
        let (ada, bo) = (phone_of(ADA), phone_of(BO));

        browser.enter(Some(&bo)).await;
        browser.click("#start").await;
        reads(browser, "Hallo, Bo!").await;

        // An approval: each sees it on their own phone.
        browser.enter(Some(&ada)).await;
        browser.click("#start").await;
        reads(browser, "Hallo, Ada!").await;
        write(browser, "/approve").await;
        reads(browser, "Wofür brauchst du ein Ja?").await;
        write(browser, "Ein neuer Verteiler, 400 €").await;
        tap(browser, "1 Stunde").await;
        tap(browser, "Bo").await;
        reads(browser, "Bo ist gefragt").await;
        browser.enter(Some(&bo)).await;
        reads(browser, "Ada bittet um dein Ja").await;

        // Meanwhile a report with an album, by drag and drop.
        browser.enter(Some(&ada)).await;
        write(browser, "/report").await;
        tap(browser, "Technik").await;
        tap(browser, "Food Court").await;
        tap(browser, "Power").await;
        reads(browser, "als ein Album").await;
        drop(browser, "media", &["slategray", "peru", "seagreen"]).await;
        browser.until("document.querySelector('#files-title').textContent === 'Send 3 photos'").await;
        browser.click("#files-sheet .primary").await;
        browser.until("document.querySelectorAll('.album.mine .photo').length === 3").await;
        reads(browser, "Was sollten wir wissen?").await;
        browser.enter(None).await;
        for (scheme, name) in [("dark", "chat-dark"), ("light", "chat")] {
            browser.colours(scheme).await;
            browser.documented(name).await;
        }
        browser.enter(Some(&ada)).await;
        write(browser, "Die linke Dose funkt, wenn es regnet.").await;
        tap(browser, "Abschicken").await;
        reads(browser, "Das Team weiß jetzt Bescheid").await;

        browser.enter(Some(&bo)).await;
        tap(browser, "Ja").await;
        browser.enter(Some(&ada)).await;
        reads(browser, "Bo sagt Ja").await;
        browser.enter(None).await;
        assert!(
            browser.eval("location.hash").await.as_str().unwrap().contains('+'),
            "the address names both"
        );
        browser.click("#one-phone").await;
        browser.until("document.querySelectorAll('.phone').length === 0").await;
        reads(browser, "Bo sagt Ja").await;
    })
    .await;
}

#[tokio::test]
async fn a_live_location_moves_by_keyboard_and_files_go_as_they_are() {
    in_a_browser(async |browser| {
        let data = tempfile::tempdir().unwrap();
        let dev = Start::own(data.path()).start().await;
        browser.resize(390, 800).await;
        browser.open(&format!("{}/#{ADA}/operations:{ADA}", dev.telegram)).await;
        browser.click("#start").await;
        reads(browser, "Hello, Ada!").await;

        browser.eval("document.querySelector('#attach').focus()").await;
        browser.press(SPACE).await;
        browser.until("document.activeElement.dataset.attach === 'photo'").await;
        browser.press(&format!("{ARROW_DOWN}{ARROW_DOWN}{ENTER}")).await;
        browser.until("document.querySelector('#location-sheet').open").await;
        browser.eval("document.querySelector('[name=live]').value = '900'").await;
        browser.click("#location-sheet .primary").await;
        browser.until("document.querySelector('.live .map') !== null").await;
        let degrees = "document.querySelector('.degrees').textContent";
        let before = browser.eval(degrees).await;
        browser.eval("document.querySelector('.map').focus()").await;
        browser.press(ARROW_DOWN).await;
        browser.until(&format!("{degrees} !== {before}")).await;
        assert_eq!(
            browser.eval("document.activeElement.className").await,
            "map",
            "the focus stays on the map"
        );

        drop(browser, "document", &["peru", "seagreen"]).await;
        browser.until("document.querySelector('#files-title').textContent === 'Send 2 files'").await;
        browser.press(ENTER).await;
        browser.until("document.querySelectorAll('.album.mine .file').length === 2").await;
        browser.screenshot("narrow").await;
    })
    .await;
}

#[tokio::test]
async fn each_topic_of_a_group_has_a_conversation_of_its_own() {
    in_a_browser(async |browser| {
        let data = tempfile::tempdir().unwrap();
        let dev = Start::own(data.path()).start().await;
        let people = json!({ "title": "Night shift", "people": [ADA, BO], "bots": ["operations"] });
        let group = dev.act("groups", people).await["id"].as_i64().unwrap();
        browser.open(&format!("{}/#{ADA}/:{group}", dev.telegram)).await;
        browser.click("#new-topic").await;
        browser.keys("#topic-sheet [name=name]", &format!("Lost and found{ENTER}")).await;
        browser
            .until("document.querySelector('#topics [aria-pressed=true]')?.textContent === 'Lost and found'")
            .await;
        reads(browser, "Topic “Lost and found” opened").await;
        write(browser, "/help").await;
        reads(browser, "This is what I can do").await;
        browser.click("[data-topic=general]").await;
        browser.until("document.querySelectorAll('#messages .message').length === 0").await;
        browser.click("#topics [data-topic]:last-child").await;
        browser.until("document.querySelectorAll('#messages .message').length === 2").await;
    })
    .await;
}

#[tokio::test]
async fn a_transcript_is_played_step_by_step_on_its_peoples_phones() {
    in_a_browser(async |browser| {
        let data = tempfile::tempdir().unwrap();
        let dev = Start::own(data.path()).start().await;
        let transcript = data.path().join("decided.talk");
        let script = "~ Ada speaks de\n~ Dora is here\n\
            # Dora entscheidet.\n> Ada: /approve\n< Wofür brauchst du ein Ja? Schreib es so, dass man ohne Rückfrage entscheiden kann.\n\
            > Ada: Ein Zelt\n< Wie lange kannst du auf die Antwort warten? [10 Minuten] [1 Stunde] [1 Tag] [‹ Zurück]\n\
            > Ada taps: 1 Stunde\n< Wer entscheidet? [Dora] [‹ Zurück]\n\
            > Ada taps: Dora\n< Dora: Ada asks for your yes:\n  Ein Zelt\n  You have 1 hour. [Approve] [Decline]\n\
            … 2 hours pass\n> Ada taps: Zurückziehen\n< Das sagt hier niemand.\n";
        std::fs::write(&transcript, script).unwrap();
        browser.resize(1440, 860).await;
        browser.open(&dev.telegram).await;
        browser.click("#show-behind").await;
        browser.click("#tab-replay").await;
        browser.keys("#pick-transcript", transcript.to_str().unwrap()).await;
        browser.until("document.querySelectorAll('.phone').length === 2").await;
        let outcome = |n: usize| format!("document.querySelectorAll('.scene')[{n}].dataset.how");
        // Step by step, then on by itself.
        browser.until("!document.querySelector('#replay-step').disabled").await;
        browser.click("#replay-step").await;
        browser.until(&format!("{} === 'done'", outcome(0))).await;
        assert_eq!(browser.eval("document.querySelectorAll('[data-how]').length").await, 1);
        browser.until("!document.querySelector('#replay-step').disabled").await;
        browser.click("#replay-play").await;
        browser.until(&format!("{} === 'different'", outcome(7))).await;
        for n in 1..6 {
            assert_eq!(browser.eval(&outcome(n)).await, "done", "step {n}");
        }
        assert_eq!(browser.eval(&outcome(6)).await, "skipped", "time is not turned here");
        browser.screenshot("replay").await;
    })
    .await;
}

#[tokio::test]
async fn the_colours_are_chosen_and_kept() {
    in_a_browser(async |browser| {
        let data = tempfile::tempdir().unwrap();
        let dev: Dev = Start::own(data.path()).start().await;
        browser.colours("light").await;
        browser.open(&dev.telegram).await;
        let ground = "getComputedStyle(document.body).backgroundColor";
        let light = browser.eval(ground).await;
        browser.click("#theme").await;
        let dark = browser.eval(ground).await;
        assert_ne!(light, dark);
        browser.open(&dev.telegram).await;
        assert_eq!(browser.eval(ground).await, dark, "they are kept");
        // Whoever wants what the system has goes with the system again.
        browser.click("#theme").await;
        assert_eq!(browser.eval(ground).await, light);
        browser.colours("dark").await;
        browser.until("document.querySelector('#theme').dataset.next === 'light'").await;
        assert_eq!(browser.eval(ground).await, dark);
    })
    .await;
}
