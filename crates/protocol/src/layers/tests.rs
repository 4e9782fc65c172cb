//! The layers, each in a connection of its own, in virtual time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use landline_wire::{Lines, Newline, Raw};
use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};

use super::{Framed, Layer, Limited, Pace};
use crate::conn::{Conn, ConnLimits, Ended, Pending};
use crate::output::{FileSlice, Output};
use crate::stream::StreamProtocol;

/// Says each message again; `?` asks first, `!` finishes, `#` sends a file, `%` writes what no line can carry.
#[derive(Default)]
struct Echo {
    messages: Vec<Vec<u8>>,
    ends: u32,
    deadline: Option<Instant>,
    woken: u32,
}

impl StreamProtocol for Echo {
    type Event = ();
    type Command = Vec<u8>;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<()>, _: Instant) {
        let message = std::mem::take(input);
        self.messages.push(message.to_vec());
        match message {
            b"?" => out.ask(()),
            b"!" => out.finish(),
            b"#" => out.send_file(file()),
            b"%" => out.write(b"a\nb"),
            _ => out.write(message),
        }
    }

    fn peer_finished(&mut self, rest: &mut &[u8], out: &mut dyn Output<()>, _: Instant) {
        assert!(rest.is_empty());
        self.ends += 1;
        out.finish();
    }

    fn commanded(&mut self, answer: Vec<u8>, out: &mut dyn Output<()>, _: Instant) {
        out.write(&answer);
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn deadline_reached(&mut self, _: &mut dyn Output<()>, _: Instant) {
        self.deadline = None;
        self.woken += 1;
    }
}

#[allow(clippy::disallowed_methods, reason = "nobody reads it")]
fn file() -> FileSlice {
    FileSlice {
        file: Arc::new(std::fs::File::open("/dev/null").unwrap()),
        offset: 0,
        length: 1,
    }
}

#[allow(clippy::disallowed_methods, reason = "any moment will do")]
fn start() -> Instant {
    Instant::now()
}

fn open<P: StreamProtocol>(protocol: P, now: Instant) -> Conn<P> {
    Conn::open(protocol, Arc::default(), now)
}

fn lines() -> Framed<Lines, Echo> {
    Framed::new(Lines::new(Newline::Lf, 20), Echo::default())
}

/// Takes all bytes that are pending.
fn sent<P: StreamProtocol>(conn: &mut Conn<P>, now: Instant) -> Vec<u8> {
    let mut sent = Vec::new();
    while let Pending::Bytes(bytes) = conn.pending() {
        let count = bytes.len();
        sent.extend_from_slice(bytes);
        conn.wrote(count, now);
    }
    sent
}

#[test]
fn messages_are_whole_at_every_split() {
    let said = b"one\r\n\ntwo\nlast";
    for first in 0..=said.len() {
        for second in first..=said.len() {
            let now = start();
            let mut conn = open(lines(), now);
            for piece in [&said[..first], &said[first..second], &said[second..]] {
                conn.feed(piece, now);
            }
            assert_eq!(sent(&mut conn, now), b"one\n\ntwo\n");
            conn.end_of_input(now);
            assert_eq!(sent(&mut conn, now), b"last\n");
            assert!(matches!(conn.pending(), Pending::Shutdown));
            let echo = conn.protocol().inner();
            assert_eq!(echo.messages, [&b"one"[..], b"", b"two", b"last"]);
            assert_eq!(echo.ends, 1);
        }
    }
}

#[test]
fn a_last_line_that_asks_is_answered_before_the_end() {
    let now = start();
    let mut conn = open(lines(), now);
    conn.feed(b"?", now);
    conn.end_of_input(now);
    assert_eq!((conn.protocol().inner().ends, conn.event()), (0, Some(())));
    assert!(matches!(conn.pending(), Pending::Nothing));
    conn.answer(b"answer".to_vec(), now);
    assert_eq!(conn.protocol().inner().ends, 1);
    assert_eq!(sent(&mut conn, now), b"answer\n");
}

