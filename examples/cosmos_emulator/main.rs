//! A Cosmos DB on this machine, in memory and without Docker: `cargo run --example cosmos_emulator -- --port 8081`.

#[path = "bridge.rs"]
#[expect(dead_code, reason = "tests let things go wrong and look in; this program only serves")]
mod bridge;

use backline::model::Clock;
use bridge::{Bridge, ConsistencyLevel, Options};
use clap::Parser;

/// Serves Microsoft's in-memory emulator of Cosmos DB over HTTP. What is written is gone when it ends.
#[derive(Parser)]
struct Arguments {
    /// The port to listen on, on this machine alone; 0 takes a free one.
    #[arg(long, default_value_t = 8081)]
    port: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { port } = Arguments::parse();
    let bridge =
        Bridge::start(&Options { port, clock: Clock::real(), consistency: ConsistencyLevel::Strong })?;
    println!("Cosmos DB, in memory, at Strong consistency. Settings for the handler:\n");
    println!("  STORE=cosmos\n  CosmosConnection={}\n", bridge.connection_string());
    println!("Make the database with `backline provision`. Ctrl+C ends it and forgets everything.");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
