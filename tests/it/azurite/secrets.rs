//! What goes wrong is told clearly, and without the key or a signature, wherever anybody may read it.

use std::time::Duration;

use axum::{Router, http::StatusCode, routing::any};
use backline::queue::{Error, Mailbox, Queue};
use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::net::TcpListener;

use super::{account, key, open};
use crate::dev::{ADA, Start};

const LEASE: Duration = Duration::from_secs(60);

fn wrong_key() -> String {
    STANDARD.encode("nobody's key, and nobody's business")
}

/// Whoever reads this could not get in by it.
#[track_caller]
fn assert_harmless(said: &str) {
    for secret in [key(), wrong_key(), "sig=".to_owned(), "sig%3D".to_owned(), "http://".to_owned()] {
        assert!(!said.contains(&secret), "`{secret}` in: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_with_what_to_do() {
    let Some(account) = account() else { return };
    let queue = open(&account.with_key(&wrong_key()));
    let sent = queue.send("hints", "x", Duration::ZERO).await.unwrap_err();
    let received = queue.receive("hints", 1, LEASE).await.unwrap_err();
    let listed = queue.list().await.unwrap_err();
    for error in [sent, received, listed] {
        assert!(matches!(&error, Error::Refused(why) if why.contains("does not let us in")), "{error}");
        assert!(error.to_string().contains("access keys page"), "{error}");
        assert_harmless(&format!("{error} {error:?}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_with_a_wrong_key_says_so_and_answers_all_the_same() {
    let Some(account) = account() else { return };
    let data = tempfile::tempdir().unwrap();
    let storage = account.with_key(&wrong_key());
    let settings = [
        ("AzureWebJobsStorage", storage.as_str()),
        ("INLINE_BUDGET_MS", "0"),
        // Everything that the SDK has to say, too.
        ("RUST_LOG", "debug"),
    ];
    let dev = Start { settings: &settings, ..Start::own(data.path()) }.start().await;
    dev.say(ADA, "/report").await;
    // The host cannot listen, the handler can leave no hint: both say so, once for each.
    dev.until("the host's complaint", || dev.line("WARN advance_conversations")).await;
    dev.until("the handler's complaint", || dev.line("no hint left")).await;
    dev.hears(ADA, "What is it about?").await;
    let complaint = dev.line("does not let us in").unwrap();
    assert!(complaint.contains("access keys page"), "{complaint}");
    for line in dev.everything() {
        let line = line.replace("sig=REDACTED", "");
        for secret in [key(), wrong_key(), "sig=".to_owned(), "sig%3D".to_owned()] {
            assert!(!line.contains(&secret), "`{secret}` in: {line}");
        }
    }
}

#[tokio::test]
async fn nobody_there_is_told_without_a_url() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let queue = open(&format!("AccountName=shop;AccountKey={};QueueEndpoint=http://{free}/shop", key()));
    let error = queue.send("hints", "x", Duration::ZERO).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable(why) if why.contains("can't connect")), "{error}");
    assert!(error.to_string().contains(&free.to_string()), "{error}");
    assert_harmless(&format!("{error} {error:?}"));
}

#[tokio::test]
async fn a_server_that_is_busy_or_hangs_is_unavailable_in_bounded_time() {
    let hang = any(async || std::future::pending::<()>().await);
    let app = Router::new()
        .route(
            "/busy/{*rest}",
            any(async || (StatusCode::SERVICE_UNAVAILABLE, [("x-ms-error-code", "ServerBusy")])),
        )
        .route("/hangs/{*rest}", hang);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    for (account, wanted) in [("busy", "503 ServerBusy"), ("hangs", "")] {
        let queue = open(&format!(
            "AccountName={account};AccountKey={};QueueEndpoint=http://{server}/{account}",
            key()
        ));
        let asked = tokio::time::timeout(Duration::from_secs(60), queue.send("hints", "x", Duration::ZERO));
        let error = asked.await.expect("a call ends").unwrap_err();
        assert!(matches!(&error, Error::Unavailable(why) if why.contains(wanted)), "{error}");
        assert_harmless(&format!("{error} {error:?}"));
    }
}

#[test]
fn settings_that_cannot_work_are_refused_before_anything_is_asked() {
    use backline::{
        azure::{Access, Identity, Service, StorageAccount},
        model::Clock,
        queue::storage_queue::StorageQueue,
    };
    let settings = |text: &str| StorageAccount::of_connection_string(Service::Queue, text).unwrap();
    let no_key =
        StorageQueue::new(settings("AccountName=shop;AccountKey=se same!"), Clock::real()).err().unwrap();
    assert!(no_key.to_string().contains("no base64") && !no_key.to_string().contains("se same"), "{no_key}");
    let by_identity = StorageAccount {
        access: Access::Identity(Identity::Developer),
        ..settings("UseDevelopmentStorage=true")
    };
    let not_encrypted = StorageQueue::new(by_identity, Clock::real()).err().unwrap();
    assert!(not_encrypted.to_string().contains("`https` alone"), "{not_encrypted}");
}
