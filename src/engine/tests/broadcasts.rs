//! What is said to many at once.

use serde_json::json;

use super::{app, folded_through_json, goes_on, head, log, pick, plays, q, somebody, t};
use crate::{
    engine::{Chat, Effect, LookUp},
    model::Person,
};

struct People;

impl LookUp for People {
    const NAME: &'static str = "people";
    type Output = Vec<Person>;
}

async fn announces(chat: Chat) {
    let people = chat.look_up(People).await;
    let news = chat.ask(q("news")).await;
    chat.broadcast(people.iter().chain(&people), t(news));
    chat.say(t("Told."));
    if chat.ask(pick("more", &["more", "enough"])).await.0 == "more" {
        chat.reopen(["news", "more"]).await;
    }
}

#[test]
fn everybody_hears_once_and_whoever_speaks_hears_it_in_its_place() {
    let table = app(announces);
    let talk =
        "> Ada: /go\n< news?\n> Ada: rain\n< rain\n< Told.\n< more? [more] [enough] [‹ Back]\n< Bo: rain\n";
    let mut world = plays(&table, "");
    world.person("Ada");
    world.person("Bo");
    goes_on(&mut world, talk);
    let effects: Vec<&Effect> = log(&world)[1].effects.iter().map(|caused| &caused.effect).collect();
    let broadcasts = effects.iter().filter(|effect| matches!(effect, Effect::Broadcast { .. }));
    assert_eq!(broadcasts.count(), 1, "one effect, however many hear it: {effects:?}");
    goes_on(
        &mut world,
        "> Ada taps: more\n< news?\n> Ada: sun\n< sun\n< Told.\n< more? [more] [enough] [‹ Back]\n< Bo: sun\n",
    );
    goes_on(&mut world, "> Ada taps: enough\n");
}

#[test]
fn a_list_of_thousands_stays_in_the_log() {
    let table = app(async |chat: Chat| {
        let people = chat.look_up(People).await;
        let news = chat.ask(q("news")).await;
        chat.broadcast(&people, t(format!("{news} for {}", people.len())));
        chat.ask(q("more")).await;
    });
    let mut world = plays(&table, "");
    for n in 0..5000 {
        world.person(&format!("Somebody with a name, number {n}"));
    }
    let shown = world.play("> Ada: /go\n> Ada: rain\n").unwrap();
    assert_eq!(shown.matches("rain for 5001").count(), 5001);
    let id = head(&world).workflow;
    assert_eq!(folded_through_json(id, log(&world)), *head(&world));
    assert!(json!(head(&world)).to_string().len() < 5000);
}

#[test]
fn a_broadcast_has_a_limit_and_may_reach_nobody() {
    let table = app(async |chat: Chat| {
        chat.broadcast(&[], t("Nobody"));
        let many: Vec<Person> = (0..20_001).map(|id| somebody(id, "x")).collect();
        if chat.ask(q("news")).await == "all" {
            chat.broadcast(&many, t("All"));
        }
    });
    let mut world = plays(&table, "> Ada: /go\n< news?\n");
    assert!(world.play("> Ada: all\n").unwrap_err().to_string().contains("20000"));
}
