//! How many may come in: in all, from one address, and at once through the handshake.

use crate::config::Limits;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    by_address: HashMap<IpAddr, OfAddress>,
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
        let of_address = counts.by_address.entry(peer).or_default();
        if of_address.connections >= self.limits.connections_per_address {
            return Err(Full::ConnectionsOfAddress);
        }
        if of_address.handshakes >= self.limits.handshakes_per_address {
            return Err(Full::HandshakesOfAddress);
        }
        of_address.connections += 1;
        of_address.handshakes += 1;
        counts.connections += 1;
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        Ok(Admission {
            gate: self.clone(),
            peer,
            number,
            in_handshake: AtomicBool::new(true),
        })
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
        if self.in_handshake.swap(false, Ordering::Relaxed)
            && let Some(of_address) = self.gate.lock().by_address.get_mut(&self.peer)
        {
            of_address.handshakes -= 1;
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
    use std::time::Duration;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn gate() -> Gate {
        Gate::new(Limits {
            connections: 4,
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
        let _fourth = gate.admit(OTHER).unwrap();
        assert_eq!(gate.admit(OTHER).err(), Some(Full::Connections));
        drop((first, second, third));
        assert_eq!(gate.lock().by_address.len(), 1);
        assert!(gate.admit(ONE).is_ok());
    }

    #[test]
    fn an_ipv4_address_is_the_same_one_when_it_comes_mapped() {
        let gate = gate();
        let _first = gate.admit(ONE).unwrap();
        let _second = gate.admit("::ffff:192.0.2.1".parse().unwrap()).unwrap();
        assert!(gate.admit(ONE).is_err());
    }
}
