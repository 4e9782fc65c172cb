//! The same bytes with their ASCII letters upper-cased.

use std::convert::Infallible;
use std::mem;
use std::time::Instant;

use landline_protocol::{Output, StreamProtocol};

use crate::asking::{Asking, Whole};
use crate::independent::Independent;

/// The server's side of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Upper;

impl StreamProtocol for Upper {
    type Event = Infallible;
    type Command = Infallible;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Infallible>, _now: Instant) {
        out.write(&mem::take(input).to_ascii_uppercase());
    }

    fn commanded(&mut self, command: Infallible, _out: &mut dyn Output<Infallible>, _now: Instant) {
        match command {}
    }
}

/// The server.
#[must_use]
pub fn service() -> Independent<fn() -> Upper> {
    Independent::new(Upper::default)
}

/// A client that sends each text once the one before it is answered, and shows the answers.
#[must_use]
pub fn client(texts: Vec<Vec<u8>>) -> Asking {
    Asking::new(Whole::SameLength, texts)
}

#[cfg(test)]
mod tests {
    use landline_protocol::Ended;

    use super::*;
    use crate::asking::UNDER_WAY_MAX;
    use crate::link::{Bare, Link, cut_at, seeded};

    #[test]
    fn only_ascii_letters_change_at_every_split() {
        let text = "straße, ÿ \0 z09{~".as_bytes();
        for first in 1..=text.len() {
            let mut link = Link::new(service()).with_pieces(cut_at(first), cut_at(first));
            let client = link.connect(Bare);
            link.say(client, text);
            assert_eq!(link.heard(client), "STRAßE, ÿ \0 Z09{~".as_bytes());
            link.say(client, b"again");
            assert_eq!(link.heard(client), b"AGAIN", "it stays open");
        }
    }

    #[test]
    fn our_client_gets_a_long_text_whole() {
        let text = b"long ".repeat(UNDER_WAY_MAX);
        let mut link = Link::new(service()).with_pieces(seeded(1), seeded(2));
        let client = link.connect(client(vec![text.clone(), b"end".to_vec()]));
        let expected = [text.as_slice(), b"end"].concat().to_ascii_uppercase();
        assert!(link.shown(client).concat() == expected);
        assert_eq!(link.client_ended(client), Some(Ended::Finished));
        assert_eq!(link.server_ended(client), Some(Ended::Finished));
    }
}
