//! The doors: one file per function, each a few lines over the runtime.

pub mod envelope;
