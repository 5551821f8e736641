//! The integration tests: one binary, through the front door.

mod fake_telegram;
mod house;
mod store_contract;
