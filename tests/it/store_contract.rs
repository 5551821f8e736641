//! What every store must do, written against the port.
