//! One message in a group, answered by many.

use chrono::TimeDelta;

use super::{app, folded_through_json, head, pick, plays, q, t};
use crate::{
    engine::{Chat, Ended, Table, Votes, log::Fact, rehearse::world::World},
    model::{Input, Shared, Text, What},
};

type Pick = (String, Text);

fn said(votes: &Votes<Pick>, ended: Ended) -> Text {
    let names: Vec<String> =
        votes.answers.iter().map(|(by, (key, _))| format!("{}={key}", by.name)).collect();
    t(format!("{ended:?}: {}", names.join(" ")))
}

/// Ends with the second answer, or after an hour.
async fn lunch(chat: Chat) {
    let gather = chat.gather(pick("lunch", &["soup", "stew"])).until(|votes| votes.len() == 2);
    let (votes, ended) = gather.within(TimeDelta::hours(1)).await;
    chat.say(said(&votes, ended));
}

const ASKED: &str = "> Ada in Crew: /go\n< Crew: lunch?\n  Nobody has answered yet. [soup] [stew]\n";
const ONE: &str =
    "> Bo in Crew taps: stew\n! ✓ stew\n< Crew now: lunch?\n  One answer so far. [soup] [stew · 1]\n";

#[test]
fn it_is_over_when_enough_have_answered() {
    let table = app(lunch);
    let world = plays(
        &table,
        &format!(
            "{ASKED}{ONE}\
> Cy in Crew taps: soup
! ✓ soup
< Crew now: lunch?
  soup: 1
  stew: 1
< Crew: Enough: Bo=stew Cy=soup
> Di in Crew taps: soup
! This button is no longer in use.
"
        ),
    );
    let log = world.logs.values().next().unwrap();
    assert_eq!(folded_through_json(head(&world).workflow, log), *head(&world));
}

#[test]
fn the_first_press_of_each_counts_and_words_are_no_answer() {
    plays(
        &app(lunch),
        &format!(
            "{ASKED}{ONE}\
> Bo in Crew taps: soup
! You have answered already, and the first answer counts.
> Bo in Crew: soup
> Ada in Crew: stew
> Ada in Crew replies to lunch: soup
… 1 hour passes
< Crew now: lunch?
  soup: 0
  stew: 1
< Crew: Elapsed: Bo=stew
"
        ),
    );
}

#[test]
fn a_press_after_the_deadline_is_late_even_if_it_is_applied_before_the_deadline_is() {
    let table = app(lunch);
    let mut world = plays(&table, &format!("{ASKED}{ONE}"));
    let data = world.screen[0].message.buttons[0][0].data.clone();
    let now = world.now;
    world.now = now + TimeDelta::hours(1);
    let press = |world: &mut World<'_>| {
        let what = What::Press { data: data.clone(), callback: "c".to_owned() };
        world.does(
            crate::engine::rehearse::transcript::Actor { name: "Cy", place: Some("Crew") },
            Some(0),
            what,
        );
    };
    world.now += TimeDelta::seconds(1);
    press(&mut world);
    world.settle().unwrap();
    let log = world.logs.values().next().unwrap();
    assert_eq!(log.last().unwrap().facts[0].fact, Fact::Late);
    assert_eq!(log.last().unwrap().toast, Some(crate::text!("gathered-too-late")));
    world.now = now + TimeDelta::hours(1);
    press(&mut world);
    world.settle().unwrap();
    assert!(!head(&world).open.iter().any(|open| open.gathers), "in the last moment it is in time");
}

#[test]
fn nobody_answers_from_another_chat() {
    plays(&app(lunch), &format!("{ASKED}> Bo in Other: hello\n"));
    let table = app(lunch);
    let mut world = plays(&table, ASKED);
    let data = world.screen[0].message.buttons[0][0].data.clone();
    world.does("Bo", None, What::Press { data, callback: "c".to_owned() });
    world.settle().unwrap();
    assert_eq!(head(&world).counts("lunch#0").values().sum::<usize>(), 0);
}

#[test]
fn what_a_new_version_offers_no_longer_counts_no_longer() {
    async fn other(chat: Chat) {
        let gather = chat.gather(pick("lunch", &["soup", "salad"])).until(|votes| votes.len() == 2);
        let (votes, ended) = gather.within(TimeDelta::hours(1)).await;
        chat.say(said(&votes, ended));
    }
    let (old, new) = (app(lunch), app(other));
    let mut world = plays(&old, &format!("{ASKED}{ONE}"));
    world.table = &new;
    super::goes_on(
        &mut world,
        "> Cy in Crew taps: soup
! ✓ soup
< Crew: lunch?
  2 answers so far. [soup · 1] [salad]
> Di in Crew taps: salad
! ✓ salad
< Crew now: lunch?
  soup: 1
  salad: 1
< Crew: Enough: Cy=soup Di=salad
",
    );
}

