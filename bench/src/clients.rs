//! The load: small clients of each protocol, alike in how little they do.

pub(crate) mod datagrams;
pub(crate) mod echo;
pub(crate) mod hub;
pub(crate) mod irc;
mod link;
pub(crate) mod nats;
pub(crate) mod stamped;
pub(crate) mod visitor;

pub(crate) use link::{Dialect, Link};

use anyhow::{Result, bail};
use bytes::{Buf as _, BytesMut};

/// How many bytes of text a message has, in every protocol.
pub(crate) const TEXT_BYTES: usize = 64;

/// The text of every message.
pub(crate) const TEXT: [u8; TEXT_BYTES] = [b'x'; TEXT_BYTES];

/// The longest line that a peer's server sends: nats-server's INFO is the longest of all.
const LINE_MAX: usize = 64 * 1024;

/// Takes the next line off the front of `input`, without its end; none: it has not all come yet.
fn take_line(input: &mut BytesMut) -> Result<Option<BytesMut>> {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
        if input.len() > LINE_MAX {
            bail!("a line of more than {LINE_MAX} bytes");
        }
        return Ok(None);
    };
    let mut line = input.split_to(end);
    input.advance(1);
    if line.last() == Some(&b'\r') {
        line.truncate(line.len() - 1);
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_either_end_and_wait_for_it() {
        let mut input = BytesMut::from(&b"one\r\ntwo\nthr"[..]);
        assert_eq!(take_line(&mut input).unwrap().unwrap(), "one");
        assert_eq!(take_line(&mut input).unwrap().unwrap(), "two");
        assert_eq!(take_line(&mut input).unwrap(), None);
        assert_eq!(input, "thr");
        assert!(take_line(&mut BytesMut::zeroed(LINE_MAX + 1)).is_err());
    }
}
