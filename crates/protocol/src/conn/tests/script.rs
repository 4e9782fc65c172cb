//! A protocol that does what it is told, and a connection with a clock.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::conn::{Conn, ConnLimits, Pending};
use crate::output::{FileSlice, Output};
use crate::stream::StreamProtocol;

/// What a [`Script`] is told, as the text before a full stop: `w5` writes five bytes, `k7` asks and `e7` emits 7, `s3`
/// sends a file of three bytes, `f` finishes, `b` finishes and babbles on, `x` aborts, `-` and `+` refuse and welcome input, `a` opens a handshake
/// and `o` ends it, `d9` sets a deadline at nine seconds.
pub(super) struct Script {
    pub(super) began: Instant,
    pub(super) said: Vec<String>,
    pub(super) wants_input: bool,
    pub(super) established: bool,
    pub(super) deadline: Option<Instant>,
    pub(super) stubborn: bool,
    pub(super) on_writable: &'static str,
}

impl Script {
    pub(super) fn new() -> Self {
        Self {
            began: origin(),
            said: Vec::new(),
            wants_input: true,
            established: true,
            deadline: None,
            stubborn: false,
            on_writable: "",
        }
    }

    fn obey(&mut self, order: &str, out: &mut dyn Output<u32>) {
        let number: u32 = order
            .get(1..)
            .and_then(|digits| digits.parse().ok())
            .unwrap_or_default();
        match order.as_bytes().first() {
            Some(b'w') => out.write(&vec![b'w'; number as usize]),
            Some(b'k') => out.ask(number),
            Some(b'e') => out.emit(number),
            Some(b's') => out.send_file(slice(number.into())),
            Some(b'f') => out.finish(),
            Some(b'b') => {
                out.finish();
                out.write(b"never said");
                out.send_file(slice(1));
            }
            Some(b'x') => out.abort("told to"),
            Some(b'-') => self.wants_input = false,
            Some(b'+') => self.wants_input = true,
            Some(b'a') => self.established = false,
            Some(b'o') => self.established = true,
            Some(b'd') => self.deadline = Some(self.began + Duration::from_secs(number.into())),
            _ => {}
        }
    }
}

/// One moment for all tests of this thread, as far as a difference matters.
fn origin() -> Instant {
    static ORIGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    #[allow(clippy::disallowed_methods, reason = "any moment will do, once")]
    *ORIGIN.get_or_init(Instant::now)
}

#[allow(clippy::disallowed_methods, reason = "nobody reads it")]
fn slice(length: u64) -> FileSlice {
    FileSlice {
        file: Arc::new(File::open("/dev/null").unwrap()),
        offset: 0,
        length,
    }
}

impl StreamProtocol for Script {
    type Event = u32;
    type Command = &'static str;

    fn opened(&mut self, _: &mut dyn Output<u32>, _: Instant) {
        self.said.push("opened".to_owned());
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<u32>, _: Instant) {
        assert!(!input.is_empty(), "never nothing");
        if let Some(end) = input.iter().position(|byte| *byte == b'.') {
            let order = String::from_utf8(input[..end].to_vec()).unwrap();
            *input = &input[end + 1..];
            self.obey(&order, out);
            self.said.push(order);
        }
    }

    fn peer_finished(&mut self, rest: &mut &[u8], out: &mut dyn Output<u32>, _: Instant) {
        let order = String::from_utf8(std::mem::take(rest).to_vec()).unwrap();
        self.said.push(format!("end:{order}"));
        if !order.is_empty() {
            self.obey(&order, out);
        } else if !self.stubborn {
            out.finish();
        }
    }

    fn commanded(&mut self, order: &'static str, out: &mut dyn Output<u32>, _: Instant) {
        self.said.push(format!("command:{order}"));
        self.obey(order, out);
    }

    fn writable(&mut self, out: &mut dyn Output<u32>, _: Instant) {
        self.said.push("writable".to_owned());
        self.obey(self.on_writable, out);
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn deadline_reached(&mut self, _: &mut dyn Output<u32>, _: Instant) {
        self.said.push("deadline".to_owned());
        self.deadline = None;
    }

    fn drain(&mut self, out: &mut dyn Output<u32>, _: Instant) {
        self.said.push("drain".to_owned());
        self.wants_input = true;
        if !self.stubborn {
            out.finish();
        }
    }

    fn established(&self) -> bool {
        self.established
    }

    fn wants_input(&self) -> bool {
        self.wants_input
    }

    fn input_max(&self) -> usize {
        100
    }
}

/// A connection, and the time.
pub(super) struct Bench {
    pub(super) conn: Conn<Script>,
    pub(super) now: Instant,
}

impl Bench {
    pub(super) fn new(change: impl FnOnce(&mut ConnLimits)) -> Self {
        Self::with(Script::new(), change)
    }

    pub(super) fn with(script: Script, change: impl FnOnce(&mut ConnLimits)) -> Self {
        let mut limits = ConnLimits {
            idle: Some(secs(10)),
            handshake: Some(secs(5)),
            ..ConnLimits::default()
        };
        change(&mut limits);
        let now = origin();
        Self {
            conn: Conn::open(script, Arc::new(limits), now),
            now,
        }
    }

    pub(super) fn feed(&mut self, orders: &str) {
        assert!(orders.len() <= self.conn.room(), "no room for {orders}");
        self.conn.feed(orders.as_bytes(), self.now);
    }

    pub(super) fn end_of_input(&mut self) {
        self.conn.end_of_input(self.now);
    }

    pub(super) fn command(&mut self, order: &'static str) {
        self.conn.command(order, self.now);
    }

    pub(super) fn answer(&mut self, order: &'static str) {
        self.conn.answer(order, self.now);
    }

    pub(super) fn wrote(&mut self, count: usize) {
        self.conn.wrote(count, self.now);
    }

    pub(super) fn shut_down(&mut self) {
        self.conn.shut_down(self.now);
    }

    /// Lets time pass and wakes the connection if it wants to be.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        if self.conn.deadline().is_some_and(|deadline| deadline <= self.now) {
            self.conn.tick(self.now);
        }
    }

    /// Goes on with what one turn left.
    pub(super) fn go_on(&mut self) {
        self.conn.tick(self.now);
    }

    /// What the protocol was told since it opened, as one text.
    pub(super) fn said(&self) -> String {
        self.conn.protocol().said[1..].join(" ")
    }

    pub(super) fn events(&mut self) -> Vec<u32> {
        std::iter::from_fn(|| self.conn.event()).collect()
    }

    /// What is pending: so many bytes (`5`), a file (`file 3`), `shutdown`, or nothing.
    pub(super) fn pending(&self) -> String {
        match self.conn.pending() {
            Pending::Nothing => String::new(),
            Pending::Bytes(bytes) => bytes.len().to_string(),
            Pending::File(slice) => format!("file {}", slice.length),
            Pending::Shutdown => "shutdown".to_owned(),
        }
    }
}

pub(super) fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}
