//! Scripts that misbehave, and answers that are too large.

use std::{collections::BTreeMap, task::Poll};

use super::{app, folded_through_json, goes_on, head, log, pick, plays, q, somebody, t};
use crate::{
    engine::{
        Chat, Decided, Given, Refusal, Status, Table, Target, Workflow, choice, decide, play,
        rehearse::world::World, route, text,
    },
    model::{Content, Input, InputKey, Shared, What},
};

/// What a script that misbehaves is refused with.
#[track_caller]
fn refused<F: Future<Output = ()> + 'static>(
    script: impl Fn(Chat) -> F + std::marker::Send + Sync + 'static,
    acts: &str,
) -> String {
    play(&app(script), acts).unwrap_err().got
}

#[test]
fn a_script_that_panics_is_refused_with_its_last_words() {
    let why = refused(
        |chat: Chat| async move {
            chat.ask(q("a")).await;
            panic!("oh no: {}", 7);
        },
        "> Ada: /go\n> Ada: 1\n",
    );
    assert_eq!(why, "the script `go` panicked: oh no: 7");
    assert!(refused(|_| async { panic!("at once") }, "> Ada: /go\n").ends_with("at once"));
}

#[test]
fn a_script_that_never_ends_is_refused() {
    let most = "the script `go` panicked: the script does more than 10000 chat operations";
    let says = |chat: Chat| async move {
        loop {
            chat.say(t("again"));
        }
    };
    assert_eq!(refused(says, "> Ada: /go\n"), most);
    let looks = |chat: Chat| async move { while chat.now().timestamp() > 0 {} };
    assert_eq!(refused(looks, "> Ada: /go\n"), most);
    let wakes = |_| {
        std::future::poll_fn(|context: &mut std::task::Context<'_>| {
            context.waker().wake_by_ref();
            Poll::Pending
        })
    };
    assert_eq!(refused(wakes, "> Ada: /go\n"), "the script `go` panicked: the script wakes itself for ever");
    let reopens = |chat: Chat| async move {
        chat.ask(q("a")).await;
        chat.reopen(["b"]).await;
    };
    let why = refused(reopens, "> Ada: /go\n> Ada: 1\n");
    assert!(why.ends_with("it reopened questions 10 times in one turn"), "{why}");
}

#[test]
fn names_that_would_be_confused_are_refused() {
    let asks = |name: &'static str| move |chat: Chat| async move { _ = chat.ask(q(name)).await };
    assert!(refused(asks("a#1"), "> Ada: /go\n").contains("`a#1` can't be a question's name"));
    assert!(refused(asks("a@b"), "> Ada: /go\n").contains("`a@b` can't be a question's name"));
    let scoped = |chat: Chat| async move { _ = chat.scope("a@b").ask(q("x")).await };
    assert!(refused(scoped, "> Ada: /go\n").contains("`a@b` can't be a scope"));
    let long = |chat: Chat| async move { _ = chat.ask(text(&"x".repeat(301), t("x?"))).await };
    assert!(refused(long, "> Ada: /go\n").contains("longer than 300 bytes"));
}

#[test]
fn a_choice_of_nothing_is_refused_rather_than_waited_for() {
    let nothing = |chat: Chat| async move { _ = chat.ask(pick("which", &[])).await };
    assert!(refused(nothing, "> Ada: /go\n").ends_with("the question `which#0` has nothing to choose from"));
    plays(
        &app(|chat: Chat| async move { _ = chat.ask(pick("which", &[]).optional()).await }),
        "> Ada: /go\n< which? [Skip]\n> Ada taps: Skip\n",
    );
}

#[test]
fn who_asks_or_tells_nobody_is_refused() {
    let starts = |chat: Chat| async move { _ = chat.start("child", ()) };
    let with = |child: Workflow| {
        Table::new().workflow(Workflow::new("go", starts).command("go", t("Go"))).workflow(child)
    };
    let asks = with(Workflow::new("child", |chat: Chat| async move { _ = chat.ask(q("a")).await }));
    let why = play(&asks, "> Ada: /go\n").unwrap_err().got;
    assert_eq!(why, "the script `child` panicked: it asks `a`, but nobody talks to it: use `ask_of`");
    let says = with(Workflow::new("child", |chat: Chat| async move { chat.say(t("a")) }));
    let why = play(&says, "> Ada: /go\n").unwrap_err().got;
    assert_eq!(why, "the script `child` panicked: it says something, but nobody talks to it: use `tell`");
}

async fn talks(chat: Chat, count: usize) {
    (0..count).for_each(|i| chat.say(t(format!("{i}"))));
    chat.ask(q("end")).await;
}

#[test]
fn fifty_effects_are_allowed_and_more_are_stuck() {
    let fine = app(|chat| talks(chat, 49));
    assert_eq!(World::new(&fine).play("> Ada: /go\n").unwrap().lines().count(), 51);
    let table = app(|chat| talks(chat, 50));
    let stuck = "< Something went wrong on our side, and we have been told. Send /start to begin again.\n";
    let mut world = plays(&table, &format!("> Ada: /go\n{stuck}"));
    assert_eq!((head(&world).status, head(&world).open.len()), (Status::Stuck, 0));
    // The same in the middle.
    let later = app(|chat: Chat| async move {
        chat.ask(pick("a", &["x"])).await;
        talks(chat, 50).await;
    });
    world.table = &later;
    goes_on(&mut world, &format!("> Ada: /go\n< a? [x]\n> Ada taps: x\n{stuck}"));
    assert_eq!(super::keyboards(&world), 0);
}

