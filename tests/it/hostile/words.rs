//! Everything that reads words from outside: whatever they are, it reads them or says no.

use std::{fmt::Display, str::FromStr};

use axum::http::{HeaderMap, HeaderValue};
use backline::{
    config::{Environment, KNOWN, Usable},
    functions::envelope::{Invocation, decode, invocation_id, trace_parent},
    model::{BotSlug, ConversationId, EffectId, InputKey, Text, TraceParent, WorkflowId},
    store::DocumentId,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn quick() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// What is accepted is read back as the same.
fn reads<T: FromStr + Display + PartialEq>(text: &str) -> bool {
    text.parse::<T>().is_ok_and(|name| name.to_string().parse().is_ok_and(|again: T| again == name))
        || text.parse::<T>().is_err()
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "Data",
        "Metadata",
        "hint",
        "timer",
        "ScheduleStatus",
        "Next",
        "req",
        "body",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("0001-01-01T00:00:00")),
        Just(json!("+262143-01-01T00:00:00Z")),
        // Encoded once more, as the host does.
        "\\PC{0,12}".prop_map(|words| json!(json!(words).to_string())),
        Just(json!("{\"ScheduleStatus\":{\"Next\":\"9999-12-31T23:59:59.9999999+14:00\"}}")),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

/// Asks an invocation for everything that can be asked.
fn ask_all(body: &[u8]) {
    let Ok(invocation) = Invocation::parse(body) else { return };
    for binding in ["hint", "timer", "req", ""] {
        let _ = (invocation.data(binding), invocation.message(binding), invocation.timer(binding));
        let _ = (invocation.documents(binding), invocation.request(binding).map(|request| request.body()));
    }
    let _ = (invocation.dequeue_count(), invocation.inserted_at());
}

/// Settings that look like ours.
fn settings() -> impl Strategy<Value = Environment> {
    let known: Vec<String> = KNOWN.iter().map(|(name, _)| name.replace("<slug>", "ops")).collect();
    let name = prop_oneof![
        6 => prop::sample::select(known),
        1 => "BOTS__[a-zA-Z_0-9é]{0,6}_{0,3}[a-z]{0,6}",
        1 => "\\PC{0,12}",
    ];
    let value = prop_oneof![
        "\\PC{0,20}",
        "[0-9]{1,25}",
        "-?[0-9]{1,20}(,-?[0-9]{0,20}){0,3}",
        "sqlite:\\PC{0,10}",
        "cosmos",
        "https?://[a-z0-9.:@/\\[\\]-]{0,20}",
        "Account(Endpoint|Key|Name)=[a-zA-Z0-9+/:=;]{0,20}(;AccountKey=[a-zA-Z0-9+/=]{0,20})?",
        "UseDevelopmentStorage=true",
    ];
    prop::collection::btree_map(name, value, 0..12)
}

proptest! {
    #![proptest_config(quick())]

    #[test]
    fn no_name_makes_it_panic_and_what_is_accepted_reads_back(
        text in prop_oneof![
            "\\PC{0,40}",
            "[a-z0-9]{0,4}(:-?[0-9]{0,20}){0,5}",
            "(tg|timer|result|start):[a-z0-9:~-]{0,60}",
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(:[0-9]{0,12}){0,3}",
            "[0-9a-fé]{2}-[0-9a-fé]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,5})?",
            "[\u{0}-\u{20}/\\\\?#]{1,5}",
            "é{500,600}",
        ],
    ) {
        prop_assert!(reads::<BotSlug>(&text) && reads::<ConversationId>(&text) && reads::<WorkflowId>(&text));
        prop_assert!(reads::<InputKey>(&text) && reads::<EffectId>(&text) && reads::<TraceParent>(&text));
        prop_assert!(reads::<DocumentId>(&text));
        if let Ok(id) = text.parse::<DocumentId>() {
            prop_assert!((1..=1023).contains(&id.as_str().len()) && !id.as_str().contains(['/', '\\', '?', '#']));
        }
        if let Ok(key) = text.parse::<InputKey>() {
            // Whatever its question is called, a timer's key is the id of a document.
            prop_assert!(key.as_str().parse::<DocumentId>().is_ok());
        }
        if let Ok(trace) = text.parse::<TraceParent>() {
            prop_assert_eq!(trace.trace_id().len(), 32);
        }
        let _ = (WorkflowId::from_short(&text), text.parse::<EffectId>().map(|effect| effect.entry()));
    }

    #[test]
    fn no_envelope_makes_it_panic(body in any_json(), data in any_json(), metadata in any_json()) {
        ask_all(body.to_string().as_bytes());
        let told = json!({ "Data": { "hint": data, "timer": data, "req": data }, "Metadata": metadata });
        ask_all(told.to_string().as_bytes());
        let _ = decode(&data);
    }

    #[test]
    fn no_bytes_make_an_envelope_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        ask_all(&body);
        ask_all(&[&b"{\"Data\":{\"hint\":\""[..], &body, &b"\"}}"[..]].concat());
    }

    #[test]
    fn no_header_makes_it_panic(name in prop::sample::select(vec!["traceparent", "x-azure-functions-invocationid"]),
                                value in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            headers.insert(name, value);
        }
        let _ = (invocation_id(&headers), trace_parent(&headers).map(|trace| trace.trace_id().len()));
    }

    #[test]
    fn no_settings_make_it_panic_and_no_mistake_tells_a_secret(mut environment in settings()) {
        for (n, name) in ["BOTS__ops__token", "BOTS__ops__secret", "CosmosConnection", "AzureWebJobsStorage"].iter().enumerate() {
            if environment.contains_key(*name) && environment.len() % 5 != n {
                environment.insert((*name).to_owned(), format!("AccountKey=hush{};hush-hush!", environment.len()));
            }
        }
        let mistakes = Usable::of(&environment).mistakes.join("\n");
        prop_assert!(!mistakes.contains("hush"), "{}", mistakes);
        let _ = format!("{:?}", Usable::of(&environment));
    }

    #[test]
    fn no_json_makes_a_text_panic(body in any_json()) {
        let _ = serde_json::from_value::<Text>(body.clone());
        let _ = serde_json::from_str::<Text>(&json!({ "id": "a", "with": { "b": body } }).to_string());
    }
}
