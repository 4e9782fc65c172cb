//! A hub from start to stop.

use crate::background::Background;
use crate::chat::feed::Feeds;
use crate::chat::{Delivery, Pace, Watchers, Writers, keep_telling};
use crate::config::{Config, Loaded};
use crate::data_directory::{DataDirectory, DataDirectoryError};
use crate::doors::{Gate, Listener, Page, accept_all, bind};
use crate::files::underway::Underway;
use crate::housekeeping::{flush_marks, keep_house};
use crate::live::Live;
use crate::log::{self, LogError, LogGuard};
use crate::people::backoff::Backoff;
use crate::people::code::Codes;
use crate::people::passwords::Passwords;
use crate::people::{InviteOf, make_invitation};
use crate::services::{Services, time_of_day};
use crate::steady::Steady;
use crate::tls::{Authority, HeadKey, HostNames, TlsError, TokenKey};
use crate::{discovery, random, tls};
use landline_model::error::Refusal;
use landline_model::event::{Event, Salt};
use landline_model::hash::{HeadKey as PublicHeadKey, Signature};
use landline_model::link::{HubAddress, JoinLink};
use landline_model::role::Role;
use landline_store::StoreError;
use landline_store::chat::{Chat, ChatOptions};
use landline_store::files::{Files, FilesError, FilesOptions};
use landline_store::people::People;
use landline_store::search::{Bell, Search};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long the invitation that makes the first admin is good for.
const ADMIN_INVITE_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// A hub that is bound and ready, but does not accept yet.
pub struct Hub {
    started: Started,
    services: Arc<Services>,
    authority: Arc<Authority>,
    acceptor: TlsAcceptor,
    listeners: Vec<Listener>,
    // In this order: the log stays until everything has ended, the lock until the log has.
    _log: LogGuard,
    _data: DataDirectory,
}

/// What a person wants to know of a hub that has just started.
#[derive(Clone, Debug)]
pub struct Started {
    /// The hub's name.
    pub name: String,
    /// The data directory.
    pub data: PathBuf,
    /// True where the data directory was made just now.
    pub is_first: bool,
    /// Where the hub can be reached, best first; a wildcard is spelt out.
    pub addresses: Vec<SocketAddr>,
    /// SHA-256 of the public key of the hub's certificate authority, for comparing by eye.
    pub fingerprint: String,
    /// While no admin can get in: the link that makes one.
    pub invite: Option<JoinLink>,
}

/// Why a hub does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The data directory.
    #[error(transparent)]
    DataDirectory(#[from] DataDirectoryError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Certificates and keys.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A database.
    #[error("{} cannot be used: {error}", database.display())]
    Store {
        /// Its file.
        database: PathBuf,
        /// Why not.
        error: StoreError,
    },
    /// The files.
    #[error("{} cannot be used: {error}", directory.display())]
    Files {
        /// Where they are.
        directory: PathBuf,
        /// Why not.
        error: FilesError,
    },
    /// An address.
    #[error("cannot listen on {address}: {error}{advice}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
        /// What to do.
        advice: &'static str,
    },
    /// The first invitation.
    #[error("no invitation can be made: {0}")]
    Invite(Refusal),
    /// Hashing passwords.
    #[error("passwords cannot be hashed: {0}")]
    Passwords(String),
    /// The system has no thread left.
    #[error("no thread can be started: {0}")]
    Threads(std::io::Error),
}

impl Hub {
    /// Opens the data directory, the stores and the log, and binds the addresses. Call it once in a process: the log
    /// is the process's.
    ///
    /// # Errors
    /// Why the hub does not start. Nothing is left behind but a data directory that a later start can use.
    pub async fn start(loaded: &Loaded) -> Result<Self, StartError> {
        let config = loaded.config.clone();
        let data = DataDirectory::open(&config.data)?;
        let log = log::start(config.log, Some(&data.log()))?;
        data.warnings()
            .iter()
            .for_each(|warning| tracing::warn!("{warning}"));
        raise_descriptor_limit();
        let names = HostNames::of_this_machine()?;
        let authority = Arc::new(Authority::open(
            &data.tls(),
            &config.name,
            &names,
            SystemTime::now(),
        )?);
        let head_key = HeadKey::open(&data.tls())?;
        let listeners = listen(&config.listen)?;
        let acceptor = TlsAcceptor::from(authority.server_config()?);
        let reachable = spell_out(&listeners);
        let services = open_services(config, &data, &authority, head_key, &reachable)?;
        let invite = first_invite(&services, &reachable).await?;
        let started = Started {
            name: services.config.name.clone(),
            data: data.path().to_owned(),
            is_first: data.is_new(),
            addresses: reachable,
            fingerprint: services.pin.fingerprint(),
            invite,
        };
        Ok(Self {
            started,
            services,
            authority,
            acceptor,
            listeners,
            _log: log,
            _data: data,
        })
    }

    /// What to tell whoever started it.
    #[must_use]
    pub const fn started(&self) -> &Started {
        &self.started
    }

