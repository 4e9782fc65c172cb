//! Finding hubs on the local network: they announce themselves by multicast DNS (RFC 6762, RFC 6763).
//!
//! All of it is hearsay: anybody on the network may announce anything. A name is good for finding an address; whom to
//! trust comes from an invite link, a code, or a pin that is known already.

use crate::error::ClientError;
use landline_model::link::{HubAddress, Pin};
use mdns_sd::{Receiver, ResolvedService, ServiceDaemon, ServiceEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// What hubs announce themselves as.
const SERVICE: &str = "_landline._tcp.local.";

/// How long a hub that was heard may add addresses: they come in several messages.
const SETTLING: Duration = Duration::from_millis(300);

/// How much longer than the first one a second hub of the same name may take.
const SECOND_WAIT: Duration = Duration::from_secs(1);

/// The most hubs that one search tells of: beyond it somebody is making them up.
const HUBS_MAX: usize = 256;

/// The most addresses that are taken of one hub.
const ADDRESSES_MAX: usize = 16;

/// The longest name, in bytes: what fits into a text of an announcement.
const NAME_MAX: usize = 250;

/// A hub, as it announces itself. Nothing of it is certain, and the name may hold any character: show it escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it calls itself.
    pub name: String,
    /// Where it says it is, the best first; never empty.
    pub addresses: Vec<HubAddress>,
    /// The program's version, where it says so. It may hold any character.
    pub version: Option<String>,
    /// The certificate authority that it says it has.
    pub pin: Option<Pin>,
}

/// A search under way; dropping it ends it.
pub struct Search {
    daemon: ServiceDaemon,
    events: Receiver<ServiceEvent>,
    heard: Heard,
}

impl Search {
    /// Asks the local network.
    ///
    /// # Errors
    /// [`ClientError::Discovery`]
    pub fn start() -> Result<Self, ClientError> {
        let failed = |error: mdns_sd::Error| ClientError::Discovery(error.to_string());
        let daemon = ServiceDaemon::new().map_err(failed)?;
        match daemon.browse(SERVICE) {
            Ok(events) => Ok(Self {
                daemon,
                events,
                heard: Heard::default(),
            }),
            Err(error) => {
                // It runs already; nobody waits for its end.
                let _ = daemon.shutdown();
                Err(failed(error))
            }
        }
    }

    /// Waits for the next hub, each once; none: `until` is over.
    pub async fn next(&mut self, until: Instant) -> Option<Found> {
        loop {
            let now = Instant::now();
            if let Some(found) = self.heard.take(now, now >= until) {
                return Some(found);
            }
            if now >= until {
                return None;
            }
            let wake = self.heard.due().map_or(until, |due| due.min(until));
            match timeout_at(wake, self.events.recv_async()).await {
                Ok(Ok(ServiceEvent::ServiceResolved(service))) => {
                    self.heard.note(&service, Instant::now());
                }
                Ok(Ok(_)) | Err(_) => {}
                // Nothing more comes; what was heard is told all the same.
                Ok(Err(_)) => tokio::time::sleep_until(wake).await,
            }
        }
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        // Nobody waits for its end.
        let _ = self.daemon.shutdown();
    }
}

/// Finds the hub that calls itself `name`, whatever the case.
///
/// # Errors
/// There is none, or more than one; or the network cannot be asked.
pub async fn find(name: &str, patience: Duration) -> Result<Found, ClientError> {
    let mut search = Search::start()?;
    let until = Instant::now() + patience;
    let is_it = |found: &Found| found.name.to_lowercase() == name.to_lowercase();
    let nobody = || ClientError::NotAnnounced(name.to_owned());
    let first = loop {
        let found = search.next(until).await.ok_or_else(nobody)?;
        if is_it(&found) {
            break found;
        }
    };
    let also = until.min(Instant::now() + SECOND_WAIT);
    while let Some(other) = search.next(also).await {
        if is_it(&other) && !is_the_same(&first, &other) {
            return Err(ClientError::AnnouncedTwice {
                name: name.to_owned(),
                addresses: [&first, &other].map(|found| found.addresses[0].to_string()),
            });
        }
    }
    Ok(first)
}

/// Whether two announcements lead to the same door.
fn is_the_same(one: &Found, other: &Found) -> bool {
    one.addresses
        .iter()
        .any(|address| other.addresses.contains(address))
}

/// What was heard and not told yet.
#[derive(Default)]
struct Heard {
    /// By the instance's name; together with `told` at most [`HUBS_MAX`].
    settling: BTreeMap<String, (Found, Instant)>,
    told: BTreeSet<String>,
}

impl Heard {
    fn note(&mut self, service: &ResolvedService, now: Instant) {
        let instance = service.get_fullname();
        if self.told.contains(instance) {
            return;
        }
        let due = match self.settling.get(instance) {
            Some((_, due)) => *due,
            None if self.settling.len() + self.told.len() >= HUBS_MAX => return,
            None => now + SETTLING,
        };
        if let Some(found) = found(service) {
            self.settling.insert(instance.to_owned(), (found, due));
        }
    }

