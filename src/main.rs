//! Starts Backline.

fn main() {}
