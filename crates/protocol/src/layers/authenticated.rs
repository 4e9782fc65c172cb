//! The gate: only who knows the secret reaches the protocol behind it.

use std::time::{Duration, Instant};

use landline_wire::gate::{self, CHALLENGE_LENGTH, Challenge, Digest, Verdict, Verifier};

use super::Layer;
use crate::output::Output;
use crate::stream::StreamProtocol;

/// How long a peer may take at the gate, unless said otherwise.
pub const GATE_DEADLINE: Duration = Duration::from_secs(10);

/// What both sides of a gate agree upon. Cheap to clone.
#[derive(Clone)]
pub struct GateKey {
    digest: Digest,
    secret: std::sync::Arc<[u8]>,
    mutual: bool,
    deadline: Duration,
}

impl GateKey {
    /// A gate for whoever knows `secret`, with HMAC-SHA-256.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self {
            digest: Digest::Sha256,
            secret: secret.into(),
            mutual: false,
            deadline: GATE_DEADLINE,
        }
    }

    /// With another digest, for peers that know no better.
    #[must_use]
    pub fn digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    /// With a second round, in which the server shows that it knows the secret too.
    #[must_use]
    pub fn mutual(mut self, mutual: bool) -> Self {
        self.mutual = mutual;
        self
    }

    /// With another time in which the peer must be through, whatever it sends meanwhile.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

impl std::fmt::Debug for GateKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("GateKey")
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// Where a connection stands on its way through a gate.
#[derive(Debug)]
enum Way {
    /// The server's: waits for the answer to its challenge.
    Judging(Verifier, Challenge),
    /// The server's: waits for the peer's challenge.
    Proving(Challenge),
    /// The client's: waits for the challenge; its own goes into the second round.
    Answering(Challenge),
    /// The client's: waits for the server's proof.
    Testing(Verifier),
}

/// What only those need who are still at the gate.
#[derive(Debug)]
struct AtGate {
    key: GateKey,
    way: Way,
    /// Known once the connection is open.
    deadline: Option<Instant>,
}

/// Either side of a gate around a protocol, which learns of the connection when the peer is through. A peer whose
/// answer is wrong, late or missing is closed without a word.
#[derive(Debug)]
pub struct Authenticated<P> {
    /// `None` once through, so that an open connection does not carry it.
    gate: Option<Box<AtGate>>,
    inner: P,
}

impl<P> Authenticated<P> {
    /// The server's side. `challenge` is fresh randomness.
    #[must_use]
    pub fn server(key: GateKey, challenge: Challenge, inner: P) -> Self {
        let verifier = Verifier::of_client(key.digest, &key.secret, &challenge);
        Self::at(key, Way::Judging(verifier, challenge), inner)
    }

    /// The client's side. `challenge` is fresh randomness for the second round, where there is one.
    #[must_use]
    pub fn client(key: GateKey, challenge: Challenge, inner: P) -> Self {
        Self::at(key, Way::Answering(challenge), inner)
    }

    /// No gate, for services that may have one.
    #[must_use]
    pub fn open(inner: P) -> Self {
        Self { gate: None, inner }
    }

    /// Whether the peer is through.
    pub fn is_through(&self) -> bool {
        self.gate.is_none()
    }

    fn at(key: GateKey, way: Way, inner: P) -> Self {
        Self {
            gate: Some(Box::new(AtGate {
                key,
                way,
                deadline: None,
            })),
            inner,
        }
    }
}

/// What a step at the gate came to.
enum Step {
    /// More bytes are needed.
    Wait,
    /// On to the next step.
    Next,
    /// Through.
    Through,
    /// Not who it should be.
    Wrong,
}

