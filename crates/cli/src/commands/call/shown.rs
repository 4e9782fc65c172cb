//! What a client shows: raw where a program reads it, safe where a person does.

use landline_model::text::escape;
use landline_sockets::{Decoder, Encoding};
use std::cell::RefCell;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;

/// Standard output. That nobody reads it any more ends the program where it is noticed.
pub(super) struct Shown {
    is_terminal: bool,
    encoding: Encoding,
    /// A character may be cut between two reads.
    decoder: RefCell<Decoder>,
}

impl Shown {
    pub(super) fn new(encoding: Encoding) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        Self {
            is_terminal,
            encoding,
            decoder: RefCell::new(Decoder::new(encoding)),
        }
    }

    /// One message that is text.
    pub(super) fn text(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.text_piece(bytes);
        }
        self.text_piece(b"");
    }

    /// One read of a stream of texts: a line of its own, though a character may go on in the next one.
    pub(super) fn read(&self, bytes: &[u8]) {
        let text = self.decoder.borrow_mut().decode(bytes);
        self.write(&text);
        put(b"\n");
    }

    /// A piece of a message that is text; an empty one ends it.
    pub(super) fn text_piece(&self, bytes: &[u8]) {
        let mut decoder = self.decoder.borrow_mut();
        if bytes.is_empty() {
            let rest = decoder.finish();
            self.write(&rest);
            put(b"\n");
        } else {
            let text = decoder.decode(bytes);
            self.write(&text);
        }
    }

    /// What commands printed, and other bytes. A program gets them as they are.
    pub(super) fn bytes(&self, bytes: &[u8]) {
        if !self.is_terminal && self.encoding == Encoding::Utf8 {
            return put(bytes);
        }
        let text = self.decoder.borrow_mut().decode(bytes);
        self.write(&text);
    }

    /// What somebody said among others. Every line is led by who said it, so that a peer's newline does not make it look
    /// as if somebody else spoke; so it is safe also where a program reads it.
    pub(super) fn said(&self, from: SocketAddr, bytes: &[u8]) {
        let mut decoder = Decoder::new(self.encoding);
        let text = decoder.decode(bytes) + &*decoder.finish();
        for line in text.strip_suffix('\n').unwrap_or(&text).split('\n') {
            let line = line.strip_suffix('\r').unwrap_or(line);
            put(format!("[{from}] {}\n", escape(line)).as_bytes());
        }
    }

    /// Our own words.
    pub(super) fn line(&self, line: &str) {
        put(escape(line).as_bytes());
        put(b"\n");
    }

    fn write(&self, text: &str) {
        if !self.is_terminal {
            return put(text.as_bytes());
        }
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                put(b"\n");
            }
            put(escape(line.strip_suffix('\r').unwrap_or(line)).as_bytes());
        }
    }
}

fn put(bytes: &[u8]) {
    let mut output = std::io::stdout().lock();
    if output.write_all(bytes).and_then(|()| output.flush()).is_err() {
        // Whoever read this has what they wanted: `... | head`.
        std::process::exit(0);
    }
}
