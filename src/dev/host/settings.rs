//! The settings of an app: the environment over `local.settings.json`, and what refers to them (`%NAME%`).

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, anyhow};

use super::json::Json;

/// Settings by name; names are compared without case where a text refers to them, as .NET's configuration does.
pub(super) type Settings = BTreeMap<String, String>;

/// The `Values` of `local.settings.json` beneath the environment, which wins.
pub(super) fn load(root: &Path, environment: &BTreeMap<String, String>) -> Result<Settings> {
    let mut settings = Settings::new();
    let file = root.join("local.settings.json");
    if file.is_file() {
        let json = read(&file)?;
        for (name, value) in json.member("Values").map(Json::members).unwrap_or_default() {
            let value = match value {
                Json::Text(text) => text.clone(),
                Json::Null => continue,
                other => other.compact(),
            };
            settings.insert(name.clone(), value);
        }
    }
    settings.extend(environment.clone());
    Ok(settings)
}

/// Reads a JSON file (comments allowed); errors name file and line.
pub(super) fn read(file: &Path) -> Result<Json> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Json::parse_whole(&text)
        .map_err(|e| anyhow!("{}, {e}: correct the JSON there and start again", file.display()))
}

/// A setting by name, in any case.
pub(super) fn setting<'a>(settings: &'a Settings, name: &str) -> Option<&'a str> {
    settings
        .get(name)
        .or_else(|| settings.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value))
        .map(String::as_str)
}

/// Replaces each `%NAME%` by the setting.
///
/// # Errors
/// Names a setting that is not there.
pub(super) fn resolve(text: &str, settings: &Settings) -> Result<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        let Some((name, after)) = after.split_once('%') else { break };
        let value = setting(settings, name).with_context(|| {
            format!("`%{name}%` refers to a setting that is not there: add `{name}` to `Values` in local.settings.json or to the environment")
        })?;
        out.push_str(before);
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Replaces each `%NAME%` by the setting, by nothing if there is none: the rule for the handler's command line.
pub(super) fn expand(text: &str, settings: &Settings) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        let Some((name, after)) = after.split_once('%') else { break };
        out.push_str(before);
        out.push_str(setting(settings, name).unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Lays settings named `AzureFunctionsJobHost__a__b` over the host.json value at `a.b`.
/// <https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values>
pub(super) fn override_host_json(host: &mut Json, settings: &Settings) {
    const PREFIX: &str = "AzureFunctionsJobHost__";
    for (name, value) in settings {
        let Some(start) = name.get(..PREFIX.len()) else { continue };
        if start.eq_ignore_ascii_case(PREFIX) {
            let path: Vec<&str> = name[PREFIX.len()..].split("__").collect();
            set(host, &path, Json::of(value));
        }
    }
}

fn set(json: &mut Json, path: &[&str], value: Json) {
    let [first, rest @ ..] = path else {
        *json = value;
        return;
    };
    if !matches!(json, Json::Object(_)) {
        *json = Json::Object(Vec::new());
    }
    let Json::Object(members) = json else { return };
    let index = members.iter().position(|(key, _)| key.eq_ignore_ascii_case(first)).unwrap_or_else(|| {
        members.push(((*first).to_owned(), Json::Null));
        members.len() - 1
    });
    set(&mut members[index].1, rest, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        [("A", "1"), ("AzureFunctionsJobHost__extensions__http__routePrefix", "x")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn references_are_replaced_in_any_case() {
        assert_eq!(resolve("x%a%y 100%", &settings()).unwrap(), "x1y 100%");
        assert!(resolve("%B%", &settings()).unwrap_err().to_string().contains("local.settings.json"));
        assert_eq!(expand("%NOPE%x %A%", &settings()), "x 1");
    }

    #[test]
    fn the_environment_overrides_host_json() {
        let mut host = Json::parse(r#"{"Extensions":{"http":{"routePrefix":"api"}}}"#).unwrap().unwrap();
        override_host_json(&mut host, &settings());
        assert_eq!(host.path(&["extensions", "http", "routePrefix"]), Some(&Json::of("x")));
        assert_eq!(host.members().len(), 1);
    }
}
