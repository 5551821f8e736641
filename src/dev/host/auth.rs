//! Keys: who may call what, where keys are asked for.
//! <https://learn.microsoft.com/azure/azure-functions/function-keys-how-to>

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::{dice, function::Level, http1::Request, json::Json, target::Target};

/// The keys of an app, kept in `keys.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Keys {
    /// Opens everything.
    master: String,
    /// Open every function.
    host: BTreeMap<String, String>,
    /// Open one function, by its name.
    functions: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(skip)]
    enforced: bool,
}

/// What a request's key proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// Nothing.
    Nobody,
    /// A key of this name opens functions.
    Function(String),
    /// The master key was shown.
    Admin,
}

impl Keys {
    /// Reads the keys in this folder, or makes new ones.
    pub(super) fn load(data: &Path, enforced: bool) -> Result<Self> {
        let file = data.join("keys.json");
        if file.is_file() {
            let text =
                fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let keys: Self = serde_json::from_str(&text).with_context(|| {
                format!("{} is damaged: correct it, or remove it for new keys", file.display())
            })?;
            return Ok(Self { enforced, ..keys });
        }
        let keys = Self {
            master: new_key(),
            host: [("default".to_owned(), new_key())].into(),
            functions: BTreeMap::new(),
            enforced,
        };
        fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
        let text = serde_json::to_string_pretty(&keys)?;
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(keys)
    }

    /// What the key of a request proves: the one in the header, else the one in the query.
    pub(super) fn identify(&self, request: &Request, target: &Target, function: Option<&str>) -> Identity {
        let shown = match request.fields.text("x-functions-key") {
            Some(key) => Some(key.to_owned()),
            None if target.query.contains("code=") => target
                .pairs()
                .into_iter()
                .find(|(key, _)| key.eq_ignore_ascii_case("code"))
                .and_then(|(_, values)| values.into_iter().next()),
            None => None,
        };
        let Some(shown) = shown else { return Identity::Nobody };
        let is = |key: &str| bool::from(key.as_bytes().ct_eq(shown.as_bytes()));
        if is(&self.master) {
            return Identity::Admin;
        }
        let own = function.and_then(|name| self.functions.get(name)).into_iter().flatten();
        let opener = own.chain(&self.host).find(|(_, key)| is(key));
        opener.map_or(Identity::Nobody, |(name, _)| Identity::Function(name.clone()))
    }

    /// May somebody who proved this call at this level?
    pub(super) fn allow(&self, level: Level, who: &Identity) -> bool {
        !self.enforced
            || match level {
                Level::Anonymous => true,
                Level::Function => *who != Identity::Nobody,
                Level::Admin => *who == Identity::Admin,
            }
    }
}

fn new_key() -> String {
    let mut bytes = dice::guid().as_bytes().to_vec();
    bytes.extend_from_slice(dice::guid().as_bytes());
    URL_SAFE.encode(bytes)
}

impl Identity {
    /// As the handler sees it in `Identities`.
    pub(super) fn as_json(&self) -> Json {
        const CLAIM: &str = "http://schemas.microsoft.com/2017/07/functions/claims/";
        let claims = match self {
            Self::Nobody => Vec::new(),
            Self::Function(key) => {
                vec![("authlevel", "Function"), ("invoke", "true"), ("keyid", key.as_str())]
            }
            Self::Admin => vec![("authlevel", "Admin"), ("invoke", "true"), ("keyid", "master")],
        };
        let known = *self != Self::Nobody;
        let claims = claims.iter().map(|(kind, value)| claim(&format!("{CLAIM}{kind}"), value)).collect();
        let members = [
            ("AuthenticationType", if known { Json::of("WebJobsAuthLevel") } else { Json::Null }),
            ("IsAuthenticated", Json::Bool(known)),
            ("Actor", Json::Null),
            ("BootstrapContext", Json::Null),
            ("Claims", Json::Array(claims)),
            ("Label", Json::Null),
            ("Name", Json::Null),
            ("NameClaimType", Json::of("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name")),
            ("RoleClaimType", Json::of("http://schemas.microsoft.com/ws/2008/06/identity/claims/role")),
        ];
        Json::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
    }
}

fn claim(kind: &str, value: &str) -> Json {
    let members = [
        ("Issuer", Json::of("LOCAL AUTHORITY")),
        ("OriginalIssuer", Json::of("LOCAL AUTHORITY")),
        ("Properties", Json::Object(Vec::new())),
        ("Type", Json::of(kind)),
        ("Value", Json::of(value)),
        ("ValueType", Json::of("http://www.w3.org/2001/XMLSchema#string")),
    ];
    Json::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
}
