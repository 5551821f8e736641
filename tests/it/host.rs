//! The local Functions host: what the real one did in 288 recorded cases, and what people need of it beyond them.

mod apps;
mod ending;
mod player;
mod recorder;
mod recordings;
mod serving;
mod starting;
