//! How many may come in: in all, from one address, and at once through the handshake.

use crate::config::Limits;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Of all connections, one in this many may be on its way through the handshake and the login.
const HANDSHAKE_SHARE: usize = 4;

/// How often the log is told of connections that were turned away.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Counts who is inside. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Gate {
    limits: Limits,
    counts: Arc<Mutex<Counts>>,
    numbers: Arc<AtomicU64>,
}

#[derive(Default)]
struct Counts {
    connections: usize,
    handshakes: usize,
    /// Each address counts alone, those of one IPv6 network too: on a local network they are as many machines. Who has
    /// many takes no more than what all who are not logged in have together.
    by_address: HashMap<IpAddr, OfAddress>,
    turned_away: TurnedAway,
}

/// What the log has not been told yet: a flood of connections must not become a flood of records.
#[derive(Default)]
struct TurnedAway {
    told: Option<Instant>,
    untold: u64,
}

#[derive(Default)]
struct OfAddress {
    connections: usize,
    handshakes: usize,
}

/// A connection's leave to be here. Dropping it gives everything back.
pub(crate) struct Admission {
    gate: Gate,
    peer: IpAddr,
    number: u64,
    in_handshake: AtomicBool,
}

/// Which limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    #[error("limits.connections is reached")]
    Connections,
    #[error("limits.connections_per_address is reached")]
    ConnectionsOfAddress,
    #[error("limits.handshakes_per_address is reached")]
    HandshakesOfAddress,
    #[error("a quarter of limits.connections has not logged in yet")]
    Handshakes,
}

impl Gate {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            counts: Arc::default(),
            numbers: Arc::default(),
        }
    }

    /// Lets a connection in, or says which limit is reached.
    pub(crate) fn admit(&self, peer: IpAddr) -> Result<Admission, Full> {
        let peer = peer.to_canonical();
        let mut counts = self.lock();
        if counts.connections >= self.limits.connections {
            return Err(Full::Connections);
        }
        // Only who is let in is noted: a flood from ever new addresses must not fill the memory.
        if let Some(of_address) = counts.by_address.get(&peer) {
            if of_address.connections >= self.limits.connections_per_address {
                return Err(Full::ConnectionsOfAddress);
            }
            if of_address.handshakes >= self.limits.handshakes_per_address {
                return Err(Full::HandshakesOfAddress);
            }
        }
        // Those who are logged in always find the greater part of the hub free of those who are not.
        let share = self.limits.connections.div_ceil(HANDSHAKE_SHARE);
        if counts.handshakes >= share.max(self.limits.handshakes_per_address) {
            return Err(Full::Handshakes);
        }
        let of_address = counts.by_address.entry(peer).or_default();
        of_address.connections += 1;
        of_address.handshakes += 1;
        counts.connections += 1;
        counts.handshakes += 1;
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        Ok(Admission {
            gate: self.clone(),
            peer,
            number,
            in_handshake: AtomicBool::new(true),
        })
    }

    /// Notes that a connection was turned away: the first at once, those of the next minute as a number.
    pub(crate) fn turned_away(&self, peer: IpAddr, full: Full, now: Instant) {
        let mut counts = self.lock();
        let news = &mut counts.turned_away;
        if news.told.is_some_and(|told| now < told + TELL_EVERY) {
            news.untold += 1;
            return;
        }
        let others = std::mem::take(&mut news.untold);
        news.told = Some(now);
        drop(counts);
        tracing::warn!(%peer, %full, others, "a connection was turned away");
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // The counts are whole after every line that holds the lock, so a panic elsewhere leaves them usable.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// Who it is.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// A number that no other connection of this run has.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Gives back the place among the handshakes.
    pub(crate) fn handshake_is_over(&self) {
        if self.in_handshake.swap(false, Ordering::Relaxed) {
            let mut counts = self.gate.lock();
            counts.handshakes -= 1;
            if let Some(of_address) = counts.by_address.get_mut(&self.peer) {
                of_address.handshakes -= 1;
            }
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.handshake_is_over();
        let mut counts = self.gate.lock();
        counts.connections -= 1;
        if let Some(of_address) = counts.by_address.get_mut(&self.peer) {
            of_address.connections -= 1;
            if of_address.connections == 0 {
                counts.by_address.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn gate() -> Gate {
        gate_of(4)
    }

    fn gate_of(connections: usize) -> Gate {
        Gate::new(Limits {
            connections,
            connections_per_address: 3,
            handshakes_per_address: 2,
            header_bytes: 1024,
            handshake: Duration::from_secs(1),
            idle: Duration::from_secs(1),
            drain: Duration::from_secs(1),
            password_hashes: 1,
        })
    }

    #[test]
    fn each_limit_holds_and_what_leaves_gives_its_place_back() {
        let gate = gate();
        let first = gate.admit(ONE).unwrap();
        let second = gate.admit(ONE).unwrap();
        assert_eq!(gate.admit(ONE).err(), Some(Full::HandshakesOfAddress));
        first.handshake_is_over();
        first.handshake_is_over();
        let third = gate.admit(ONE).unwrap();
        assert_eq!(gate.admit(ONE).err(), Some(Full::ConnectionsOfAddress));
        second.handshake_is_over();
        let _fourth = gate.admit(OTHER).unwrap();
        assert_eq!(gate.admit(OTHER).err(), Some(Full::Connections));
        drop((first, second, third));
        assert_eq!(gate.lock().by_address.len(), 1);
        assert!(gate.admit(ONE).is_ok());
    }

    #[test]
    fn those_who_have_not_logged_in_take_a_quarter_at_most() {
        let gate = gate_of(8);
        let mut inside: Vec<Admission> = (1..=2)
            .map(|last| gate.admit(IpAddr::from([192, 0, 2, last])).unwrap())
            .collect();
        assert_eq!(
            gate.admit(IpAddr::from([192, 0, 2, 3])).err(),
            Some(Full::Handshakes)
        );
        assert_eq!(gate.lock().by_address.len(), 2, "who is turned away is not kept");
        inside[0].handshake_is_over();
        inside.push(gate.admit(OTHER).unwrap());
        drop(inside);
        assert_eq!(gate.lock().handshakes, 0);
    }

    #[test]
    fn an_ipv4_address_is_the_same_one_when_it_comes_mapped() {
        let gate = gate();
        let _first = gate.admit(ONE).unwrap();
        let _second = gate.admit("::ffff:192.0.2.1".parse().unwrap()).unwrap();
        assert!(gate.admit(ONE).is_err());
    }
}
