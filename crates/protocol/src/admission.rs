//! How many may come in, in all and from one address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::service::Load;

/// The limits of one listening address. [`Default`] is what Landline ships with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// Open connections in all. 10,000.
    pub connections: usize,
    /// Open connections from one IP address (IPv6: from one /64). 10,000: on one machine everybody is one address.
    pub per_address: usize,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            per_address: 10_000,
        }
    }
}

/// Counts who is in.
#[derive(Debug, Default)]
pub struct Admissions {
    limits: AdmissionLimits,
    connections: usize,
    /// Never holds a zero, and never more entries than there are connections.
    by_address: BTreeMap<IpAddr, usize>,
}

impl Admissions {
    /// Nobody is in.
    #[must_use]
    pub fn new(limits: AdmissionLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Counts somebody in and says how busy we were before; `None` where a limit stands against it.
    pub fn enter(&mut self, address: IpAddr) -> Option<Load> {
        let address = network(address);
        let from_this_address = self.by_address.get(&address).copied().unwrap_or(0);
        if self.connections >= self.limits.connections || from_this_address >= self.limits.per_address {
            return None;
        }
        let load = Load {
            connections: self.connections,
            from_this_address,
        };
        self.connections += 1;
        *self.by_address.entry(address).or_default() += 1;
        Some(load)
    }

    /// Counts somebody out who was counted in.
    pub fn leave(&mut self, address: IpAddr) {
        let address = network(address);
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
            self.connections -= 1;
        }
    }

    /// How many are in.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections
    }
}

/// What one party can easily have many addresses of counts as one: an IPv6 network of 64 bits (RFC 4291, section
/// 2.5.4). An IPv4 address is one, also where it arrives mapped into IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_cannot_take_every_place() {
        let mut admissions = Admissions::new(AdmissionLimits {
            connections: 3,
            per_address: 2,
        });
        assert!(admissions.enter(address("10.0.0.1")).is_some());
        assert!(admissions.enter(address("::ffff:10.0.0.1")).is_some());
        assert_eq!(admissions.enter(address("10.0.0.1")), None);
        assert_eq!(
            admissions.enter(address("10.0.0.2")),
            Some(Load {
                connections: 2,
                from_this_address: 0
            })
        );
        assert_eq!(
            admissions.enter(address("10.0.0.3")),
            None,
            "the third is the last"
        );
        admissions.leave(address("10.0.0.1"));
        assert!(admissions.enter(address("10.0.0.1")).is_some());
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one() {
        let mut admissions = Admissions::new(AdmissionLimits {
            connections: 9,
            per_address: 1,
        });
        assert!(admissions.enter(address("fd00::1")).is_some());
        assert_eq!(admissions.enter(address("fd00::2")), None);
        assert!(admissions.enter(address("fd00:0:0:1::2")).is_some());
    }

    #[test]
    fn a_stranger_who_leaves_frees_nothing() {
        let mut admissions = Admissions::new(AdmissionLimits {
            connections: 1,
            per_address: 1,
        });
        assert!(admissions.enter(address("10.0.0.1")).is_some());
        admissions.leave(address("10.0.0.2"));
        assert_eq!(admissions.connections(), 1);
    }
}
