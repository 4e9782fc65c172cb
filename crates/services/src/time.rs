//! The time as a number (RFC 868): 32 bits, big endian, the seconds since the beginning of 1900, UTC.
//!
//! The number wraps on 7 February 2036; which age is meant is for the reader to know.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jiff::{Timestamp, Zoned};
use landline_protocol::{Output, StreamProtocol};

use crate::answering::Answering;
use crate::asking_datagrams::AskingDatagrams;
use crate::independent::Independent;

/// The seconds from the beginning of 1900 to that of 1970: 70 years with 17 leap days (RFC 868).
pub const FROM_1900_TO_1970: i64 = 2_208_988_800;

/// The server's side of one connection: says the time and closes, whatever it is sent.
#[derive(Clone, Debug)]
pub struct Time<C> {
    clock: C,
}

impl<C: Fn() -> Zoned> StreamProtocol for Time<C> {
    type Event = Infallible;
    type Command = Infallible;

    fn opened(&mut self, out: &mut dyn Output<Infallible>, _now: Instant) {
        out.write(&encode((self.clock)().timestamp()));
        out.finish();
    }

    fn received(&mut self, input: &mut &[u8], _out: &mut dyn Output<Infallible>, _now: Instant) {
        *input = &[];
    }

    fn commanded(&mut self, command: Infallible, _out: &mut dyn Output<Infallible>, _now: Instant) {
        match command {}
    }
}

/// The server.
pub fn service<C: Fn() -> Zoned + Clone>(clock: C) -> Independent<impl FnMut() -> Time<C>> {
    Independent::new(move || Time { clock: clock.clone() })
}

/// The server over datagrams.
pub fn datagrams<C: Fn() -> Zoned>(clock: C) -> Answering<impl FnMut(&[u8], &mut Vec<u8>, Instant) -> bool> {
    Answering::new(move |_: &[u8], answer: &mut Vec<u8>, _| {
        answer.extend_from_slice(&encode(clock().timestamp()));
        true
    })
}

/// A client whose one event is the time.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeClient;

impl StreamProtocol for TimeClient {
    type Event = Timestamp;
    type Command = Infallible;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Timestamp>, _now: Instant) {
        if let Some((number, _)) = input.split_first_chunk() {
            out.emit(decode(*number));
            *input = &[];
            out.finish();
        }
    }

    fn peer_finished(&mut self, _rest: &mut &[u8], out: &mut dyn Output<Timestamp>, _now: Instant) {
        out.abort("the server ended before it had told the time");
    }

    fn commanded(&mut self, command: Infallible, _out: &mut dyn Output<Timestamp>, _now: Instant) {
        match command {}
    }
}

/// The client over datagrams: commanded anything, it shows the answer, which [`decode`] reads.
#[must_use]
pub fn datagram_client(server: SocketAddr, patience: Duration) -> AskingDatagrams {
    AskingDatagrams::new(server, patience)
}

/// The seconds since 1900, without what does not fit into 32 bits.
#[must_use]
pub fn encode(time: Timestamp) -> [u8; 4] {
    let seconds = time.as_second().wrapping_add(FROM_1900_TO_1970).to_be_bytes();
    [seconds[4], seconds[5], seconds[6], seconds[7]]
}

/// The time between 1968 and 2104 that a number stands for (RFC 4330, section 3, reads NTP's numbers so).
#[must_use]
pub fn decode(number: [u8; 4]) -> Timestamp {
    let number = i64::from(u32::from_be_bytes(number));
    let wrapped = if number < 1 << 31 { 1 << 32 } else { 0 };
    Timestamp::from_second(number + wrapped - FROM_1900_TO_1970).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use landline_protocol::Ended;

    use super::*;
    use crate::link::{Bare, BareServer, Link, exchange, origin, pieces_of, whole};

    /// One of the RFC's own examples: 00:00 on 1 Jan 1980 GMT.
    const EXAMPLE: (&str, u32) = ("1980-01-01T00:00:00Z", 2_524_521_600);

    fn clock() -> Zoned {
        EXAMPLE
            .0
            .parse::<Timestamp>()
            .unwrap()
            .to_zoned(jiff::tz::TimeZone::UTC)
    }

    #[test]
    fn the_number_is_that_of_the_rfc() {
        let mut link = Link::new(service(clock));
        let client = link.connect(Bare);
        assert_eq!(link.heard(client), EXAMPLE.1.to_be_bytes());
        assert_eq!(link.server_ended(client), Some(Ended::Finished));
        let answers = exchange(&mut datagrams(clock), "127.0.0.1:40000", b"", origin());
        assert_eq!(answers, [EXAMPLE.1.to_be_bytes()]);
    }

    #[test]
    fn our_client_reads_it_at_every_split() {
        for length in 1..=4 {
            let mut link = Link::new(service(clock)).with_pieces(whole(), pieces_of(length));
            let client = link.connect(TimeClient);
            assert_eq!(link.shown(client), [clock().timestamp()]);
            assert_eq!(link.client_ended(client), Some(Ended::Finished));
        }
    }

    #[test]
    fn a_number_that_is_cut_short_is_an_error() {
        let mut link = Link::new(BareServer::default());
        let client = link.connect(TimeClient);
        link.server_command(client, vec![1, 2, 3]);
        link.server_finish(client);
        link.run();
        assert!(matches!(link.client_ended(client), Some(Ended::Aborted(_))));
    }

    #[test]
    fn the_number_wraps_in_2036_and_is_still_read() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2036-02-07T06:28:15Z",
            "2036-02-07T06:28:16Z",
            "2100-01-01T00:00:00Z",
        ] {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(decode(encode(time)), time, "{text}");
        }
    }
}
