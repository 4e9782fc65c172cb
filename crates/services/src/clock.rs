//! The time of day, in the format that the request asks for.

use std::convert::Infallible;
use std::mem;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jiff::Zoned;
use landline_protocol::{Output, StreamProtocol};

use crate::answering::Answering;
use crate::asking::{Asking, Whole};
use crate::asking_datagrams::AskingDatagrams;
use crate::independent::Independent;
use crate::strftime::strftime;

/// The format where none is asked for: `2026-11-21 08:30:00`.
pub const DEFAULT_FORMAT: &[u8] = b"%Y-%m-%d %X";

/// The server's side of one connection: each read is a format. `C` reads the clock.
#[derive(Clone, Debug)]
pub struct Clock<C> {
    clock: C,
}

impl<C: Fn() -> Zoned> Clock<C> {
    /// Answers with the time of `clock`.
    pub fn new(clock: C) -> Self {
        Self { clock }
    }
}

impl<C: Fn() -> Zoned> StreamProtocol for Clock<C> {
    type Event = Infallible;
    type Command = Infallible;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Infallible>, _now: Instant) {
        let mut answer = Vec::new();
        strftime(or_default(mem::take(input)), &(self.clock)(), &mut answer);
        out.write(&answer);
    }

    fn commanded(&mut self, command: Infallible, _out: &mut dyn Output<Infallible>, _now: Instant) {
        match command {}
    }
}

/// The server.
pub fn service<C: Fn() -> Zoned + Clone>(clock: C) -> Independent<impl FnMut() -> Clock<C>> {
    Independent::new(move || Clock::new(clock.clone()))
}

/// A client that asks for each format in turn and shows the answers. An empty format, which a stream cannot carry, is
/// sent as [`DEFAULT_FORMAT`].
#[must_use]
pub fn client(formats: Vec<Vec<u8>>) -> Asking {
    Asking::new(
        Whole::Quiet,
        formats.into_iter().map(|format| or_default(&format).to_vec()),
    )
}

/// The server over datagrams. A second's answer is formatted once: whoever asks again in the same second and the same
/// format gets it without a look at the clock.
pub fn datagrams<C: Fn() -> Zoned>(clock: C) -> Answering<impl FnMut(&[u8], &mut Vec<u8>, Instant) -> bool> {
    let mut last = Last::default();
    Answering::new(move |format: &[u8], answer: &mut Vec<u8>, now: Instant| {
        answer.extend_from_slice(last.answer(format, &clock, now));
        true
    })
}

/// The client over datagrams: commanded a format, it shows the answer.
#[must_use]
pub fn datagram_client(server: SocketAddr, patience: Duration) -> AskingDatagrams {
    AskingDatagrams::new(server, patience)
}

/// The last answer.
#[derive(Debug, Default)]
struct Last {
    format: Vec<u8>,
    text: Vec<u8>,
    /// When its second is over.
    until: Option<Instant>,
}

impl Last {
    fn answer(&mut self, format: &[u8], clock: impl Fn() -> Zoned, now: Instant) -> &[u8] {
        if self.format != format || self.until.is_none_or(|until| until <= now) {
            let time = clock();
            // `now` may be older than what the clock says, so the second ends here too early rather than too late.
            let passed = u64::try_from(time.subsec_nanosecond()).unwrap_or(0);
            self.until = now.checked_add(Duration::from_secs(1).saturating_sub(Duration::from_nanos(passed)));
            self.text.clear();
            strftime(or_default(format), &time, &mut self.text);
            self.format.clear();
            self.format.extend_from_slice(format);
        }
        &self.text
    }
}

fn or_default(format: &[u8]) -> &[u8] {
    if format.is_empty() { DEFAULT_FORMAT } else { format }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use landline_protocol::Ended;

    use super::*;
    use crate::link::{Bare, Link, cut_at, exchange, origin, whole};

    const PEER: &str = "127.0.0.1:40000";

    fn morning() -> Zoned {
        "2026-11-21T08:30:00.75+08:00[+08:00]".parse().unwrap()
    }

    #[test]
    fn each_read_is_a_format_and_the_connection_stays_open() {
        let mut link = Link::new(service(morning));
        let client = link.connect(Bare);
        for (format, answer) in [
            ("%Y-%m-%d %X", "2026-11-21 08:30:00"),
            ("%H", "08"),
            ("noon", "noon"),
        ] {
            link.say(client, format.as_bytes());
            assert_eq!(link.heard(client), answer.as_bytes());
        }
        assert_eq!(link.server_ended(client), None);
    }

    #[test]
    fn our_client_gets_each_answer_at_every_split() {
        for first in 1..=19 {
            let mut link = Link::new(service(morning)).with_pieces(whole(), cut_at(first));
            let client = link.connect(client(vec![Vec::new(), b"|%j".to_vec()]));
            link.advance(Duration::from_secs(1));
            assert_eq!(link.shown(client).concat(), b"2026-11-21 08:30:00|325");
            assert_eq!(link.client_ended(client), Some(Ended::Finished));
        }
    }

    #[test]
    fn an_empty_datagram_asks_for_the_default() {
        let mut server = datagrams(morning);
        assert_eq!(
            exchange(&mut server, PEER, b"", origin()),
            [b"2026-11-21 08:30:00"]
        );
        assert_eq!(exchange(&mut server, PEER, b"%z", origin()), [b"+0800"]);
    }

    #[test]
    fn the_clock_is_read_once_a_second_and_format() {
        let reads = Cell::new(0);
        let now = origin();
        let mut server = datagrams(|| {
            reads.set(reads.get() + 1);
            morning() + jiff::SignedDuration::from_secs(reads.get() - 1)
        });
        for millisecond in [0, 1, 249] {
            let answer = exchange(&mut server, PEER, b"%S", now + Duration::from_millis(millisecond));
            assert_eq!(answer, [b"00"], "the second began 750 ms ago");
        }
        assert_eq!(reads.get(), 1);
        assert_eq!(
            exchange(&mut server, PEER, b"%S", now + Duration::from_millis(250)),
            [b"01"]
        );
        assert_eq!(
            exchange(&mut server, PEER, b"%M", now + Duration::from_millis(250)),
            [b"30"]
        );
        assert_eq!(reads.get(), 3);
    }

    #[test]
    fn a_width_does_not_make_a_datagram_too_long() {
        let answers = exchange(&mut datagrams(morning), PEER, b"%99999999999999999999d", origin());
        assert_eq!(answers[0].len(), crate::strftime::FORMATTED_MAX);
    }
}
