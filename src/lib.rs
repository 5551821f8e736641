//! A serverless back end for Telegram-style bots, on Azure Functions.
//!
//! A team writes its conversations as scripts ([`engine`]), lists them in a table, and hands the table to [`run`]:
//! that is the whole program, local host included. What happens to an update is three verbs of [`runtime`]: receive
//! stores it, advance applies it to a workflow whose state is replayed from its log, perform sends what it caused.
//! They remember everything through a [`store`], leave hints in a [`queue`], and speak to people through [`telegram`]
//! in the words of a [`locale`]. The doors to them are [`functions`], which the Functions host calls; [`dev`] plays
//! that host, and Telegram, at home; [`azure`] says who we are to the real one. All of it is said in the words of [`model`].

pub mod azure;
pub mod blob;
#[cfg(feature = "tools")]
mod command;
pub mod config;
#[cfg(feature = "tools")]
pub mod dev;
pub mod engine;
pub mod functions;
pub mod locale;
pub mod model;
pub mod queue;
pub mod runtime;
pub mod serve;
pub mod store;
pub mod telegram;
pub mod telemetry;
pub mod workflows;

#[cfg(feature = "tools")]
pub use command::run;
pub use model::Text;
#[cfg(not(feature = "tools"))]
pub use serve::run;

/// A tenth less CPU an update than the system's, see `docs/DECISIONS.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
