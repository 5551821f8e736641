//! Content types as .NET reads and writes them.

/// Is this a type, a slash, a subtype and well-formed parameters?
pub(super) fn is_valid(text: &str) -> bool {
    let mut parts = split(text).into_iter();
    let Some((kind, subtype)) = parts.next().and_then(|kind| kind.split_once('/')) else { return false };
    is_token(kind.trim())
        && is_token(subtype.trim())
        && parts.all(|part| {
            part.split_once('=').is_none_or(|(name, _)| is_token(name.trim())) && !part.is_empty()
        })
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// The parts between semicolons that are not inside quotes, trimmed.
fn split(text: &str) -> Vec<&str> {
    let (mut quoted, mut start, mut parts) = (false, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

/// A well-formed type with its parameters set apart by `; `; anything else as it is.
pub(super) fn normalized(text: &str) -> String {
    if is_valid(text) { split(text).join("; ") } else { text.to_owned() }
}

/// The type without parameters, in lower case.
pub(super) fn essence(text: &str) -> String {
    split(text).first().map(|kind| kind.to_ascii_lowercase()).unwrap_or_default()
}

/// The same type with `charset=utf-8`, in place of another charset if there is one.
pub(super) fn in_utf8(text: &str) -> String {
    let mut parts = split(text);
    match parts.iter_mut().find(|part| part.to_ascii_lowercase().starts_with("charset")) {
        Some(charset) => *charset = "charset=utf-8",
        None => parts.push("charset=utf-8"),
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_judged_and_rewritten() {
        assert!(is_valid("text/plain; charset=utf-8; q=\"a;b\""));
        for wrong in ["nonsense", "not a type;;", "text/", "text/plain;"] {
            assert!(!is_valid(wrong), "{wrong}");
        }
        assert_eq!(
            normalized("Text/HTML;Charset=iso-8859-1; q=\"a b\""),
            "Text/HTML; Charset=iso-8859-1; q=\"a b\""
        );
        assert_eq!(normalized("nonsense"), "nonsense");
        assert_eq!(essence("Application/JSON; Charset=UTF-8"), "application/json");
        assert_eq!(in_utf8("text/plain; charset=iso-8859-1"), "text/plain; charset=utf-8");
        assert_eq!(in_utf8("image/png"), "image/png; charset=utf-8");
    }
}
