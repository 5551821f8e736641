//! The program on queues in a storage account: its hints go through them, and what nobody can work on ends as a dead letter.

use std::{sync::Arc, time::Duration};

use azure_storage_queue::{QueueServiceClient, models::QueueMessage};
use backline::{
    model::Clock,
    queue::{Mailbox, Queue},
    runtime::DeadLetter,
    store::{Container, Query, Sqlite, SqliteSettings, Store},
};
use serde_json::Value;

use super::{Account, account};
use crate::dev::{ADA, Dev, Start};

/// The program with its queues in an account, and what else it is told.
async fn start(data: &std::path::Path, account: &Account, more: &[(&str, &str)]) -> Dev {
    let storage = account.connection_string();
    let settings = [&[("AzureWebJobsStorage", storage.as_str())], more].concat();
    Start { settings: &settings, ..Start::own(data) }.start().await
}

/// How the calls of a function ended, by what the host tells.
async fn calls(dev: &Dev, function: &str) -> Vec<Value> {
    let url = format!("{}/dev/invocations?function={function}", dev.telegram);
    dev.http.get(url).send().await.unwrap().json().await.unwrap()
}

/// Waits for the first dead letter of the hints' queue.
async fn dead_letter(data: &std::path::Path) -> DeadLetter {
    let store = Sqlite::open(&data.join("store.db"), SqliteSettings::default(), Clock::real()).unwrap();
    let look = async {
        loop {
            let letters =
                store.query(Container::DeadLetters, "queue:conversations", Query::default()).await.unwrap();
            if let Some(letter) = letters.first() {
                return letter.parse().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.expect("a dead letter is kept")
}

/// Waits until no message waits or is worked on in any queue.
async fn until_empty(queue: &dyn Mailbox) {
    let look = async {
        while queue.list().await.unwrap().values().any(|length| length.visible + length.hidden > 0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.expect("the queues are emptied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_goes_on_by_hints_in_the_account() {
    let Some(account) = account() else { return };
    let data = tempfile::tempdir().unwrap();
    // Without time to work in, every request leaves a hint.
    let dev = start(data.path(), &account, &[("INLINE_BUDGET_MS", "0")]).await;
    dev.say(ADA, "/report").await;
    let shown = dev.hears(ADA, "What is it about?").await;
    dev.press(ADA, &shown, "Cleaning").await;
    let shown = dev.hears(ADA, "Where is it?").await;
    dev.press(ADA, &shown, "Camp Site").await;
    let shown = dev.hears(ADA, "A photo says a lot").await;
    dev.press(ADA, &shown, "Skip").await;
    dev.hears(ADA, "What is wrong?").await;
    dev.say(ADA, "Mud").await;
    let shown = dev.hears(ADA, "Mud").await;
    dev.press(ADA, &shown, "Submit").await;
    dev.hears(ADA, "Thank you").await;
    let queues = account.open();
    until_empty(&queues).await;
    let hints = calls(&dev, "advance_conversations").await;
    assert!(hints.len() >= 6, "each update left a hint: {hints:#?}");
    assert!(hints.iter().all(|call| call["failure"] == Value::Null), "{hints:#?}");
    let names: Vec<String> = queues.list().await.unwrap().into_keys().collect();
    assert_eq!(names, ["conversations"], "the account has the queue");
    assert!(!data.path().join("queues.sqlite").exists(), "there is no other");
    let behind = dev.behind(ADA).await;
    assert!(behind["items"].as_array().unwrap().iter().all(|item| item["state"] == "done"), "{behind:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_nobody_can_work_on_becomes_a_dead_letter() {
    let Some(account) = account() else { return };
    let data = tempfile::tempdir().unwrap();
    let at_once = ("AzureFunctionsJobHost__extensions__queues__visibilityTimeout", "00:00:00");
    let dev = start(data.path(), &account, &[at_once]).await;
    dev.say(ADA, "/report").await;
    dev.hears(ADA, "What is it about?").await;
    // Somebody has damaged what is known of the conversation, and written it, so that it has another version.
    let file = rusqlite::Connection::open(data.path().join("store.db")).unwrap();
    file.busy_timeout(Duration::from_secs(30)).unwrap();
    let damaged = "UPDATE conversations SET body = '7', seq = -seq WHERE id = 'head'";
    assert_eq!(file.execute(damaged, []).unwrap(), 1);
    dev.say(ADA, "anybody there?").await;
    let letter = dead_letter(data.path()).await;
    assert!(letter.payload.as_str().unwrap().contains(&format!("operations:{ADA}:0:{ADA}")), "{letter:?}");
    let failed = calls(&dev, "advance_conversations").await;
    assert_eq!(failed.iter().filter(|call| call["failure"] != Value::Null).count(), 5, "{failed:#?}");
    let moved = dev.line("moved to `conversations-poison`").expect("the host says where it went");
    assert!(moved.contains("its last attempt failed"), "{moved}");
    until_empty(&account.open()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_base64_becomes_a_dead_letter_without_a_call() {
    let Some(account) = account() else { return };
    let data = tempfile::tempdir().unwrap();
    let dev = start(data.path(), &account, &[]).await;
    let queues = account.open();
    queues.send("conversations", "{}", Duration::ZERO).await.unwrap();
    let raw = "{\"as\": \"somebody else writes it\"}";
    let message = QueueMessage { message_text: Some(raw.to_owned()) };
    let client = raw_client(&account).queue_client("conversations").unwrap();
    client.send_message(message.try_into().unwrap(), None).await.unwrap();
    let letter = dead_letter(data.path()).await;
    assert_eq!(letter.payload, raw);
    until_empty(&queues).await;
    assert_eq!(calls(&dev, "advance_conversations").await.len(), 1, "the other message alone was one");
}

/// The SDK's own client, signed by hand.
fn raw_client(account: &Account) -> Arc<QueueServiceClient> {
    let mut url = azure_core::http::Url::parse(&account.endpoint).unwrap();
    let (from, to) = ("2026-01-01T00:00:00Z", "2200-01-01T00:00:00Z");
    let signed = format!("{}\nrau\nq\no\n{from}\n{to}\n\nhttps,http\n2021-12-02\n\n", account.name);
    let signature = azure_core::hmac::hmac_sha256(&signed, &super::key().into()).unwrap();
    url.query_pairs_mut().extend_pairs([
        ("sv", "2021-12-02"),
        ("ss", "q"),
        ("srt", "o"),
        ("sp", "rau"),
        ("st", from),
        ("se", to),
        ("spr", "https,http"),
        ("sig", &signature),
    ]);
    Arc::new(QueueServiceClient::new(url, None, None).unwrap())
}
