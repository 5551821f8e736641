//! Files and places: how they come, where they are kept, and how they are sent.

mod albums;
mod fake;
mod keeping;
mod places;
mod sending;
