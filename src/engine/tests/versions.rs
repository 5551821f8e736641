//! A new version of a script takes over in the middle of a conversation, and the old one comes back.

use super::{app, goes_on, head, pick, plays, q, t};
use crate::engine::{Chat, Table, number, rehearse::world::World, text, toggles};

async fn first(chat: Chat) {
    chat.ask(q("one")).await;
    chat.say(t("One it is."));
    chat.ask(q("two")).await;
    chat.say(t("Two it is."));
    chat.ask(q("three")).await;
    chat.say(t("Done."));
}

/// Plays `acts` against [`first`], then `rest` against `then`.
#[track_caller]
fn taken_over<'a>(old: &'a Table, acts: &str, then: &'a Table, rest: &str) -> World<'a> {
    let mut world = plays(old, acts);
    world.table = then;
    goes_on(&mut world, rest);
    world
}

const AT_ONE: &str = "> Ada: /go\n< one?\n";
const AT_TWO: &str = "> Ada: /go\n< one?\n> Ada: 1\n< One it is.\n< two? [‹ Back]\n";
const AT_THREE: &str = "\
> Ada: /go
< one?
> Ada: 1
< One it is.
< two? [‹ Back]
> Ada: 2
< Two it is.
< three? [‹ Back]
";

#[test]
fn an_added_question_is_asked_wherever_people_are() {
    async fn added(chat: Chat) {
        chat.ask(q("one")).await;
        chat.say(t("One it is."));
        chat.ask(q("new")).await;
        chat.say(t("New it is."));
        chat.ask(q("two")).await;
        chat.say(t("Two it is."));
        chat.ask(q("three")).await;
        chat.say(t("Done."));
    }
    let (old, new) = (app(first), app(added));
    let rest = "> Ada: 1\n< One it is.\n< new? [‹ Back]\n> Ada: n\n< New it is.\n< two? [‹ Back]\n> Ada: 2\n< Two it is.\n< three? [‹ Back]\n> Ada: 3\n< Done.\n";
    taken_over(&old, AT_ONE, &new, rest);
    let rest = "> Ada: 2\n< new? [‹ Back]\n> Ada: n\n< New it is.\n< Two it is.\n< three? [‹ Back]\n> Ada: 3\n< Done.\n";
    taken_over(&old, AT_TWO, &new, rest);
    let rest = "> Ada: 3\n< new? [‹ Back]\n> Ada: n\n< New it is.\n< Done.\n";
    taken_over(&old, AT_THREE, &new, rest);
}

#[test]
fn a_removed_question_holds_nobody_up_and_is_not_asked_again_after_a_rollback() {
    async fn removed(chat: Chat) {
        chat.ask(q("one")).await;
        chat.say(t("One it is."));
        chat.ask(q("three")).await;
        chat.say(t("Done."));
    }
    let (old, new) = (app(first), app(removed));
    taken_over(&old, AT_ONE, &new, "> Ada: 1\n< One it is.\n< three? [‹ Back]\n> Ada: 3\n< Done.\n");
    taken_over(&old, AT_THREE, &new, "> Ada: 3\n< Done.\n");
    let mut world = taken_over(&old, AT_TWO, &new, "> Ada: 2\n< three? [‹ Back]\n");
    assert!(
        head(&world).standing.iter().any(|standing| standing.name == "two#0"),
        "unknown answers are kept"
    );
    world.table = &old;
    goes_on(&mut world, "> Ada: 3\n< Done.\n");
}

#[test]
fn reordered_questions_keep_their_answers() {
    async fn reordered(chat: Chat) {
        chat.ask(q("three")).await;
        chat.ask(q("two")).await;
        chat.say(t("Two it is."));
        chat.ask(q("one")).await;
        chat.say(t("One it is."));
        chat.say(t("Done."));
    }
    let (old, new) = (app(first), app(reordered));
    let rest =
        "> Ada: 1\n< three?\n> Ada: 3\n< two? [‹ Back]\n> Ada: 2\n< Two it is.\n< One it is.\n< Done.\n";
    taken_over(&old, AT_ONE, &new, rest);
    taken_over(&old, AT_TWO, &new, "> Ada: 2\n< three?\n> Ada: 3\n< Two it is.\n< Done.\n");
    taken_over(&old, AT_THREE, &new, "> Ada: 3\n< Done.\n");
    // And back again, in the middle.
    let mut world = taken_over(&old, AT_TWO, &new, "> Ada: 2\n< three?\n");
    world.table = &old;
    goes_on(&mut world, "> Ada: 3\n< Done.\n");
}

#[test]
fn a_renamed_question_is_a_new_one() {
    async fn renamed(chat: Chat) {
        chat.ask(q("one")).await;
        chat.say(t("One it is."));
        chat.ask(q("zwei")).await;
        chat.say(t("Two it is."));
        chat.ask(q("three")).await;
        chat.say(t("Done."));
    }
    let (old, new) = (app(first), app(renamed));
    let rest = "> Ada: 2\n< zwei? [‹ Back]\n> Ada: 2\n< Two it is.\n< three? [‹ Back]\n> Ada: 3\n< Done.\n";
    taken_over(&old, AT_TWO, &new, rest);
    let rest = "> Ada: 3\n< zwei? [‹ Back]\n> Ada: 2\n< Done.\n";
    taken_over(&old, AT_THREE, &new, rest);
}

