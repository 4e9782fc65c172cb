//! Telling the local network that the hub is there: DNS-based service discovery (RFC 6763) over multicast DNS
//! (RFC 6762), as an instance of `_landline._tcp.local.` with these texts: `name`, the hub's; `version`, the program's; `pin`,
//! what clients pin.
//!
//! What is announced is a hint and nothing else: anybody may announce anything. Whom to trust comes from an invite link
//! or a code. So a hub that cannot announce itself only says so in its log.

use crate::services::Services;
use landline_model::text::escape;
use mdns_sd::{DaemonEvent, IfKind, IfPredicate, Receiver, ServiceDaemon, ServiceInfo};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// What hubs announce themselves as.
const SERVICE: &str = "_landline._tcp.local.";

/// The longest instance name, in bytes: it is one label (RFC 1035, section 2.3.4).
const INSTANCE_MAX: usize = 63;

/// The longest name among the texts, in bytes: `name=` and it are one string (RFC 6763, section 6.1).
const NAME_MAX: usize = 250;

/// When nothing was announced for so long, the log says so once.
const ANNOUNCED_BY: Duration = Duration::from_secs(10);

/// How long saying goodbye may take; the records of a hub that did not are forgotten after two minutes.
const GOODBYE_TIME: Duration = Duration::from_secs(1);

/// An announcement that stands until it is taken back.
pub(crate) struct Announcement {
    daemon: ServiceDaemon,
    /// The instance's whole name.
    name: String,
    /// Tells the log what becomes of the announcement.
    telling: JoinHandle<()>,
}

/// Announces the hub with these bound addresses, where that is wanted and anybody could reach it.
///
/// The addresses of the machine are followed: the announcement names those of now.
pub(crate) fn announce(services: &Services, bound: &[SocketAddr]) -> Option<Announcement> {
    if !services.config.discovery {
        return None;
    }
    let reach = Reach::of(bound)?;
    match Announcement::new(services, reach) {
        Ok(announcement) => Some(announcement),
        Err(error) => {
            tracing::warn!(%error, "the hub cannot be announced on the local network; links and addresses work");
            None
        }
    }
}

impl Announcement {
    fn new(services: &Services, reach: Reach) -> Result<Self, mdns_sd::Error> {
        let hub = &services.config.name;
        let pin = services.pin.to_string();
        // A name of its own: the machine's is another responder's to answer for, and two hubs may share a machine.
        let host = format!("landline-{:.16}-{}.local.", pin, reach.port);
        let told = [
            ("name", cut(hub, NAME_MAX)),
            ("version", env!("CARGO_PKG_VERSION")),
            ("pin", &pin),
        ];
        let (instance, port) = (instance(hub), reach.port);
        let mut service =
            ServiceInfo::new(SERVICE, &instance, &host, (), port, &told[..])?.enable_addr_auto();
        let covers = IfPredicate::new(move |interface| reach.covers(interface.ip()));
        service.set_interfaces(vec![IfKind::Predicate(covers)]);
        let name = service.get_fullname().to_owned();
        let daemon = ServiceDaemon::new()?;
        let news = daemon.monitor().and_then(|news| {
            daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])?;
            daemon.register(service)?;
            Ok(news)
        });
        let news = news.inspect_err(|_| {
            // It runs already; nobody waits for its end.
            let _ = daemon.shutdown();
        })?;
        Ok(Self {
            daemon,
            name,
            telling: tokio::spawn(tell(news)),
        })
    }

    /// Takes the announcement back.
    pub(crate) async fn goodbye(self) {
        self.telling.abort();
        let taken_back = async {
            if let Ok(done) = self.daemon.unregister(&self.name) {
                // Whatever it says, there is nothing more to do.
                let _ = done.recv_async().await;
            }
            if let Ok(done) = self.daemon.shutdown() {
                let _ = done.recv_async().await;
            }
        };
        if tokio::time::timeout(GOODBYE_TIME, taken_back).await.is_err() {
            tracing::debug!("the announcement was not taken back in time");
        }
    }
}

