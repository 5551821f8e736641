//! The integration tests: one binary, through the front door.

mod browser;
mod fake_telegram;
