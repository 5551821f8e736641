//! Several people in one workflow.

use chrono::TimeDelta;
use futures_util::future::join_all;

use super::{app, goes_on, keyboards, pick, plays, q, reads, somebody, t};
use crate::engine::{Chat, Table, Workflow};

async fn asks_bo(chat: Chat) {
    let bo = somebody(1002, "Bo");
    let words = chat.ask(q("words")).await;
    match chat.ask_of(&bo, q("opinion")).await {
        Ok(opinion) => chat.say(t(format!("Bo on {words}: {opinion}"))),
        Err(gone) => chat.say(t(format!("No Bo: {gone}"))),
    }
    chat.tell(&bo, t("Thank you."));
}

fn table() -> Table {
    async fn other(chat: Chat) {
        let name = chat.ask(q("name")).await;
        chat.say(t(format!("Hello, {name}.")));
    }
    Table::new()
        .workflow(Workflow::new("go", asks_bo).command("go", t("Go")))
        .workflow(Workflow::new("other", other).command("other", t("Other")))
}

const BEGIN: &str = "> Ada: /go\n< words?\n> Bo: /other\n< name?\n> Ada: mud\n< Bo: opinion?\n";

#[test]
fn a_reply_to_a_prompt_answers_it_and_leaves_the_current_workflow_alone() {
    let table = table();
    let mut world = plays(&table, BEGIN);
    assert!(world.screen.last().unwrap().message.force_reply, "only a reply tells what it answers");
    goes_on(
        &mut world,
        "> Bo replies to opinion: deep\n< Thank you.\n< Ada: Bo on mud: deep\n> Bo: Bo\n< Hello, Bo.\n",
    );
}

#[test]
fn a_reply_to_a_question_that_is_over_is_like_any_other_message() {
    let table = table();
    let mut world = plays(&table, BEGIN);
    goes_on(
        &mut world,
        "> Bo replies to opinion: deep\n< Thank you.\n< Ada: Bo on mud: deep\n> Bo replies to opinion: Bo\n< Hello, Bo.\n",
    );
    let mut world = plays(&table, BEGIN);
    goes_on(&mut world, "> Ada: /cancel\n< Cancelled.\n> Bo replies to opinion: Bo\n< Hello, Bo.\n");
}

#[test]
fn a_reply_to_an_answered_question_of_a_workflow_that_runs_on_is_for_the_current_one() {
    async fn goes_on(chat: Chat) {
        chat.ask(q("words")).await;
        _ = chat.ask_of(&somebody(1002, "Bo"), q("opinion")).await;
        chat.ask(q("end")).await;
    }
    let table = table().workflow(Workflow::new("go", goes_on).command("go", t("Go")));
    plays(
        &table,
        &format!(
            "{BEGIN}> Bo replies to opinion: deep\n< Ada: end?\n> Bo replies to opinion: Bo\n< Hello, Bo.\n"
        ),
    );
}

#[test]
fn what_is_written_without_a_reply_is_for_the_current_workflow() {
    let table = table();
    let mut world = plays(&table, BEGIN);
    goes_on(
        &mut world,
        "> Bo: Bo\n< Hello, Bo.\n> Bo replies to opinion: fine\n< Thank you.\n< Ada: Bo on mud: fine\n",
    );
}

#[test]
fn who_does_nothing_else_answers_without_a_reply() {
    let table = table();
    let begin = "> Ada: /go\n< words?\n~ Bo is here\n> Ada: mud\n< Bo: opinion?\n";
    let mut world = plays(&table, &format!("{begin}> Bo: deep\n< Thank you.\n< Ada: Bo on mud: deep\n"));
    let unknown =
        "< I don't know what to do with this. Send /start to begin, or /help to see what I can do.\n";
    goes_on(&mut world, &format!("> Bo: and cold\n{unknown}"));
    // So does who is done with what they did.
    plays(
        &table,
        &format!("{BEGIN}> Bo: Bo\n< Hello, Bo.\n> Bo: deep\n< Thank you.\n< Ada: Bo on mud: deep\n"),
    );
    // A word of another kind is told what would be of use.
    let photo = "> Bo sends a photo\n< Please write it as a message.\n  opinion?\n";
    plays(&table, &format!("{begin}{photo}> Bo: deep\n< Thank you.\n< Ada: Bo on mud: deep\n"));
}

