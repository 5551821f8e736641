//! Waiting for several things at once, again, or only so long.

use std::{cell::Cell, pin::pin, rc::Rc};

use chrono::TimeDelta;
use futures_util::future::{Either, join, join_all, select};

use super::{app, goes_on, head, log, moderate, pick, plays, q, t};
use crate::engine::{Chat, Given, Started, StartedBy};

async fn both(chat: Chat) {
    let a = async {
        let a = chat.ask(pick("a", &["1", "3"])).await.0;
        chat.say(t("a noted"));
        a
    };
    let (a, (b, _)) = join(a, chat.ask(pick("b", &["2"]))).await;
    chat.say(t(format!("all: {a}{b}")));
    chat.ask(q("end")).await;
}

#[test]
fn what_a_join_says_is_said_once_in_whichever_order_its_parts_are_answered() {
    let table = app(both);
    plays(
        &table,
        "\
> Ada: /go
< a? [1] [3]
< b? [2]
> Ada taps: 1
< a noted
> Ada taps: 2
< all: 12
< end? [‹ Back]
",
    );
    plays(
        &table,
        "\
> Ada: /go
< a? [1] [3]
< b? [2]
> Ada taps: 2
> Ada taps: 1
< a noted
< all: 12
< end? [‹ Back]
# An answer given anew is told anew; what stands is not.
> Ada taps: ‹ Back
< a? [1] [3] [‹ Back]
> Ada taps: 3
< a noted
< all: 32
< end? [‹ Back]
",
    );
}

#[test]
fn a_select_is_decided_once_and_its_loser_changes_nothing() {
    async fn race(chat: Chat) {
        match select(pin!(chat.call(moderate("slow"))), pin!(chat.ask(pick("skip", &["Skip it"])))).await {
            Either::Left((verdict, _)) => chat.say(t(format!("It was {verdict:?}."))),
            Either::Right(_) => {
                let why = chat.ask(q("why")).await;
                chat.say(t(format!("Skipped: {why}.")));
            }
        }
    }
    let table = app(race);
    plays(
        &table,
        "\
> Ada: /go
< skip? [Skip it]
> Ada taps: Skip it
< why? [‹ Back]
~ moderate: late
> Ada: rain
< Skipped: rain.
",
    );
    let world = plays(
        &table,
        "> Ada: /go\n< skip? [Skip it]\n~ moderate: ok\n< It was Ok(\"ok\").\n> Ada taps: Skip it\n! This button is no longer in use.\n",
    );
    assert!(head(&world).open.is_empty());
}

#[test]
fn what_a_select_drops_at_once_is_never_asked() {
    async fn dropped(chat: Chat) {
        let first = chat.ask(q("first")).await;
        let known = pin!(std::future::ready(()));
        // The question is looked at before it is known that nobody needs it; in a `match` it even lives on.
        match select(pin!(chat.ask(q("never"))), known).await {
            Either::Left(_) => {}
            Either::Right(_) => {
                chat.ask(q("second")).await;
            }
        }
        let _ = select(pin!(chat.ask(q("nor this"))), pin!(std::future::ready(()))).await;
        chat.say(t(format!("{first}!")));
    }
    plays(&app(dropped), "> Ada: /go\n< first?\n> Ada: 1\n< second? [‹ Back]\n> Ada: 2\n< 1!\n");
}

async fn many(chat: Chat, count: usize) {
    let each = (0..count).map(|i| {
        let chat = chat.scope(format!("item.{i}"));
        async move { chat.ask(pick("pick", &[&format!("take {i}")])).await.0 }
    });
    let all = join_all(each.collect::<Vec<_>>()).await;
    chat.say(t(format!("{} of {count}", all.len())));
}

#[test]
fn join_all_waits_for_three_or_fifty_in_any_order_and_asks_each_once() {
    for count in [3, 50] {
        let table = app(move |chat| many(chat, count));
        let mut world = plays(&table, "");
        world.play("> Ada: /go\n").unwrap();
        assert_eq!(world.screen.len(), count, "each is asked, once");
        let mut order: Vec<usize> = (0..count).collect();
        order.rotate_left(count / 2);
        order.reverse();
        for (done, i) in order.into_iter().enumerate() {
            let shown = world.play(&format!("> Ada taps: take {i}\n")).unwrap();
            let all = done + 1 == count;
            assert_eq!(shown.contains(&format!("< {count} of {count}")), all, "{shown}");
            assert_eq!(shown.lines().count(), if all { 2 } else { 1 }, "nothing is asked again: {shown}");
        }
    }
}

