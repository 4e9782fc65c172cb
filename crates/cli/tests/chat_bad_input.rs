//! Chat under what nobody would do on purpose: very long logs, very many rooms, a full disk in the middle of things,
//! clocks that jump, everything said twice, and names that pass for others.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

#[path = "chat_bad_input/again.rs"]
mod again;
#[path = "chat_bad_input/catch_up.rs"]
mod catch_up;
#[path = "chat_bad_input/clock.rs"]
mod clock;
#[path = "chat_bad_input/conversation.rs"]
mod conversation;
#[path = "chat_bad_input/full_disk.rs"]
mod full_disk;
#[path = "chat_bad_input/many_rooms.rs"]
mod many_rooms;
#[path = "chat_bad_input/names.rs"]
mod names;
#[path = "chat_bad_input/stopped.rs"]
mod stopped;
#[path = "rooms_wire/talker.rs"]
#[allow(dead_code, reason = "every test file uses a part of this")]
mod talker;
