//! The integration tests: one binary, through the front door.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod app;
mod browser;
mod conversations;
mod crashes;
mod dev;
mod envelopes;
mod example;
mod fake_telegram;
mod first_hour;
mod harness;
mod host;
mod house;
mod kill;
mod looking_in;
mod poll;
mod protocol;
mod store_contract;
mod updates;
