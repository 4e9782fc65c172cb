//! The store of files, from outside: what it acknowledges is there, whole, and nowhere else.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it does, and may end itself"
)]

mod crash;
mod full_disk;
mod hub;
mod links;
mod listing;
mod names;
mod owners;
mod races;
mod renaming;
mod uploads;