    /// Serves until `stop` is cancelled, then drains for at most the configured time; `now` ends that at once.
    pub async fn run(self, stop: CancellationToken, now: CancellationToken) {
        tracing::info!(name = %self.started.name, addresses = ?self.started.addresses, "the hub serves");
        let bound: Vec<SocketAddr> = self.listeners.iter().map(|listener| listener.address).collect();
        let gate = Gate::new(self.services.config.limits);
        let connections = TaskTracker::new();
        let accepting = TaskTracker::new();
        for listener in self.listeners {
            accepting.spawn(accept_all(
                listener,
                Arc::clone(&self.services),
                gate.clone(),
                self.acceptor.clone(),
                connections.clone(),
                stop.clone(),
            ));
        }
        accepting.close();
        let announcement = discovery::announce(&self.services, &bound);
        let housekeeping = tokio::spawn(keep_house(Arc::clone(&self.services), self.authority, bound));
        let telling = tokio::spawn(keep_telling(Arc::clone(&self.services)));
        stop.cancelled().await;
        tracing::info!("the hub stops");
        if let Some(announcement) = announcement {
            announcement.goodbye().await;
        }
        accepting.wait().await;
        self.services.stopping.cancel();
        connections.close();
        housekeeping.abort();
        telling.abort();
        let open = connections.len();
        tokio::select! {
            () = connections.wait() => tracing::info!("the hub has stopped"),
            () = tokio::time::sleep(self.services.config.limits.drain) => {
                tracing::warn!(open, "the hub has stopped; some connections did not end in time");
            }
            () = now.cancelled() => tracing::warn!(open, "the hub has stopped at once"),
        }
        // Aborted above: what they hold of the stores is given back when they have ended.
        let _ = housekeeping.await;
        let _ = telling.await;
        flush_marks(&self.services.chat).await;
        close(self.services).await;
    }
}

/// Closes the stores, which moves their write-ahead logs into the databases: each is one file then. A connection that
/// did not end in time holds them open; the next start reads the logs.
async fn close(services: Arc<Services>) {
    let _ = tokio::task::spawn_blocking(move || drop(services)).await;
}

/// Opens the stores, and what stands between them and the doors.
pub(crate) fn open_services(
    config: Config,
    data: &DataDirectory,
    authority: &Authority,
    head_key: HeadKey,
    reachable: &[SocketAddr],
) -> Result<Arc<Services>, StartError> {
    let failed = |name: &str| {
        let database = data.databases().join(name);
        move |error| StartError::Store { database, error }
    };
    let steady = Steady::new(time_of_day);
    let people = People::open(&data.databases(), steady.clock()).map_err(failed("people.db"))?;
    let (feeds, live, bell) = (Feeds::default(), Live::default(), Bell::default());
    let public_head_key = PublicHeadKey::from_bytes(head_key.public());
    let delivery = Delivery {
        feeds: feeds.clone(),
        people: people.clone(),
        live: live.clone(),
    };
    let signer = Arc::new(head_key);
    let options = chat_options(&steady, Arc::clone(&signer), delivery, bell.clone());
    let chat = Chat::open(&data.databases(), options).map_err(failed("chat.db"))?;
    let search = Search::open(&data.databases(), bell).map_err(failed("search.db"))?;
    let files = open_files(&config, data, &steady)?;
    let passwords = Passwords::new(config.limits.password_hashes)
        .map_err(|error| StartError::Passwords(error.to_string()))?;
    let pin = authority.pin();
    let page = Page::new(
        &config.name,
        &pin.fingerprint(),
        authority.certificate_pem().to_owned(),
    );
    Ok(Arc::new(Services {
        people,
        search: Arc::new(search),
        background: Background::start().map_err(StartError::Threads)?,
        chat,
        files,
        underway: Underway::default(),
        passwords,
        codes: Codes::default(),
        backoff: Backoff::default(),
        share_guesses: Backoff::after(crate::doors::SHARE_GUESSES_FREE),
        share_uses: crate::shares::uses::Uses::default(),
        share_passwords: crate::shares::passwords::Remembered::default(),
        token_key: TokenKey::open(&data.tls())?,
        feeds,
        live,
        watchers: Watchers::default(),
        writers: Writers::default(),
        pace: Pace::default(),
        page,
        pin,
        head_key: public_head_key,
        signer,
        clock: steady,
        addresses: reachable
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .into(),
        stopping: CancellationToken::new(),
        config,
    }))
}

/// What the store of messages needs from outside.
fn chat_options(steady: &Steady, head_key: Arc<HeadKey>, delivery: Delivery, bell: Bell) -> ChatOptions {
    let mut salts = random::Pieces::new();
    ChatOptions {
        clock: steady.clock(),
        salt: Box::new(move || Salt::from_bytes(salts.next())),
        sign: Box::new(move |statement| Signature::from_bytes(head_key.sign(statement))),
        deliver: Box::new(move |event: &Event| {
            delivery.deliver(event);
            bell.ring(event.room);
        }),
        settled: Box::new(crate::outbox::wake_group),
    }
}

