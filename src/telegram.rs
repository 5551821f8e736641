//! Telegram, as it really is: what it sends, what it takes, what it refuses.

pub mod client;
pub mod normalize;
pub mod render;
pub mod update;
pub mod webhook;
