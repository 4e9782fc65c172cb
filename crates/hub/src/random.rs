//! Random bytes from the operating system, by way of the same library that TLS uses.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

/// Fills `bytes`. A system that has no randomness cannot run a hub: the process ends rather than go on with less.
pub(crate) fn fill(bytes: &mut [u8]) {
    if SystemRandom::new().fill(bytes).is_err() {
        tracing::error!("the system gives no random bytes");
        std::process::abort();
    }
}

/// `N` random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}