#[test]
fn join_all_beside_something_else_asks_each_once() {
    let table = app(|chat| async move { _ = join(many(chat.clone(), 40), chat.ask(q("and"))).await });
    let mut world = plays(&table, "");
    world.play("> Ada: /go\n").unwrap();
    assert_eq!(world.screen.len(), 41);
}

#[test]
fn an_edited_item_of_a_loop_takes_nothing_from_its_neighbours() {
    async fn items(chat: Chat) {
        let mut item = 0;
        loop {
            let each = chat.scope(format!("item.{item}"));
            if each.ask(q("name")).await.starts_with("broken") {
                each.ask(q("damage")).await;
            }
            if each.ask(pick("more", &["yes", "no"])).await.0 == "no" {
                break;
            }
            item += 1;
        }
        if chat.ask(pick("right", &["right", "wrong"])).await.0 == "wrong" {
            chat.reopen(["item.0/name", "right"]).await;
        }
        chat.say(t(format!("{} items", item + 1)));
    }
    plays(
        &app(items),
        "\
> Ada: /go
< name?
> Ada: lamp
< more? [yes] [no] [‹ Back]
> Ada taps: yes
< name? [‹ Back]
> Ada: broken tap
< damage? [‹ Back]
> Ada: drips
< more? [yes] [no] [‹ Back]
> Ada taps: no
< right? [right] [wrong] [‹ Back]
> Ada taps: wrong
< name?
> Ada: broken lamp
< damage? [‹ Back]
> Ada: dark
< right? [right] [wrong] [‹ Back]
> Ada taps: right
< 2 items
",
    );
}

