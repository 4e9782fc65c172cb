//! What only the simulated engine can show: the exact byte and moment of a limit, every cut, datagrams that are lost,
//! and that a seed repeats it all. Each over many seeds, which cut, delay and order everything differently. The rules that
//! every engine keeps are in conformance.rs.

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
