//! Compares what was recorded with what is seen.

use serde_json::{Value, json};

/// Adds a line for each place where `got` is not as recorded.
pub(super) fn differences(expected: &Value, got: &Value, path: &str, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            for (key, value) in expected {
                match got.get(key) {
                    Some(other) => differences(value, other, &format!("{path}.{key}"), found),
                    None => found.push(format!("{path}.{key}: missing, expected {value}")),
                }
            }
            let unexpected = got.iter().filter(|(key, _)| !expected.contains_key(*key));
            found.extend(unexpected.map(|(key, value)| format!("{path}.{key}: not expected, got {value}")));
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            for (i, (expected, got)) in expected.iter().zip(got).enumerate() {
                differences(expected, got, &format!("{path}[{i}]"), found);
            }
        }
        (Value::String(expected), Value::String(got)) if like(expected, got) => {}
        _ if expected == got => {}
        _ => found.push(format!("{path}: expected {expected}, got {got}")),
    }
}

/// Does a text fit a recorded one, in which `<guid>`, `<time>`, `<text>`, `<version>`, `<handler>` stand for any such?
fn like(expected: &str, got: &str) -> bool {
    type Kind = (&'static str, fn(&str) -> bool);
    const KINDS: [Kind; 5] = [
        ("<guid>", |text| text.len() == 36 && uuid::Uuid::parse_str(text).is_ok()),
        ("<time>", |text| chrono::DateTime::parse_from_rfc3339(text).is_ok()),
        ("<text>", |_| true),
        ("<version>", |text| text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(' ')),
        ("<handler>", |text| text.strip_prefix("127.0.0.1:").is_some_and(|port| port.parse::<u16>().is_ok())),
    ];
    let first =
        KINDS.iter().filter_map(|kind| Some((expected.find(kind.0)?, kind))).min_by_key(|(at, _)| *at);
    let Some((at, (mark, is_kind))) = first else { return expected == got };
    let Some(rest) = got.strip_prefix(&expected[..at]) else { return false };
    let expected = &expected[at + mark.len()..];
    let ends = rest.char_indices().map(|(end, _)| end).chain([rest.len()]);
    ends.into_iter().any(|end| is_kind(&rest[..end]) && like(expected, &rest[end..]))
}

#[test]
fn a_difference_is_found() {
    let differ = |expected: Value, got: Value| {
        let mut found = Vec::new();
        differences(&expected, &got, "x", &mut found);
        found.len()
    };
    let guid = "0b2c0000-0000-4000-8000-000000000000";
    assert_eq!(differ(json!({"a": "id <guid>!"}), json!({"a": format!("id {guid}!")})), 0);
    assert_eq!(differ(json!({"a": "id <guid>!"}), json!({"a": format!("id {guid}?")})), 1);
    assert_eq!(differ(json!({"a": 1.0}), json!({"a": 1})), 1);
    assert_eq!(differ(json!({"a": [1], "b": 2}), json!({"a": [1, 2], "c": 2})), 3);
}
