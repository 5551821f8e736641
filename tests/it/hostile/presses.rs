//! Presses that nobody offered: data of somebody else's buttons, and data that was made up.

use backline::dev::telegram::{Act, Spot};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;

use crate::harness::{ADA, App, BO, CLEO};

/// A press as Telegram tells of it, in the private chat of whoever pressed.
fn press(update_id: u64, person: i64, data: &str) -> String {
    json!({ "update_id": update_id, "callback_query": {
        "id": update_id.to_string(), "data": data, "chat_instance": "1",
        "from": { "id": person, "is_bot": false, "first_name": "Mallory" },
        "message": { "message_id": 1, "date": 1, "chat": { "id": person, "type": "private" } },
    }})
    .to_string()
}

#[tokio::test]
async fn a_foreign_press_is_stale_and_leaves_no_trace_in_the_workflow_that_it_names() {
    let app = App::start().await;
    app.says(BO, "/start").await;
    app.says(ADA, "/approve").await;
    app.says(ADA, "Paint").await;
    let (_, bos) = app.button(BO, "Yes").unwrap();
    app.says(CLEO, "/order").await;
    app.says(CLEO, "Cleo").await;
    let (_, cleos) = app.button(CLEO, "Blue").unwrap();
    let before = app.story();
    for (n, (person, data)) in
        [(CLEO, &bos), (ADA, &cleos), (BO, &cleos), (999, &bos)].into_iter().enumerate()
    {
        app.post(&press(900 + n as u64, person, data)).await;
        app.settle().await;
    }
    assert_eq!(app.story(), before);
    assert!(app.toasts().iter().all(|toast| !toast.is_empty()), "{:?}", app.toasts());
    // Those who were asked can still answer.
    app.presses(BO, "Yes").await;
    app.presses(CLEO, "Blue").await;
    assert_eq!(app.sent(ADA).last().unwrap(), "Paint: Yes");
    assert_eq!(app.sent(CLEO).last().unwrap(), "Blue");
}

#[tokio::test]
async fn in_a_group_who_was_not_asked_is_told_so() {
    let app = App::start().await;
    let group = app.telegram.add_group("Team", &[ADA, BO], &["operations"]).unwrap();
    app.skip_updates();
    let says = |text: &str| {
        app.update(Act::Say { spot: Spot::group(ADA, group), text: text.to_owned(), reply_to: None })
    };
    app.post(&says("/order")).await;
    app.post(&app.replying_in(group, ADA, "Your name?", "Ada")).await;
    let shown = app.telegram.messages(&format!(":{group}"));
    let asked =
        shown.iter().rev().find(|message| !message["reply_markup"]["inline_keyboard"].is_null()).unwrap();
    let (message_id, data) = (
        asked["message_id"].as_i64().unwrap(),
        asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"].as_str().unwrap().to_owned(),
    );
    let by =
        |person| app.update(Act::Press { spot: Spot::group(person, group), message_id, data: data.clone() });
    app.post(&by(BO)).await;
    assert!(app.workflows()[0].head.open.len() == 1 && !app.toasts()[0].is_empty(), "{:?}", app.toasts());
    app.post(&by(ADA)).await;
    assert!(app.workflows()[0].head.open.is_empty());
}

/// Data that looks like a button's, more or less.
fn forged(known: Vec<String>) -> impl Strategy<Value = String> {
    let changed = (prop::sample::select(known.clone()), any::<prop::sample::Index>(), any::<char>());
    let changed = changed.prop_map(|(data, at, letter)| {
        let mut letters: Vec<char> = data.chars().collect();
        let at = at.index(letters.len());
        letters[at] = letter;
        letters.into_iter().collect()
    });
    let cut = (prop::sample::select(known.clone()), any::<prop::sample::Index>());
    let cut = cut.prop_map(|(data, at)| data[..at.index(data.len())].to_owned());
    let paged = (prop::sample::select(known.clone()), "[0-9]{1,30}");
    let paged = paged.prop_map(|(data, page)| format!("{}p{page}", &data[..30]));
    let ended = (prop::sample::select(known), "[-<=.p]?\\PC{0,12}");
    let ended = ended.prop_map(|(data, end)| format!("{}{end}", &data[..30]));
    let made_up = "\\PC{0,64}";
    prop_oneof![changed, cut, paged, ended, made_up, Just(String::new()), Just("\u{0}".repeat(64))]
}

#[test]
fn forged_data_answers_nothing_and_breaks_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let app = runtime.block_on(async {
        let app = App::start().await;
        app.says(ADA, "/order").await;
        app.says(ADA, "Ada").await;
        app.says(BO, "/start").await;
        app
    });
    let known: Vec<String> =
        ["Red", "Blue", "‹ Back"].map(|label| app.button(ADA, label).unwrap().1).to_vec();
    let head = || {
        let mut all = app.workflows().into_iter().map(|workflow| workflow.head);
        let head = all.find(|head| head.script == "order").unwrap();
        (head.standing, head.open, head.status)
    };
    let before = head();
    let update_id = std::cell::Cell::new(10_000);
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let forged = forged(known.clone()).prop_filter("it is a button's", |data| {
        // A way back is a way back, whoever writes it.
        !known.contains(data) && !data.ends_with('<')
    });
    TestRunner::new(config)
        .run(&(forged, prop::sample::select(vec![ADA, BO])), |(data, person)| {
            update_id.set(update_id.get() + 1);
            let story = app.story();
            runtime.block_on(app.post(&press(update_id.get(), person, &data)));
            prop_assert_eq!(head(), before.clone(), "{}", data);
            prop_assert!(person == ADA || app.story() == story, "{}", data);
            Ok(())
        })
        .unwrap();
    runtime.block_on(async {
        app.settle().await;
        app.presses(ADA, "Blue").await;
        assert_eq!(app.sent(ADA).last().unwrap(), "Blue");
        assert_eq!(app.dead_letters().len(), 0);
        drop(app);
    });
}