#[test]
fn it_can_be_asked_again_and_nobody_goes_back_past_it() {
    async fn twice(chat: Chat) {
        let (votes, ended) =
            chat.gather(pick("lunch", &["soup", "stew"])).until(|votes| votes.len() == 1).await;
        chat.say(said(&votes, ended));
        if chat.ask(q("again")).await == "yes" {
            chat.reopen(["lunch", "again"]).await;
        }
    }
    plays(
        &app(twice),
        "\
> Ada in Crew: /go
< Crew: lunch?
  Nobody has answered yet. [soup] [stew]
> Ada in Crew taps: soup
! ✓ soup
< Crew now: lunch?
  soup: 1
  stew: 0
< Crew: Enough: Ada=soup
< Crew: again?
> Ada in Crew: /back
< Crew: There is no way back from here.
> Ada in Crew replies to again: yes
< Crew: lunch?
  Nobody has answered yet. [soup] [stew]
> Ada in Crew taps: stew
! ✓ stew
< Crew now: lunch?
  soup: 0
  stew: 1
< Crew: Enough: Ada=stew
< Crew: again?
",
    );
}

#[test]
fn two_at_once_are_told_apart_and_another_command_leaves_them_running() {
    async fn both(chat: Chat) {
        let of =
            |name: &str| chat.gather(pick(name, &["yes", "no"])).within(TimeDelta::hours(1)).into_future();
        let ((noon, _), (night, _)) = futures_util::future::join(of("noon"), of("night")).await;
        chat.say(t(format!("{} {}", noon.len(), night.len())));
    }
    plays(
        &app(both),
        "\
> Ada in Crew: /go
< Crew: noon?
  Nobody has answered yet. [yes] [no]
< Crew: night?
  Nobody has answered yet. [yes] [no]
> Bo in Crew taps yes under noon
! ✓ yes
< Crew now: noon?
  One answer so far. [yes · 1] [no]
> Ada in Crew: /start
< Crew: This is what I can do:
  /go – Go
  /cancel – Stop what is going on
  /help – Show this list
> Bo in Crew taps yes under night
! ✓ yes
< Crew now: night?
  One answer so far. [yes · 1] [no]
> Cy in Crew taps no under night
! ✓ no
< Crew now: night?
  2 answers so far. [yes · 1] [no · 1]
… 1 hour passes
< Crew now: noon?
  yes: 1
  no: 0
< Crew now: night?
  yes: 1
  no: 1
< Crew: 1 2
",
    );
}

#[test]
fn a_group_that_the_bot_is_thrown_out_of_is_an_end_too() {
    async fn late(chat: Chat) {
        chat.ask(q("when")).await;
        let (votes, ended) = chat.gather(pick("lunch", &["soup"])).within(TimeDelta::hours(1)).await;
        chat.tell(&chat.who().unwrap(), said(&votes, ended));
    }
    plays(
        &app(late),
        "\
> Ada in Crew: /go
< Crew: when?
~ Crew throws the bot out
> Ada in Crew replies to when: now
< Unreachable: 
",
    );
}

#[test]
fn a_gathering_has_its_limits() {
    let table = app(|chat: Chat| async move {
        let gather = chat.gather(pick("lunch", &["soup"])).within(TimeDelta::hours(1));
        chat.say(t(gather.await.0.len().to_string()));
    });
    let mut world = World::new(&table);
    world.play("> Ada in Crew: /go\n").unwrap();
    let press = world.screen[0].message.buttons[0][0].data.clone();
    for n in 0..501 {
        let name = format!("P{n}");
        let who = crate::engine::rehearse::transcript::Actor { name: &name, place: Some("Crew") };
        let what = What::Press { data: press.clone(), callback: "c".to_owned() };
        world.does(who, Some(0), what);
    }
    world.settle().unwrap();
    assert_eq!(head(&world).counts("lunch#0")["soup"], 500);
    let size = serde_json::to_vec(head(&world)).unwrap().len();
    assert!(size < 128 * 1024, "{size} bytes of 256 kB");
    let log: &[_] = &world.logs.values().next().unwrap()[..];
    assert_eq!(log.last().unwrap().toast, Some(crate::text!("gathered-full", count = 500_usize)));
}

#[test]
fn what_is_no_choice_or_never_ends_is_refused() {
    let why = |table: &Table| World::new(table).play("> Ada in Crew: /go\n").unwrap_err().got;
    let endless = app(|chat: Chat| async move { drop(chat.gather(pick("lunch", &["soup"])).await) });
    assert!(why(&endless).contains("nothing ends it"), "{}", why(&endless));
    let wordy =
        app(|chat: Chat| async move { drop(chat.gather(q("lunch")).within(TimeDelta::hours(1)).await) });
    assert!(why(&wordy).contains("only a choice"), "{}", why(&wordy));
}

/// The input of a press, however it is read later, says who pressed: so the log needs nothing else.
#[test]
fn a_stored_answer_is_the_same_answer() {
    let table = app(lunch);
    let world = plays(&table, &format!("{ASKED}{ONE}"));
    let entry = world.logs.values().next().unwrap().last().unwrap();
    let Fact::Gathered { question, by, key } = &entry.facts[0].fact else { panic!("{:?}", entry.facts) };
    assert_eq!((question.as_str(), by.name.as_str(), key.as_str()), ("lunch#0", "Bo", "stew"));
    let again: Shared<Input> = serde_json::from_str(&serde_json::to_string(&entry.input).unwrap()).unwrap();
    assert_eq!(again, entry.input);
}
