//! What a person types while something else goes on.

use crate::report;
use landline_sockets::Encoding;
use std::io::BufRead as _;

/// Hands the lines of standard input on, each in the encoding of the wire and without its newline, from a thread of its
/// own. The end of standard input ends nothing.
pub(super) fn lines(encoding: Encoding, send: impl Fn(Vec<u8>) + Send + 'static) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().split(b'\n').map_while(Result::ok) {
            match encoding.encode(&String::from_utf8_lossy(&line)) {
                Ok(text) => send(text),
                Err(unmappable) => report::note(&unmappable.to_string()),
            }
        }
    });
}
