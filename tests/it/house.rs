//! The rules of the house: they are in `docs/ARCHITECTURE.md`, and this file keeps them.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The storeys, from the bottom up. Rooms of one storey are strangers unless [`NEIGHBOURS`] says otherwise.
const STOREYS: [&[&str]; 8] = [
    &["model"],
    &["locale"],
    &["engine"],
    &["azure"],
    &["store", "queue", "blob", "telegram", "workflows"],
    &["runtime"],
    &["functions", "config", "telemetry"],
    &["dev", "serve", "command"],
];
/// Rooms of one storey that know each other: from, to.
const NEIGHBOURS: [(&str, &str); 3] = [("telemetry", "config"), ("command", "dev"), ("command", "serve")];
/// What a pure storey may not even mention.
const IMPURE: [&str; 14] = [
    "tokio",
    "reqwest",
    "rusqlite",
    "axum",
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
    "Instant::now",
    "SystemTime",
    "Utc::now",
    "new_v4",
    "Atomic",
];

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder whose names end so, in order.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The room that a file belongs to: `src/store/sqlite.rs` to `store`.
fn room(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn storey(room: &str) -> Option<usize> {
    STOREYS.iter().position(|rooms| rooms.contains(&room))
}

/// Code without comments and without its tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The rooms that a file speaks of as `crate::room`, also inside `crate::{a, b::c}`.
fn mentioned(code: &str) -> BTreeSet<String> {
    let word =
        |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let mut rooms = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let Some(inner) = after.strip_prefix('{') else {
            rooms.insert(word(after));
            continue;
        };
        let (mut depth, mut fresh) = (0, true);
        for (place, letter) in inner.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if fresh && !c.is_whitespace() => {
                    rooms.insert(word(&inner[place..]));
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    rooms
}

#[test]
fn imports_only_go_down() {
    for file in files(&root().join("src"), ".rs") {
        let here = room(&file);
        let Some(mine) = storey(&here) else {
            assert!(
                ["main", "lib"].contains(&here.as_str()),
                "{here} is in no storey: give it one, here and in the picture"
            );
            continue;
        };
        for there in mentioned(&code(&file)).iter().filter(|there| **there != here) {
            let Some(theirs) = storey(there) else { continue };
            let knows = NEIGHBOURS.contains(&(here.as_str(), there.as_str()));
            assert!(theirs < mine || knows, "{} looks up, or sideways, to `{there}`", file.display());
        }
    }
}

#[test]
fn only_main_knows_the_workflows() {
    for file in files(&root().join("src"), ".rs").iter().filter(|file| room(file) != "workflows") {
        assert!(
            !mentioned(&code(file)).contains("workflows"),
            "{} knows a concrete workflow",
            file.display()
        );
    }
}

#[test]
fn pure_storeys_stay_pure() {
    for file in files(&root().join("src"), ".rs") {
        // The clock is handed out by the words, so that everybody else can be handed it; replay needs a waker.
        let excused =
            ["model/clock.rs", "model/id.rs", "engine/replay.rs"].iter().any(|end| file.ends_with(end));
        if !["model", "locale", "engine", "workflows"].contains(&room(&file).as_str()) || excused {
            continue;
        }
        let code = code(&file);
        for word in IMPURE {
            assert!(!code.contains(word), "{} speaks of `{word}`", file.display());
        }
    }
}

#[test]
fn a_function_is_a_folder_a_file_and_a_route() {
    let folders: BTreeSet<String> = fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let router = code(&root().join("src/functions.rs"));
    let helpers = ["envelope", "failure"];
    let handlers: BTreeSet<String> = fs::read_dir(root().join("src/functions"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| !helpers.contains(&name.as_str()))
        .collect();
    assert_eq!(folders, handlers);
    for name in &folders {
        let description =
            fs::read_to_string(root().join("functions").join(name).join("function.json")).unwrap();
        let description: serde_json::Value = serde_json::from_str(&description).unwrap();
        let trigger = &description["bindings"][0];
        let path = trigger["route"].as_str().map_or_else(|| name.clone(), str::to_owned);
        assert!(router.contains(&format!("\"/{path}\"")), "no route for `{name}` at `/{path}`");
        assert!(router.contains(&format!("{name}::handle")), "`{name}` is not handled");
        let app = fs::read_to_string(root().join("src/dev/app.rs")).unwrap();
        assert!(app.contains(&format!("\"{name}/function.json\"")), "`{name}` is not built in");
    }
}

#[test]
fn only_one_file_knows_status_codes() {
    for file in
        files(&root().join("src/functions"), ".rs").iter().filter(|file| !file.ends_with("failure.rs"))
    {
        assert!(!code(file).contains("StatusCode"), "{} knows status codes", file.display());
    }
}

#[test]
fn the_example_settings_are_the_settings_that_are_read() {
    let example = fs::read_to_string(root().join("local.settings.json.example")).unwrap();
    let example: serde_json::Value = serde_json::from_str(&example).unwrap();
    let shown: BTreeSet<String> = example["Values"].as_object().unwrap().keys().cloned().collect();
    let read: BTreeSet<String> =
        backline::config::KNOWN.iter().map(|(name, _)| name.replace("<slug>", "operations")).collect();
    assert_eq!(shown, read);
}

#[test]
fn a_deployment_sets_only_what_is_read() {
    let known: BTreeSet<&str> = backline::config::KNOWN.iter().map(|(name, _)| *name).collect();
    let mut set = 0;
    for file in ["infra/main.bicep", "infra/modules/bots.bicep"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        // Settings are the only names there that begin with a capital.
        let named = text.lines().filter_map(|line| line.trim().split_once(": "));
        for (name, _) in named.filter(|(name, _)| name.trim_matches('\'').starts_with(char::is_uppercase)) {
            let name = name.trim_matches('\'').replace("${bot.slug}", "<slug>");
            // Who reads these is the host, or the console's browser.
            if ["APPLICATIONINSIGHTS_", "AzureSignalR"].iter().any(|other| name.starts_with(other)) {
                continue;
            }
            assert!(known.contains(name.as_str()), "{file} sets `{name}`, which nobody reads");
            set += 1;
        }
    }
    assert!(set > 8, "only {set} settings were found: have they moved?");
}

#[test]
fn every_alert_has_a_chapter() {
    let chapters = fs::read_to_string(root().join("docs/OPERATIONS.md")).unwrap();
    let rules = fs::read_to_string(root().join("infra/modules/watch.bicep")).unwrap();
    for query in files(&root().join("infra/alerts"), ".kql") {
        let name = query.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(chapters.contains(&format!("\n### {name}\n")), "nobody says what to do about `{name}`");
        assert!(rules.contains(&format!("name: '{name}'")), "`{name}` is asked by nobody");
    }
}

#[test]
fn what_an_alert_looks_for_is_logged() {
    let sources: String = files(&root().join("src"), ".rs").iter().map(|file| code(file)).collect();
    let mut looked_for = 0;
    for query in files(&root().join("infra/alerts"), ".kql") {
        let text = fs::read_to_string(&query).unwrap();
        for words in text.split("Message has \"").skip(1) {
            let words = words.split('"').next().unwrap();
            // The host's own lines are known from its recordings.
            if words != "InsertedOn:" {
                assert!(
                    sources.contains(words),
                    "{} waits for `{words}`, which nobody says",
                    query.display()
                );
                looked_for += 1;
            }
        }
    }
    assert!(looked_for >= 2);
}

#[test]
fn every_file_says_what_it_is_for() {
    for file in files(&root().join("src"), ".rs").into_iter().chain(files(&root().join("tests"), ".rs")) {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{} does not say what it is for", file.display());
    }
}

#[test]
fn locales_say_the_same_in_every_language() {
    let keys = |folder: &Path| -> BTreeSet<String> {
        let lines = files(folder, ".ftl").into_iter().flat_map(|file| {
            fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
        });
        let id = |line: String| line.split_once(" =").map(|(id, _)| id.to_owned());
        lines.filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic())).filter_map(id).collect()
    };
    let english = keys(&root().join("locales/en"));
    for language in fs::read_dir(root().join("locales")).unwrap() {
        assert_eq!(keys(&language.unwrap().path()), english);
    }
}
