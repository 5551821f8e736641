//! The client's answer that a function's result becomes in JSON mode.

use super::{
    answer::Answer,
    facts::scalar_text,
    function::{Function, Target},
    json::Json,
    media,
    result::{Outcome, Value},
};

/// Where a response object comes from; the two are not read alike.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    /// `Outputs.res`.
    Outputs,
    /// `ReturnValue`.
    Return,
}

/// The answer to the request that called this function.
pub(super) fn answer(function: &Function, outcome: &Outcome) -> Answer {
    let http = function.outputs.iter().find(|output| matches!(output.target, Target::Http));
    let given = match http {
        Some(output) if output.name == "$return" => {
            return match outcome.value(function, output) {
                None => Answer::empty(204),
                Some(Value::Bytes(bytes)) => Answer::of(200, &[], bytes),
                Some(Value::Json(json)) => returned(&json),
            };
        }
        Some(output) => {
            if let Some(merged) = outcome.returned.exact(&output.name) {
                return returned(merged);
            }
            outcome.outputs.as_ref().map(|outputs| outputs.exact(&output.name))
        }
        None => None,
    };
    match given {
        None => raw(&outcome.returned),
        Some(None) => text(200, "{}"),
        Some(Some(json)) => match object(json) {
            Some(object) => response(&object, From::Outputs),
            None => Answer::empty(500),
        },
    }
}

/// A value that is an object, or a text that holds one.
fn object(json: &Json) -> Option<Json> {
    match json {
        Json::Object(_) => Some(json.clone()),
        Json::Text(text) if text.trim_start().starts_with('{') => {
            Json::parse_whole(text).ok().filter(|json| matches!(json, Json::Object(_)))
        }
        _ => None,
    }
}

/// Without any `Outputs`, the return value is the answer as it is.
fn raw(returned: &Json) -> Answer {
    match returned {
        Json::Null => Answer::empty(204),
        Json::Text(_) => text(200, &scalar_text(returned)),
        other => Answer::of(
            200,
            &[("Content-Type", "application/json; charset=utf-8")],
            other.compact().into_bytes(),
        ),
    }
}

/// A return value read as a response: an object with a `body` is one, anything else is the body.
fn returned(json: &Json) -> Answer {
    match object(json) {
        Some(object) if object.member("body").is_some() => response(&object, From::Return),
        Some(object) => text(200, &object.indented()),
        None => text(200, &scalar_text(json)),
    }
}

fn text(status: u32, body: &str) -> Answer {
    Answer::of(status, &[("Content-Type", "text/plain; charset=utf-8")], body.as_bytes().to_vec())
}

fn response(object: &Json, from: From) -> Answer {
    let status = match from {
        From::Outputs => object.member("statusCode"),
        From::Return => object.member("statusCode").or_else(|| object.member("status")),
    };
    let status = status.and_then(status_code).unwrap_or(200);
    let body = object.member("body").unwrap_or(&Json::Null);
    let negotiates = object.member("enableContentNegotiation").and_then(Json::truth) == Some(true);
    let (body, kind) = match (from, body) {
        (From::Return, Json::Object(_)) => {
            (body.compact(), if negotiates { "application/json" } else { "text/plain" })
        }
        _ => (scalar_text(body).into_owned(), "text/plain"),
    };
    let Some(fields) = headers(object.member("headers"), from) else { return Answer::empty(500) };
    let mut fields: Vec<(&str, String)> = fields;
    let own_kind = fields.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    match own_kind {
        Some((_, kind)) => *kind = media::in_utf8(kind),
        None => fields.push(("Content-Type", media::in_utf8(kind))),
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Answer::of(status, &fields, body.into_bytes())
}

fn status_code(json: &Json) -> Option<u32> {
    match json {
        Json::Integer(digits) | Json::Text(digits) => digits.trim().parse().ok(),
        Json::Float(number) if (0.0..100_000.0).contains(number) => Some(*number as u32),
        _ => None,
    }
}

/// The headers of a response object; none if the real host could not send them.
fn headers(json: Option<&Json>, from: From) -> Option<Vec<(&str, String)>> {
    let members = match json {
        None | Some(Json::Null) => return Some(Vec::new()),
        Some(Json::Object(members)) => members,
        Some(_) => return None,
    };
    let mut headers: Vec<(&str, String)> = Vec::new();
    for (name, value) in members {
        let value = match value {
            // What .NET's `ToString` says of a list.
            Json::Array(_) if from == From::Return => {
                "System.Collections.Generic.List`1[System.Object]".to_owned()
            }
            Json::Null | Json::Array(_) | Json::Object(_) => return None,
            scalar => scalar_text(scalar).into_owned(),
        };
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let sendable = !name.is_empty()
            && name.bytes().all(is_token)
            && value.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b));
        if !sendable {
            return None;
        }
        let known = headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if !known && !name.eq_ignore_ascii_case("content-length") {
            headers.push((name, value));
        }
    }
    Some(headers)
}
