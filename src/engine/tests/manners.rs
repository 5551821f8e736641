//! What the engine does by itself: going back, cancelling, helping, and being kind about what it can't use.

use super::{app, goes_on, head, keyboards, pick, plays, q, somebody, t};
use crate::engine::{Chat, DomainEvent, Status, Table, Workflow};

#[derive(serde::Serialize)]
struct Happened;

impl DomainEvent for Happened {
    const TYPE: &'static str = "test.happened.v1";
    fn subject(&self) -> String {
        "test".to_owned()
    }
}

async fn three(chat: Chat) {
    chat.ask(q("one")).await;
    chat.ask(pick("two", &["2"])).await;
    chat.ask(q("three")).await;
    chat.say(t("Done."));
}

#[test]
fn back_leads_through_several_questions_by_button_and_by_command() {
    plays(
        &app(three),
        "\
> Ada: /go
< one?
> Ada: /back
< There is no way back from here.
> Ada: 1
< two? [2] [‹ Back]
> Ada taps: 2
< three? [‹ Back]
> Ada taps: ‹ Back
< two? [2] [‹ Back]
> Ada: /back
< one?
> Ada: 1
< two? [2] [‹ Back]
> Ada taps: 2
< three? [‹ Back]
> Ada: 3
< Done.
> Ada: /back
< There is no way back from here.
",
    );
}

#[test]
fn back_keeps_answers_that_the_script_has_yet_to_come_to() {
    async fn edits(chat: Chat) {
        let one = chat.ask(q("one")).await;
        let two = chat.ask(q("two")).await;
        let three = chat.ask(q("three")).await;
        match chat.ask(pick(&format!("{one}{two}{three}"), &["two", "fine"])).await.0.as_str() {
            "two" => chat.reopen(["two", &format!("{one}{two}{three}")]).await,
            _ => chat.say(t("Done.")),
        }
    }
    plays(
        &app(edits),
        "\
> Ada: /go
< one?
> Ada: 1
< two? [‹ Back]
> Ada: 2
< three? [‹ Back]
> Ada: 3
< 123? [two] [fine] [‹ Back]
> Ada taps: two
< two? [‹ Back]
> Ada taps: ‹ Back
< one?
> Ada: /back
< There is no way back from here.
> Ada: I
< two? [‹ Back]
> Ada: /back
< one?
> Ada: I
< two? [‹ Back]
> Ada: II
< III3? [two] [fine] [‹ Back]
",
    );
}

#[test]
fn there_is_no_way_back_past_what_the_business_was_told() {
    async fn tells(chat: Chat) {
        chat.ask(q("one")).await;
        chat.emit(Happened);
        chat.ask(q("two")).await;
        chat.ask(q("three")).await;
    }
    let table = app(tells);
    plays(
        &table,
        "\
> Ada: /go
< one?
> Ada: 1
< two?
* test.happened.v1 test
> Ada: /back
< There is no way back from here.
> Ada: 2
< three? [‹ Back]
> Ada taps: ‹ Back
< two?
> Ada: /back
< There is no way back from here.
> Ada taps: ‹ Back
! This button is no longer in use.
",
    );
}

#[test]
fn cancel_ends_what_goes_on_and_withdraws_what_others_were_asked() {
    async fn asks_bo(chat: Chat) {
        chat.ask(pick("one", &["1"])).await;
        _ = chat.ask_of(&somebody(1002, "Bo"), pick("may", &["yes"])).await;
        chat.say(t("Done."));
    }
    let table = app(asks_bo);
    let mut world = plays(
        &table,
        "\
> Ada: /go
< one? [1]
> Bo: /cancel
< There is nothing to cancel.
> Ada taps: 1
< Bo: may? [yes]
> Bo: /cancel
< There is nothing to cancel.
> Ada: /cancel
< Cancelled.
",
    );
    assert_eq!((head(&world).status, keyboards(&world)), (Status::Cancelled, 0));
    goes_on(
        &mut world,
        "> Bo taps: yes\n! This button is no longer in use.\n> Ada: /cancel\n< There is nothing to cancel.\n",
    );
}

