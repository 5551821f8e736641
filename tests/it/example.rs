//! The example bot of `examples/order.rs`, played.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use backline::engine::rehearse_table;

use crate::dev::{Dev, Start};

#[path = "../../examples/order.rs"]
#[expect(dead_code, reason = "its `main` is for the example alone")]
mod order;

/// `cargo test` builds the examples; `cargo test --test it` does not.
fn program() -> Option<std::path::PathBuf> {
    let built = std::path::Path::new(env!("CARGO_BIN_EXE_backline")).parent().unwrap().join("examples/order");
    assert!(built.exists() || std::env::var_os("CI").is_none(), "`cargo test` builds the examples");
    if !built.exists() {
        println!("skipped: the example is not built; run `cargo build --example order`");
    }
    built.exists().then_some(built)
}

async fn press(dev: &Dev, words: &str, label: &str) {
    let shown = dev.hears(101, words).await;
    dev.press(101, &shown, label).await;
}

#[tokio::test]
async fn a_team_s_own_bot_runs_with_the_whole_local_host() {
    let Some(program) = program() else { return };
    let (root, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dev = Start { program, root: root.path(), ..Start::own(data.path()) }.start().await;
    dev.say(101, "/price").await;
    press(&dev, "like?", "Coffee").await;
    press(&dev, "How large", "Large").await;
    dev.hears(101, "3.75").await;
    assert_eq!(
        dev.behind(101).await["items"].as_array().unwrap().len(),
        4,
        "the result of the activity is an input"
    );
}

#[test]
fn the_example_takes_an_order_and_names_a_price() {
    rehearse_table(&order::table(), include_str!("../../examples/order.talk")).unwrap();
    rehearse_table(&order::table(), include_str!("price.talk")).unwrap();
}

#[tokio::test]
async fn its_activity_works_a_price_out() {
    let quote = |drink: &str| {
        let run = order::table().runner("quote").expect("the table lists it");
        run(serde_json::json!({ "drink": drink, "size": "large" }))
    };
    assert_eq!(quote("coffee").await.unwrap(), 375);
    assert!(quote("lemonade").await.unwrap_err().to_string().contains("lemons"));
}
