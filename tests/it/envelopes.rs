//! What the real Functions host sent, read by our envelopes.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
};
use backline::functions::envelope::{self, Error, Invocation, Outcome, invocation_id, trace_parent};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// What the real host was asked, and what it asked the handler then.
fn recordings() -> impl Iterator<Item = Value> {
    include_str!("host/cases.jsonl").lines().map(|line| serde_json::from_str(line).unwrap())
}

fn invocation(data: Value, metadata: Value) -> Invocation {
    Invocation::parse(json!({ "Data": data, "Metadata": metadata }).to_string().as_bytes()).unwrap()
}

fn recorded(name: &str) -> Invocation {
    let case = recordings().find(|case| case["case"] == name).unwrap();
    Invocation::parse(case["expect"]["request"]["json"].to_string().as_bytes()).unwrap()
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let header = |(name, value): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    let mut all = HeaderMap::new();
    pairs.iter().map(header).for_each(|(name, value)| {
        all.append(name, value);
    });
    all
}

#[test]
fn every_request_that_the_real_host_made_is_understood() {
    let (mut requests, mut messages, mut forwarded) = (0, 0, 0);
    for case in recordings() {
        let name = case["case"].as_str().unwrap();
        let request = &case["expect"]["request"];
        if let Some(pairs) = request["headers"].as_array() {
            let pairs: Vec<(&str, &str)> =
                pairs.iter().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect();
            assert_eq!(invocation_id(&headers(&pairs)), Some("<guid>"), "{name}");
        }
        if request["json"].is_null() {
            forwarded += 1;
            continue;
        }
        let invocation = Invocation::parse(request["json"].to_string().as_bytes()).unwrap();
        if case["kind"] == "queue" {
            let sent = case["message"].as_str().unwrap();
            let function = request["path"].as_str().unwrap();
            let expected = if function == "/q_bin" && name != "queue_binary_dt" {
                STANDARD.encode(sent)
            } else {
                sent.to_owned()
            };
            assert_eq!(invocation.message("msg").unwrap(), expected, "{name}");
            assert!(matches!(invocation.request("msg"), Err(Error::Lacks { .. })), "{name}");
            messages += 1;
        } else {
            let request = invocation.request("req").unwrap();
            assert!(request.url.starts_with("http"), "{name}");
            assert!(
                ["GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "TRACE"]
                    .contains(&&*request.method),
                "{name}: {}",
                request.method
            );
            assert!(request.headers.keys().any(|key| key.eq_ignore_ascii_case("host")), "{name}");
            requests += 1;
        }
    }
    assert_eq!((requests, messages, forwarded), (186, 33, 69));
}

#[test]
fn whatever_is_no_object_is_encoded_twice() {
    for (wire, meant) in [
        (json!("\"hello\""), json!("hello")),
        (json!("1"), json!(1)),
        (json!("null"), json!(null)),
        (json!("[1]"), json!([1])),
        (json!("\"1\""), json!("1")),
        (json!({ "a": "\"b\"" }), json!({ "a": "\"b\"" })),
        (json!("2024-10-24T14:32:17"), json!("2024-10-24T14:32:17")),
        (json!("aGVsbG8="), json!("aGVsbG8=")),
        (json!(5), json!(5)),
        (json!(null), json!(null)),
        (json!(""), json!("")),
    ] {
        assert_eq!(envelope::decode(&wire), meant, "{wire}");
    }
}

#[test]
fn a_queue_message_is_the_text_that_was_sent() {
    for sent in [
        "hello",
        "",
        "test",
        "1234",
        "null",
        "[1,2]",
        "{\"chat\":7}",
        "\"quoted\"",
        "  {\"a\":1} ",
        "aGVsbG8=",
        "é😀",
    ] {
        let wire = serde_json::to_string(sent).unwrap();
        assert_eq!(invocation(json!({ "msg": wire }), json!({})).message("msg").unwrap(), sent);
    }
    let text = |data| invocation(data, json!({})).message("msg").ok();
    assert_eq!(text(json!({ "msg": "not encoded at all" })).as_deref(), Some("not encoded at all"));
    assert_eq!(
        text(json!({ "msg": "1234" })).as_deref(),
        Some("1234"),
        "binary data that looks like a number"
    );
    assert_eq!(text(json!({ "msg": { "chat": 7 } })).as_deref(), Some("{\"chat\":7}"));
    assert_eq!(text(json!({ "msg": null })), None);
    assert_eq!(text(json!({ "other": "x" })), None);
}

#[test]
fn forged_metadata_is_not_believed() {
    let genuine = json!({ "DequeueCount": "2", "InsertionTime": "2024-10-24T14:32:17+00:00" });
    let invocation_with = |metadata| invocation(json!({}), metadata);
    assert_eq!(invocation_with(genuine.clone()).dequeue_count(), Some(2));
    assert_eq!(invocation_with(genuine).inserted_at().unwrap().to_rfc3339(), "2024-10-24T14:32:17+00:00");
    for forged in [
        json!({ "DequeueCount": "\"99\"", "InsertionTime": "\"2024-10-24T14:32:17+00:00\"" }),
        json!({ "DequeueCount": { "a": 1 }, "InsertionTime": { "a": 1 }, "sys": "\"1\"" }),
        json!({ "DequeueCount": "\"True\"", "InsertionTime": "\"10/24/2024 14:32:17\"" }),
        json!({ "DequeueCount": "-1", "InsertionTime": "" }),
        json!({ "DequeueCount": null, "InsertionTime": null }),
        json!({}),
    ] {
        let invocation = invocation_with(forged.clone());
        assert_eq!((invocation.dequeue_count(), invocation.inserted_at()), (None, None), "{forged}");
    }
}

#[test]
fn a_request_keeps_repeated_headers_missing_parameters_and_odd_paths() {
    let request = recorded("get_query_route").request("req").unwrap();
    assert_eq!(request.method, "GET");
    assert_eq!(request.query["multi"], "a,b");
    assert_eq!(request.headers["X-Multi"], ["a", "b"]);
    assert_eq!(request.header("x-multi"), Some("a"));
    assert_eq!(request.params["b"].as_deref(), Some("b%2Fc"));
    assert_eq!(request.body(), b"");
    let optional = invocation(json!({ "req": { "Params": { "opt": null } } }), json!({}));
    assert_eq!(optional.request("req").unwrap().params["opt"], None);
}

#[test]
fn only_binary_bodies_are_base64() {
    assert_eq!(
        recorded("post_octet").request("req").unwrap().body(),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255, 254]
    );
    let body = |content_type: &str, body: &str| {
        let request = json!({ "Headers": { "content-type": [content_type] }, "Body": body });
        invocation(json!({ "req": request }), json!({})).request("req").unwrap().body()
    };
    assert_eq!(body("text/plain", "aGVsbG8="), b"aGVsbG8=");
    assert_eq!(body("Multipart/Form-Data; boundary=x", "aGVsbG8="), b"hello");
    assert_eq!(body("application/octet-stream", "not base64!"), b"not base64!");
    assert_eq!(body("application/json", "\"x\""), b"\"x\"");
}