    /// When the next one has settled.
    fn due(&self) -> Option<Instant> {
        self.settling.values().map(|(_, due)| *due).min()
    }

    /// One that has settled by now, or any.
    fn take(&mut self, now: Instant, any: bool) -> Option<Found> {
        let mut settled = self.settling.iter().filter(|(_, (_, due))| any || *due <= now);
        let instance = settled.next()?.0.clone();
        let (found, _) = self.settling.remove(&instance)?;
        self.told.insert(instance);
        Some(found)
    }
}

/// Reads an announcement; none: it leads nowhere.
fn found(service: &ResolvedService) -> Option<Found> {
    let addresses = service.get_addresses().iter();
    let addresses = best(addresses.map(mdns_sd::ScopedIp::to_ip_addr).collect());
    let port = Some(service.get_port()).filter(|port| *port != 0)?;
    let addresses: Vec<HubAddress> = addresses
        .into_iter()
        .map(|ip| HubAddress {
            host: ip.to_string(),
            port,
        })
        .collect();
    let text = |key| {
        service
            .get_property_val_str(key)
            .filter(|text| text.len() <= NAME_MAX)
    };
    let instance = service.get_fullname();
    let instance = instance.strip_suffix(SERVICE).unwrap_or(instance);
    let name = text("name").filter(|name| !name.is_empty());
    let found = Found {
        name: name.unwrap_or(instance.trim_end_matches('.')).to_owned(),
        version: text("version").map(str::to_owned),
        pin: text("pin").and_then(|pin| pin.parse().ok()),
        addresses,
    };
    (!found.addresses.is_empty()).then_some(found)
}

/// IPv4 first, what is for one link alone last; and not at all what needs a scope, or leads back to this machine.
fn best(addresses: BTreeSet<IpAddr>) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = addresses
        .into_iter()
        .filter(|address| match address {
            IpAddr::V4(address) => !address.is_loopback() && !address.is_unspecified(),
            IpAddr::V6(address) => {
                !address.is_loopback() && !address.is_unspecified() && !address.is_unicast_link_local()
            }
        })
        .collect();
    addresses.sort_by_key(|address| match address {
        IpAddr::V4(address) => u8::from(address.is_link_local()) * 2,
        IpAddr::V6(_) => 1,
    });
    addresses.truncate(ADDRESSES_MAX);
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use mdns_sd::ServiceInfo;

    fn announced(instance: &str, addresses: &str, texts: &[(&str, &str)]) -> ResolvedService {
        ServiceInfo::new(SERVICE, instance, "host.local.", addresses, 5263, texts)
            .unwrap()
            .as_resolved_service()
    }

    #[test]
    fn an_announcement_is_read_with_its_best_address_first() {
        let pin = Pin::from_bytes([7; 32]);
        let texts = [("name", "Dr. Who"), ("version", "9"), ("pin", &pin.to_string())];
        let service = announced(
            "Dr- Who",
            "2001:db8::1,169.254.0.1,fe80::1,127.0.0.1,192.0.2.1",
            &texts,
        );
        let found = found(&service).unwrap();
        let addresses: Vec<String> = found.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(
            addresses,
            ["192.0.2.1:5263", "[2001:db8::1]:5263", "169.254.0.1:5263"]
        );
        assert_eq!(
            (found.name.as_str(), found.version.as_deref()),
            ("Dr. Who", Some("9"))
        );
        assert_eq!(found.pin, Some(pin));
    }

    #[test]
    fn one_without_texts_goes_by_its_instance_and_one_without_addresses_is_none() {
        let bare = found(&announced("lab", "192.0.2.1", &[("pin", "no pin")])).unwrap();
        assert_eq!((bare.name.as_str(), bare.version, bare.pin), ("lab", None, None));
        for nowhere in ["", "127.0.0.1", "fe80::1,::1,0.0.0.0"] {
            assert_eq!(found(&announced("lab", nowhere, &[])), None);
        }
    }

    #[test]
    fn a_hub_is_told_once_when_its_addresses_have_settled() {
        let (mut heard, now) = (Heard::default(), Instant::now());
        heard.note(&announced("lab", "192.0.2.1", &[]), now);
        assert_eq!(heard.take(now, false), None);
        heard.note(&announced("lab", "192.0.2.1,192.0.2.2", &[]), now + SETTLING / 2);
        assert_eq!(heard.due(), Some(now + SETTLING));
        let found = heard.take(now + SETTLING, false).unwrap();
        assert_eq!(found.addresses.len(), 2);
        heard.note(&announced("lab", "192.0.2.3", &[]), now + SETTLING);
        assert_eq!(heard.take(now + SETTLING * 3, true), None);
    }

    #[test]
    fn no_more_hubs_are_kept_than_the_limit() {
        let (mut heard, now) = (Heard::default(), Instant::now());
        for number in 0..HUBS_MAX * 2 {
            heard.note(&announced(&format!("hub {number}"), "192.0.2.1", &[]), now);
            heard.take(now, number % 2 == 0);
        }
        assert_eq!(heard.settling.len() + heard.told.len(), HUBS_MAX);
    }
}