/// Tells the log what becomes of the announcement: once, where it is not made.
async fn tell(news: Receiver<DaemonEvent>) {
    let mut first = Some(Instant::now() + ANNOUNCED_BY);
    loop {
        let event = match first {
            None => news.recv_async().await,
            Some(by) => match timeout_at(by, news.recv_async()).await {
                Ok(event) => event,
                Err(_) => {
                    first = None;
                    tracing::warn!(
                        "the hub is not announced on the local network: no interface takes multicast, or UDP port 5353 is taken; links and addresses work"
                    );
                    continue;
                }
            },
        };
        match event {
            Ok(DaemonEvent::Announce(name, interface)) => {
                first = None;
                tracing::debug!(name = %escape(&name), interface, "the hub was announced");
            }
            Ok(DaemonEvent::Error(error)) => tracing::warn!(%error, "the hub cannot be announced"),
            Ok(DaemonEvent::NameChange(change)) => {
                let (wanted, announced) = (escape(&change.original), escape(&change.new_name));
                tracing::info!(%wanted, %announced, "another hub on this network has the same name");
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// At which addresses of this machine others reach the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reach {
    /// A service has one port.
    port: u16,
    /// What is bound with this port; loopback is left out.
    bound: Vec<IpAddr>,
}

impl Reach {
    /// The port bound first that others reach; none: this machine alone does.
    fn of(bound: &[SocketAddr]) -> Option<Self> {
        let mut reachable = bound.iter().filter(|bound| !bound.ip().is_loopback());
        let port = reachable.clone().next()?.port();
        let bound = reachable
            .by_ref()
            .filter(|bound| bound.port() == port)
            .map(SocketAddr::ip)
            .collect();
        Some(Self { port, bound })
    }

    fn covers(&self, address: IpAddr) -> bool {
        let covers = |bound: &IpAddr| {
            *bound == address || bound.is_unspecified() && bound.is_ipv4() == address.is_ipv4()
        };
        !address.is_loopback() && self.bound.iter().any(covers)
    }
}

/// A hub's name as one label. Not every responder tells a full stop within a label from one between labels.
fn instance(name: &str) -> String {
    cut(name, INSTANCE_MAX)
        .replace(['.', '\\'], "-")
        .trim_end()
        .to_owned()
}

/// As much of a text as `bytes` hold.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn covers(reach: &Reach, address: &str) -> bool {
        reach.covers(address.parse().unwrap())
    }

    #[test]
    fn a_hub_that_only_its_own_machine_reaches_is_not_announced() {
        assert_eq!(Reach::of(&bound(&["127.0.0.1:1", "[::1]:1"])), None);
        assert_eq!(Reach::of(&[]), None);
    }

    #[test]
    fn a_wildcard_is_reached_at_every_address_of_its_own_family() {
        let reach = Reach::of(&bound(&["127.0.0.1:9", "0.0.0.0:7"])).unwrap();
        assert_eq!(reach.port, 7);
        assert!(covers(&reach, "192.0.2.1"));
        for address in ["127.0.0.1", "2001:db8::1"] {
            assert!(!covers(&reach, address), "{address}");
        }
        let both = Reach::of(&bound(&["0.0.0.0:7", "[::]:7"])).unwrap();
        assert!(covers(&both, "192.0.2.1") && covers(&both, "2001:db8::1"));
    }

    #[test]
    fn an_address_that_was_named_is_the_only_one_and_a_second_port_is_left_out() {
        let reach = Reach::of(&bound(&["192.0.2.1:7", "192.0.2.2:8"])).unwrap();
        assert_eq!(reach.port, 7);
        assert!(covers(&reach, "192.0.2.1"));
        assert!(!covers(&reach, "192.0.2.2"));
    }

    #[test]
    fn a_name_is_cut_to_a_label_between_its_characters() {
        assert_eq!(instance("Workshop 3.1"), "Workshop 3-1");
        assert_eq!(instance(&"船".repeat(30)), "船".repeat(21));
        assert_eq!(instance(&"x".repeat(64)).len(), INSTANCE_MAX);
    }
}