#[test]
fn who_waits_for_others_answers_without_a_reply() {
    let table = table().workflow(
        Workflow::new("other", |chat: Chat| async move {
            _ = chat.ask_of(&somebody(1003, "Cy"), pick("sure", &["yes"])).await;
            chat.say(t("Cy is sure."));
        })
        .command("other", t("Other")),
    );
    plays(
        &table,
        "\
> Ada: /go
< words?
~ Bo is here
~ Cy is here
> Bo: /other
< Cy: sure? [yes]
> Ada: mud
< Bo: opinion?
> Bo: deep
< Thank you.
< Ada: Bo on mud: deep
> Cy taps: yes
< Bo: Cy is sure.
",
    );
}

#[test]
fn the_rest_of_an_album_is_for_whoever_got_its_first_photo() {
    async fn takes(chat: Chat, waits: bool) {
        let photos = chat.ask(crate::engine::photos("photos", t("Photos?"))).await;
        if waits {
            _ = chat.ask_of(&somebody(1003, "Cy"), pick("sure", &[&format!("yes, {}", photos.len())])).await;
        }
        chat.say(t("Thanks."));
    }
    for (waits, told) in
        [(false, "< Thanks.\n"), (true, "< Cy: sure? [yes, 1]\n< Cy: sure? [yes, 2]\n< Cy: sure? [yes, 3]\n")]
    {
        let table = table()
            .workflow(Workflow::new("other", move |chat| takes(chat, waits)).command("other", t("Other")));
        plays(
            &table,
            &format!(
                "> Ada: /go\n< words?\n~ Bo is here\n~ Cy is here\n> Bo: /other\n< Photos?\n> Ada: mud\n< Bo: opinion?\n> Bo sends an album of 3 photos\n{told}> Bo: deep\n< Thank you.\n< Ada: Bo on mud: deep\n"
            ),
        );
    }
}

#[test]
fn words_without_a_reply_are_nothing_to_a_question_that_was_put_aside() {
    let table = Table::new()
        .workflow(
            Workflow::new("go", |chat: Chat| async move {
                let bo = somebody(1002, "Bo");
                _ = futures_util::future::join(chat.ask_of(&bo, pick("may", &["yes"])), chat.ask(q("words")))
                    .await;
            })
            .command("go", t("Go")),
        )
        .workflow(
            Workflow::new("other", |chat: Chat| async move { chat.say(t("Hello.")) })
                .command("other", t("Other")),
        );
    plays(
        &table,
        "\
~ Ada is here
~ Bo is here
> Ada: /go
< words?
< Bo: may? [yes]
> Ada: /other
< Hello.
> Ada: who is there?
< I don't know what to do with this. Send /start to begin, or /help to see what I can do.
> Ada replies to words: mud
",
    );
}

#[test]
fn in_a_group_only_a_reply_answers() {
    use crate::{
        engine::{Route, route},
        model::{ChatKind, Content, Input, What},
    };
    let (table, other) = (table(), table());
    let world = plays(&table, BEGIN);
    let prompt = world.screen.last().unwrap().prompt.as_deref();
    let said = |chat| {
        let entry = world.logs.values().next().unwrap()[0].clone();
        Input { chat, what: What::Said(Content::Text("deep".to_owned())), ..Input::clone(&entry.input) }
    };
    assert!(matches!(
        route(&other, &said(ChatKind::Private), None, prompt),
        Route::Named(_, Some("opinion@1002#0"))
    ));
    assert!(matches!(route(&other, &said(ChatKind::Group), None, prompt), Route::Outside));
    assert!(matches!(route(&other, &said(ChatKind::Group), prompt, None), Route::Named(..)));
}