#[test]
fn an_answer_in_time_beats_the_timer_and_a_rejected_one_moves_nothing() {
    async fn hurried(chat: Chat) {
        let a = chat.ask(pick("a", &["x"]).optional().within(TimeDelta::hours(1))).await.map(|(key, _)| key);
        chat.say(t(format!("{a:?}")));
        if chat.ask(pick("again", &["again"]).optional()).await.is_some() {
            chat.reopen(["a", "again"]).await;
        }
    }
    let table = app(hurried);
    let again = "< again? [again] [‹ Back] [Skip]\n";
    plays(
        &table,
        &format!(
            "> Ada: /go\n< a? [x] [Skip]\n… 50 minutes pass\n> Ada taps: x\n< Some(\"x\")\n{again}… 2 hours pass\n"
        ),
    );
    plays(&table, &format!("> Ada: /go\n< a? [x] [Skip]\n> Ada taps: Skip\n< None\n{again}"));
    let late = "> Ada: /go
< a? [x] [Skip]
… 50 minutes pass
> Ada: y
< Please use the buttons.
  a? [x] [Skip]
… 9 minutes pass
… 2 minutes pass
< None
< again? [again] [Skip]
# The timer of the first opening has nothing to say to the second.
> Ada taps: again
< a? [x] [Skip]
> Ada taps: x
< Some(\"x\")
< again? [again] [‹ Back] [Skip]
… 1 day passes
";
    plays(&table, late);
}

#[test]
fn a_timer_of_an_earlier_opening_is_late() {
    async fn hurried(chat: Chat) {
        let a = chat.ask(pick("a", &["x", "y"]).within(TimeDelta::hours(1))).await.map(|(key, _)| key);
        chat.say(t(format!("{a:?}")));
        chat.ask(q("b")).await;
    }
    let table = app(hurried);
    let mut world = plays(&table, "> Ada: /go\n< a? [x] [y]\n");
    let (workflow, old) = (head(&world).workflow, head(&world).open[0].clone());
    goes_on(
        &mut world,
        "… 59 minutes pass\n> Ada taps: x\n< Some(\"x\")\n< b? [‹ Back]\n> Ada taps: ‹ Back\n< a? [x] [y]\n",
    );
    let before = head(&world).clone();
    assert!(before.open[0].deadline > old.deadline);
    let what = crate::model::What::Elapsed { workflow, question: "a#0".to_owned() };
    let timer = crate::model::Input {
        key: crate::model::InputKey::timer(workflow, old.n, "a#0"),
        what,
        from: None,
        ..crate::model::Input::clone(&log(&world)[0].input)
    };
    world.accept(&timer).unwrap();
    assert_eq!(head(&world).open, before.open, "the first opening's hour says nothing about the second");
    goes_on(&mut world, "… 61 minutes pass\n< None\n< b?\n");
}

#[test]
fn either_way_of_answering_is_known_by_its_own_name_and_reopened_by_any() {
    async fn place(chat: Chat) {
        let place = chat.ask(q("where").or(pick("area", &["north"])).optional()).await;
        let place = match &place {
            Some(Either::Left(words)) => format!("at {words}"),
            Some(Either::Right((key, _))) => format!("in the {key}"),
            None => "nowhere".to_owned(),
        };
        if chat.ask(pick(&format!("{place}, right"), &["yes", "no"])).await.0 == "no" {
            chat.reopen(["where".to_owned(), format!("{place}, right")]).await;
        }
    }
    let table = app(place);
    let world = plays(
        &table,
        "\
> Ada: /go
< where?
  area? [north] [Skip]
> Ada taps: north
< in the north, right? [yes] [no] [‹ Back]
> Ada taps: no
< where?
  area? [north] [Skip]
> Ada: home
< at home, right? [yes] [no] [‹ Back]
> Ada taps: no
< where?
  area? [north] [Skip]
> Ada taps: Skip
< nowhere, right? [yes] [no] [‹ Back]
",
    );
    let standing: Vec<_> = head(&world).standing.iter().map(|s| (s.name.as_str(), &s.given)).collect();
    assert_eq!(standing, [("where#0", &Given::Skipped)]);
}

#[test]
fn ways_that_offer_the_same_are_told_apart() {
    let table = app(|chat: Chat| async move {
        let question = pick("from", &["north", "south"]).or(pick("to", &["south", "north"]));
        chat.say(t(match chat.ask(question).await {
            Either::Left((key, _)) => format!("from {key}"),
            Either::Right((key, _)) => format!("to {key}"),
        }));
    });
    let prompt = "> Ada: /go\n< from?\n  to? [north] [south] [south] [north]\n";
    let mut world = plays(&table, prompt);
    let last = world.screen[0].message.buttons[1][1].data.clone();
    world.does("Ada", Some(0), crate::model::What::Press { data: last, callback: "c".to_owned() });
    world.settle().unwrap();
    goes_on(&mut world, "… 1 second passes\n< to north\n");
}

#[test]
fn a_deadline_is_fixed_when_the_question_opens_and_anew_when_it_is_reopened() {
    async fn hurried(chat: Chat) {
        let hurry = async {
            let a = chat.ask(pick("a", &["x", "again"]).within(TimeDelta::hours(1))).await;
            if a.is_some_and(|(key, _)| key == "again") {
                chat.reopen(["a"]).await;
            }
        };
        join(hurry, chat.ask(q("b"))).await;
        chat.say(t("Done."));
    }
    let table = app(hurried);
    let mut world = plays(&table, "> Ada: /go\n< a? [x] [again]\n< b?\n");
    let deadline = head(&world).next_deadline().unwrap();
    goes_on(&mut world, "… 30 minutes pass\n> Ada: 1\n");
    assert_eq!(head(&world).next_deadline(), Some(deadline), "another answer does not move it");
    goes_on(&mut world, "> Ada taps: again\n< a? [x] [again] [‹ Back]\n");
    assert_eq!(head(&world).next_deadline(), Some(deadline + TimeDelta::minutes(30)));
    goes_on(&mut world, "… 59 minutes pass\n… 2 minutes pass\n< Done.\n");
}

#[test]
fn an_unfinished_script_is_dropped_and_not_leaked() {
    struct Alive(Rc<Cell<usize>>);
    impl Drop for Alive {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }
    thread_local!(static LIVING: Rc<Cell<usize>> = Rc::default());
    let table = app(|chat: Chat| async move {
        let living = LIVING.with(Rc::clone);
        living.set(living.get() + 1);
        let _alive = Alive(living);
        let begun = matches!(chat.started(), Started { by: StartedBy::Command { .. }, .. });
        assert!(begun);
        chat.ask(q("a")).await;
    });
    plays(&table, "> Ada: /go\n< a?\n");
    assert_eq!(LIVING.with(|living| living.get()), 0);
}