fn several() -> Table {
    async fn asks(chat: Chat) {
        chat.say(t(format!("Hello{}", chat.who().map(|who| format!(", {}", who.name)).unwrap_or_default())));
        chat.say(t(format!("{:?}", chat.started().by)));
        chat.ask(pick("one", &["1"])).await;
        match chat.ask_of(&somebody(1002, "Bo"), pick("may", &["yes", "no"])).await {
            Ok((may, _)) => chat.say(t(format!("Bo says {may}"))),
            Err(gone) => chat.say(t(gone.to_string())),
        }
        chat.ask(pick("two", &["2"])).await;
        chat.say(t("Done."));
    }
    async fn start(chat: Chat) {
        chat.say(t("Welcome."));
        chat.ask(q("name")).await;
    }
    Table::new()
        .workflow(Workflow::new("go", asks).command("go", t("Go")))
        .workflow(Workflow::new("start", start).command("start", t("Begin")))
}

#[test]
fn help_lists_what_there_is_and_disturbs_nothing() {
    let help = "\
> Ada: /help
< This is what I can do:
  /go – Go
  /start – Begin
  /cancel – Stop what is going on
  /help – Show this list
";
    let unknown =
        "> Ada: /nonsense\n< I don't know /nonsense. Send /help to see what I can do, or /start to begin.\n";
    let begin = "> Ada: /start\n< Welcome.\n< name?\n";
    plays(&several(), &format!("{help}{begin}{help}{unknown}> Ada: Ada\n"));
}

#[test]
fn start_without_a_workflow_of_its_own_helps() {
    plays(
        &app(three),
        "\
> Ada: /start
< This is what I can do:
  /go – Go
  /cancel – Stop what is going on
  /help – Show this list
",
    );
}

