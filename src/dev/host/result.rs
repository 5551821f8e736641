//! JSON mode, on the way out: the `{Outputs, Logs, ReturnValue}` a handler answers with.

use super::{
    base64,
    facts::scalar_text,
    function::{Function, Output, Target},
    http1::Response,
    json::Json,
    media,
};

/// What a handler answered, read and checked.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// None if the answer had no `Outputs`.
    pub(super) outputs: Option<Json>,
    pub(super) logs: Vec<String>,
    pub(super) returned: Json,
}

/// How the host takes an answer.
#[derive(Debug)]
pub(super) enum Reading {
    /// As a result.
    Outcome(Outcome),
    /// As a failure.
    Failure(String),
    /// Not at all: the real host waits until the time-out.
    Nothing,
}

/// An output's value after the base64 rule.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Bytes(Vec<u8>),
    Json(Json),
}

/// Reads an answer.
pub(super) fn read(response: &Response) -> Reading {
    if !(200..300).contains(&response.status) {
        return Reading::Failure(format!(
            "Response status code does not indicate success: {} ({}).",
            response.status, response.reason
        ));
    }
    let text = std::str::from_utf8(&response.body);
    if text.is_ok_and(|text| text.trim_start_matches('\u{feff}').trim().is_empty()) {
        return Reading::Nothing;
    }
    let kind = response.fields.text("content-type").unwrap_or_default();
    if !matches!(media::essence(kind).as_str(), "application/json" | "text/json") {
        return Reading::Failure(format!(
            "the answer's Content-Type is `{kind}`, but must be application/json"
        ));
    }
    let Ok(text) = text else { return Reading::Failure("the answer is not UTF-8".to_owned()) };
    match Json::parse(text) {
        Ok(None | Some(Json::Null)) => Reading::Nothing,
        Ok(Some(json @ Json::Object(_))) => match outcome(&json) {
            Ok(outcome) => Reading::Outcome(outcome),
            Err(why) => Reading::Failure(why),
        },
        Ok(Some(_)) => Reading::Failure("the answer is no JSON object".to_owned()),
        Err(e) => Reading::Failure(format!("the answer is no JSON: {e}")),
    }
}

fn outcome(json: &Json) -> Result<Outcome, String> {
    let outputs = match json.member("Outputs") {
        None | Some(Json::Null) => None,
        Some(outputs @ Json::Object(_)) => Some(outputs.clone()),
        Some(_) => return Err("`Outputs` is no object".to_owned()),
    };
    let logs = match json.member("Logs") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(lines)) => lines.iter().map(log_line).collect::<Result<_, _>>()?,
        Some(_) => return Err("`Logs` is no list of texts".to_owned()),
    };
    let returned = json.member("ReturnValue").cloned().unwrap_or_default();
    Ok(Outcome { outputs, logs, returned })
}

fn log_line(line: &Json) -> Result<String, String> {
    match line {
        Json::Object(_) | Json::Array(_) => Err("`Logs` holds something that is no text".to_owned()),
        scalar => Ok(scalar_text(scalar).into_owned()),
    }
}

impl Outcome {
    /// The value for an output; none if the handler gave none.
    pub(super) fn value(&self, function: &Function, output: &Output) -> Option<Value> {
        if output.name == "$return" {
            return Some(&self.returned)
                .filter(|json| **json != Json::Null)
                .map(|json| decoded(json, output));
        }
        let merges = !function.outputs.iter().any(|output| output.name == "$return");
        if let Some(returned) = self.returned.exact(&output.name).filter(|_| merges) {
            return Some(returned).filter(|json| **json != Json::Null).map(|json| Value::Json(json.clone()));
        }
        let json = self.outputs.as_ref()?.exact(&output.name).filter(|json| **json != Json::Null)?;
        Some(match output.target {
            Target::Http => Value::Json(json.clone()),
            Target::Queue(_) => decoded(json, output),
        })
    }
}

/// The base64 rule: a text that could be base64 is.
fn decoded(json: &Json, output: &Output) -> Value {
    match json {
        Json::Text(text) if !output.binary => {
            base64::decoded(text).map_or_else(|| Value::Json(json.clone()), Value::Bytes)
        }
        other => Value::Json(other.clone()),
    }
}

/// The messages that a value of a queue output becomes.
///
/// # Errors
/// A text looks like JSON and is none.
pub(super) fn messages(value: Value) -> Result<Vec<Vec<u8>>, String> {
    let json = match value {
        Value::Bytes(bytes) => return Ok(vec![bytes]),
        Value::Json(json) => json,
    };
    let parsed = match &json {
        Json::Text(text) => {
            let trimmed = text.trim();
            let looks_like = |open, close| trimmed.starts_with(open) && trimmed.ends_with(close);
            if looks_like('[', ']') || looks_like('{', '}') {
                let parsed = Json::parse_whole(trimmed)
                    .map_err(|e| format!("an output looks like JSON but is none: {e}"))?;
                Some(parsed)
            } else {
                None
            }
        }
        _ => None,
    };
    let bytes = |json: &Json| scalar_text(json).into_owned().into_bytes();
    Ok(match parsed.as_ref().unwrap_or(&json) {
        Json::Array(items) => items.iter().map(bytes).collect(),
        other => vec![bytes(other)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(value: &str) -> Result<Vec<String>, String> {
        let value = Value::Json(Json::parse_whole(value).unwrap());
        Ok(messages(value)?.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect())
    }

    #[test]
    fn outputs_become_messages_as_on_azure() {
        for (value, expected) in [
            (r#""plain""#, vec!["plain"]),
            (r#""[\"x\", {\"y\":1}, 3]""#, vec!["x", "{\n  \"y\": 1\n}", "3"]),
            (
                r#"["s",[1],1.5,true,null,"2024-10-24T14:32:17Z"]"#,
                vec!["s", "[\n  1\n]", "1.5", "True", "", "10/24/2024 14:32:17"],
            ),
            (r#"{"a":1}"#, vec!["{\n  \"a\": 1\n}"]),
        ] {
            assert_eq!(sent(value).unwrap(), expected, "{value}");
        }
        assert!(sent(r#""{not json}""#).is_err());
    }
}
