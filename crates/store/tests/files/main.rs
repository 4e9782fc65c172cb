//! The store of files, from outside: what it acknowledges is there, whole, and nowhere else.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it does, and may end itself"
)]

mod access;
mod copying;
mod crash;
mod full_disk;
mod hub;
mod journal;
mod links;
mod listing;
mod names;
mod owners;
mod properties;
mod races;
mod renaming;
mod shares;
mod trash;
mod trees;
mod uploads;
mod usage;
