//! Do host.json and the functions' files say what this program expects of the host?

use std::path::Path;

use serde_json::Value;

use super::Finding;
use crate::dev::app::{HOST, Layout, built_in, built_in_functions};

/// What of a trigger must be as the program has it. The rest (a schedule, a key) is the app's own affair.
const OF_TRIGGER: [&str; 4] = ["type", "route", "queueName", "containerName"];

/// What host.json must say, by pointer, and why.
const OF_HOST: [(&str, &str, &str); 3] = [
    ("/version", r#""2.0""#, "the host reads no other version"),
    ("/customHandler/enableForwardingHttpRequest", "true", "requests reach the program as they came"),
    ("/extensions/http/routePrefix", r#""""#, "webhooks are registered as /telegram/<bot>"),
];

pub(super) fn look(root: &Path) -> Vec<Finding> {
    match Layout::of(root) {
        Ok(layout) => look_at(&layout),
        Err(error) => vec![Finding::wrong("functions", format!("{error:#}"), "mend the folder")],
    }
}

/// The same for files that are at hand already.
pub(in crate::command) fn look_at(layout: &Layout) -> Vec<Finding> {
    let mut findings = vec![host(layout.text(HOST).unwrap_or_default())];
    let functions: Vec<&str> =
        layout.paths().filter_map(|path| path.strip_suffix("/function.json")).collect();
    let missing = built_in_functions().filter(|name| !functions.contains(name)).map(|name| {
        let mend = format!("add `{name}/function.json`: this program counts on being called");
        Finding::wrong(format!("function {name}"), "its folder is missing", mend)
    });
    let wrong: Vec<Finding> =
        functions.iter().filter_map(|name| function(layout, name)).chain(missing).collect();
    if wrong.is_empty() {
        findings.push(Finding::fine("functions", functions.join(", ")));
    }
    findings.extend(wrong);
    findings
}

fn host(text: &str) -> Finding {
    let told = match serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) {
        Ok(told) => told,
        Err(error) => return Finding::wrong("host.json", format!("is no JSON: {error}"), "mend it there"),
    };
    for (pointer, wanted, why) in OF_HOST {
        let found = told.pointer(pointer).map_or("nothing".to_owned(), Value::to_string);
        if found != wanted {
            let path = pointer[1..].replace('/', ".");
            return Finding::wrong(
                "host.json",
                format!("`{path}` is {found}"),
                format!("set it to {wanted}: {why}"),
            );
        }
    }
    Finding::fine("host.json", "requests are forwarded, routes have no prefix")
}

/// What is wrong with a function's file, if anything.
fn function(layout: &Layout, name: &str) -> Option<Finding> {
    let file = format!("{name}/function.json");
    let wrong = |found: String, mend: String| Some(Finding::wrong(format!("function {name}"), found, mend));
    let Some(expected) = built_in(&file).and_then(trigger) else {
        return wrong(
            "this program has no code for it".to_owned(),
            "remove its folder, or run the program that it belongs to".to_owned(),
        );
    };
    let Some(found) = layout.text(&file).and_then(trigger) else {
        return wrong(format!("`{file}` has no trigger"), format!("give it a {}", expected["type"]));
    };
    let differs = OF_TRIGGER.iter().find(|part| found.get(part) != expected.get(part))?;
    let told = |of: &Value| of.get(differs).map_or("missing".to_owned(), Value::to_string);
    wrong(format!("its `{differs}` is {}", told(&found)), format!("the program expects {}", told(&expected)))
}

fn trigger(text: &str) -> Option<Value> {
    let told: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let bindings = told["bindings"].as_array()?;
    bindings.iter().find(|binding| binding["type"].as_str().is_some_and(|t| t.ends_with("Trigger"))).cloned()
}