#[test]
fn a_last_line_that_finishes_is_the_last() {
    let now = start();
    let mut conn = open(lines(), now);
    conn.feed(b"!", now);
    conn.end_of_input(now);
    assert_eq!(conn.protocol().inner().ends, 0);
    assert!(matches!(conn.pending(), Pending::Shutdown));
}

#[test]
fn who_breaks_the_framing_is_cut_off() {
    let now = start();
    let mut conn = open(lines(), now);
    assert!(conn.room() >= 22, "the longest line fits, with its newline");
    conn.feed(b"aaaaaaaaaaaaaaaaaaaa\r\n", now);
    assert_eq!(conn.ended(), None);
    conn.feed(b"aaaaaaaaaaaaaaaaaaaaa", now);
    assert_eq!(conn.ended(), Some(Ended::Aborted("the peer broke the framing")));

    let mut conn = open(Framed::new(landline_wire::Slip::default(), Echo::default()), now);
    conn.feed(b"half", now);
    conn.end_of_input(now);
    assert_eq!(
        conn.ended(),
        Some(Ended::Aborted("the peer ended in the middle of a message"))
    );
}

#[test]
fn what_the_framing_cannot_carry_ends_the_connection() {
    for (order, why) in [
        (&b"%\n"[..], "an answer that the framing cannot carry"),
        (b"#\n", "a file inside a framing"),
    ] {
        let now = start();
        let mut conn = open(lines(), now);
        conn.feed(order, now);
        assert_eq!(conn.ended(), Some(Ended::Aborted(why)));
    }
}

/// The longest text that is cut in pieces, so that it may be one line.
const TEXT_MAX: usize = 60;

/// A text of lines, and the lengths of the pieces that it comes in.
fn pieces() -> impl Strategy<Value = (Vec<u8>, Vec<usize>)> {
    let byte = proptest::sample::select(b"ab \r\n\n".to_vec());
    let text = proptest::collection::vec(byte, 0..=TEXT_MAX);
    (text, proptest::collection::vec(1..9_usize, TEXT_MAX))
}

/// What a peer gets back that sends `text` in pieces of these lengths, and how the connection stands then.
fn echoed(text: &[u8], cuts: &[usize], turn: u16) -> (Vec<u8>, Option<Ended>) {
    let now = start();
    let limits = ConnLimits {
        messages_a_turn: turn,
        ..ConnLimits::default()
    };
    let framed = Framed::new(Lines::new(Newline::CrLf, TEXT_MAX), Echo::default());
    let mut conn = Conn::open(framed, Arc::new(limits), now);
    let (mut rest, mut back) = (text, Vec::new());
    for cut in cuts {
        let (piece, after) = rest.split_at((*cut).min(rest.len()).min(conn.room()));
        rest = after;
        conn.feed(piece, now);
        back.extend(sent(&mut conn, now));
        while conn.has_work() {
            conn.tick(now);
        }
        back.extend(sent(&mut conn, now));
    }
    assert!(rest.is_empty(), "everything was read");
    conn.end_of_input(now);
    while conn.has_work() {
        conn.tick(now);
    }
    back.extend(sent(&mut conn, now));
    (back, conn.ended())
}

proptest! {
    #[test]
    fn any_split_and_any_budget_give_the_same((text, cuts) in pieces(), turn in any::<u16>()) {
        let whole = echoed(&text, &[TEXT_MAX], 64);
        prop_assert_eq!(echoed(&text, &cuts, turn % 4), whole);
    }
}

const PACE: Pace = Pace {
    burst: 2,
    every: Duration::from_secs(1),
    bytes: None,
    lifetime: None,
};

fn limited(pace: Pace) -> Limited<Framed<Lines, Echo>> {
    Limited::new(pace, lines())
}

