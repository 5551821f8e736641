//! `cost`: the page shows what the command prints, and the command reckons with what was measured.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path, process::Command};

use serde_json::Value;

fn run(words: &[&str]) -> (bool, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_backline")).arg("cost").args(words).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.success(), text(done.stdout) + &text(done.stderr))
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn usd(words: &[&str]) -> f64 {
    let (done, told) = run(&[words, &["--json", "--updates", "1_000_000"]].concat());
    assert!(done, "{told}");
    serde_json::from_str::<Value>(&told).unwrap()["total"].as_f64().unwrap()
}

#[test]
fn the_page_shows_what_the_command_prints() {
    let page = read("docs/COST.md");
    for words in [&[][..], &["--prices"]] {
        let (done, told) = run(words);
        assert!(done && page.contains(&format!("```text\n{told}```")), "put this into docs/COST.md:\n{told}");
    }
}

#[test]
fn it_reckons_with_what_was_measured_and_with_what_is_deployed() {
    let measured = read("docs/MEASURED.md");
    let cell = |row: &str| {
        let row = measured.lines().find(|line| line.starts_with(row)).unwrap();
        row.split('|').nth(2).unwrap().trim().split(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let model = read("src/command/cost/model.rs");
    for (name, row) in [("UPDATE_RU", "| an update: "), ("SWEEP_RU", "| an idle minute: ")] {
        assert!(
            model.contains(&format!("const {name}: f64 = {:.1};", cell(row))),
            "{name} is not what was measured"
        );
    }
    let alerts = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("infra/alerts")).unwrap().count();
    assert!(model.contains(&format!("const ALERTS: f64 = {alerts}.0;")), "there are {alerts} alerts");
    for folder in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("functions")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        let function: Value =
            serde_json::from_str(&read(&format!("functions/{name}/function.json"))).unwrap();
        let Some(schedule) = function["bindings"][0]["schedule"].as_str() else { continue };
        let an_hour = match schedule.split(' ').nth(1).unwrap() {
            "*" => 60,
            every => 60 / every.strip_prefix("*/").and_then(|minutes| minutes.parse::<u32>().ok()).unwrap(),
        };
        assert!(model.contains(&format!("(\"{name}\", {an_hour}.0)")), "{name} runs {an_hour} times an hour");
    }
}

#[test]
fn a_price_can_be_changed_and_a_mistake_is_told() {
    let usual = usd(&[]);
    assert!(usd(&["--price", "cosmos-million-ru=0.5"]) > usual + 10.0);
    assert!(usd(&["--always-ready", "1"]) > usual);
    for (words, told) in [
        (&["--price", "fish=1"][..], "--prices shows"),
        (&["--price", "cosmos-gb"], "NAME=VALUE"),
        (&["--price", "cosmos-gb=-1"], "is no price"),
        (&["--memory-mb", "300"], "512, 2048 or 4096"),
        (&["--updates", "many"], "1_000_000"),
    ] {
        let (done, said) = run(words);
        assert!(!done && said.contains(told), "{words:?}: {said}");
    }
}
