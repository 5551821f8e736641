//! The local Functions host: starts the handler as Azure does and drives it over the same wire.
