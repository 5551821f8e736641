//! Binding expressions: `{chat}`, `{queueTrigger}`, `{rand-guid}`, `{DateTime}` in the names of outputs.
//! <https://learn.microsoft.com/azure/azure-functions/functions-bindings-expressions-patterns>

use super::{dice, facts::Facts};
use crate::model::Timestamp;

/// Replaces each `{name}`.
///
/// # Errors
/// Names what is not known of the call.
pub(super) fn resolve(text: &str, facts: &Facts, now: Timestamp) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            return Err(format!("the binding expression in `{text}` has no closing brace"));
        };
        out.push_str(before);
        out.push_str(&value(name.trim(), facts, now).ok_or_else(|| {
            format!("the binding expression `{{{name}}}` in `{text}` refers to nothing in the trigger's data")
        })?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn value(name: &str, facts: &Facts, now: Timestamp) -> Option<String> {
    let (plain, format) = name.split_once(':').unwrap_or((name, ""));
    if let Some(known) = facts.text(plain) {
        return Some(known);
    }
    match plain.to_ascii_lowercase().as_str() {
        "rand-guid" => {
            let guid = dice::guid();
            Some(match format {
                "" | "D" | "d" => guid.to_string(),
                "N" | "n" => guid.simple().to_string(),
                "B" | "b" => guid.braced().to_string(),
                _ => return None,
            })
        }
        "datetime" => Some(match format {
            "" => now.format("%Y-%m-%dT%H-%M-%SZ").to_string(),
            format => now.format(&strftime(format)?).to_string(),
        }),
        _ => None,
    }
}

/// The usual parts of a .NET date format: `yyyy`, `MM`, `dd`, `HH`, `mm`, `ss`, and what stands between them.
fn strftime(format: &str) -> Option<String> {
    const PARTS: [(&str, &str); 6] =
        [("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S")];
    let mut out = String::new();
    let mut rest = format;
    while !rest.is_empty() {
        let part = PARTS.iter().find(|(theirs, _)| rest.starts_with(theirs));
        match (part, rest.chars().next()?) {
            (Some((theirs, ours)), _) => {
                out.push_str(ours);
                rest = &rest[theirs.len()..];
            }
            (None, c) if !c.is_alphabetic() && c != '%' => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
            _ => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::host::facts::Fact;

    #[test]
    fn names_are_replaced_by_what_is_known() {
        let mut facts = Facts::default();
        facts.set("queueTrigger", Fact::Text("hello".to_owned()));
        facts.merge_payload(r#"{"chat":7}"#);
        let now = "2024-10-24T14:32:17Z".parse().unwrap();
        let resolved = |text: &str| resolve(text, &facts, now);
        assert_eq!(resolved("q-{Chat}-{queueTrigger}").unwrap(), "q-7-hello");
        assert_eq!(resolved("{DateTime}").unwrap(), "2024-10-24T14-32-17Z");
        assert_eq!(resolved("{datetime:yyyy-MM}").unwrap(), "2024-10");
        assert_eq!(resolved("{rand-guid:N}").unwrap().len(), 32);
        assert!(resolved("{nope}").unwrap_err().contains("{nope}"));
        assert!(resolved("{open").is_err());
    }
}
