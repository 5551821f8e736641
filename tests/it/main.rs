//! The integration tests: one binary, through the front door.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod conversations;
mod crashes;
mod fake_telegram;
mod harness;
mod store_contract;
