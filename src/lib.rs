//! A serverless back end for Telegram-style bots.

pub mod dev;
pub mod engine;
pub mod functions;
pub mod locale;
pub mod model;
pub mod queue;
pub mod store;
pub mod telegram;
pub mod workflows;

pub use model::Text;
