//! Whatever people do, in whatever order, the promises hold.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use futures_util::future::{join, select};
use proptest::prelude::*;
use serde_json::Value;

use super::{folded_through_json, moderate, pick, q, somebody, t};
use crate::{
    engine::{
        Chat, Head, Status, Table, Workflow, date, number, photos,
        rehearse::{transcript::Act, world::World},
        toggles,
    },
    model::{Content, What},
};

/// A script that uses everything.
async fn everything(chat: Chat) {
    let keys = ["a", "b", "c"].map(|key| (key.to_owned(), t(key)));
    let which = chat.ask(toggles("which", t("which?"), keys).count(0, 2)).await;
    let mut item = 0;
    loop {
        let each = chat.scope(format!("item.{item}"));
        let name = each.ask(q("name").or(pick("known", &["lamp", "tap"])).optional()).await;
        chat.say(t(format!("item {item}: {}", name.is_some())));
        if each.ask(pick("more", &["more", "enough"])).await.0 == "enough" || item == 2 {
            break;
        }
        item += 1;
    }
    let photos = chat.ask(photos("photos", t("photos?")).at_most(2).within(TimeDelta::hours(1))).await;
    let note = async {
        let note = chat.ask(q("note")).await;
        chat.say(t(format!("noted: {note}")));
        chat.call(moderate(&note)).await.unwrap_or_default()
    };
    let day = chat.ask(date("day", t("day?")).optional());
    let (verdict, day) = join(note, day).await;
    let skip = chat.ask(pick("skip", &["do not wait"]));
    let bo = chat.ask_of(&somebody(1002, "Bo"), pick("may", &["yes", "no"]).or(number("n", t("how many?"))));
    let waited = select(Box::pin(bo), Box::pin(skip)).await;
    let waited = matches!(waited, futures_util::future::Either::Left((Ok(_), _)));
    let count = photos.map_or(0, |photos| photos.len());
    let summary = format!("{} {count} {verdict} {day:?} {waited}", which.len());
    match chat.ask(pick("review", &["submit", &summary, "edit", "everything"])).await.0.as_str() {
        "edit" => chat.reopen(["note", "skip", "may", "review"]).await,
        "everything" => chat.reopen(["which", "item.0/name", "photos", "day", "review"]).await,
        _ => _ = chat.start("other", ()),
    }
}

/// Another version of it.
async fn less(chat: Chat) {
    let keys = ["b", "c", "d"].map(|key| (key.to_owned(), t(key)));
    chat.ask(q("new").optional()).await;
    let which = chat.ask(toggles("which", t("which now?"), keys).count(1, 1).optional()).await;
    chat.say(t(format!("{:?}", which.map(|which| which.len()))));
    let note = chat.ask(q("note")).await;
    _ = chat.ask_of(&somebody(1002, "Bo"), q("may")).await;
    _ = chat.call(moderate(&note)).await;
    chat.ask(pick("review", &["submit", "anew"])).await;
}

async fn other(chat: Chat) {
    if chat.who().is_some() {
        chat.ask(q("name")).await;
    }
}

fn tables() -> [Table; 2] {
    let with = |workflow: Workflow| {
        let other = Workflow::new("other", other).command("other", t("Other"));
        let start = Workflow::new("start", |chat: Chat| async move { chat.say(t("Welcome.")) });
        Table::new().workflow(workflow.command("go", t("Go"))).workflow(other).workflow(start)
    };
    [with(Workflow::new("go", everything)), with(Workflow::new("go", less).version(2))]
}