#[test]
fn a_burst_passes_and_then_one_for_each_interval() {
    let mut now = start();
    let mut conn = open(limited(PACE), now);
    conn.feed(b"1\n2\n3\n4\n5\n", now);
    assert_eq!(sent(&mut conn, now), b"1\n2\n");
    assert_eq!(conn.room(), 0, "the peer waits in its own buffers");
    for line in [b"3\n", b"4\n", b"5\n"] {
        assert_eq!(conn.deadline(), Some(now + PACE.every));
        conn.tick(now + PACE.every - Duration::from_nanos(1));
        assert_eq!(sent(&mut conn, now), b"");
        now += PACE.every;
        conn.tick(now);
        assert_eq!(sent(&mut conn, now), line);
    }
}

#[test]
fn tokens_come_back_up_to_the_burst_and_no_further() {
    let mut now = start();
    let mut conn = open(limited(Pace { burst: 3, ..PACE }), now);
    conn.feed(b"1\n2\n3\n", now);
    now += PACE.every * 2;
    conn.tick(now);
    conn.feed(b"4\n5\n6\n", now);
    assert_eq!(sent(&mut conn, now), b"1\n2\n3\n4\n5\n");
    now += PACE.every * 100;
    conn.tick(now);
    conn.feed(b"7\n8\n9\n", now);
    assert_eq!(sent(&mut conn, now), b"6\n7\n8\n");
}