#[test]
fn whoever_is_asked_no_longer_sees_it_where_they_were_asked() {
    async fn race(chat: Chat) {
        let [bo, cy] =
            [somebody(1002, "Bo"), somebody(1003, "Cy")].map(|who| chat.ask_of(&who, pick("may", &["yes"])));
        let mine = chat.ask(pick("wait", &["do not wait"]));
        let others = futures_util::future::select(Box::pin(bo), Box::pin(cy));
        futures_util::future::select(others, Box::pin(mine)).await;
        chat.say(t("Done."));
    }
    let table = app(race);
    let begin = "~ Ada is here\n~ Bo is here\n~ Cy is here\n> Ada: /go\n< wait? [do not wait]\n< Bo: may? [yes]\n< Cy: may? [yes]\n";
    let over = "may?\n\n✓ no longer needed";
    let world = plays(&table, &format!("{begin}> Bo taps: yes\n< Ada: Done.\n"));
    let now = [1001, 1002, 1003].map(|who| reads(&world, who, if who == 1001 { "wait" } else { "may" }));
    assert_eq!(now, ["wait?", "may?\n\n✓ yes", over], "who began it hears of it anyway");
    for ending in ["> Ada: /cancel\n< Cancelled.\n", "> Ada taps: do not wait\n< Done.\n"] {
        let world = plays(&table, &format!("{begin}{ending}"));
        assert_eq!([1002, 1003].map(|who| reads(&world, who, "may")), [over, over]);
        assert_eq!(keyboards(&world), 0);
    }
}

#[test]
fn who_blocks_the_bot_cannot_be_reached() {
    let table = table();
    plays(
        &table,
        "\
> Ada: /go
< words?
~ Bo blocks the bot
> Ada: mud
< No Bo: the person can't be reached
",
    );
}

async fn votes(chat: Chat) {
    chat.ask(pick("begin", &["Begin"])).await;
    let voters = [somebody(1002, "Bo"), somebody(1003, "Cy")];
    let vote = |person| chat.ask_of(person, pick("vote", &["yes", "no"]).within(TimeDelta::hours(1)));
    let votes = join_all(voters.iter().map(vote)).await;
    let yes = votes.iter().filter(|vote| matches!(vote, Ok(Some((key, _))) if key == "yes")).count();
    chat.say(t(format!("{yes} yes")));
    if chat.ask(pick("once more", &["again", "enough"])).await.0 == "again" {
        chat.reopen(["vote", "once more"]).await;
    }
}

#[test]
fn two_people_are_asked_and_each_answers_for_themselves() {
    let table = app(votes);
    let begin = "> Ada: /go\n< begin? [Begin]\n~ Bo is here\n~ Cy is here\n> Ada taps: Begin\n< Bo: vote? [yes] [no]\n< Cy: vote? [yes] [no]\n";
    let mut world = plays(&table, begin);
    // Nobody goes back past somebody else's answer.
    goes_on(
        &mut world,
        "\
> Cy taps: yes
> Bo taps: yes
< Ada: 2 yes
< Ada: once more? [again] [enough]
> Ada: /back
< There is no way back from here.
> Ada taps: again
< Bo: vote? [yes] [no]
< Cy: vote? [yes] [no]
> Bo taps: no
… 61 minutes pass
< Ada: 0 yes
< Ada: once more? [again] [enough]
> Cy taps: yes
! This button is no longer in use.
",
    );
    let mut world = plays(&table, begin);
    goes_on(&mut world, "> Bo taps: no\n… 2 hours pass\n< Ada: 0 yes\n< Ada: once more? [again] [enough]\n");
}

#[test]
fn who_is_asked_may_go_back_on_their_own_answer_alone() {
    async fn twice(chat: Chat) {
        chat.ask(pick("begin", &["Begin"])).await;
        let bo = somebody(1002, "Bo");
        let first = chat.ask_of(&bo, pick("first", &["a", "b"])).await.unwrap().0;
        let second = chat.ask_of(&bo, pick("second", &["c", "d"])).await.unwrap().0;
        chat.say(t(format!("{first}{second}")));
    }
    plays(
        &app(twice),
        "\
> Ada: /go
< begin? [Begin]
> Bo: /back
< There is no way back from here.
> Ada taps: Begin
< Bo: first? [a] [b]
> Bo taps: a
< second? [c] [d] [‹ Back]
> Bo taps: ‹ Back
< first? [a] [b]
> Bo taps: b
< second? [c] [d] [‹ Back]
> Bo taps: c
< Ada: bc
",
    );
}