impl AtGate {
    fn step<E>(&mut self, input: &mut &[u8], out: &mut dyn Output<E>) -> Step {
        match &self.way {
            Way::Judging(verifier, challenge) => match verifier.decode(input) {
                None => Step::Wait,
                Some(Verdict::Wrong) => Step::Wrong,
                Some(Verdict::Right) if self.key.mutual => {
                    self.way = Way::Proving(*challenge);
                    Step::Next
                }
                Some(Verdict::Right) => Step::Through,
            },
            Way::Proving(first) => {
                let Some(second) = take_challenge(input) else {
                    return Step::Wait;
                };
                out.write(&gate::server_answer(
                    self.key.digest,
                    &self.key.secret,
                    first,
                    &second,
                ));
                Step::Through
            }
            Way::Answering(own) => {
                let Some(first) = take_challenge(input) else {
                    return Step::Wait;
                };
                let mut answer = gate::answer(self.key.digest, &self.key.secret, &first);
                if !self.key.mutual {
                    out.write(&answer);
                    return Step::Through;
                }
                answer.extend_from_slice(own);
                out.write(&answer);
                self.way = Way::Testing(Verifier::of_server(
                    self.key.digest,
                    &self.key.secret,
                    &first,
                    own,
                ));
                Step::Next
            }
            Way::Testing(verifier) => match verifier.decode(input) {
                None => Step::Wait,
                Some(Verdict::Right) => Step::Through,
                Some(Verdict::Wrong) => Step::Wrong,
            },
        }
    }
}

fn take_challenge(input: &mut &[u8]) -> Option<Challenge> {
    let (challenge, rest) = input.split_first_chunk::<CHALLENGE_LENGTH>()?;
    *input = rest;
    Some(*challenge)
}

impl<P: StreamProtocol> Layer for Authenticated<P> {
    type Inner = P;

    fn inner(&self) -> &P {
        &self.inner
    }

    fn inner_mut(&mut self) -> &mut P {
        &mut self.inner
    }

    /// Whoever is still at the gate hears nothing of what goes on behind it.
    fn reach(&mut self, out: &mut dyn Output<P::Event>, act: impl FnOnce(&mut P, &mut dyn Output<P::Event>)) {
        if self.gate.is_none() {
            act(&mut self.inner, out);
        }
    }

    fn opened(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        let Some(gate) = &mut self.gate else {
            return self.inner.opened(out, now);
        };
        // A time too long for the clock never ends.
        gate.deadline = now.checked_add(gate.key.deadline);
        if let Way::Judging(_, challenge) = &gate.way {
            out.write(challenge);
        }
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<P::Event>, now: Instant) {
        let Some(gate) = &mut self.gate else {
            return self.inner.received(input, out, now);
        };
        loop {
            match gate.step(input, out) {
                Step::Wait => return,
                Step::Next => {}
                Step::Wrong => return out.finish(),
                Step::Through => break,
            }
        }
        self.gate = None;
        self.inner.opened(out, now);
    }

    fn peer_finished(&mut self, rest: &mut &[u8], out: &mut dyn Output<P::Event>, now: Instant) {
        match self.gate {
            None => self.inner.peer_finished(rest, out, now),
            Some(_) => out.finish(),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.gate {
            None => self.inner.deadline(),
            Some(gate) => gate.deadline,
        }
    }

    fn deadline_reached(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        match self.gate {
            None => self.inner.deadline_reached(out, now),
            Some(_) => out.finish(),
        }
    }

    fn drain(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        match self.gate {
            None => self.inner.drain(out, now),
            Some(_) => out.finish(),
        }
    }

    fn established(&self) -> bool {
        self.gate.is_none() && self.inner.established()
    }

    fn wants_input(&self) -> bool {
        self.gate.is_some() || self.inner.wants_input()
    }

    fn input_max(&self) -> usize {
        self.inner.input_max().max(2 * CHALLENGE_LENGTH + 1)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "any moment will do")]
mod tests {
    use super::*;
    use crate::conn::{Conn, ConnLimits, Ended, Pending};
    use std::convert::Infallible;
    use std::sync::Arc;

    /// Says `hi` as soon as it is reached, then echoes.
    #[derive(Debug)]
    struct Echo;

    impl StreamProtocol for Echo {
        type Event = ();
        type Command = Infallible;

        fn opened(&mut self, out: &mut dyn Output<()>, _: Instant) {
            out.write(b"hi");
        }

        fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<()>, _: Instant) {
            out.write(std::mem::take(input));
        }

        fn commanded(&mut self, command: Infallible, _: &mut dyn Output<()>, _: Instant) {
            match command {}
        }
    }

    const CHALLENGE: Challenge = [7; 32];
    const OTHER: Challenge = [9; 32];

