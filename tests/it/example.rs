//! The example bot of `examples/order.rs`, played.

use backline::engine::rehearse_table;

#[path = "../../examples/order.rs"]
#[expect(dead_code, reason = "its `main` is for the example alone")]
mod order;

#[test]
fn the_example_takes_an_order_and_names_a_price() {
    rehearse_table(&order::table(), include_str!("example.talk")).unwrap();
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
