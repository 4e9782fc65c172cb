//! The client of services that speak unasked.

use std::convert::Infallible;
use std::mem;
use std::time::Instant;

use landline_protocol::{Output, StreamProtocol};

/// Says nothing. Its events are the server's bytes, as they come.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// Bytes that may still come.
    left: usize,
    /// Bytes without which the server's end comes too soon.
    missing: usize,
}

impl Listening {
    /// Listens until the server ends, which says something before.
    #[must_use]
    pub fn to_the_end() -> Self {
        Self {
            left: usize::MAX,
            missing: 1,
        }
    }

    /// Listens to so many bytes and ends.
    #[must_use]
    pub fn exactly(bytes: usize) -> Self {
        Self {
            left: bytes,
            missing: bytes,
        }
    }
}

impl StreamProtocol for Listening {
    type Event = Vec<u8>;
    type Command = Infallible;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        let bytes = mem::take(input);
        let bytes = &bytes[..bytes.len().min(self.left)];
        self.left -= bytes.len();
        self.missing = self.missing.saturating_sub(bytes.len());
        if !bytes.is_empty() {
            out.emit(bytes.to_vec());
        }
        if self.left == 0 {
            out.finish();
        }
    }

    fn peer_finished(&mut self, _rest: &mut &[u8], out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        if self.missing > 0 {
            out.abort("the server ended before it had said all that was to come");
        } else {
            out.finish();
        }
    }

    fn commanded(&mut self, command: Infallible, _out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        match command {}
    }
}

#[cfg(test)]
mod tests {
    use landline_protocol::Ended;

    use super::*;
    use crate::link::{BareServer, Link};

    #[test]
    fn a_server_that_ends_too_soon_is_an_error() {
        for (client, said, is_error) in [
            (Listening::to_the_end(), &b""[..], true),
            (Listening::to_the_end(), b"x", false),
            (Listening::exactly(3), b"xy", true),
            (Listening::exactly(3), b"xyz", false),
        ] {
            let mut link = Link::new(BareServer::default());
            let number = link.connect(client);
            link.server_command(number, said.to_vec());
            link.server_finish(number);
            link.run();
            let ended = link.client_ended(number);
            assert_eq!(
                matches!(ended, Some(Ended::Aborted(_))),
                is_error,
                "{client:?}: {ended:?}"
            );
            assert_eq!(link.shown(number).concat(), said);
        }
    }
}
