//! What strangers and broken clients may send: nothing makes the process panic, and nothing gets where it does not
//! belong.

mod doors;
mod presses;
mod words;
