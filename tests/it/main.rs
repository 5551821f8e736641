//! The integration tests: one binary, through the front door.

#[cfg(test)]
mod store_contract;