#[test]
fn a_command_knows_its_payload() {
    plays(
        &several(),
        "\
> Ada: /go issue 7
< Hello, Ada
< Command { name: \"go\", payload: Some(\"issue 7\") }
< one? [1]
",
    );
}

#[test]
fn a_link_leads_to_the_workflow_it_names() {
    let go = |payload: &str| {
        format!("< Hello, Ada\n< Command {{ name: \"go\", payload: {payload} }}\n< one? [1]\n")
    };
    let welcome = "< Welcome.\n< name?\n".to_owned();
    for (link, leads_to) in [
        ("go", go("None")),
        ("Go", go("None")),
        ("go-", go("None")),
        ("go-issue-7_B", go("Some(\"issue-7_B\")")),
        ("go issue 7", go("Some(\"issue 7\")")),
        ("gone", welcome.clone()),
        ("start", welcome.clone()),
        ("-go", welcome),
    ] {
        plays(&several(), &format!("> Ada: /start {link}\n{leads_to}"));
    }
    // What leads nowhere is for whatever /start starts.
    let table = app(|chat: Chat| async move { chat.say(t(format!("{:?}", chat.started().by))) });
    let table = table.workflow(Workflow::new("start", |chat: Chat| async move {
        chat.say(t(format!("{:?}", chat.started().by)))
    }));
    for link in ["summer-7", "start", "start-7"] {
        plays(
            &table,
            &format!("> Ada: /start {link}\n< Command {{ name: \"start\", payload: Some(\"{link}\") }}\n"),
        );
    }
}

#[test]
fn another_command_ends_what_waits_for_nobody_else() {
    let table = several();
    let world = plays(
        &table,
        "\
> Ada: /go
< Hello, Ada
< Command { name: \"go\", payload: None }
< one? [1]
> Ada: /start
< Welcome.
< name?
> Ada taps: 1
! This button is no longer in use.
> Ada: Ada
> Ada: /cancel
< There is nothing to cancel.
",
    );
    let mut ends: Vec<_> = world.heads.values().map(|head| format!("{:?}", head.status)).collect();
    ends.sort();
    assert_eq!((ends, keyboards(&world)), (vec!["Cancelled".to_owned(), "Finished".to_owned()], 0));
}

#[test]
fn what_waits_for_somebody_else_runs_on_and_its_buttons_still_work() {
    plays(
        &several(),
        "\
> Ada: /go
< Hello, Ada
< Command { name: \"go\", payload: None }
< one? [1]
> Bo: /start
< Welcome.
< name?
> Ada taps: 1
< Bo: may? [yes] [no]
> Ada: /start
< Welcome.
< name?
> Bo taps: yes
< Ada: Bo says yes
< Ada: two? [2]
# What Ada writes is for what she does now, what she presses for what it belongs to.
> Ada: Ada
> Ada taps: 2
< Done.
",
    );
}

#[test]
fn buttons_of_other_questions_and_other_people_do_nothing() {
    let table = several();
    let mut world = plays(
        &table,
        "\
> Ada: /go
< Hello, Ada
< Command { name: \"go\", payload: None }
< one? [1]
",
    );
    let data = world.screen.last().unwrap().message.buttons[0][0].data.clone();
    let press = |data: &str| crate::model::What::Press { data: data.to_owned(), callback: "c".to_owned() };
    let mut shown = |who: &str, data: &str| {
        world.does(who, Some(99), press(data));
        world.settle().unwrap();
        world.play("").unwrap();
        world.act(crate::engine::rehearse::transcript::Act::Passes(chrono::TimeDelta::zero())).unwrap()
    };
    // In his own chat nobody ever offered it to him.
    assert_eq!(shown("Bo", &data), "! This button is no longer in use.\n");
    for forged in
        [&data[..30], &format!("{}p1", &data[..30]), &format!("{}p18446744073709551615", &data[..30])]
    {
        assert_eq!(shown("Ada", forged), "! This button is no longer in use.\n", "{forged}");
    }
    for forged in ["-", "=", ".12345678", "x"] {
        let told = shown("Ada", &format!("{}{forged}", &data[..30]));
        assert!(told.is_empty() || told.starts_with("! This button"), "{forged}: {told}");
    }
    assert_eq!(shown("Ada", "nothing of ours"), "! This button is no longer in use.\n");
    goes_on(
        &mut world,
        "> Bo: /cancel\n< There is nothing to cancel.\n> Ada taps: 1\n< Bo: may? [yes] [no]\n",
    );
}

#[test]
fn a_press_on_an_older_prompt_of_the_same_question_is_stale() {
    let table = app(three);
    let mut world = plays(&table, "> Ada: /go\n< one?\n> Ada: 1\n< two? [2] [‹ Back]\n");
    let old = world.screen[1].message.buttons[0][0].data.clone();
    goes_on(&mut world, "> Ada taps: 2\n< three? [‹ Back]\n> Ada taps: ‹ Back\n< two? [2] [‹ Back]\n");
    assert_ne!(world.screen.last().unwrap().message.buttons[0][0].data, old);
}

#[test]
fn what_nobody_asked_for_is_answered_kindly() {
    plays(
        &app(three),
        "\
> Ada: hello
< I don't know what to do with this. Send /start to begin, or /help to see what I can do.
> Ada: /go
< one?
> Ada edits: hello?
< I saw that you changed a message, but only new messages count. To change your last answer, send /back.
> Ada: 1
< two? [2] [‹ Back]
",
    );
}

#[test]
fn old_prompts_change_before_anything_is_said_and_new_prompts_come_last() {
    use crate::{
        engine::Effect,
        model::{Delivery, Send},
    };
    async fn mixed(chat: Chat) {
        let first = futures_util::future::join(chat.ask(pick("a", &["1"])), async {
            let b = chat.ask(pick("b", &["2"])).await;
            let inner =
                futures_util::future::join(chat.ask(pick("c", &["3"])), async { chat.say(t("said")) });
            inner.await;
            b
        });
        first.await;
    }
    let table = app(mixed);
    let mut world =
        plays(&table, "> Ada: /go\n< a? [1]\n< b? [2]\n> Ada taps: 2\n< said\n< c? [3] [‹ Back]\n");
    goes_on(&mut world, "> Ada taps: ‹ Back\n< b? [2]\n");
    for entry in &super::log(&world)[1..] {
        let order: Vec<u8> = entry
            .effects
            .iter()
            .map(|caused| {
                let Effect::Deliver { delivery, .. } = &caused.effect else { return 1 };
                match &**delivery {
                    Delivery::Edit(_) => 0,
                    Delivery::Send(Send { prompt: Some(_), .. }) => 2,
                    _ => 1,
                }
            })
            .collect();
        assert!(order.is_sorted() && order[0] == 0, "{:?}", entry.effects);
    }
}
