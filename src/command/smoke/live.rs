//! Is the right version there, is it well, and how fast does it answer?

use std::time::{Duration, Instant};

use serde_json::Value;

use super::site::Site;
use crate::command::doctor::Finding;

/// Between two looks at an app that is not there yet.
const PAUSE: Duration = Duration::from_secs(2);
/// So many warm answers make a median.
const ANSWERS: usize = 10;
const HEALTH: &str = "health";

/// What is known of the app once it answered, or was given up.
pub(super) struct Live {
    /// Did anybody answer?
    pub(super) answers: bool,
    pub(super) findings: Vec<Finding>,
    /// The slugs of its bots.
    pub(super) bots: Vec<String>,
}

/// Asks for its health until the version that is expected answers, or patience is over.
pub(super) async fn wait(site: &Site, expected: Option<&str>, patience: Duration) -> Live {
    let begun = Instant::now();
    let mut first = None;
    loop {
        let answer = site.get(HEALTH).await;
        if let (Ok(answer), None) = (&answer, first) {
            first = Some(answer.took);
        }
        let told = answer.map(|answer| {
            let health = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
            (answer.status, health)
        });
        let is_there = |(status, health): &(u16, Value)| {
            *status == 200 && expected.is_none_or(|version| health["version"] == version)
        };
        let is_over = begun.elapsed() >= patience;
        if is_over || told.as_ref().is_ok_and(is_there) {
            return told
                .map_or_else(|why| absent(&why), |(status, health)| found(status, &health, expected, first));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn absent(why: &str) -> Live {
    let mend = "see that the app runs: `az functionapp show … --query state`; its log says what it lacks";
    let findings = vec![Finding::wrong(HEALTH, format!("there is no answer: {why}"), mend)];
    Live { answers: false, findings, bots: Vec::new() }
}

fn found(status: u16, health: &Value, expected: Option<&str>, first: Option<Duration>) -> Live {
    let version = health["version"].as_str().unwrap_or("none");
    let mut findings = vec![match expected {
        Some(expected) if expected != version => Finding::wrong(
            "version",
            format!("{version} is live, not {expected}"),
            "deploy it (again), or wait longer with --patience",
        ),
        Some(_) => Finding::fine("version", format!("{version} is live, as it should be")),
        None => Finding::skipped("version", format!("{version} is live; --package and --expect compare")),
    }];
    let bots: Vec<String> = health["bots"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|bot| Some(bot.as_str()?.to_owned()))
        .collect();
    findings.push(if status != 200 || health["status"] != "ok" {
        let found = format!("it answers with {status} and the status {}", health["status"]);
        Finding::wrong(HEALTH, found, "its log says why; mostly a setting, or a secret that did not arrive")
    } else if bots.is_empty() {
        Finding::wrong(HEALTH, "it has no bot", "set BOTS__<slug>__token and BOTS__<slug>__secret")
    } else {
        let store = health["store"].as_str().unwrap_or("?");
        Finding::fine(HEALTH, format!("remembers in {store}; bots: {}", bots.join(", ")))
    });
    if let Some(first) = first {
        findings.push(Finding::fine("first answer", format!("after {} ms", first.as_millis())));
    }
    Live { answers: true, findings, bots }
}

/// How long answers take now that it is awake.
pub(super) async fn warm(site: &Site, bound: Duration) -> Finding {
    let what = "warm answers";
    let mut times = Vec::new();
    for _ in 0..ANSWERS {
        match site.get(HEALTH).await {
            Ok(answer) => times.push(answer.took),
            Err(why) => return Finding::wrong(what, why, "see whether the app is being restarted"),
        }
    }
    times.sort_unstable();
    let (median, worst) = (times[ANSWERS / 2], times[ANSWERS - 1]);
    let found = format!("median {} ms, worst {} ms of {ANSWERS}", median.as_millis(), worst.as_millis());
    if median <= bound {
        Finding::fine(what, found)
    } else {
        let mend = format!(
            "at most {} ms are wanted: look at the region, the instances and the store",
            bound.as_millis()
        );
        Finding::wrong(what, found, mend)
    }
}
