//! How a function follows a container of a Cosmos DB account: Microsoft's emulator, which has four partitions.

use std::collections::BTreeMap;

use azure_core::credentials::Secret;
use azure_data_cosmos::{
    AccountReference, CosmosClient, RoutingStrategy, clients::ContainerClient, models::ContainerProperties,
};
use backline::{
    dev::host::{Event, HandlerState},
    model::Clock,
    store::{self, Batch, Container, CosmosSettings, Draft, Settings, Store, Synchronous, Write},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    apps::{self, answer, bindings, http, with},
    following::{app, batches, brought, calls, checkpointed, documents, follows, until},
    player::{Scene, ended, request_telling, wait_for},
};
use crate::cosmos_bridge::{Bridge, ConsistencyLevel, Fault, Kind, Options};

fn account(consistency: ConsistencyLevel) -> Bridge {
    // An error means that another test has chosen a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Bridge::start(&Options { port: 0, clock: Clock::real(), consistency }).unwrap()
}

/// A shop's account, with a container of orders by customer.
struct Shop {
    bridge: Bridge,
    orders: ContainerClient,
}

impl Shop {
    async fn open() -> Self {
        let bridge = account(ConsistencyLevel::Session);
        let text = bridge.connection_string();
        let part = |name: &str| text.split(name).nth(1).unwrap().split(';').next().unwrap().to_owned();
        let endpoint = part("AccountEndpoint=").parse().unwrap();
        let key = Secret::new(part("AccountKey="));
        let account = AccountReference::with_authentication_key(endpoint, key);
        let routing = RoutingStrategy::PreferredRegions(Vec::new());
        let client = CosmosClient::builder().build(account, routing).await.unwrap();
        client.create_database("shop", None).await.unwrap();
        let database = client.database_client("shop");
        let properties = ContainerProperties::new("orders", "/customer".into());
        database.create_container(properties, None).await.unwrap();
        let orders = database.container_client("orders", None).await.unwrap();
        Self { bridge, orders }
    }

    async fn order(&self, id: &str, customer: &str, more: Value) {
        let item = with(json!({"id": id, "customer": customer}), more);
        self.orders.upsert_item(customer.to_owned(), id, item, None).await.unwrap();
    }

