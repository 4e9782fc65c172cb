//! Randomness from the system.

use rustix::rand::{GetRandomFlags, getrandom};

/// Fills `bytes`, and says whether it could.
#[must_use]
pub(crate) fn fill(bytes: &mut [u8]) -> bool {
    // Up to 256 bytes come whole, once the system has gathered enough at its start (getrandom(2)).
    getrandom(&mut *bytes, GetRandomFlags::empty()).is_ok_and(|count| count == bytes.len())
}

/// A fresh challenge for a gate.
///
/// # Errors
/// The system has no randomness.
pub fn challenge() -> std::io::Result<landline_wire::gate::Challenge> {
    let mut challenge = [0; landline_wire::gate::CHALLENGE_LENGTH];
    if fill(&mut challenge) {
        Ok(challenge)
    } else {
        Err(std::io::Error::other("the system has no randomness"))
    }
}
