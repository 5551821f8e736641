//! The Bot API as data: is a call one that Telegram takes, and is a value of the type that it says?

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::LazyLock;

use backline::dev::telegram::Call;
use serde_json::{Map, Value};

/// Bot API 10.1: methods with their parameters, types with their fields.
static API: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(include_str!("bot-api.json")).unwrap());

/// The method of this name, however it is written.
fn method(name: &str) -> Option<&'static Value> {
    let methods = API["methods"].as_object().unwrap();
    methods.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, method)| method)
}

/// The names of all methods.
pub(crate) fn methods() -> impl Iterator<Item = &'static str> {
    API["methods"].as_object().unwrap().keys().map(String::as_str)
}

/// The parameters of a method, with what is said of them.
pub(crate) fn parameters(of: &str) -> &'static Map<String, Value> {
    method(of).unwrap()["params"].as_object().unwrap()
}

/// The kinds of update.
pub(crate) fn kinds_of_update() -> impl Iterator<Item = &'static str> {
    let fields = API["types"]["Update"]["fields"].as_object().unwrap();
    fields.keys().map(String::as_str).filter(|kind| *kind != "update_id")
}

/// Fails unless each of these calls is one of the Bot API: method, names, types, what is required, lengths.
pub(crate) fn assert_calls(calls: &[Call]) {
    for Call { method, parameters, .. } in calls {
        if let Err(why) = check_call(method, parameters.as_object().unwrap()) {
            panic!("no call of the Bot API: {method}: {why}\n{parameters:#}");
        }
    }
}

/// Is this a call of the Bot API?
pub(crate) fn check_call(name: &str, given: &Map<String, Value>) -> Result<(), String> {
    let known = method(name).ok_or("there is no such method")?["params"].as_object().unwrap();
    let is_marked_up = given.contains_key("parse_mode");
    // In a form everything is text.
    let is_form = given.values().any(|value| value.get("bytes").is_some());
    // A part that another parameter speaks of (<https://core.telegram.org/bots/api#inputfile>).
    let spoken_of = |part: &str| {
        let speaks = |value: &Value| value.to_string().contains(&format!("attach://{part}"));
        given.values().any(speaks)
    };
    for (parameter, value) in given {
        if value.get("bytes").is_some() && spoken_of(parameter) {
            continue;
        }
        let spec = known.get(parameter).ok_or_else(|| format!("`{parameter}` is no parameter of it"))?;
        let read = match value {
            Value::String(text) if is_form => serde_json::from_str(text).ok(),
            _ => None,
        };
        let fits = |value| one_of(spec["types"].as_array().unwrap(), value);
        let fitting = fits(value).or_else(|why| read.as_ref().map_or(Err(why), fits));
        fitting.map_err(|why| format!("`{parameter}`: {why}"))?;
        // Of a text with markup what is left after it counts: the fake counts that.
        if !(is_marked_up && matches!(parameter.as_str(), "text" | "caption")) {
            length(spec, value).map_err(|why| format!("`{parameter}`: {why}"))?;
        }
    }
    required(known, given)
}

/// Is this what the method gives?
pub(crate) fn check_result(of: &str, value: &Value) -> Result<(), String> {
    one_of(method(of).ok_or("there is no such method")?["returns"].as_array().unwrap(), value)
}

/// Is this a value of the type, with no field that the type doesn't have?
pub(crate) fn check(kind: &str, value: &Value) -> Result<(), String> {
    if let Some(element) = kind.strip_prefix("Array of ") {
        let elements = value.as_array().ok_or_else(|| format!("{value} is no array"))?;
        return elements.iter().try_for_each(|value| check(element, value));
    }
    let is_one = match kind {
        "Integer" => value.is_i64(),
        "Float" => value.is_number(),
        "Boolean" => value.is_boolean(),
        "String" => value.is_string(),
        "InputFile" => value.is_string() || value.get("bytes").is_some(),
        _ => return check_object(kind, value),
    };
    if is_one { Ok(()) } else { Err(format!("{value} is no {kind}")) }
}

