//! The local Functions host: what the real one did in 288 recorded cases, and what people need of it beyond them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod apps;
mod comparison;
mod ending;
mod following;
mod following_an_account;
mod player;
mod recorder;
mod recordings;
mod serving;
mod starting;
mod watching;
