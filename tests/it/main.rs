//! The integration tests: one binary, through the front door.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod app;
mod azurite;
mod blob_contract;
mod bot_api;
mod browser;
mod cloud;
mod conversations;
mod cosmos;
#[path = "../../examples/cosmos_emulator/bridge.rs"]
mod cosmos_bridge;
mod cost;
mod crashes;
mod dev;
mod doctor;
mod envelopes;
mod example;
mod fake_telegram;
mod faults;
mod files;
mod first_hour;
mod harness;
mod host;
mod hostile;
mod house;
mod kill;
mod killing;
mod languages;
mod load;
mod looking_in;
mod package;
mod poll;
mod protocol;
mod queue_contract;
mod recording;
mod smoke;
mod store_contract;
mod updates;
mod webhooks;