#[test]
fn many_prompts_may_close_at_once() {
    let table = app(|chat: Chat| async move {
        let some = |from: usize| {
            let chat = chat.clone();
            (from..from + 30).map(move |i| {
                let chat = chat.scope(i);
                async move { chat.ask(pick("a", &["x"])).await }
            })
        };
        let others = futures_util::future::join_all(some(0));
        let rest = async {
            chat.ask(pick("rest", &["rest"])).await;
            futures_util::future::join_all(some(30)).await;
        };
        futures_util::future::join(others, rest).await;
    });
    let mut world = plays(&table, "");
    world.play("> Ada: /go\n> Ada taps: rest\n").unwrap();
    assert_eq!(super::keyboards(&world), 60);
    goes_on(&mut world, "> Ada: /cancel\n< Cancelled.\n");
    assert_eq!((super::keyboards(&world), head(&world).status), (0, Status::Cancelled));
}

#[test]
fn a_large_answer_stays_in_its_entry_and_still_counts() {
    let table = app(|chat: Chat| async move {
        let words = chat.ask(text("words", t("Words?")).length(1, 4096)).await;
        let (more, _) = chat.ask(pick("more", &["yes", "no"])).await;
        chat.say(t(format!("{} {more}", words.chars().count())));
        chat.ask(q("end")).await;
    });
    let long = "ä".repeat(4000);
    let mut world = plays(&table, "");
    world.play(&format!("> Ada: /go\n> Ada: {long}\n")).unwrap();
    let key = log(&world)[1].input.key.clone();
    assert_eq!(head(&world).standing[0].given, Given::InEntry(key.clone()));
    assert_eq!(head(&world).needed_entries().into_iter().collect::<Vec<_>>(), [&key]);
    assert!(serde_json::to_string(head(&world)).unwrap().len() < 4096);
    goes_on(&mut world, "> Ada taps: yes\n< 4000 yes\n< end? [‹ Back]\n");
    // Folding on what was recalled is folding on what was stored.
    let id = head(&world).workflow;
    let mut recalled = folded_through_json(id, &log(&world)[..2]);
    recalled.recall(&log(&world)[1]);
    assert!(matches!(&recalled.standing[0].given, Given::Recalled { .. }));
    let folded = crate::engine::Head::fold(Some(recalled), id, &log(&world)[2]).unwrap();
    assert_eq!((&folded, head(&world)), (head(&world), &folded_through_json(id, log(&world))));
}

#[test]
fn a_deadline_beyond_all_time_never_passes() {
    let table = app(|chat: Chat| async move {
        _ = chat.ask(q("a").within(chrono::TimeDelta::MAX)).await;
    });
    let world = plays(&table, "> Ada: /go\n< a?\n");
    assert_eq!(head(&world).next_deadline(), None);
}

#[test]
fn a_workflow_whose_script_is_gone_says_which() {
    let table = app(|chat: Chat| async move { _ = chat.ask(q("a")).await });
    let world = plays(&table, "> Ada: /go\n< a?\n");
    let input = Shared::from(Input {
        key: InputKey::update(&"rehearsal".parse().unwrap(), 9),
        what: What::Said(Content::Text("1".to_owned())),
        ..Input::clone(&log(&world)[0].input)
    });
    let empty = Table::new();
    let target = Target { current: Some(head(&world)), ..Target::default() };
    let decided = decide(&empty, &input, &route(&empty, &input, None, None), target, &BTreeMap::new());
    assert_eq!(decided, Err(Refusal::NoScript("go".to_owned())));
    // And deciding twice is deciding once.
    let twice =
        || decide(&table, &input, &route(&table, &input, None, None), target, &BTreeMap::new()).unwrap();
    assert!(matches!(twice(), Decided::Done(_)));
    assert_eq!(twice(), twice());
}

#[test]
fn a_choice_asked_of_somebody_is_theirs_even_if_it_is_large() {
    let labels: Vec<String> = (0..100).map(|i| format!("{i} {}", "y".repeat(60))).collect();
    let table = app(move |chat: Chat| {
        let labels = labels.clone();
        async move {
            chat.ask(pick("begin", &["Begin"])).await;
            let choices = labels.into_iter().map(|label| (label.clone(), t(label)));
            let answer = chat.ask_of(&somebody(1001, "Ada"), choice("which", t("which?"), choices)).await;
            chat.say(t(answer.unwrap().0[..2].to_owned()));
        }
    });
    let mut world = plays(&table, "> Ada: /go\n< begin? [Begin]\n");
    world.play("> Ada taps: Begin\n> Ada taps: More ›\n").unwrap();
    goes_on(&mut world, &format!("> Ada taps: 21 {}\n< 21\n", "y".repeat(60)));
}
