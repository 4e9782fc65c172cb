//! A layer that cannot be used to flood others.
//!
//! The sender's address of a datagram is not proven: whoever writes somebody else's there makes us write to them. So,
//! to an address that is not this machine's own, a reply is at most as long as its request (or 64 bytes), replies are
//! only so many a second, and a well-known port is never answered: there may be a service that answers our answer,
//! for ever (CERT CA-1996-01).

use std::collections::BTreeMap;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use landline_protocol::{DatagramEvent, DatagramProtocol, Path, SocketId, Transmit};

/// The reply that even the shortest request may have, in bytes.
pub const REPLY_MIN: usize = 64;

/// Ports below belong to services (RFC 6335, section 6): echo 7, daytime 13, chargen 19, time 37, DNS 53, TFTP 69,
/// NTP 123 and so on. No program of a person sends from one.
pub const FIRST_ANSWERED_PORT: u16 = 1024;

/// The most networks whose pace is remembered, about 400 KiB of memory. Who is forgotten begins anew, which costs at
/// most one more burst, of which no reply is longer than its request.
pub const NETWORKS_MAX: usize = 8192;

/// The most peers whose reply may still be to come; the oldest is no longer answered.
pub const REPLIES_DUE_MAX: usize = 1024;

/// What is allowed beyond loopback. [`Default`] is what Landline ships with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restraint {
    /// Whether a reply may be longer than its request: only where strangers cannot reach the port.
    pub any_length: bool,
    /// How many requests of one network are answered at once. 64.
    pub burst: u32,
    /// One more is answered after each of these. 10 ms.
    pub every: Duration,
}

impl Default for Restraint {
    fn default() -> Self {
        Self {
            any_length: false,
            burst: 64,
            every: Duration::from_millis(10),
        }
    }
}

/// A server that answers is restrained. (What a person sends is no reply: their side of a chat needs no layer.)
#[derive(Debug)]
pub struct Restrained<D> {
    inner: D,
    restraint: Restraint,
    paces: Recent<IpAddr, Pace>,
    /// How long the replies to a stranger's last request may still be, in all.
    due: Recent<SocketAddr, usize>,
}

impl<D> Restrained<D> {
    /// Puts bounds around `inner`.
    pub fn new(restraint: Restraint, inner: D) -> Self {
        let paces = Recent::new(NETWORKS_MAX);
        Self {
            inner,
            restraint,
            paces,
            due: Recent::new(REPLIES_DUE_MAX),
        }
    }

    /// Whether a request may be answered; if so, notes how long the reply may be.
    fn lets_in(&mut self, peer: SocketAddr, length: usize, now: Instant) -> bool {
        if peer.port() < FIRST_ANSWERED_PORT {
            return false;
        }
        let address = peer.ip().to_canonical();
        if address.is_loopback() {
            return true;
        }
        let full = Pace {
            tokens: self.restraint.burst,
            next: now,
        };
        if !self
            .paces
            .entry(network(address), full)
            .take(&self.restraint, now)
        {
            return false;
        }
        if !self.restraint.any_length {
            *self.due.entry(peer, 0) = length.max(REPLY_MIN);
        }
        true
    }

    /// How many bytes may go to a peer now; they are taken off what it may still be sent.
    fn grant(&mut self, peer: SocketAddr, wanted: usize) -> Option<usize> {
        if self.restraint.any_length || peer.ip().to_canonical().is_loopback() {
            return Some(wanted);
        }
        let left = self.due.get_mut(peer)?;
        let granted = wanted.min(*left);
        *left -= granted;
        // An empty datagram is a message, but what was cut to nothing is not.
        (granted > 0 || wanted == 0).then_some(granted)
    }
}

impl<D: DatagramProtocol> DatagramProtocol for Restrained<D> {
    type Work = D::Work;
    type Command = D::Command;

    fn received(&mut self, path: Path, payload: &[u8], now: Instant) {
        if self.lets_in(path.peer, payload.len(), now) {
            self.inner.received(path, payload, now);
        }
    }

    /// A reply that is too long is cut.
    fn poll_transmit(&mut self, segments: usize, buffer: &mut Vec<u8>, now: Instant) -> Option<Transmit> {
        loop {
            let mut transmit = self.inner.poll_transmit(segments, buffer, now)?;
            if let Some(length) = self.grant(transmit.path.peer, buffer.len()) {
                buffer.truncate(length);
                transmit.segment = transmit.segment.filter(|segment| *segment < length);
                return Some(transmit);
            }
            buffer.clear();
        }
    }

