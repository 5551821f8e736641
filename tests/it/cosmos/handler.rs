//! The handler as it is built, under the local host, on Cosmos DB.

use serde_json::Value;

use super::Account;
use crate::{
    cosmos_bridge::{Fault, Kind},
    dev::{Dev, Start, signal},
    kill::{STEPS, check, take},
};

/// The local host with a handler that remembers everything in the account.
async fn start(account: &Account, data: &std::path::Path) -> Dev {
    let connection = account.bridge.connection_string();
    let settings = [("STORE", "cosmos"), ("CosmosConnection", connection.as_str())];
    Start { settings: &settings, ..Start::own(data) }.start().await
}

#[tokio::test]
async fn a_conversation_goes_on_through_kills_on_cosmos() {
    let (account, data) = (Account::provisioned().await, tempfile::tempdir().unwrap());
    let mut dev = start(&account, data.path()).await;
    let mut shown = Value::Null;
    for (place, (step, next)) in STEPS.into_iter().enumerate() {
        take(&dev, step, &shown).await;
        match place {
            1 => {
                let before = dev.until("handler", || dev.handler()).await;
                signal("KILL", before);
                dev.until("new handler", || dev.handler().filter(|&now| now != before)).await;
            }
            4 => {
                dev.kill();
                dev = start(&account, data.path()).await;
            }
            _ => {}
        }
        shown = dev.hears(crate::dev::ADA, next).await;
    }
    check(&dev, 2).await;
    assert!(account.count(Kind::Batch) > STEPS.len(), "it was remembered elsewhere");
}

#[tokio::test]
async fn a_conversation_goes_on_through_bad_days_of_cosmos() {
    let (account, data) = (Account::provisioned().await, tempfile::tempdir().unwrap());
    let dev = start(&account, data.path()).await;
    let busy = Fault::Refuse { status: 429, sub_status: 3200, retry_after_ms: 5 };
    let writes = Fault::Writes { statuses: vec![424, 429], retry_after_ms: 5 };
    let away = Fault::Refuse { status: 503, sub_status: 0, retry_after_ms: 0 };
    let days = [
        (Kind::Write, Fault::CutAfterwards),
        (Kind::Batch, Fault::CutAfterwards),
        (Kind::Read, busy.clone()),
        (Kind::Batch, writes),
        (Kind::Batch, away),
        (Kind::Query, busy),
        (Kind::Batch, Fault::RefuseAfterwards { status: 408 }),
    ];
    let mut shown = Value::Null;
    for ((step, next), (kind, fault)) in STEPS.into_iter().zip(days) {
        account.bridge.fail(1, kind, &fault);
        take(&dev, step, &shown).await;
        shown = dev.hears(crate::dev::ADA, next).await;
    }
    assert_eq!(account.bridge.mend(), 0, "a bad day that nobody saw");
    check(&dev, 0).await;
}
