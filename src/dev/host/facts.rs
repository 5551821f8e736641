//! What is known of one call beside its data: `Metadata` for the handler, and what `{names}` in bindings refer to.

use std::borrow::Cow;

use super::{
    date,
    json::{Json, float, quoted},
};

/// One fact.
#[derive(Clone, Debug)]
pub(super) enum Fact {
    /// A text; the handler gets it as JSON inside a JSON string.
    Text(String),
    /// What the handler gets as it is.
    Plain(Json),
}

/// Facts by name, in order; names are the same in any case, and keep the spelling they first had.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts(Vec<(String, Fact)>);

impl Facts {
    /// Sets a fact, over one of the same name.
    pub(super) fn set(&mut self, name: &str, fact: Fact) {
        match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, old)) => *old = fact,
            None => self.0.push((name.to_owned(), fact)),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// Takes over the members of a text that is a JSON object, but for lists and nulls.
    pub(super) fn merge_payload(&mut self, payload: &str) {
        let trimmed = payload.trim();
        if !(trimmed.starts_with('{') && trimmed.ends_with('}')) {
            return;
        }
        let Ok(Json::Object(members)) = Json::parse_whole(trimmed) else { return };
        for (name, value) in &members {
            match value {
                Json::Null | Json::Array(_) => {}
                Json::Object(_) => self.set(name, Fact::Plain(date::rewritten(value))),
                scalar => self.set(name, Fact::Text(scalar_text(scalar).into_owned())),
            }
        }
    }

    /// As the handler's `Metadata`; what ends in `trigger` is left out.
    pub(super) fn metadata(&self) -> Vec<(String, Json)> {
        let told = |name: &str| !name.to_ascii_lowercase().ends_with("trigger");
        self.0
            .iter()
            .filter(|(name, _)| told(name))
            .map(|(name, fact)| {
                let value = match fact {
                    Fact::Text(text) => Json::Text(quoted(text)),
                    Fact::Plain(json) => json.clone(),
                };
                (name.clone(), value)
            })
            .collect()
    }

    /// What a name, or a path of names, refers to in a binding expression.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let mut names = path.split('.');
        let first = names.next()?;
        let (_, fact) = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(first))?;
        match fact {
            Fact::Text(text) => names.next().is_none().then(|| text.clone()),
            Fact::Plain(json) => {
                let value = names.try_fold(json, |value, name| value.member(name))?;
                match value {
                    Json::Object(_) | Json::Array(_) | Json::Null => None,
                    scalar => Some(scalar_text(scalar).into_owned()),
                }
            }
        }
    }
}

/// A scalar as .NET's `ToString` writes it; a list or an object as indented JSON, nothing for null.
pub(super) fn scalar_text(json: &Json) -> Cow<'_, str> {
    match json {
        Json::Null => Cow::Borrowed(""),
        Json::Bool(true) => Cow::Borrowed("True"),
        Json::Bool(false) => Cow::Borrowed("False"),
        Json::Integer(digits) => Cow::Borrowed(digits),
        Json::Float(number) => Cow::Owned(float(*number)),
        Json::Text(text) => date::dated(text),
        other => Cow::Owned(other.indented()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(payload: &str) -> String {
        let mut facts = Facts::default();
        facts.set("DequeueCount", Fact::Plain(Json::of("1")));
        facts.merge_payload(payload);
        Json::Object(facts.metadata()).compact()
    }

    #[test]
    fn a_payload_is_merged_and_may_forge() {
        assert_eq!(
            facts(
                r#" {"n":5,"f":1.50,"t":true,"x":null,"l":[1],"o":{"a":1},"myTrigger":"gone","dequeuecount":99} "#
            ),
            r#"{"DequeueCount":"\"99\"","n":"\"5\"","f":"\"1.5\"","t":"\"True\"","o":{"a":1}}"#
        );
        assert_eq!(facts("{broken}"), r#"{"DequeueCount":"1"}"#);
    }

    #[test]
    fn expressions_reach_into_objects() {
        let mut facts = Facts::default();
        facts.merge_payload(r#"{"chat":7,"o":{"a":{"b":"x"}}}"#);
        assert_eq!(facts.text("CHAT").as_deref(), Some("7"));
        assert_eq!(facts.text("o.a.b").as_deref(), Some("x"));
        assert_eq!(facts.text("o.a"), None);
    }
}
