//! What Azure's host did, case by case, and whether the local one does the same.

use serde_json::Value;
use tokio::task::JoinSet;

use super::player::{Stage, play};

/// Plays every recorded case; the apps side by side, the cases of an app one after another as they were recorded.
#[tokio::test(flavor = "multi_thread")]
async fn the_host_does_what_azures_did() {
    let mut groups: Vec<(String, Vec<Value>)> = Vec::new();
    for line in include_str!("cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let app = case["app"].as_str().unwrap().to_owned();
        match groups.last_mut() {
            // Each of these waits for a time-out, so each gets a host of its own.
            Some((known, cases)) if *known == app && app != "app5" => cases.push(case),
            _ => groups.push((app, vec![case])),
        }
    }
    let mut played = JoinSet::new();
    for (app, cases) in groups {
        played.spawn(async move {
            let stage = Stage::recorded(&app).await;
            let mut differing = Vec::new();
            for case in &cases {
                for difference in play(&stage, case).await {
                    differing.push(format!("{app}/{}: {difference}", case["case"].as_str().unwrap()));
                }
            }
            stage.stop().await;
            (cases.len(), differing)
        });
    }
    let results = played.join_all().await;
    let differing: Vec<String> = results.iter().flat_map(|(_, differing)| differing.clone()).collect();
    assert!(differing.is_empty(), "{} differences:\n{}", differing.len(), differing.join("\n"));
    assert_eq!(results.iter().map(|(cases, _)| cases).sum::<usize>(), 288);
}