#[test]
fn a_late_look_at_the_clock_does_not_delay_the_tokens() {
    let began = start();
    let mut conn = open(limited(Pace { burst: 9, ..PACE }), began);
    conn.feed(b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n", began);
    let late = began + PACE.every * 3 / 2;
    conn.tick(late);
    assert_eq!(sent(&mut conn, late), b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
    assert_eq!(conn.deadline(), Some(began + PACE.every * 2));
}

#[test]
fn part_of_a_message_costs_nothing() {
    let now = start();
    let mut conn = open(limited(Pace { burst: 1, ..PACE }), now);
    for byte in b"slow\n" {
        conn.feed(&[*byte], now);
    }
    assert_eq!(sent(&mut conn, now), b"slow\n");
    assert_eq!(conn.room(), 0);
}

#[test]
fn a_burst_of_none_is_one_and_no_bounds_are_none() {
    let now = start();
    let mut conn = open(limited(Pace { burst: 0, ..PACE }), now);
    conn.feed(b"1\n2\n", now);
    assert_eq!(sent(&mut conn, now), b"1\n");
    let mut conn = open(limited(Pace::UNBOUNDED), now);
    for _ in 0..1000 {
        conn.feed(b"1\n", now);
    }
    assert_eq!(sent(&mut conn, now).len(), 2000);
    let mut conn = open(
        limited(Pace {
            every: Duration::MAX,
            lifetime: Some(Duration::MAX),
            ..PACE
        }),
        now,
    );
    conn.feed(b"1\n2\n3\n", now);
    assert_eq!(
        sent(&mut conn, now),
        b"1\n2\n",
        "and one that is too slow for the clock is not a panic"
    );
}

#[test]
fn the_end_waits_for_its_turn_too() {
    let mut now = start();
    let mut conn = open(limited(PACE), now);
    conn.feed(b"1\n2\n3\nlast", now);
    conn.end_of_input(now);
    assert_eq!(sent(&mut conn, now), b"1\n2\n");
    assert!(matches!(conn.pending(), Pending::Nothing), "not yet finished");
    now += PACE.every;
    conn.tick(now);
    assert_eq!(sent(&mut conn, now), b"3\n");
    now += PACE.every;
    conn.tick(now);
    assert_eq!(sent(&mut conn, now), b"last\n");
    assert!(matches!(conn.pending(), Pending::Shutdown));
}

#[test]
fn an_end_without_tokens_and_without_a_rest_is_told_with_the_next_token() {
    let mut now = start();
    let mut conn = open(limited(PACE), now);
    conn.feed(b"1\n2\n", now);
    conn.end_of_input(now);
    sent(&mut conn, now);
    assert!(matches!(conn.pending(), Pending::Nothing));
    now += PACE.every;
    assert_eq!(conn.deadline(), Some(now));
    conn.tick(now);
    assert!(matches!(conn.pending(), Pending::Shutdown));
}

#[test]
fn more_bytes_than_allowed_end_the_connection_and_are_not_looked_at() {
    let pace = Pace {
        bytes: Some(6),
        ..Pace::UNBOUNDED
    };
    let now = start();
    for said in [&b"ab\ncd\n"[..], b"ab\ncd", b"ab\ncde"] {
        let mut conn = open(limited(pace), now);
        conn.feed(said, now);
        assert_eq!(conn.ended(), None);
        conn.end_of_input(now);
        assert_eq!(conn.ended(), None);
    }
    for said in [&b"ab\ncd\n!\n"[..], b"ab\n1234\n", b"ab\ncd\nx", b"ab\n12345"] {
        let mut conn = open(Limited::new(pace, Witness::new(lines())), now);
        conn.feed(said, now);
        assert_eq!(
            conn.ended(),
            Some(Ended::Aborted("the peer sent more than it may"))
        );
        assert!(conn.protocol().inner().most <= 6);
    }
    let mut conn = open(
        Limited::new(pace, Framed::new(Raw::default(), Echo::default())),
        now,
    );
    conn.feed(b"abcdef", now);
    assert_eq!(
        (sent(&mut conn, now).as_slice(), conn.ended()),
        (&b"abcdef"[..], None)
    );
    conn.feed(b"g", now);
    assert_eq!(
        conn.ended(),
        Some(Ended::Aborted("the peer sent more than it may"))
    );
}

/// Remembers how far into the stream its protocol looked.
struct Witness<P> {
    inner: P,
    taken: usize,
    most: usize,
}

impl<P> Witness<P> {
    fn new(inner: P) -> Self {
        Self {
            inner,
            taken: 0,
            most: 0,
        }
    }
}

impl<P: StreamProtocol> Layer for Witness<P> {
    type Inner = P;

    fn inner(&self) -> &P {
        &self.inner
    }

    fn inner_mut(&mut self) -> &mut P {
        &mut self.inner
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<P::Event>, now: Instant) {
        let before = input.len();
        self.most = self.most.max(self.taken + before);
        self.inner.received(input, out, now);
        self.taken += before - input.len();
    }
}

#[test]
fn a_life_has_its_time() {
    let lifetime = Duration::from_secs(30);
    let mut now = start();
    let mut conn = open(
        limited(Pace {
            lifetime: Some(lifetime),
            ..Pace::UNBOUNDED
        }),
        now,
    );
    let end = now + lifetime;
    now += lifetime / 2;
    conn.feed(b"1\n", now);
    assert_eq!(conn.deadline(), Some(end), "talking makes it no longer");
    conn.tick(end - Duration::from_nanos(1));
    assert_eq!(conn.ended(), None);
    conn.tick(end);
    assert_eq!(
        conn.ended(),
        Some(Ended::Aborted("the connection has lived its time"))
    );
}

#[test]
fn a_deadline_inside_is_met_when_it_comes_and_not_with_every_token() {
    let now = start();
    let echo = Echo {
        deadline: Some(now + Duration::from_millis(1500)),
        ..Echo::default()
    };
    let mut conn = open(Limited::new(PACE, echo), now);
    conn.feed(b"1", now);
    conn.feed(b"2", now);
    conn.tick(now + PACE.every);
    assert_eq!(conn.protocol().inner().woken, 0);
    assert_eq!(conn.deadline(), Some(now + Duration::from_millis(1500)));
    conn.tick(now + Duration::from_millis(1500));
    assert_eq!(conn.protocol().inner().woken, 1);
}