    /// An app with one function, which follows the orders.
    fn app(&self, trigger: Value, function: Value) -> Scene {
        let place = json!({"databaseName": "shop", "containerName": "orders", "connection": "account"});
        let settings = json!({"Account": self.bridge.connection_string(), "STORE": "sqlite:not-this-one.db"});
        let function = with(follows(with(place, trigger)), function);
        Scene::build(|root| app(root, &[("feed", function)], settings))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_changes_of_each_partition_come_in_order_and_go_on_after_a_restart() {
    let shop = Shop::open().await;
    let customers = ["Ada", "Bo", "Cy", "Di", "Eve", "Flo", "Gus", "Hal"];
    for n in 0..3 {
        for customer in customers {
            shop.order(&format!("{customer}-{n}"), customer, json!({"n": n})).await;
        }
    }
    shop.order("Ada-0", "Ada", json!({"n": 9, "at": "2026-03-01T12:00:00Z"})).await;
    let stage = shop
        .app(json!({"startFromBeginning": true, "maxItemsPerInvocation": 2}), json!({}))
        .start(false)
        .await;
    let mut events = stage.host.events();
    for customer in customers {
        brought(&stage, &mut events, "feed", &format!("{customer}-2")).await;
    }
    brought(&stage, &mut events, "feed", "Ada-0").await;
    let all = batches(&stage, 0, "feed");
    assert!(all.iter().all(|batch| (1..=2).contains(&batch.len())), "{all:?}");
    let mut by_customer: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut last = Value::Null;
    for document in calls(&stage, 0, "feed").iter().flat_map(documents) {
        let customer = document["customer"].as_str().unwrap().to_owned();
        by_customer.entry(customer).or_default().push(document["n"].as_i64().unwrap());
        if document["id"] == "Ada-0" {
            last = document;
        }
    }
    assert_eq!(by_customer.remove("Ada").unwrap(), [1, 2, 9], "the latest version, in its place");
    assert!(
        by_customer.len() == 7 && by_customer.values().all(|order| order == &[0, 1, 2]),
        "{by_customer:?}"
    );
    assert_eq!(last["at"], "2026-03-01T12:00:00Z");
    for system in ["_rid", "_self", "_etag", "_attachments", "_ts"] {
        assert!(!last[system].is_null(), "{system} in {last}");
    }
    let kept = std::fs::read_to_string(stage.scene.data().join("feeds/feed.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["parts"].as_object().unwrap().len(), 4, "a checkpoint for each partition");

    let scene = stage.stop().await;
    for customer in customers {
        shop.order(&format!("{customer}-3"), customer, json!({"n": 3})).await;
    }
    let stage = scene.start(false).await;
    let mark = stage.mark();
    let mut events = stage.host.events();
    for customer in customers {
        brought(&stage, &mut events, "feed", &format!("{customer}-3")).await;
    }
    let mut after: Vec<String> = batches(&stage, mark, "feed").concat();
    after.sort();
    assert_eq!(after, customers.map(|customer| format!("{customer}-3")), "nothing comes twice");

    // A host that died at its first start may have begun in some partitions only.
    let scene = stage.stop().await;
    let first = kept["parts"].as_object().unwrap().keys().next().unwrap();
    let text = std::fs::read_to_string(scene.data().join("feeds/feed.json")).unwrap();
    let mut kept: Value = serde_json::from_str(&text).unwrap();
    kept["parts"].as_object_mut().unwrap().retain(|part, _| part == first);
    std::fs::write(scene.data().join("feeds/feed.json"), kept.to_string()).unwrap();
    let stage = scene.start(false).await;
    let mark = stage.mark();
    until("another partition", || !batches(&stage, mark, "feed").is_empty()).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_function_begins_now_and_an_account_that_refuses_is_asked_again() {
    let shop = Shop::open().await;
    shop.order("before", "Ada", json!({})).await;
    shop.bridge.fail(1, Kind::ChangeFeed, &Fault::Refuse { status: 403, sub_status: 0, retry_after_ms: 0 });
    let again =
        json!({"retry": {"strategy": "fixedDelay", "maxRetryCount": 1, "delayInterval": "00:00:00.010"}});
    let stage = shop.app(json!({}), again).start(false).await;
    let begun = || {
        let kept = std::fs::read_to_string(stage.scene.data().join("feeds/feed.json")).unwrap();
        serde_json::from_str::<Value>(&kept).unwrap()["parts"].as_object().unwrap().len() == 4
    };
    checkpointed(&stage, "feed").await;
    until("every partition", begun).await;
    let recent = stage.host.snapshot().await.recent;
    let told_why = |event: &Event| matches!(event, Event::Log { text, .. } if text.contains("the changes of `orders` can't be read: Cosmos DB says 403"));
    assert_eq!(recent.iter().filter(|event| told_why(event)).count(), 1);
    let mut events = stage.host.events();
    shop.order("after", "Ada", json!({"answer": told(&json!({"json": {}, "failures": 1}))})).await;
    while batches(&stage, 0, "feed").len() < 2 {
        ended(&mut events, "feed").await;
    }
    shop.order("last", "Ada", json!({})).await;
    brought(&stage, &mut events, "feed", "last").await;
    assert_eq!(batches(&stage, 0, "feed"), [["after"], ["after"], ["last"]]);
    stage.stop().await;
}

fn told(answer: &Value) -> String {
    STANDARD.encode(answer.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_passed_over_while_no_handler_runs() {
    let shop = Shop::open().await;
    let scene = shop.app(json!({"startFromBeginning": true}), json!({}));
    apps::add(&scene.root(), "h", &bindings([http(json!({})), answer()]));
    let stage = scene.start(false).await;
    checkpointed(&stage, "feed").await;
    let mut events = stage.host.events();
    stage.exchange(&request_telling("/api/h", &json!({"exit": 0}))).await;
    wait_for(&mut events, |event| match event {
        Event::HandlerChanged { state: HandlerState::Ended } => Some(()),
        _ => None,
    })
    .await;
    shop.order("a", "Ada", json!({})).await;
    // The other partitions are looked at again and again; this one not before its change is over.
    let looks_since = || {
        let looks = shop.bridge.seen().into_iter().filter(|seen| seen.kind == Kind::ChangeFeed);
        looks.skip_while(|look| look.status != 200).count()
    };
    until("the change is read, and there was time to bring it", || looks_since() > 12).await;
    let snapshot = stage.host.snapshot().await;
    let feed = snapshot.functions.iter().find(|function| function.name == "feed").unwrap();
    assert_eq!((feed.runs, feed.fault.as_ref()), (0, None), "nobody is there to be called");
    let stage = stage.stop().await.start(false).await;
    brought(&stage, &mut stage.host.events(), "feed", "a").await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_looks_the_same_from_the_account_and_from_the_embedded_store() {
    let bridge = account(ConsistencyLevel::Strong);
    let settings = CosmosSettings::of_connection_string(&bridge.connection_string(), "backline").unwrap();
    store::cosmos::provision(&settings).await.unwrap();
    let mut brought_by = Vec::new();
    for embedded in [false, true] {
        let (text, file) = (bridge.connection_string(), "sqlite:../store.db");
        let setting = if embedded { json!({"STORE": file}) } else { json!({"Account": text, "STORE": file}) };
        let function = follows(json!({"databaseName": "backline", "startFromBeginning": true}));
        let scene = Scene::build(|root| app(root, &[("feed", function)], setting));
        let file = scene.root().parent().unwrap().join("store.db");
        let place = if embedded {
            Settings::Sqlite { file, synchronous: Synchronous::Normal }
        } else {
            Settings::Cosmos(settings.clone())
        };
        write(&*store::open(&place, Clock::real()).unwrap()).await;
        let stage = scene.start(false).await;
        brought(&stage, &mut stage.host.events(), "feed", "a").await;
        let mut document = documents(&calls(&stage, 0, "feed")[0])[0].clone();
        let members = document.as_object_mut().unwrap();
        members.retain(|name, _| !name.starts_with('_'));
        brought_by.push(document);
        stage.stop().await;
    }
    assert_eq!(brought_by[0], brought_by[1]);
    assert_eq!(brought_by[0]["body"], json!({"n": 1.5, "at": "2026-03-01T12:00:00.5Z"}));
}

async fn write(store: &dyn Store) {
    let body = json!({"n": 1.5, "at": "2026-03-01T12:00:00.500Z"});
    let draft = Draft::of(&body).due(Some("2026-03-01T12:00:00.25Z".parse().unwrap()));
    let writes = vec![Write::Create("a".parse().unwrap(), draft)];
    store
        .commit(vec![Batch { container: Container::Events, partition: "p".to_owned(), writes }])
        .await
        .unwrap();
}
