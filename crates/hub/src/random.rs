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

/// Random bytes in small pieces: asking the system's generator for each would cost more than what the piece is for. A
/// piece is given out once.
pub(crate) struct Pieces<const N: usize> {
    pieces: [[u8; N]; 64],
    /// How many of them are not given out yet.
    left: usize,
}

impl<const N: usize> Pieces<N> {
    pub(crate) const fn new() -> Self {
        Self {
            pieces: [[0; N]; 64],
            left: 0,
        }
    }

    pub(crate) fn next(&mut self) -> [u8; N] {
        if self.left == 0 {
            fill(self.pieces.as_flattened_mut());
            self.left = self.pieces.len();
        }
        self.left -= 1;
        std::mem::replace(&mut self.pieces[self.left], [0; N])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_piece_is_given_out_twice() {
        let mut pieces = Pieces::<16>::new();
        let given: std::collections::BTreeSet<[u8; 16]> = (0..200).map(|_| pieces.next()).collect();
        assert_eq!(given.len(), 200);
        assert!(!given.contains(&[0; 16]));
    }
}
