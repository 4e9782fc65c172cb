//! The client of services that speak unasked.

use std::convert::Infallible;
use std::mem;
use std::time::Instant;

use landline_protocol::{Output, StreamProtocol};

/// Says nothing. Its events are the server's bytes, as they come.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// Bytes that are still wanted.
    left: usize,
}

impl Listening {
    /// Listens until the server ends.
    #[must_use]
    pub fn to_the_end() -> Self {
        Self::at_most(usize::MAX)
    }

    /// Listens to so many bytes and ends.
    #[must_use]
    pub fn at_most(bytes: usize) -> Self {
        Self { left: bytes }
    }
}

impl StreamProtocol for Listening {
    type Event = Vec<u8>;
    type Command = Infallible;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        let bytes = mem::take(input);
        let bytes = &bytes[..bytes.len().min(self.left)];
        self.left -= bytes.len();
        if !bytes.is_empty() {
            out.emit(bytes.to_vec());
        }
        if self.left == 0 {
            out.finish();
        }
    }

    fn commanded(&mut self, command: Infallible, _out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        match command {}
    }
}
