//! The hub's nouns: ids, names, paths, roles, events, links and the messages between client and hub.
//!
//! Everything here is pure: no I/O, no clock, no randomness. Whoever needs fresh ids or salts passes random bytes in.
#![forbid(unsafe_code)]

pub mod access;
pub mod blocks;
pub mod chain;
pub mod code;
pub mod denied;
pub mod error;
pub mod event;
pub mod hash;
pub mod head;
pub mod id;
pub mod link;
pub mod name;
pub mod path;
pub mod protocol;
pub mod receipt;
pub mod role;
pub mod room;
pub mod size;
pub mod space;
pub mod target;
pub mod text;
pub mod time;
pub mod token;
