//! The process dies at every write and around every call of the Bot API, and no conversation shows it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::{ADA, App, BO, CLEO, Cut, Fault, On, State, talk};

/// The first group that the fake Telegram makes, and the supergroup that it becomes.
const GROUP: i64 = -4_000_000_001;
const SUPERGROUP: i64 = -1_001_000_000_002;

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
    /// A group is made of all three.
    Founds,
    /// Writes there.
    SaysInGroup(i64, &'static str),
    /// To the message there that begins so.
    Replies(i64, &'static str, &'static str),
    PressesInGroup(i64, &'static str),
    /// The group becomes a supergroup.
    Upgrades,
    /// The same, and nobody tells the bot.
    UpgradesInSilence,
}
use Step::{Founds, Presses, PressesInGroup, Replies, Says, SaysInGroup, Upgrades, UpgradesInSilence};

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
    let mut group = GROUP;
    for step in steps {
        let updates = match step {
            Says(person, words) => vec![app.saying(*person, words)],
            Presses(person, label) => vec![app.pressing(*person, label)],
            Founds => app.founding().1,
            SaysInGroup(person, words) => vec![app.saying_in(group, *person, words)],
            Replies(person, begins, words) => vec![app.replying_in(group, *person, begins, words)],
            PressesInGroup(person, label) => vec![app.pressing_in(group, *person, label)],
            Upgrades | UpgradesInSilence => {
                let (new, updates) = app.upgrading(group);
                group = new;
                if matches!(step, Upgrades) { updates } else { Vec::new() }
            }
        };
        for update in updates {
            died |= take(app, &update, rescue).await;
        }
        if matches!(step, Upgrades) {
            // The other conversations of the group hear of it by their hints.
            app.deliver_hints().await;
            died |= revive(app).await;
        }
    }
    app.settle().await;
    died |= revive(app).await;
    died
}

/// Brings an update; returns whether the process died over it.
async fn take(app: &App, update: &str, rescue: Rescue) -> bool {
    app.post(update).await;
    if !app.process().is_dead() {
        return false;
    }
    app.restart();
    if rescue == Rescue::Redelivery {
        app.post(update).await;
        app.post(update).await;
    } else if !app.knows(update) {
        // It was never stored: Telegram got no answer, and brings it again, whatever else happens.
        app.post(update).await;
    }
    app.settle().await;
    true
}

/// A process that died over a hint or a sweep is followed by another, which sweeps.
async fn revive(app: &App) -> bool {
    let died = app.process().is_dead();
    if died {
        app.restart();
        app.settle().await;
    }
    died
}

fn end(app: &App) -> End {
    let people = [ADA, BO, GROUP, SUPERGROUP];
    let here = people.iter().flat_map(|person| app.items(*person));
    let there = [ADA, BO, CLEO].into_iter().flat_map(|person| app.items_of(&talk(person, GROUP)));
    let items = here.chain(there);
    // In a group, what several people are answered has no order among them.
    let in_order = |chat: i64, mut messages: Vec<String>| {
        if chat < 0 {
            messages.sort();
        }
        messages
    };
    End {
        story: app.story(),
        items: items.map(|item| (item.input.key.to_string(), item.state)).collect(),
        sent: people.into_iter().map(|chat| (chat, in_order(chat, app.sent(chat)))).collect(),
        shown: people.into_iter().map(|chat| in_order(chat, app.saw(chat))).collect(),
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

/// Where a commit is several.
async fn survives_apart(steps: &[Step]) {
    survives_on(On::SqliteApart, steps, &DEATHS, &[Rescue::Redelivery, Rescue::Sweep]).await;
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
            // Not every step makes a call: a press in time is answered by the webhook.
            let least = if matches!(death, Death::BeforeWrite | Death::AfterWrite) { steps.len() } else { 3 };
            assert!(n > least, "{death:?}: {n} deaths for {} steps", steps.len());
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

#[tokio::test]
async fn a_gathering_survives_a_death_at_every_step() {
    let steps = [
        Founds,
        SaysInGroup(ADA, "/lunch"),
        PressesInGroup(BO, "Soup"),
        PressesInGroup(BO, "Stew"),
        PressesInGroup(ADA, "Stew"),
        PressesInGroup(CLEO, "Soup"),
    ];
    survives(&steps).await;
}

#[tokio::test]
async fn a_migration_survives_a_death_at_every_step() {
    let steps = [
        Founds,
        SaysInGroup(ADA, "/order"),
        SaysInGroup(BO, "/lunch"),
        PressesInGroup(CLEO, "Soup"),
        Upgrades,
        Replies(ADA, "Your name?", "Ada"),
        PressesInGroup(ADA, "Stew"),
        PressesInGroup(ADA, "Red"),
        PressesInGroup(BO, "Stew"),
    ];
    survives_apart(&steps).await;
}

/// Telegram refuses a call and names the new id: that is how we hear of it.
#[tokio::test]
async fn a_migration_in_silence_survives_a_death_at_every_step() {
    let steps = [
        Founds,
        SaysInGroup(BO, "/lunch"),
        PressesInGroup(CLEO, "Soup"),
        UpgradesInSilence,
        SaysInGroup(ADA, "/order"),
        Replies(ADA, "Your name?", "Ada"),
    ];
    survives_apart(&steps).await;
}