fn check_object(kind: &str, value: &Value) -> Result<(), String> {
    let spec = &API["types"][kind];
    if let Some(variants) = spec["one_of"].as_array() {
        return one_of(variants, value);
    }
    let known = spec["fields"].as_object().ok_or_else(|| format!("there is no type {kind}"))?;
    let given = value.as_object().ok_or_else(|| format!("{value} is no {kind}"))?;
    required(known, given).map_err(|why| format!("{kind}: {why}"))?;
    for (field, value) in given {
        let spec = known.get(field).ok_or_else(|| format!("{kind} has no field `{field}`"))?;
        let is_const = spec.get("const").is_none_or(|constant| constant == value);
        let fits = one_of(spec["types"].as_array().unwrap(), value).and_then(|()| length(spec, value));
        fits.map_err(|why| format!("{kind}.{field}: {why}"))?;
        if !is_const {
            return Err(format!("{kind}.{field} is {value}"));
        }
    }
    Ok(())
}

fn one_of(kinds: &[Value], value: &Value) -> Result<(), String> {
    let tried: Vec<String> =
        kinds.iter().map_while(|kind| check(kind.as_str().unwrap(), value).err()).collect();
    if tried.len() < kinds.len() { Ok(()) } else { Err(tried.join("; or ")) }
}

fn required(known: &Map<String, Value>, given: &Map<String, Value>) -> Result<(), String> {
    let missing = known.iter().find(|(name, spec)| spec["required"] == true && !given.contains_key(*name));
    missing.map_or(Ok(()), |(name, _)| Err(format!("`{name}` is missing")))
}

fn length(spec: &Value, value: &Value) -> Result<(), String> {
    let (Some(unit), Some(text)) = (spec["unit"].as_str(), value.as_str()) else { return Ok(()) };
    let length = if unit == "bytes" { text.len() } else { text.chars().count() } as u64;
    let (least, most) = (spec["min"].as_u64().unwrap_or(0), spec["max"].as_u64().unwrap_or(u64::MAX));
    if (least..=most).contains(&length) { Ok(()) } else { Err(format!("{length} {unit}")) }
}

#[test]
fn what_is_no_call_is_noticed() {
    let call = |name: &str, given: Value| check_call(name, given.as_object().unwrap());
    let button = |data: &str| serde_json::json!({ "chat_id": 1, "text": "x", "reply_markup": { "inline_keyboard": [[{ "text": "y", "callback_data": data }]] } });
    assert_eq!(call("sendMessage", button("now")), Ok(()));
    assert!(call("sendMessage", button(&"x".repeat(65))).unwrap_err().contains("65 bytes"));
    for (name, given, why) in [
        ("sendMesage", serde_json::json!({}), "no such method"),
        ("sendMessage", serde_json::json!({ "chat_id": 1 }), "`text` is missing"),
        ("sendMessage", serde_json::json!({ "chat_id": 1, "text": "" }), "0 characters"),
        ("sendMessage", serde_json::json!({ "chat_id": 1, "text": "x".repeat(4097) }), "4097 characters"),
        ("sendMessage", serde_json::json!({ "chat_id": 1, "text": 1 }), "no String"),
        ("sendMessage", serde_json::json!({ "chat_id": 1, "text": "x", "silent": true }), "no parameter"),
        (
            "sendMessage",
            serde_json::json!({ "chat_id": 1, "text": "x", "reply_parameters": { "id": 1 } }),
            "`message_id` is missing",
        ),
        (
            "setMessageReaction",
            serde_json::json!({ "chat_id": 1, "message_id": 1, "reaction": [{ "type": "shout", "emoji": "👍" }] }),
            "shout",
        ),
    ] {
        let found = call(name, given).unwrap_err();
        assert!(found.contains(why), "{found}");
    }
}
