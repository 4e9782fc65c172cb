//! How the messages of a stream stick together and come apart, and how a framing puts it right.
//!
//! Each step makes its own sockets on the loopback address, does something, and records what the calls took and gave.
//! Nothing is staged: a step compares what it recorded with what it teaches. Where the order of things matters it waits
//! in a call until the bytes are there, never for a time.

mod datagrams;
mod framed;
mod pair;
mod streams;

use std::fmt;
use std::io;

/// The first of the two messages that most steps send.
const FIRST: &[u8] = b"hello";
/// The second of them.
const SECOND: &[u8] = b"world";
/// What a program that does not think about it hands to `recv`, in bytes.
const ROOM: usize = 1024;
/// Of longer data only the beginning is written out, so many bytes.
const SHOWN_MAX: usize = 64;
/// This much of it.
const SHOWN_BEGINNING: usize = 16;

/// One thing shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its short name, for programs.
    pub name: String,
    /// What it shows, in a line.
    pub title: String,
    /// What was done and what came of it, in order.
    pub events: Vec<Event>,
    /// The reason, in a line.
    pub why: &'static str,
    /// Whether the events are what the title says.
    pub shown: bool,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// One call to `send` took this.
    Sent(Vec<u8>),
    /// One call to `recv` with room for so many bytes returned this.
    Received {
        /// Room, in bytes.
        room: usize,
        /// What came.
        data: Vec<u8>,
    },
    /// The reader sent this back, and the sender read it.
    Answered(Vec<u8>),
    /// The framing took this message out of what was received.
    Message(Vec<u8>),
    /// Something else to know.
    Remark(String),
}

/// Does every step, in teaching order, and hands each over when it is done.
///
/// # Errors
/// The system refused a socket or a call, or bytes did not arrive in ten seconds; and the first that `show` returns.
pub fn run<E: From<io::Error>>(mut show: impl FnMut(&Step) -> Result<(), E>) -> Result<(), E> {
    for step in streams::STEPS.iter().chain(datagrams::STEPS) {
        show(&step()?)?;
    }
    for step in framed::steps() {
        show(&step?)?;
    }
    Ok(())
}

impl fmt::Display for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent(data) => write!(formatter, "send {}", Bytes(data)),
            Self::Received { room, data } => write!(formatter, "recv({room}) returned {}", Bytes(data)),
            Self::Answered(data) => write!(formatter, "the reader answers {}", Bytes(data)),
            Self::Message(data) => write!(formatter, "message: {}", Bytes(data)),
            Self::Remark(text) => formatter.write_str(text),
        }
    }
}

/// Bytes as Python writes them, with their number.
struct Bytes<'a>(&'a [u8]);

impl fmt::Display for Bytes<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let unit = if count == 1 { "byte" } else { "bytes" };
        write!(formatter, "{count} {unit} {}", literal(self.0))
    }
}

/// Bytes as Python writes them; of many only the beginning, and three dots.
#[must_use]
pub fn literal(data: &[u8]) -> String {
    if data.len() > SHOWN_MAX {
        format!("b\"{}\"...", data[..SHOWN_BEGINNING].escape_ascii())
    } else {
        format!("b\"{}\"", data.escape_ascii())
    }
}

/// A step from what was recorded.
fn step(name: &str, title: &str, why: &'static str, events: Vec<Event>, shown: bool) -> Step {
    Step {
        name: name.to_owned(),
        title: title.to_owned(),
        events,
        why,
        shown,
    }
}

/// What each `recv` returned.
fn received(events: &[Event]) -> Vec<&[u8]> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Received { data, .. } => Some(&data[..]),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_shows_what_it_says() {
        let mut names = Vec::new();
        run(|step| {
            assert!(step.shown, "{step:#?}");
            assert!(step.why.len() <= 77, "fits a terminal's line: {}", step.why);
            names.push(step.name.clone());
            io::Result::Ok(())
        })
        .unwrap();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn an_event_says_how_many_bytes_and_which() {
        let received = Event::Received {
            room: 2,
            data: b"h".to_vec(),
        };
        assert_eq!(received.to_string(), r#"recv(2) returned 1 byte b"h""#);
        let sent = Event::Sent(vec![b'a'; 100]);
        assert_eq!(sent.to_string(), r#"send 100 bytes b"aaaaaaaaaaaaaaaa"..."#);
        assert_eq!(literal(b"\0\"\xff"), r#"b"\x00\"\xff""#);
    }
}
