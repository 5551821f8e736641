//! The process dies at every write and around every call of the Bot API, and no conversation shows it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::{ADA, App, BO, Cut, Fault, On, State};

/// How a process dies.
#[derive(Clone, Copy, Debug)]
enum Death {
    BeforeWrite,
    AfterWrite,
    BeforeCall,
    AfterCall,
}

const DEATHS: [Death; 4] = [Death::BeforeWrite, Death::AfterWrite, Death::BeforeCall, Death::AfterCall];

/// Who finds what a dead process has left behind.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rescue {
    /// Telegram brings the update again, to a new process, at once.
    Redelivery,
    /// The next sweep.
    Sweep,
}

enum Step {
    Says(i64, &'static str),
    Presses(i64, &'static str),
}
use Step::{Presses, Says};

/// What is left when a conversation is over.
#[derive(Debug, PartialEq)]
struct End {
    story: BTreeMap<String, Vec<Value>>,
    items: Vec<(String, State)>,
    sent: BTreeMap<i64, Vec<String>>,
    /// How it reads at the end.
    shown: Vec<Vec<String>>,
}

/// Has the whole conversation; with a death, the first process dies once on the way. Returns whether it did.
async fn have(app: &App, steps: &[Step], rescue: Rescue) -> bool {
    let mut died = false;
    for step in steps {
        let update = match step {
            Says(person, words) => app.saying(*person, words),
            Presses(person, label) => app.pressing(*person, label),
        };
        app.post(&update).await;
        if app.process().is_dead() {
            died = true;
            app.restart();
            if rescue == Rescue::Redelivery {
                app.post(&update).await;
                app.post(&update).await;
            } else if !app.knows(&update) {
                // It was never stored: Telegram got no answer, and brings it again, whatever else happens.
                app.post(&update).await;
            }
            app.settle().await;
        }
    }
    app.settle().await;
    died
}

fn end(app: &App) -> End {
    let people = [ADA, BO];
    let items = people.iter().flat_map(|person| app.items(*person));
    End {
        story: app.story(),
        items: items.map(|item| (item.input.key.to_string(), item.state)).collect(),
        sent: people.into_iter().map(|person| (person, app.sent(person))).collect(),
        shown: people.into_iter().map(|person| app.saw(person)).collect(),
    }
}

/// Takes out what was sent twice in a row, and returns how many those were.
fn without_doubles(expected: &BTreeMap<i64, Vec<String>>, sent: &mut BTreeMap<i64, Vec<String>>) -> usize {
    let mut doubles = 0;
    for (person, messages) in sent {
        let mut wanted = expected[person].iter().peekable();
        let mut before: Option<String> = None;
        messages.retain(|message| {
            let is_next = wanted.peek() == Some(&message);
            if !is_next && before.as_ref() == Some(message) {
                doubles += 1;
                return false;
            }
            wanted.next();
            before = Some(message.clone());
            true
        });
    }
    doubles
}

async fn survives(steps: &[Step]) {
    for on in [On::Sqlite, On::SqliteApart] {
        survives_on(on, steps, &DEATHS, &[Rescue::Redelivery, Rescue::Sweep]).await;
    }
}

async fn survives_on(on: On, steps: &[Step], deaths: &[Death], rescues: &[Rescue]) {
    let undisturbed = App::on(on).await;
    have(&undisturbed, steps, Rescue::Sweep).await;
    let expected = end(&undisturbed);
    for &death in deaths {
        for &rescue in rescues {
            let mut n = 1;
            loop {
                let app = App::on(on).await;
                match death {
                    Death::BeforeWrite => app.store().fail_write(n, Fault::DieBefore),
                    Death::AfterWrite => app.store().fail_write(n, Fault::DieAfter),
                    Death::BeforeCall => app.wire.cut(n, Cut::Before, app.store()),
                    Death::AfterCall => app.wire.cut(n, Cut::After, app.store()),
                }
                let died = have(&app, steps, rescue).await;
                let mut found = end(&app);
                let doubles = without_doubles(&expected.sent, &mut found.sent);
                let case = format!("{death:?} {n}, {rescue:?}, {on:?}");
                pretty_assert(&expected, &found, doubles, &case);
                assert!(doubles <= usize::from(died), "{case}: {doubles} messages came twice");
                if !died {
                    break;
                }
                n += 1;
            }
            assert!(n > steps.len(), "{death:?}: {n} deaths for {} steps", steps.len());
        }
    }
}

fn pretty_assert(expected: &End, found: &End, doubles: usize, case: &str) {
    assert_eq!(expected.items, found.items, "{case}");
    assert_eq!(expected.sent, found.sent, "{case}");
    assert_eq!(expected.story, found.story, "{case}");
    // The first of two equal prompts is out of reach: its keyboard stays.
    if doubles == 0 {
        assert_eq!(expected.shown, found.shown, "{case}");
    }
}

#[tokio::test]
async fn a_conversation_survives_a_death_at_every_step() {
    survives(&[Says(ADA, "/order"), Says(ADA, "Ada"), Presses(ADA, "Blue")]).await;
}

/// The same in Microsoft's emulator, where A and B are requests of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_on_cosmos_survives_a_death_at_every_step() {
    let steps = [Says(BO, "/start"), Says(ADA, "/approve"), Says(ADA, "Paint"), Presses(BO, "Yes")];
    let writes = [Death::BeforeWrite, Death::AfterWrite];
    survives_on(On::Cosmos, &steps, &writes, &[Rescue::Redelivery]).await;
    survives_on(On::Cosmos, &steps[..2], &writes[..1], &[Rescue::Sweep]).await;
}

#[tokio::test]
async fn an_interrupted_workflow_survives_a_death_at_every_step() {
    let steps = [
        Says(ADA, "/order"),
        Says(ADA, "Ada"),
        Says(ADA, "/patient"),
        Says(ADA, "/cancel"),
        Says(ADA, "nonsense"),
        Says(ADA, "/order"),
    ];
    survives(&steps).await;
}

#[tokio::test]
async fn a_conversation_of_two_survives_a_death_at_every_step() {
    let steps = [
        Says(BO, "/start"),
        Says(ADA, "/approve"),
        Says(ADA, "Paint"),
        Says(ADA, "/order"),
        Presses(BO, "Yes"),
        Says(ADA, "Ada"),
    ];
    survives(&steps).await;
}

#[tokio::test]
async fn a_choice_of_language_survives_a_death_at_every_step() {
    survives(&[Says(ADA, "/tongue"), Presses(ADA, "German"), Says(ADA, "hello?")]).await;
}

#[tokio::test]
async fn calls_events_and_started_workflows_survive_a_death_at_every_step() {
    let steps = [
        Says(BO, "/start"),
        Says(ADA, "/weather"),
        Says(ADA, "Graz"),
        Says(ADA, "/found"),
        Says(ADA, "A glove"),
        Presses(BO, "Mine"),
        Says(ADA, "/long"),
    ];
    survives(&steps).await;
}
