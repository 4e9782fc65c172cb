//! The rules of a connection, held on the simulated engine: each over many seeds, which cut, delay and order everything
//! differently.

#[path = "sim/datagrams.rs"]
mod datagrams;
#[path = "sim/ends.rs"]
mod ends;
#[path = "sim/limits.rs"]
mod limits;
#[path = "sim/script.rs"]
mod script;
#[path = "sim/streams.rs"]
mod streams;