    fn poll_event(&mut self) -> Option<DatagramEvent<D::Work>> {
        self.inner.poll_event()
    }

    fn bound(&mut self, request: u64, socket: Option<SocketId>, now: Instant) {
        self.inner.bound(request, socket, now);
    }

    fn commanded(&mut self, command: D::Command, now: Instant) {
        self.inner.commanded(command, now);
    }

    fn deadline(&self) -> Option<Instant> {
        self.inner.deadline()
    }

    fn deadline_reached(&mut self, now: Instant) {
        self.inner.deadline_reached(now);
    }

    fn drain(&mut self, now: Instant) {
        self.inner.drain(now);
    }

    fn is_drained(&self) -> bool {
        self.inner.is_drained()
    }
}

/// What is remembered of the most recent peers. When half of what may be remembered is new, the older half is
/// forgotten: whoever is active is in the new half.
#[derive(Debug)]
struct Recent<K, V> {
    new: BTreeMap<K, V>,
    old: BTreeMap<K, V>,
    half: usize,
}

impl<K: Ord + Copy, V> Recent<K, V> {
    fn new(max: usize) -> Self {
        Self {
            new: BTreeMap::new(),
            old: BTreeMap::new(),
            half: max / 2,
        }
    }

    /// What is remembered of `key`, or `otherwise`, which then is.
    fn entry(&mut self, key: K, otherwise: V) -> &mut V {
        if self.new.len() >= self.half && !self.new.contains_key(&key) {
            self.old = mem::take(&mut self.new);
        }
        let old = self.old.remove(&key);
        self.new.entry(key).or_insert(old.unwrap_or(otherwise))
    }

    fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.new.get_mut(&key).or_else(|| self.old.get_mut(&key))
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.new.len() + self.old.len()
    }
}

/// A token bucket.
#[derive(Clone, Copy, Debug)]
struct Pace {
    tokens: u32,
    /// When the next token comes, unless the bucket is full.
    next: Instant,
}

impl Pace {
    fn take(&mut self, restraint: &Restraint, now: Instant) -> bool {
        self.refill(restraint, now);
        if self.tokens >= restraint.burst {
            self.next = now + restraint.every;
        }
        let has_token = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        has_token
    }

    fn refill(&mut self, restraint: &Restraint, now: Instant) {
        if self.tokens >= restraint.burst || self.next > now {
            return;
        }
        let every = restraint.every.max(Duration::from_nanos(1));
        let further = now.duration_since(self.next).as_nanos() / every.as_nanos();
        let arrived = u32::try_from(further).unwrap_or(u32::MAX).saturating_add(1);
        self.tokens = self.tokens.saturating_add(arrived).min(restraint.burst);
        if self.tokens < restraint.burst {
            self.next += every * arrived;
        }
    }
}