#[test]
fn an_answer_of_another_type_is_asked_anew_and_others_stand() {
    async fn typed(chat: Chat) {
        chat.ask(q("one")).await;
        chat.say(t("One it is."));
        let two = chat.ask(number("two", t("How many?")).range(0.0, 5.0)).await;
        chat.say(t(format!("{two} it is.")));
        chat.ask(q("three")).await;
        chat.say(t("Done."));
    }
    let (old, new) = (app(first), app(typed));
    // The old prompt was answered in its own way; the new one says what it wants.
    let rest = "> Ada: a few\n< How many? [‹ Back]\n> Ada: 7\n< Please write a number of at most 5.\n  How many? [‹ Back]\n> Ada: 4\n< 4 it is.\n< three? [‹ Back]\n> Ada: 3\n< Done.\n";
    let mut world = taken_over(&old, AT_TWO, &new, rest);
    world.table = &old;
    goes_on(&mut world, "> Ada: /go\n< one?\n");
    let rest = "> Ada: 3\n< How many? [‹ Back]\n> Ada: 4\n< 4 it is.\n< Done.\n";
    taken_over(&old, AT_THREE, &new, rest);
}

#[test]
fn limits_and_choices_that_change_keep_what_still_fits() {
    async fn before(chat: Chat) {
        chat.ask(pick("where", &["north", "south"])).await;
        chat.ask(text("note", t("note?")).length(1, 20)).await;
        chat.ask(q("end")).await;
    }
    async fn fits(chat: Chat) {
        chat.ask(pick("where", &["north", "east"])).await;
        chat.ask(text("note", t("note?")).length(3, 50)).await;
        chat.ask(q("end")).await;
    }
    async fn fits_not(chat: Chat) {
        chat.ask(pick("where", &["east", "west"])).await;
        chat.ask(text("note", t("note?")).length(1, 3)).await;
        chat.ask(q("end")).await;
    }
    let (old, new, other) = (app(before), app(fits), app(fits_not));
    let acts = "> Ada: /go\n< where? [north] [south]\n> Ada taps: north\n< note? [‹ Back]\n> Ada: mud and rain\n< end? [‹ Back]\n";
    taken_over(&old, acts, &new, "> Ada: fin\n");
    let rest = "> Ada: fin\n< where? [east] [west]\n> Ada taps: west\n< note? [‹ Back]\n> Ada: mud\n";
    let mut world = taken_over(&old, acts, &other, rest);
    assert!(head(&world).open.is_empty());
    world.table = &old;
    // A choice that is no longer there, pressed on the old keyboard: the new one comes, the deadline of none moves.
    let acts = "> Ada: /go\n< where? [north] [south]\n";
    taken_over(
        &old,
        acts,
        &other,
        "> Ada taps: south\n< where? [east] [west]\n> Ada taps: east\n< note? [‹ Back]\n",
    );
}

#[test]
fn switches_that_are_still_there_stay_on() {
    async fn before(chat: Chat) {
        let keys = ["a", "b", "c"].map(|key| (key.to_owned(), t(key)));
        chat.ask(toggles("which", t("which?"), keys)).await;
        chat.ask(q("end")).await;
    }
    async fn after(chat: Chat) {
        let keys = ["b", "c", "d"].map(|key| (key.to_owned(), t(key)));
        let which = chat.ask(toggles("which", t("which?"), keys).count(1, 2)).await;
        chat.say(t(format!("{} of them", which.len())));
        chat.ask(q("end")).await;
    }
    let (old, new) = (app(before), app(after));
    let acts = "> Ada: /go\n< which? [a] [b] [c] [Done]\n> Ada taps: a\n> Ada taps: b\n";
    let rest = "> Ada taps: Done\n< which? [✓ b] [c] [d] [Done]\n> Ada taps: d\n> Ada taps: c\n! Please choose at most 2.\n> Ada taps: Done\n< 2 of them\n< end? [‹ Back]\n";
    taken_over(&old, acts, &new, rest);
}

#[test]
fn a_deadline_that_a_version_drops_is_dropped_and_one_it_adds_begins_then() {
    use chrono::TimeDelta;
    async fn hurried(chat: Chat) {
        chat.ask(q("one").within(TimeDelta::hours(1))).await;
        chat.ask(q("two")).await;
        chat.ask(q("three")).await;
    }
    async fn patient(chat: Chat) {
        chat.ask(q("one")).await;
        let two = chat.ask(q("two").within(TimeDelta::hours(1))).await;
        chat.say(t(format!("{two:?}")));
        chat.ask(q("three")).await;
    }
    let (old, new) = (app(hurried), app(patient));
    let mut world = taken_over(&old, "> Ada: /go\n< one?\n", &new, "… 2 hours pass\n");
    assert_eq!(head(&world).next_deadline(), None, "a deadline that means nothing is not due for ever");
    goes_on(&mut world, "> Ada: 1\n< two? [‹ Back]\n… 2 hours pass\n< None\n< three? [‹ Back]\n");
}

#[test]
fn back_passes_an_answer_that_no_version_asks_for() {
    async fn shorter(chat: Chat) {
        chat.ask(q("one")).await;
        chat.ask(q("three")).await;
        chat.say(t("Done."));
    }
    let (old, new) = (app(first), app(shorter));
    taken_over(&old, AT_THREE, &new, "> Ada taps: ‹ Back\n< one?\n> Ada: 1\n< three? [‹ Back]\n");
}

#[test]
fn back_does_not_stop_where_another_answer_takes_the_place_of_the_one_it_undoes() {
    async fn both(chat: Chat) {
        chat.ask(q("where")).await;
        chat.ask(pick("area", &["north"])).await;
        chat.ask(q("end")).await;
    }
    async fn either(chat: Chat) {
        chat.ask(q("where").or(pick("area", &["north"]))).await;
        chat.ask(q("end")).await;
    }
    let acts =
        "> Ada: /go\n< where?\n> Ada: here\n< area? [north] [‹ Back]\n> Ada taps: north\n< end? [‹ Back]\n";
    taken_over(&app(both), acts, &app(either), "> Ada taps: ‹ Back\n< where?\n  area? [north]\n");
}