#[test]
fn a_timer_tells_which_run_it_is() {
    let info = |status: Value| {
        let timer =
            json!({ "Schedule": { "AdjustForDST": true }, "ScheduleStatus": status, "IsPastDue": true });
        invocation(json!({ "timer": timer }), json!({})).timer("timer").unwrap()
    };
    let timer =
        info(json!({ "Last": "2024-10-24T14:30:00.0012345+00:00", "Next": "2024-10-24T16:35:00+02:00",
                             "LastUpdated": "2024-10-24T14:30:00.0012345+00:00" }));
    assert!(timer.is_past_due);
    assert_eq!(timer.next.unwrap().to_rfc3339(), "2024-10-24T14:35:00+00:00");
    assert_eq!(timer.last.unwrap().timestamp(), 1_729_780_200);
    let first = info(json!({ "Last": "0001-01-01T00:00:00+00:00", "Next": "2024-10-24T14:35:00+00:00" }));
    assert_eq!(first.last, None);
    let unmonitored = info(json!(null));
    assert_eq!((unmonitored.next, unmonitored.last), (None, None));
    assert!(invocation(json!({ "timer": "\"x\"" }), json!({})).timer("timer").is_err());
}

#[test]
fn a_change_feed_is_a_list_in_a_string_in_a_string() {
    let documents = json!([{ "id": "1", "_lsn": 12 }, { "id": "2" }]);
    let wire = serde_json::to_string(&documents.to_string()).unwrap();
    let feed = invocation(json!({ "docs": wire }), json!({})).documents("docs").unwrap();
    assert_eq!(Value::from(feed), documents);
    assert!(invocation(json!({ "docs": "\"{}\"" }), json!({})).documents("docs").is_err());
}

#[test]
fn what_is_no_envelope_is_an_error_that_quotes_nothing() {
    for body in ["", "[]", "null", "{\"Data\":\"a secret\"}", "\"a secret\""] {
        let error = Invocation::parse(body.as_bytes()).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert!(Invocation::parse(b"{}").unwrap().message("msg").is_err());
}

#[test]
fn the_hosts_own_invocation_id_follows_the_last_comma() {
    let id = "x-azure-functions-invocationid";
    assert_eq!(invocation_id(&headers(&[(id, "a")])), Some("a"));
    assert_eq!(invocation_id(&headers(&[("X-Azure-Functions-InvocationId", "forged, b,c")])), Some("c"));
    assert_eq!(invocation_id(&headers(&[(id, "forged"), (id, "b")])), Some("b"));
    assert_eq!(invocation_id(&headers(&[(id, "a,")])), None);
    assert_eq!(invocation_id(&headers(&[])), None);
}

#[test]
fn a_trace_is_taken_up_if_it_is_one() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(trace_parent(&headers(&[("traceparent", trace)])).unwrap().to_string(), trace);
    assert_eq!(trace_parent(&headers(&[("traceparent", "nonsense")])), None);
    assert_eq!(trace_parent(&headers(&[])), None);
}

#[test]
fn an_answer_is_never_empty_and_always_json() {
    let empty = serde_json::to_string(&Outcome::done()).unwrap();
    assert_eq!(empty, r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#);
    let answer =
        Outcome::done().log("one").log("two").send("out", vec!["test".to_owned(), "{\"a\":1}".to_owned()]);
    assert_eq!(
        serde_json::to_value(&answer).unwrap(),
        json!({ "Outputs": { "out": ["test", "{\"a\":1}"] }, "Logs": ["one", "two"], "ReturnValue": null })
    );
    let response = answer.into_response();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
}
