//! Plays Azure and Telegram at home.

pub mod host;
pub mod telegram;
