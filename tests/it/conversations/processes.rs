//! Two processes on one store, at the same conversations at the same time.

use std::{sync::Arc, time::Duration};

use backline::runtime::Settings;

use crate::harness::{ADA, App, BO, CLEO, Fault, Gate, On, Plan, conversation};

/// Three people order one thing after another, faster than anybody can follow; each time another process takes it, and
/// its neighbour meddles.
async fn rush(on: On) {
    // The next one comes while the last one is still worked at.
    let settings = Settings { inline_budget: Duration::ZERO, messages_per_second: 0, ..Settings::default() };
    let app = Arc::new(App::planned(Plan { on, settings, ..Plan::default() }).await);
    let processes = Arc::new([app.process(), app.another_process()]);
    let people = [ADA, BO, CLEO].map(|person| {
        let (app, processes) = (app.clone(), processes.clone());
        tokio::spawn(async move {
            for round in 0..8 {
                let updates = ["/order", "somebody", "Red"].map(|words| app.saying(person, words));
                let (taker, meddler) = (&processes[round % 2], &processes[(round + 1) % 2]);
                let hint = format!("{{\"conversation\":\"{}\"}}", conversation(person));
                let takes = async {
                    // Requests side by side are stored in any order; Telegram does not send a chat's so.
                    let mut taken = Vec::new();
                    for update in &updates {
                        taken.push(taker.post(update).await);
                    }
                    taken
                };
                let meddles = async {
                    for _ in 0..6 {
                        meddler.runtime.follow(&hint).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                    meddler.post(&updates[0]).await
                };
                let (taken, meddled) = tokio::join!(takes, meddles);
                for answer in taken.into_iter().chain([meddled]) {
                    assert_eq!(answer.unwrap().0, 200);
                }
            }
        })
    });
    for person in people {
        person.await.unwrap();
    }
    // What nobody waited for goes on still, and is not to find in the midst of a call that a minute has passed.
    let moves = || (app.wire.calls(), processes.each_ref().map(|process| process.store.writes()));
    let mut before = None;
    while before.replace(moves()) != Some(moves()) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    app.settle().await;
    for (person, back) in [(ADA, "‹ Back"), (BO, "‹ Zurück"), (CLEO, "‹ Back")] {
        let round =
            ["Your name?", &format!("Which colour? [Red] [Blue] [{back}]"), "Thanks, somebody.", "Red"];
        assert_eq!(app.sent(person), round.repeat(8));
        assert!(app.items(person).iter().all(|item| item.workflows.len() == 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_lose_and_double_nothing() {
    rush(On::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_lose_and_double_nothing_where_a_commit_is_several() {
    rush(On::SqliteApart).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_lose_and_double_nothing_on_cosmos() {
    rush(On::Cosmos).await;
}

/// In one process two conversations take turns at their workflow.
#[tokio::test]
async fn nobody_runs_into_anybody_in_one_process() {
    let app = App::start().await;
    app.says(BO, "/start").await;
    app.says(ADA, "/duet").await;
    let (store, gate) = (app.store(), Gate::default());
    store.fail(Fault::Wait(gate.clone()), 1, |operation| operation.is_write_of("tg:"));
    let (word, go) = (app.saying(ADA, "hello"), app.pressing(BO, "Go"));
    let process = app.process();
    let (reads, writes) = (store.reads(), store.writes());
    let opens = async {
        gate.reached().await;
        // Each has read its conversation and the workflow. Now Bo waits.
        while store.reads() < reads + 4 {
            tokio::task::yield_now().await;
        }
        gate.open();
    };
    let waits = async {
        while store.writes() < writes + 1 {
            tokio::task::yield_now().await;
        }
        process.post(&go).await
    };
    tokio::join!(process.post(&word), waits, opens);
    assert_eq!(store.conflicts_at_workflows(), 0);
    assert_eq!(app.sent(BO).len(), 4);
}

/// Everybody presses at once: one workflow, many conversations.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_people_feed_one_workflow_from_two_processes() {
    for on in [On::Sqlite, On::SqliteApart, On::Cosmos] {
        let app = App::on(on).await;
        let other = app.another_process();
        app.says(BO, "/start").await;
        app.says(ADA, "/duet").await;
        let (word, go) = (app.saying(ADA, "hello"), app.pressing(BO, "Go"));
        let process = app.process();
        let answers = tokio::join!(process.post(&word), other.post(&go));
        assert_eq!(
            (answers.0.unwrap().0, answers.1.unwrap().0),
            (200.try_into().unwrap(), 200.try_into().unwrap())
        );
        app.settle().await;
        let mut sent = app.sent(BO)[2..].to_vec();
        sent.sort();
        assert_eq!(sent, ["Gone.", "hello"]);
    }
}