    fn key() -> GateKey {
        GateKey::new(b"egg").digest(Digest::Md5)
    }

    fn open(protocol: Authenticated<Echo>, now: Instant) -> Conn<Authenticated<Echo>> {
        Conn::open(protocol, Arc::new(ConnLimits::default()), now)
    }

    fn sent(conn: &mut Conn<Authenticated<Echo>>, now: Instant) -> Vec<u8> {
        let mut all = Vec::new();
        while let Pending::Bytes(bytes) = conn.pending() {
            let count = bytes.len();
            all.extend_from_slice(bytes);
            conn.wrote(count, now);
        }
        all
    }

    #[test]
    fn who_knows_the_secret_is_let_in_at_every_split_and_what_follows_at_once_is_not_lost() {
        let now = Instant::now();
        let mut answer = gate::answer(Digest::Md5, b"egg", &CHALLENGE);
        answer.extend_from_slice(b"more");
        for cut in 0..=answer.len() {
            let mut conn = open(Authenticated::server(key(), CHALLENGE, Echo), now);
            assert_eq!(sent(&mut conn, now), CHALLENGE);
            assert!(!StreamProtocol::established(conn.protocol()));
            conn.feed(&answer[..cut], now);
            conn.feed(&answer[cut..], now);
            assert_eq!(sent(&mut conn, now), b"himore");
            assert!(conn.protocol().is_through());
        }
    }

    #[test]
    fn a_wrong_answer_is_closed_without_a_word() {
        let now = Instant::now();
        let mut conn = open(Authenticated::server(key(), CHALLENGE, Echo), now);
        sent(&mut conn, now);
        conn.feed(&gate::answer(Digest::Md5, b"eggs", &CHALLENGE), now);
        assert_eq!(sent(&mut conn, now), b"");
        assert!(matches!(conn.pending(), Pending::Shutdown));
    }

    #[test]
    fn a_peer_that_dribbles_is_closed_at_the_deadline_however_busy_it_looks() {
        let mut now = Instant::now();
        let until = now + GATE_DEADLINE;
        let mut conn = open(Authenticated::server(key(), CHALLENGE, Echo), now);
        sent(&mut conn, now);
        for _ in 0..9 {
            now += Duration::from_secs(1);
            conn.feed(b"x", now);
        }
        assert_eq!(conn.deadline(), Some(until));
        conn.tick(until);
        assert!(matches!(conn.pending(), Pending::Shutdown));
    }

    #[test]
    fn the_second_round_tests_the_server_and_no_reflection_passes() {
        let now = Instant::now();
        let mutual = || key().mutual(true);
        let mut server = open(Authenticated::server(mutual(), CHALLENGE, Echo), now);
        let mut client = open(Authenticated::client(mutual(), OTHER, Echo), now);
        client.feed(&sent(&mut server, now), now);
        server.feed(&sent(&mut client, now), now);
        assert!(server.protocol().is_through() && !client.protocol().is_through());
        client.feed(&sent(&mut server, now), now);
        assert!(client.protocol().is_through());

        let mut client = open(Authenticated::client(mutual(), OTHER, Echo), now);
        client.feed(&OTHER, now);
        let said = sent(&mut client, now);
        client.feed(&said[..16], now);
        assert!(
            !client.protocol().is_through(),
            "its own answer sent back proves nothing"
        );
        assert!(matches!(client.pending(), Pending::Shutdown));
    }

    #[test]
    fn a_deadline_beyond_the_clock_is_none() {
        let now = Instant::now();
        let patient = key().deadline(Duration::MAX);
        let conn = open(Authenticated::server(patient, CHALLENGE, Echo), now);
        assert_eq!(StreamProtocol::deadline(conn.protocol()), None);
    }

    #[test]
    fn a_peer_that_ends_at_the_gate_is_gone() {
        let now = Instant::now();
        let mut conn = open(Authenticated::server(key(), CHALLENGE, Echo), now);
        sent(&mut conn, now);
        conn.end_of_input(now);
        assert!(matches!(conn.pending(), Pending::Shutdown));
        conn.shut_down(now);
        assert_eq!(conn.ended(), Some(Ended::Finished));
    }
}
