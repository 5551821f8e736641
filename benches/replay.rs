//! How long the engine takes for one answer in a conversation of ten questions: the replay alone, and the whole
//! decision with its fold. Prints microseconds; 50 µs for a replay is the most that is acceptable.

use std::{collections::BTreeMap, hint::black_box, time::Instant};

use backline::{
    Text,
    engine::{
        Chat, Decided, Decision, Head, Route, Script, Table, Target, Workflow, choice, decide, replay, route,
        text,
    },
    model::{ChatKind, Content, ConversationId, Input, InputKey, Person, Shared, TraceParent, What},
};

const ROUNDS: u32 = 20_000;

async fn ten_questions(chat: Chat) {
    for item in 0..5 {
        let chat = chat.scope(format!("item.{item}"));
        let places = ["north", "east", "south", "west"].map(|key| (key.to_owned(), Text::literal(key)));
        let (place, _) = chat.ask(choice("place", Text::literal("Where is it?"), places)).await;
        let note = chat.ask(text("note", Text::literal("What should we know?")).optional()).await;
        chat.say(Text::literal(format!("{place}: {}", note.unwrap_or_default())));
    }
    chat.ask(text("end", Text::literal("Anything else?"))).await;
}

fn input(update: u64, what: What) -> Shared<Input> {
    let bot = "bench".parse().expect("a slug");
    Shared::from(Input {
        key: InputKey::update(&bot, update),
        at: "2026-06-05T12:00:00Z".parse().expect("a time"),
        conversation: ConversationId::private(bot, 7),
        chat: ChatKind::Private,
        from: Some(Person { id: 7, name: "Ada".to_owned(), language: None }),
        message_id: None,
        reply_to: None,
        trace: TraceParent::root(),
        what,
    })
}

fn decided(table: &Table, input: &Shared<Input>, current: Option<&Head>) -> Decision {
    let target = Target { current, ..Target::default() };
    match decide(table, input, &route(table, input, None, None), target, &BTreeMap::new()) {
        Ok(Decided::Done(decision)) => *decision,
        other => panic!("nothing to measure: {other:?}"),
    }
}

fn folded(decision: Decision, head: Option<Head>) -> Head {
    let (workflow, entry) = decision.entries.into_iter().next().expect("an entry");
    Head::fold(head, workflow, &entry).expect("a head")
}

fn micros<T>(what: &str, mut run: impl FnMut() -> T) {
    for _ in 0..ROUNDS / 10 {
        black_box(run());
    }
    let start = Instant::now();
    for _ in 0..ROUNDS {
        black_box(run());
    }
    println!("{what}: {:.1} µs", start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS));
}

fn main() {
    let workflow = Workflow::new("ten", ten_questions).command("ten", Text::literal("Ten questions"));
    let table = Table::new().workflow(workflow);
    let begin = input(0, What::Command { name: "ten".to_owned(), payload: None });
    assert!(matches!(route(&table, &begin, None, None), Route::Begin(_)));
    let mut head = folded(decided(&table, &begin, None), None);
    for update in 1..10 {
        let words = if update % 2 == 1 { "north" } else { "the lamp is broken" };
        let answer = input(update, What::Said(Content::Text(words.to_owned())));
        head = folded(decided(&table, &answer, Some(&head)), Some(head));
    }
    assert_eq!(head.standing.len(), 9);
    let tenth = input(10, What::Said(Content::Text("the lamp is broken".to_owned())));
    let script: Box<Script> = Box::new(|chat| Box::pin(ten_questions(chat)));
    let done = folded(decided(&table, &tenth, Some(&head)), Some(head.clone()));
    assert_eq!(done.standing.len(), 10);

    micros("a replay of ten answers", || replay(&script, &done, &BTreeMap::new()));
    micros("deciding the tenth answer", || decided(&table, &tenth, Some(&head)));
    micros("deciding and folding it", || folded(decided(&table, &tenth, Some(&head)), Some(head.clone())));
    micros("a head to JSON and back", || {
        let json = serde_json::to_string(&done).expect("a head is JSON");
        serde_json::from_str::<Head>(&json).expect("and back")
    });
}
