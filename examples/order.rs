//! A team's own bot in one file: a coffee bar that takes orders and names prices. `cargo run --example order -- dev`
//! runs it on this machine.

use backline::{
    Text, choices,
    engine::{Activity, ActivityFailure, Chat, Choice, Table, Workflow, choice, confirm, text},
    text,
};
use serde::{Deserialize, Serialize};

fn main() -> std::process::ExitCode {
    backline::run(table())
}

/// Everything this bot can do and say.
pub(crate) fn table() -> Table {
    Table::new()
        .workflow(Workflow::new("order", order).command("start", text!("order-title")))
        .workflow(Workflow::new("price", price).command("price", text!("price-title")))
        .activity(quote)
        .words("en", WORDS)
}

const WORDS: &str = "
order-title = Order a drink
order-drink = Good to see you! What would you like?
order-size = How large?
order-name = What name shall we call?
order-note = Any wishes? Write “none” if there are none.
order-right = { $size } { $drink }. Is that right?
order-done = Done! We call { $name } when it is ready. Noted: { $note }

price-title = Ask what a drink costs
price-is = { $size } { $drink }: { $price }
price-unknown = I can't tell right now: { $why }. Please ask at the bar.

drink-coffee = Coffee
drink-tea = Tea
drink-lemonade = Lemonade
size-small = Small
size-large = Large
";

choices! {
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Drink: "drink" { Coffee = "coffee", Tea = "tea", Lemonade = "lemonade" }
}
choices! {
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Size: "size" { Small = "small", Large = "large" }
}

/// `/start` takes an order.
async fn order(chat: Chat) {
    let drink = chat.ask(choice("drink", text!("order-drink"), Drink::ALL)).await;
    let size = chat.ask(choice("size", text!("order-size"), Size::ALL)).await;
    let name = chat.ask(text("name", text!("order-name")).length(1, 100)).await;
    let note = chat.ask(text("note", text!("order-note")).length(1, 500)).await;
    let right = text!("order-right", size = size.label(), drink = drink.label());
    if !chat.ask(confirm("right", right)).await {
        return chat.reopen(["drink", "size", "name", "note", "right"]).await;
    }
    chat.say(text!("order-done", name = name, note = note));
}

/// `/price` has a price worked out: an activity may take its time, fail and be tried again, and call other systems.
async fn price(chat: Chat) {
    let drink = chat.ask(choice("drink", text!("order-drink"), Drink::ALL)).await;
    let size = chat.ask(choice("size", text!("order-size"), Size::ALL)).await;
    match chat.call(Quote { drink, size }).await {
        Ok(cents) => {
            let price = Text::literal(format!("{}.{:02} €", cents / 100, cents % 100));
            chat.say(text!("price-is", size = size.label(), drink = drink.label(), price = price));
        }
        Err(failed) => chat.say(text!("price-unknown", why = failed.0)),
    }
}

/// What does this drink cost, in cents?
#[derive(Serialize, Deserialize)]
struct Quote {
    drink: Drink,
    size: Size,
}

impl Activity for Quote {
    const NAME: &'static str = "quote";
    type Output = u32;
}

/// Works a price out. It may run twice for one result.
async fn quote(of: Quote) -> Result<u32, ActivityFailure> {
    let small = match of.drink {
        Drink::Coffee => 250,
        Drink::Tea => 200,
        Drink::Lemonade => return Err(ActivityFailure::Final("the lemons are late".to_owned())),
    };
    Ok(match of.size {
        Size::Small => small,
        Size::Large => small * 3 / 2,
    })
}
