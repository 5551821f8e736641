//! The account, the database and the containers as they must be.

use azure_data_cosmos::{
    AccountReference, CosmosClient, RoutingStrategy,
    clients::DatabaseClient,
    models::{ContainerProperties, TimeToLive},
};
use backline::{
    azure::Access,
    store::{
        Container, Error, Store,
        cosmos::{Finding, State, provision, verify},
    },
};

use super::{Account, PLACE, create, id, is_there, put};
use crate::cosmos_bridge::{ConsistencyLevel, Kind};

fn states(findings: &[Finding]) -> Vec<&State> {
    findings.iter().map(|finding| &finding.state).collect()
}

#[tokio::test]
async fn what_is_missing_is_made_and_the_second_time_nothing_changes() {
    let account = Account::empty(ConsistencyLevel::Strong);
    let all = 2 + Container::ALL.len();
    let mut before = verify(&account.settings).await.unwrap();
    assert_eq!(states(&before[1..]), vec![&State::Missing; all - 1]);
    assert_eq!(before.remove(0).state, State::Fine);

    let made = provision(&account.settings).await.unwrap();
    assert_eq!(states(&made[1..]), vec![&State::Created; all - 1]);
    assert_eq!(made[2].what, "container `inputs`");

    let asked = account.bridge.seen().len();
    for found in [provision(&account.settings).await.unwrap(), verify(&account.settings).await.unwrap()] {
        assert_eq!(states(&found), vec![&State::Fine; all]);
    }
    assert!(account.bridge.seen()[asked..].iter().all(|seen| seen.method == "GET"), "something was written");
}

/// The database as somebody else may have made it.
async fn made_by_hand(account: &Account, containers: Vec<ContainerProperties>) {
    let Access::Key(key) = account.settings.access.clone() else { panic!("no key") };
    let reference = AccountReference::with_authentication_key(account.settings.endpoint.clone().into(), key);
    let client = CosmosClient::builder()
        .build(reference, RoutingStrategy::PreferredRegions(Vec::new()))
        .await
        .unwrap();
    client.create_database("backline", None).await.unwrap();
    let database: DatabaseClient = client.database_client("backline");
    for container in containers {
        database.create_container(container, None).await.unwrap();
    }
}

fn wrong(findings: &[Finding], what: &str) -> String {
    let finding = findings.iter().find(|finding| finding.what.contains(what)).unwrap();
    match &finding.state {
        State::Wrong(why) => why.clone(),
        other => panic!("{what} is {other:?}"),
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_and_left_alone() {
    let account = Account::empty(ConsistencyLevel::Strong);
    made_by_hand(
        &account,
        vec![
            ContainerProperties::new("inputs", "/id".into()).with_default_ttl(TimeToLive::NoDefault),
            ContainerProperties::new("events", "/subject".into()),
            ContainerProperties::new("people", "/bot".into()).with_default_ttl(9),
            ContainerProperties::new("areas", "/area".into()).with_default_ttl(TimeToLive::NoDefault),
        ],
    )
    .await;
    let told = wrong_ones(&provision(&account.settings).await.unwrap());
    assert_eq!(told, wrong_ones(&verify(&account.settings).await.unwrap()));
    let [inputs, events, people, areas] = told.try_into().unwrap();
    assert!(
        inputs.contains("`/id`") && inputs.contains("`/workflowId`") && inputs.contains("anew"),
        "{inputs}"
    );
    assert!(events.contains("time to live is off"), "{events}");
    assert!(people.contains("9 s"), "{people}");
    assert!(areas.contains("exclude `/*`"), "{areas}");
}

fn wrong_ones(findings: &[Finding]) -> Vec<String> {
    ["inputs", "events", "people", "areas"].map(|what| wrong(findings, what)).into()
}

#[tokio::test]
async fn less_than_strong_is_refused() {
    for less in [ConsistencyLevel::Session, ConsistencyLevel::BoundedStaleness, ConsistencyLevel::Eventual] {
        let account = Account::empty(less);
        assert!(wrong(&provision(&account.settings).await.unwrap(), "account").contains("Strong"));
        let store = account.open();
        for answer in
            [store.read(PLACE, "p", &id("a")).await.map(drop), put(&store, [create("a")]).await.map(drop)]
        {
            match answer {
                Err(Error::Refused(why)) => assert!(why.contains("set it to Strong"), "{why}"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(account.count(Kind::Write) + account.count(Kind::Read), 0);
    }
}

#[tokio::test]
async fn a_store_opened_before_its_database_works_once_that_is_there() {
    let account = Account::empty(ConsistencyLevel::Strong);
    let store = account.open();
    match store.read(PLACE, "p", &id("a")).await {
        Err(Error::Unavailable { why, .. }) => assert!(why.contains("backline provision"), "{why}"),
        other => panic!("{other:?}"),
    }
    provision(&account.settings).await.unwrap();
    put(&store, [create("a")]).await.unwrap();
    assert!(is_there(&store, "a").await);
}