#[derive(Clone, Debug)]
enum Step {
    Writes(&'static str, &'static str),
    /// Any button ever shown, whoever presses it.
    Presses(&'static str, prop::sample::Index),
    /// A button of the newest message, so that most conversations get somewhere.
    PressesNewest(prop::sample::Index),
    Replies(&'static str, prop::sample::Index, &'static str),
    Edits,
    Photo,
    Album(usize),
    Location,
    Returns(bool),
    Blocks(bool),
    Passes(i64),
    Again(prop::sample::Index),
    Deploys(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = prop::sample::select(vec!["Ada", "Ada", "Bo"]);
    let words = prop::sample::select(vec![
        "x", "12", "1.8.", "lamp", "/go", "/other", "/start", "/back", "/cancel", "/help", "/none", "", "ä 1",
    ]);
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        3 => (who.clone(), words.clone()).prop_map(|(who, words)| Step::Writes(who, words)),
        2 => (who.clone(), index()).prop_map(|(who, index)| Step::Presses(who, index)),
        9 => index().prop_map(Step::PressesNewest),
        1 => (who, index(), words).prop_map(|(who, index, words)| Step::Replies(who, index, words)),
        1 => Just(Step::Edits),
        1 => Just(Step::Photo),
        1 => (2_usize..4).prop_map(Step::Album),
        1 => Just(Step::Location),
        2 => any::<bool>().prop_map(Step::Returns),
        1 => any::<bool>().prop_map(Step::Blocks),
        1 => (1_i64..90).prop_map(Step::Passes),
        1 => index().prop_map(Step::Again),
        1 => (0_usize..2).prop_map(Step::Deploys),
    ];
    prop::collection::vec(step, 0..60)
}

fn does<'a>(world: &mut World<'a>, tables: &'a [Table; 2], step: &Step) -> Result<(), String> {
    let buttons: Vec<(usize, String)> = (world.screen.iter().enumerate())
        .flat_map(|(id, shown)| shown.message.buttons.iter().flatten().map(move |b| (id, b.data.clone())))
        .collect();
    let press = |world: &mut World<'_>, who: &str, (id, data): &(usize, String)| {
        let what = What::Press { data: data.clone(), callback: "press".to_owned() };
        world.does(who, i64::try_from(*id).ok(), what);
    };
    let photos = |count| {
        let files = vec![crate::model::FileKind::Photo; count];
        Act::SendsFiles { who: "Ada".into(), files, fate: Default::default(), caption: None, to: None }
    };
    let act = match step {
        Step::Writes(who, words) => Act::Writes { who: (*who).into(), words },
        Step::Presses(who, index) => {
            if !buttons.is_empty() {
                press(world, who, index.get(&buttons));
            }
            return world.settle();
        }
        Step::PressesNewest(index) => {
            let newest: Vec<_> =
                buttons.iter().rev().take_while(|(id, _)| *id + 1 >= world.screen.len()).collect();
            if !newest.is_empty() {
                let button = index.get(&newest);
                let who = if world.screen[button.0].to.user == 1001 { "Ada" } else { "Bo" };
                press(world, who, button);
            }
            return world.settle();
        }
        Step::Replies(who, index, words) => {
            let Some(input) = world.screen.len().checked_sub(1).map(|last| index.index(last + 1)) else {
                return Ok(());
            };
            return world.replies_to(*who, input, words);
        }
        Step::Edits => Act::Edits { who: "Ada".into(), words: "y" },
        Step::Photo => photos(1),
        Step::Album(count) => photos(*count),
        Step::Location => {
            let place = crate::model::Place { latitude: 1.0, longitude: 2.0 };
            world.does("Ada", None, What::Said(Content::Location(place)));
            return world.settle();
        }
        Step::Returns(fine) => {
            if world.calls.is_empty() {
                return Ok(());
            }
            let outcome = if *fine { Ok(Value::from("fine")) } else { Err("not today".to_owned()) };
            Act::Returns { activity: "moderate", outcome }
        }
        Step::Blocks(blocks) => Act::Blocks { who: "Bo", blocks: *blocks },
        Step::Passes(minutes) => Act::Passes(TimeDelta::minutes(*minutes)),
        Step::Again(index) => {
            // What was applied comes once more under a key of its own, as after a restored backup.
            let all: Vec<_> = world.logs.values().flatten().map(|entry| entry.input.clone()).collect();
            let again = (!all.is_empty()).then(|| index.get(&all).clone());
            let is_fit =
                again.filter(|input| !matches!(input.what, What::Started { .. } | What::Command { .. }));
            return is_fit.map_or(Ok(()), |input| world.accept(&input).and_then(|()| world.settle()));
        }
        Step::Deploys(version) => {
            world.table = &tables[*version];
            return Ok(());
        }
    };
    world.act(act).map(drop)
}

/// What always holds. Where the bot could not write for a while, keyboards stayed: `cut_off` names that person.
fn holds(world: &World<'_>, cut_off: Option<i64>) {
    for (id, head) in &world.heads {
        let log = &world.logs[id];
        assert!(head.status == Status::Running || head.open.is_empty(), "what has ended waits for nothing");
        let names: Vec<&str> = head.open.iter().map(|open| open.name()).collect();
        let different: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), different.len(), "no two open prompts have the same name");
        for open in &head.calls {
            let entry = &log[usize::try_from(open.n).unwrap()];
            let effect = &entry.effects[open.ordinal].effect;
            assert!(matches!(effect, crate::engine::Effect::Call { call, .. } if *call == open.name));
        }
        for entry in log {
            assert!(entry.facts.len() <= 30, "{:?}", entry.facts);
        }
    }
    let shown: Vec<_> = world
        .screen
        .iter()
        .filter(|s| !s.stripped && !s.message.buttons.is_empty() && Some(s.to.user) != cut_off)
        .collect();
    let open: usize =
        world.heads.values().map(|head| head.open.iter().filter(|o| o.has_buttons()).count()).sum();
    assert!(shown.len() <= open, "every keyboard belongs to an open question: {}", shown.len());
    let prompts: BTreeMap<_, usize> = shown.iter().fold(BTreeMap::new(), |mut counts, shown| {
        *counts.entry(&shown.prompt).or_default() += 1;
        counts
    });
    assert!(prompts.values().all(|count| *count == 1), "one keyboard a question");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_people_do_the_log_folds_and_start_begins_anew(steps in steps()) {
        let tables = tables();
        let mut world = World::new(&tables[0]);
        for who in ["Ada", "Bo"] {
            world.person(who);
        }
        world.play("> Ada: /go\n").unwrap();
        let mut cut_off = None;
        for step in &steps {
            if let Err(why) = does(&mut world, &tables, step) {
                panic!("{step:?}: {why}");
            }
            if let Step::Blocks(true) = step {
                cut_off = Some(1002);
            }
            holds(&world, cut_off);
        }
        for (id, head) in &world.heads {
            prop_assert_eq!(head, &folded_through_json(*id, &world.logs[id]), "a log folds in parts as at once");
        }
        let shown = world.play("> Ada: /start\n").unwrap();
        prop_assert!(shown.ends_with("< Welcome.\n"), "{}", shown);
        let running: Vec<&Head> =
            world.heads.values().filter(|head| head.status == Status::Running && !head.aside).collect();
        let is_adas = |head: &&Head| head.conversation.as_ref().is_some_and(|to| to.user == 1001);
        prop_assert_eq!(running.into_iter().filter(is_adas).count(), 0);
    }
}
