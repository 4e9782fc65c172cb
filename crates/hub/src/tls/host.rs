//! By what names and addresses this machine is reached.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

use super::error::TlsError;

/// Names and addresses in one certificate: with more, a handshake would not fit into its first packets.
pub const MAX_NAMES: usize = 128;

/// Octets of a label of a DNS name (RFC 1035, section 2.3.4).
const MAX_LABEL_BYTES: usize = 63;

/// Octets of a whole DNS name in text (RFC 1035, section 2.3.4, less the length octets of root and first label).
const MAX_DNS_NAME_BYTES: usize = 253;

/// Everything that a certificate of this machine should be valid for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostNames {
    /// DNS names, lower case.
    pub names: BTreeSet<String>,
    /// Addresses, without scope ids.
    pub addresses: BTreeSet<IpAddr>,
}

/// This machine's host name as the system has it, in lossy UTF-8; empty where there is none.
pub fn host_name() -> String {
    let name = nix::unistd::gethostname().unwrap_or_default();
    match name.to_string_lossy() {
        name if name == "(none)" => String::new(),
        name => name.into_owned(),
    }
}

/// The addresses at which others reach this machine, the best to show first: IPv4, then IPv6, loopback last.
/// Link-local addresses are left out, since they need a scope that means something on one machine only.
///
/// # Errors
/// The interfaces cannot be listed.
pub fn addresses() -> Result<Vec<IpAddr>, TlsError> {
    Ok(ordered(interface_addresses()?))
}

impl HostNames {
    /// Those of this machine, now: each interface's addresses, loopback, `localhost`, the host name, and the host
    /// name under `.local` as multicast DNS (RFC 6762) answers to it.
    ///
    /// # Errors
    /// The interfaces cannot be listed.
    pub fn of_this_machine() -> Result<Self, TlsError> {
        Ok(Self::new(&host_name(), interface_addresses()?))
    }

    fn new(host: &str, interfaces: Vec<IpAddr>) -> Self {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let first_label = host.split('.').next().unwrap_or_default();
        let names = [
            host.clone(),
            format!("{first_label}.local"),
            "localhost".to_owned(),
        ];
        let names: BTreeSet<_> = names.into_iter().filter(|name| is_dns_name(name)).collect();
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let (link_local, others): (Vec<_>, Vec<_>) = interfaces.into_iter().partition(is_link_local);
        // The best first, so that those are cut which are needed least.
        let best = loopback.into_iter().chain(ordered(others)).chain(link_local);
        let mut addresses = BTreeSet::new();
        for address in best {
            if addresses.len() + names.len() < MAX_NAMES {
                addresses.insert(address);
            }
        }
        Self { names, addresses }
    }
}

/// Every address of every interface that is up, in the system's order.
fn interface_addresses() -> Result<Vec<IpAddr>, TlsError> {
    let interfaces = getifaddrs().map_err(|errno| TlsError::Interfaces(io::Error::from(errno)))?;
    let addresses = interfaces
        .filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP))
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
        });
    Ok(addresses.collect())
}

fn ordered(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut seen = BTreeSet::new();
    let mut addresses: Vec<_> = addresses
        .into_iter()
        .filter(|address| !is_link_local(address) && !address.is_unspecified() && seen.insert(*address))
        .collect();
    // Stable: within a kind the system's order stands, which has the machine's own cards before bridges.
    addresses.sort_by_key(|address| (address.is_loopback(), address.is_ipv6()));
    addresses
}

fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// Whether a certificate can hold the name, and a client look for it: letters, digits and hyphens in labels.
fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let hyphen_outside = label.starts_with('-') || label.ends_with('-');
        let plain = label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        !label.is_empty() && label.len() <= MAX_LABEL_BYTES && plain && !hyphen_outside
    };
    // All digits in the last label is an address to everybody who reads it.
    let last_is_number = name
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    name.len() <= MAX_DNS_NAME_BYTES && !last_is_number && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(addresses: &[&str]) -> Vec<IpAddr> {
        addresses.iter().map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn the_best_address_comes_first_and_link_local_ones_not_at_all() {
        let mixed = [
            "127.0.0.1",
            "::1",
            "fe80::1",
            "2001:db8::1",
            "169.254.1.1",
            "192.0.2.1",
            "192.0.2.1",
            "10.0.0.1",
        ];
        let expected = parsed(&["192.0.2.1", "10.0.0.1", "2001:db8::1", "127.0.0.1", "::1"]);
        assert_eq!(ordered(parsed(&mixed)), expected);
    }

    #[test]
    fn this_machine_has_at_least_its_loopback() {
        let names = HostNames::of_this_machine().unwrap();
        assert!(names.addresses.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert!(names.names.contains("localhost"));
        assert!(!addresses().unwrap().is_empty());
    }

    #[test]
    fn a_host_name_is_taken_with_and_without_its_domain() {
        let names = |host| {
            HostNames::new(host, Vec::new())
                .names
                .into_iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names("Ship.Example.org"),
            ["localhost", "ship.example.org", "ship.local"]
        );
        assert_eq!(names("ship.local"), ["localhost", "ship.local"]);
        for strange in ["", "a b", "\u{1b}", "-x", "é", "a..b"] {
            assert!(names(strange).iter().all(|name| is_dns_name(name)), "{strange:?}");
        }
    }

    #[test]
    fn more_addresses_than_a_certificate_takes_are_cut_from_the_least_useful() {
        let mut many: Vec<_> = (0..1_000_u16)
            .map(|number| IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, number)))
            .collect();
        many.extend(parsed(&["192.0.2.1"]));
        let names = HostNames::new("ship", many);
        assert_eq!(names.addresses.len() + names.names.len(), MAX_NAMES);
        assert!(names.addresses.contains(&parsed(&["192.0.2.1"])[0]));
    }
}
