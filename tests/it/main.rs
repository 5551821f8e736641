//! The integration tests: one binary, through the front door.

mod host;
