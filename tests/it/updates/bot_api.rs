//! Makes up values of every type of the Bot API, from the API as data.

use serde_json::{Map, Value, json};

pub(super) struct BotApi(Value);

/// How much a made-up value tells.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fullness {
    /// Required fields only.
    Minimal,
    /// Every field.
    Maximal,
    /// Every field, fields that nobody has heard of, and strings that no enumeration knows.
    BeyondTheSpec,
}

impl BotApi {
    pub(super) fn load() -> Self {
        Self(serde_json::from_str(include_str!("../bot-api.json")).unwrap())
    }

    pub(super) fn fields(&self, of: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.0["types"][of]["fields"].as_object().unwrap().iter().map(|(name, spec)| (name.as_str(), spec))
    }

    pub(super) fn field(&self, spec: &Value, fullness: Fullness) -> Value {
        self.made_up(spec["types"][0].as_str().unwrap(), fullness, 0)
    }

    pub(super) fn value(&self, name: &str, fullness: Fullness) -> Value {
        self.made_up(name, fullness, 0)
    }

    fn made_up(&self, name: &str, fullness: Fullness, depth: usize) -> Value {
        if let Some(element) = name.strip_prefix("Array of ") {
            return json!([self.made_up(element, fullness, depth)]);
        }
        match name {
            "Integer" => json!(7),
            "Float" => json!(1.5),
            "Boolean" => json!(true),
            "String" if fullness == Fullness::BeyondTheSpec => json!("unheard_of"),
            "String" => json!("words"),
            _ => self.object(name, fullness, depth),
        }
    }

    fn object(&self, name: &str, fullness: Fullness, depth: usize) -> Value {
        let kind = &self.0["types"][name];
        if let Some(variants) = kind["one_of"].as_array() {
            let variant = variants[depth % variants.len()].as_str().unwrap();
            return self.made_up(variant, fullness, depth);
        }
        // Messages hold messages: somewhere it must end.
        let all = fullness != Fullness::Minimal && depth < 2;
        let mut members = Map::new();
        for (field, spec) in kind["fields"].as_object().unwrap() {
            if depth < 8 && (all || spec["required"] == true) {
                let types = spec["types"].as_array().unwrap();
                members.insert(field.clone(), self.made_up(types[0].as_str().unwrap(), fullness, depth + 1));
            }
        }
        if fullness == Fullness::BeyondTheSpec {
            members.insert("brand_new".to_owned(), json!({ "a": [1, "b"] }));
        }
        members.into()
    }
}