/// What one party can easily have many addresses of counts as one: an IPv6 network of 64 bits (RFC 4291, section
/// 2.5.4).
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answering::Answering;
    use crate::link::{exchange, origin, path, transmitted};

    const STRANGER: &str = "192.0.2.1:40000";

    /// Answers each datagram with 500 bytes.
    fn loud() -> impl DatagramProtocol<Work = std::convert::Infallible> {
        Answering::new(|_: &[u8], answer: &mut Vec<u8>, _| {
            answer.resize(answer.len() + 500, b'x');
            true
        })
    }

    fn lengths(server: &mut impl DatagramProtocol, peer: &str, request: usize, now: Instant) -> Vec<usize> {
        exchange(server, peer, &vec![b'?'; request], now)
            .iter()
            .map(Vec::len)
            .collect()
    }

    #[test]
    fn a_reply_to_a_stranger_is_no_longer_than_the_request_or_64_bytes() {
        let mut server = Restrained::new(Restraint::default(), loud());
        for (request, reply) in [(0, 64), (1, 64), (64, 64), (65, 65), (499, 499), (501, 500)] {
            assert_eq!(lengths(&mut server, STRANGER, request, origin()), [reply]);
        }
    }

    #[test]
    fn loopback_is_not_restrained() {
        let mut server = Restrained::new(
            Restraint {
                burst: 1,
                ..Restraint::default()
            },
            loud(),
        );
        for _ in 0..1000 {
            for peer in [
                "127.0.0.1:40000",
                "127.9.9.9:40000",
                "[::1]:40000",
                "[::ffff:127.0.0.1]:40000",
            ] {
                assert_eq!(lengths(&mut server, peer, 0, origin()), [500], "{peer}");
            }
        }
        assert!(server.paces.len() + server.due.len() == 0, "it costs nothing");
    }

    #[test]
    fn an_option_lets_replies_be_longer_but_not_more() {
        let restraint = Restraint {
            any_length: true,
            burst: 2,
            ..Restraint::default()
        };
        let mut server = Restrained::new(restraint, loud());
        let now = origin();
        let replies: Vec<_> = (0..3).map(|_| lengths(&mut server, STRANGER, 0, now)).collect();
        assert_eq!(replies, [vec![500], vec![500], vec![]]);
    }

    #[test]
    fn well_known_ports_are_never_answered() {
        for restraint in [
            Restraint::default(),
            Restraint {
                any_length: true,
                ..Restraint::default()
            },
        ] {
            let mut server = Restrained::new(restraint, loud());
            for port in [7, 13, 17, 19, 37, 53, 69, 123, 1023] {
                for address in ["192.0.2.1", "127.0.0.1"] {
                    assert_eq!(
                        lengths(&mut server, &format!("{address}:{port}"), 9, origin()),
                        [0; 0]
                    );
                }
            }
            assert_eq!(lengths(&mut server, "192.0.2.1:1024", 500, origin()), [500]);
        }
    }

    #[test]
    fn a_stranger_gets_a_burst_and_then_its_pace() {
        let every = Duration::from_millis(10);
        let mut server = Restrained::new(
            Restraint {
                burst: 3,
                every,
                any_length: false,
            },
            loud(),
        );
        let start = origin();
        let mut answered = |peer: &str, millisecond: u64| {
            let now = start + Duration::from_millis(millisecond);
            (0..10)
                .filter(|_| !lengths(&mut server, peer, 1, now).is_empty())
                .count()
        };
        assert_eq!(answered(STRANGER, 0), 3);
        assert_eq!(answered(STRANGER, 9), 0);
        assert_eq!(answered(STRANGER, 10), 1);
        assert_eq!(answered(STRANGER, 35), 2);
        assert_eq!(answered(STRANGER, 40), 1, "no part of the time is lost");
        assert_eq!(
            answered("192.0.2.1:40001", 40),
            0,
            "another port is the same address"
        );
        assert_eq!(
            answered("192.0.2.2:40000", 40),
            3,
            "another address has its own pace"
        );
        assert_eq!(answered("[2001:db8::1]:40000", 40), 3);
        assert_eq!(
            answered("[2001:db8::2]:40000", 40),
            0,
            "one network of 64 bits is one party"
        );
        assert_eq!(answered(STRANGER, 10_000), 3, "never more than the burst");
    }

    #[test]
    fn many_addresses_do_not_grow_the_memory() {
        let mut server = Restrained::new(Restraint::default(), loud());
        let now = origin();
        for number in 0..3 * u32::try_from(NETWORKS_MAX).unwrap() {
            let address = std::net::Ipv4Addr::from(0xC000_0000 + number);
            server.received(path(&format!("{address}:40000")), b"", now);
        }
        assert!(server.paces.len() <= NETWORKS_MAX);
        assert!(server.due.len() <= REPLIES_DUE_MAX);
    }

    #[test]
    fn two_replies_to_one_request_share_its_length() {
        let mut server = Restrained::new(Restraint::default(), crate::chat_udp::Chat::new([]));
        let now = origin();
        server.received(path(STRANGER), &[0; 100], now);
        for _ in 0..3 {
            server.commanded(vec![1; 60], now);
        }
        let sent: Vec<usize> = transmitted(&mut server, now)
            .iter()
            .map(|(_, payload)| payload.len())
            .collect();
        assert_eq!(sent.iter().sum::<usize>(), 100, "{sent:?}");
    }

    #[test]
    fn without_a_request_nothing_goes_to_a_stranger() {
        let chat = crate::chat_udp::Chat::new([]).with_partner(STRANGER.parse().unwrap());
        let mut server = Restrained::new(Restraint::default(), chat);
        server.commanded(b"unasked".to_vec(), origin());
        assert_eq!(transmitted(&mut server, origin()), []);
    }
}
