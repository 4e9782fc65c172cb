//! Protocols around protocols. Each can stand around any other.

mod authenticated;
mod framed;
mod limited;
#[cfg(test)]
mod tests;

pub use authenticated::{Authenticated, GATE_DEADLINE, GateKey};
pub use framed::Framed;
pub use limited::{Limited, Pace};
