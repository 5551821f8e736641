//! What happens once, and what is the same at every replay.

use serde_json::json;

use super::{app, goes_on, head, log, pick, plays, q, somebody, t};
use crate::{
    engine::{Chat, DomainEvent, Effect, LookUp, Table, Workflow, person},
    model::{Event, Person},
};

#[derive(serde::Serialize)]
struct Reported {
    words: String,
    id: uuid::Uuid,
}

impl DomainEvent for Reported {
    const TYPE: &'static str = "test.reported.v1";
    fn subject(&self) -> String {
        self.id.to_string()
    }
}

async fn reports(chat: Chat) {
    let words = chat.ask(q("words")).await;
    let id = chat.id("issue");
    chat.emit(Reported { words: words.clone(), id });
    let child = chat.start("child", json!({ "words": words }));
    chat.say(t(format!("{id} {child} {}", chat.now().format("%H:%M"))));
    if chat.ask(pick("again", &["again", "enough"])).await.0 == "again" {
        chat.reopen(["words", "again"]).await;
    }
    chat.emit(Reported { words: "end".to_owned(), id });
}

async fn child(chat: Chat) {
    let started = format!("{:?} {:?}", chat.who(), chat.started().by);
    chat.tell(&somebody(1001, "Ada"), t(started));
    let sure = chat.ask_of(&somebody(1001, "Ada"), pick("sure", &["sure"])).await;
    chat.tell(&somebody(1001, "Ada"), t(format!("{}", sure.is_ok())));
}

fn table() -> Table {
    Table::new()
        .workflow(Workflow::new("go", reports).command("go", t("Go")))
        .workflow(Workflow::new("child", child))
}

#[test]
fn an_event_is_told_and_a_workflow_started_once_even_after_reopening() {
    let table = table();
    let mut world = plays(&table, "");
    let first = world.play("> Ada: /go\n… 15 minutes pass\n> Ada: mud\n").unwrap();
    let told = "< None Workflow { payload: Object {\"words\": String(\"mud\")} }\n< sure? [sure]\n";
    assert!(first.ends_with(told) && first.contains("12:15\n"), "now is the answer's time: {first}");
    let again = world.play("> Ada taps: again\n… 1 hour passes\n> Ada: rain\n").unwrap();
    let ids = |shown: &str| {
        shown.lines().find(|line| line.contains("12:15") || line.contains("13:15")).unwrap()[..76].to_owned()
    };
    assert_eq!(ids(&first), ids(&again), "the ids are the same, and nothing is started twice: {again}");
    let end = world.play("> Ada taps: sure\n> Ada taps: enough\n").unwrap();
    assert!(end.contains("\n< true\n") && end.contains("enough\n* test.reported.v1 "), "{end}");
    let entries = world.logs.values().flatten();
    let effects: Vec<_> =
        entries.flat_map(|entry| entry.effects.iter().map(move |caused| (entry, caused))).collect();
    let events: Vec<&Event> = effects
        .iter()
        .filter_map(|(entry, caused)| match &caused.effect {
            Effect::Publish(event) => {
                assert_eq!((&event.id, event.time), (&caused.id, entry.input.at));
                Some(event)
            }
            _ => None,
        })
        .collect();
    assert_eq!(events.iter().map(|event| &event.data["words"]).collect::<Vec<_>>(), ["mud", "end"]);
    assert_eq!((events[0].kind.as_str(), events[0].source.as_str()), ("test.reported.v1", "/workflows/go"));
    let starts = effects.iter().filter(|(_, caused)| matches!(caused.effect, Effect::Start { .. })).count();
    assert_eq!(starts, 1);
}

#[test]
fn another_start_of_the_same_script_has_other_ids() {
    let table = app(|chat: Chat| async move { chat.say(t(chat.id("issue").to_string())) });
    let mut world = plays(&table, "");
    let shown = world.play("> Ada: /go\n> Ada: /go\n").unwrap();
    let ids: std::collections::BTreeSet<&str> = shown.lines().filter(|line| line.starts_with('<')).collect();
    assert_eq!(ids.len(), 2);
}

struct People;

impl LookUp for People {
    const NAME: &'static str = "people";
    type Output = Vec<Person>;
}

struct Areas;

impl LookUp for Areas {
    const NAME: &'static str = "areas";
    type Output = Vec<String>;
}

#[test]
fn reference_data_is_what_it_was_when_it_was_first_asked_for() {
    async fn chooses(chat: Chat) {
        let people = chat.look_up(People).await;
        let who = chat.ask(person("who", t("Who?"), people)).await;
        let areas = chat.look_up(Areas).await;
        let keys: Vec<&str> = areas.iter().map(String::as_str).collect();
        let (area, _) = chat.ask(pick("areas", &keys)).await;
        chat.say(t(format!("{}: {area}", who.name)));
    }
    let old = app(chooses).reference("areas", r#"["north", "south"]"#);
    let new = app(chooses).reference("areas", r#"["east"]"#);
    let mut world = plays(&old, "> Ada: /cancel\n< There is nothing to cancel.\n");
    goes_on(
        &mut world,
        "> Ada: /go\n< Who? [Ada]\n> Bo: /cancel\n< There is nothing to cancel.\n> Ada taps: Ada\n< areas? [north] [south] [‹ Back]\n",
    );
    world.table = &new;
    goes_on(
        &mut world,
        "> Ada taps: ‹ Back\n< Who? [Ada]\n> Ada taps: Ada\n< areas? [north] [south] [‹ Back]\n> Ada taps: north\n< Ada: north\n",
    );
    let seen: Vec<usize> = log(&world).iter().map(|entry| entry.looked_up.len()).collect();
    assert_eq!(seen, [1, 1, 0, 0, 0], "each is looked up once");
    assert_eq!(head(&world).looked_up.len(), 2);
}

#[test]
fn reference_data_comes_in_the_order_of_its_ids() {
    use crate::engine::Areas;
    let table = app(|chat: Chat| async move {
        let areas = chat.look_up(Areas).await;
        chat.say(t(areas.into_iter().map(|area| area.name).collect::<Vec<_>>().join(" ")));
    });
    let area = |id: &str, name: &str| json!({ "id": id, "name": name, "latitude": 1.0, "longitude": 2.0, "radius_m": 3 });
    let areas = json!([area("9", "nine"), area("b", "last"), area("10", "ten")]);
    plays(&table.reference("areas", &areas.to_string()), "> Ada: /go\n< ten nine last\n");
}