fn open_files(config: &Config, data: &DataDirectory, steady: &Steady) -> Result<Files, StartError> {
    let mut options = FilesOptions::new(steady.clock(), Arc::new(random::bytes));
    options.upload_expiry = config.files.upload_expiry;
    options.trash_retention = config.files.trash;
    options.home_quota = config.files.home_quota;
    Files::open(&data.files(), &data.databases(), options).map_err(|error| match error {
        FilesError::Store(error) => StartError::Store {
            database: data.databases().join("files.db"),
            error,
        },
        error => StartError::Files {
            directory: data.files(),
            error,
        },
    })
}

/// While no admin can get in (there is none, or none of them has a password or a session that is still good), every
/// start makes a link that makes one: the last one may never have been seen.
async fn first_invite(services: &Services, reachable: &[SocketAddr]) -> Result<Option<JoinLink>, StartError> {
    if services.people.has_reachable_admin(services.config.sessions.idle) {
        return Ok(None);
    }
    let invite = InviteOf {
        role: Role::Admin,
        uses: 1,
        lifetime: ADMIN_INVITE_LIFE,
        by: None,
    };
    let invitation = make_invitation(services, invite)
        .await
        .map_err(StartError::Invite)?;
    let address = reachable.first().map(|address| HubAddress {
        host: address.ip().to_string(),
        port: address.port(),
    });
    Ok(address.map(|address| JoinLink {
        address,
        token: invitation.token,
        pin: services.pin,
    }))
}

fn listen(addresses: &[SocketAddr]) -> Result<Vec<Listener>, StartError> {
    let mut listeners: Vec<Listener> = Vec::new();
    for address in addresses {
        match bind(*address) {
            Ok(listener) => listeners.push(listener),
            // A machine without IPv6 serves what it has.
            Err(error) if is_wildcard_without_ipv6(address, &error) && addresses.len() > 1 => {
                tracing::warn!(%address, %error, "this machine has no IPv6");
            }
            Err(error) => {
                let advice = match error.kind() {
                    std::io::ErrorKind::AddrInUse => {
                        "; another program has the port (choose another with --listen)"
                    }
                    std::io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege",
                    std::io::ErrorKind::AddrNotAvailable => "; this machine does not have the address",
                    _ => "",
                };
                return Err(StartError::Listen {
                    address: *address,
                    error,
                    advice,
                });
            }
        }
    }
    Ok(listeners)
}

fn is_wildcard_without_ipv6(address: &SocketAddr, error: &std::io::Error) -> bool {
    let unsupported = [rustix::io::Errno::AFNOSUPPORT, rustix::io::Errno::ADDRNOTAVAIL];
    address.is_ipv6()
        && address.ip().is_unspecified()
        && error
            .raw_os_error()
            .is_some_and(|code| unsupported.iter().any(|errno| errno.raw_os_error() == code))
}

/// The addresses at which these listeners can be reached, best first.
fn spell_out(listeners: &[Listener]) -> Vec<SocketAddr> {
    let bound: Vec<SocketAddr> = listeners.iter().map(|listener| listener.address).collect();
    spell_out_on(&bound, &tls::addresses().unwrap_or_default())
}

/// The addresses of `machine` at which what is bound can be reached, best first; a wildcard is spelt out.
pub(crate) fn spell_out_on(bound: &[SocketAddr], machine: &[IpAddr]) -> Vec<SocketAddr> {
    let mut reachable: Vec<SocketAddr> = Vec::new();
    let wildcards = |ip: &IpAddr| {
        let ip = *ip;
        bound
            .iter()
            .filter(move |bound| bound.ip().is_unspecified() && bound.is_ipv4() == ip.is_ipv4())
    };
    for ip in machine {
        reachable.extend(wildcards(ip).map(|bound| SocketAddr::new(*ip, bound.port())));
    }
    let exact = bound.iter().filter(|bound| !bound.ip().is_unspecified());
    // An address that was named is meant; it comes before what a wildcard happens to cover.
    let mut all: Vec<SocketAddr> = exact.copied().collect();
    all.extend(reachable);
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|address| seen.insert(*address));
    all
}

/// Raises the soft limit of open files to the hard one: a connection is a descriptor.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files stays as it was");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_spelt_out_for_its_own_family_and_named_addresses_come_first() {
        let bound: Vec<SocketAddr> = ["0.0.0.0:5263", "[::]:5264", "127.0.0.1:9"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let machine: Vec<IpAddr> = ["192.0.2.1", "2001:db8::1", "127.0.0.1"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let expected = [
            "127.0.0.1:9",
            "192.0.2.1:5263",
            "[2001:db8::1]:5264",
            "127.0.0.1:5263",
        ];
        let found: Vec<String> = spell_out_on(&bound, &machine)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, expected);
    }
}
