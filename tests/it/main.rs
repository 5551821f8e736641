//! The integration tests: one binary, through the front door.

mod conversations;
mod crashes;
mod fake_telegram;
mod harness;
mod store_contract;
