//! The integration tests: one binary, through the front door.

mod conversations;
mod fake_telegram;
mod harness;
mod store_contract;
