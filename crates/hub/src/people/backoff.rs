//! Back-off of failed logins, for each address and account: whoever guesses waits ever longer, and nobody else does.
//!
//! An account cannot be locked by somebody who guesses its password elsewhere, and an address that has guessed one
//! account is free to log in to another. Everything here is bounded, and nothing that is still held up is forgotten to
//! make room at the same address: names beyond [`NAMES_MAX`] share one record.

use landline_model::name::AccountName;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many logins may fail before whoever tries has to wait.
const FREE: u32 = 3;

/// The first wait. Each failure doubles it.
const WAIT_FIRST: Duration = Duration::from_secs(1);

/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);

/// How long after the end of a wait failures are remembered.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// Of so many names one address has a record each; the others share one.
const NAMES_MAX: usize = 32;

/// The most addresses that are remembered. Beyond it, the one goes whose records would be forgotten first.
const ADDRESSES_MAX: usize = 4096;

/// Who failed to log in, as what. Times are arguments.
#[derive(Debug)]
pub(crate) struct Backoff {
    addresses: Mutex<HashMap<IpAddr, Names>>,
    /// So many may fail before whoever tries has to wait.
    free: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::after(FREE)
    }
}

/// The names under which somebody at an address failed to log in, by their keys; none: all others.
type Names = HashMap<Option<String>, Record>;

#[derive(Clone, Copy, Debug)]
struct Record {
    failures: u32,
    /// Until when every login is refused.
    until: Instant,
    /// Counts its changes, so that an attempt knows whether it was the last one to make one.
    changes: u32,
}

/// A login that may be tried. Its outcome has to be told; where there is none, it never was.
#[derive(Debug)]
#[must_use]
pub(crate) struct Attempt<'a> {
    backoff: &'a Backoff,
    peer: IpAddr,
    name: String,
    /// The record as it was before this attempt was counted in advance: who has failed often tries one at a time.
    before: Option<Record>,
    /// [`Record::changes`] as this attempt left it then.
    counted: u32,
}

impl Backoff {
    /// One that lets so many fail before whoever tries has to wait.
    pub(crate) fn after(free: u32) -> Self {
        Self {
            addresses: Mutex::default(),
            free,
        }
    }

    /// Asks whether a login may be tried at `now`.
    ///
    /// # Errors
    /// How long to wait first.
    pub(crate) fn attempt(
        &self,
        peer: IpAddr,
        name: &AccountName,
        now: Instant,
    ) -> Result<Attempt<'_>, Duration> {
        self.attempt_at(peer, name.key(), now)
    }

    /// The same for what else can be guessed, by what it is called here.
    ///
    /// # Errors
    /// How long to wait first.
    pub(crate) fn attempt_at(
        &self,
        peer: IpAddr,
        name: String,
        now: Instant,
    ) -> Result<Attempt<'_>, Duration> {
        let peer = network(peer);
        let mut before = None;
        let mut counted = 0;
        if let Some(record) = self.lock().get_mut(&peer).and_then(|names| of(names, &name)) {
            if now < record.until {
                return Err(record.until - now);
            }
            if record.is_forgotten(now) {
                record.failures = 0;
            }
            if record.failures >= self.free {
                before = Some(*record);
                record.count(now, self.free);
                counted = record.changes;
            }
        }
        Ok(Attempt {
            backoff: self,
            peer,
            name,
            before,
            counted,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Names>> {
        // The map is whole after every line that holds the lock, so a panic elsewhere leaves it usable.
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// It was wrong.
    pub(crate) fn failed(mut self, now: Instant) {
        let counted = self.before.take().is_some();
        let mut addresses = self.backoff.lock();
        make_room(&mut addresses, self.peer, now);
        let names = addresses.entry(self.peer).or_default();
        names.retain(|_, record| !record.is_forgotten(now));
        let key = if names.contains_key(&Some(self.name.clone())) || names.len() < NAMES_MAX {
            Some(std::mem::take(&mut self.name))
        } else {
            None
        };
        let record = names.entry(key).or_insert(Record::fresh(now));
        if counted {
            // Unless another one's success has cleared it meanwhile.
            record.failures = record.failures.saturating_sub(1);
        }
        record.count(now, self.backoff.free);
    }

    /// It was right. What the account failed before is forgotten; what others failed is not.
    pub(crate) fn succeeded(mut self) {
        let mut addresses = self.backoff.lock();
        if let Some(names) = addresses.get_mut(&self.peer) {
            if names.remove(&Some(self.name.clone())).is_some() {
                self.before = None;
            }
            if names.is_empty() {
                addresses.remove(&self.peer);
            }
        }
        // Dropping this locks again.
        drop(addresses);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        // There was no outcome (the hub was busy, or the peer went): as if it had not been tried. What others have failed
        // meanwhile stays: an attempt that is broken off takes no failure back but its own.
        if let Some(before) = self.before.take()
            && let Some(names) = self.backoff.lock().get_mut(&self.peer)
            && let Some(record) = of(names, &self.name)
        {
            record.changes = record.changes.wrapping_add(1);
            if record.changes == self.counted.wrapping_add(1) {
                (record.failures, record.until) = (before.failures, before.until);
            } else {
                record.failures = record.failures.saturating_sub(1);
            }
        }
    }
}

impl Record {
    fn fresh(now: Instant) -> Self {
        Self {
            failures: 0,
            until: now,
            changes: 0,
        }
    }

    /// Counts a failure; so many are `free`.
    fn count(&mut self, now: Instant, free: u32) {
        self.changes = self.changes.wrapping_add(1);
        self.failures = self.failures.saturating_add(1);
        if let Some(doublings) = self.failures.checked_sub(free + 1) {
            let wait = WAIT_FIRST.saturating_mul(2_u32.saturating_pow(doublings));
            self.until = now + wait.min(WAIT_MAX);
        } else {
            self.until = now;
        }
    }

    fn is_forgotten(&self, now: Instant) -> bool {
        now >= self.until + REMEMBERED
    }
}

/// The record that counts for a name.
fn of<'a>(names: &'a mut Names, name: &str) -> Option<&'a mut Record> {
    let own = Some(name.to_owned());
    let key = if names.contains_key(&own) { own } else { None };
    names.get_mut(&key)
}

/// Makes sure that there is room for the records of one more address.
fn make_room(addresses: &mut HashMap<IpAddr, Names>, peer: IpAddr, now: Instant) {
    if addresses.len() < ADDRESSES_MAX || addresses.contains_key(&peer) {
        return;
    }
    addresses.retain(|_, names| names.values().any(|record| !record.is_forgotten(now)));
    if addresses.len() < ADDRESSES_MAX {
        return;
    }
    let latest = |names: &Names| names.values().map(|record| record.until).max();
    let first = addresses
        .iter()
        .min_by_key(|(_, names)| latest(names))
        .map(|(address, _)| *address);
    first.map(|address| addresses.remove(&address));
}

/// Whom an address stands for.
///
/// Of the IPv6 internet one machine has a whole /64 to choose from, and so that counts as one. On the local network (link-local
/// and unique local addresses) a /64 is everybody: were it one, any neighbour could keep the others from logging in by
/// failing in their place. There an address counts alone. A neighbour who takes ever new ones guesses on, as one does who
/// takes those of an IPv4 network: at the pace of the hashing queue, and in the log.
pub(super) fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) if address.is_unicast_link_local() || address.is_unique_local() => {
            IpAddr::V6(address)
        }
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
    const SECOND: Duration = Duration::from_secs(1);

    fn name(text: &str) -> AccountName {
        text.parse().unwrap()
    }

    /// Fails once, at a time at which it may be tried.
    fn fails(backoff: &Backoff, peer: IpAddr, as_whom: &str, now: Instant) {
        backoff
            .attempt(peer, &name(as_whom), now)
            .expect("no wait")
            .failed(now);
    }

    fn wait(backoff: &Backoff, peer: IpAddr, as_whom: &str, now: Instant) -> Duration {
        backoff
            .attempt(peer, &name(as_whom), now)
            .err()
            .unwrap_or_default()
    }

    #[test]
    fn from_the_fourth_failure_on_the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let (backoff, mut now) = (Backoff::default(), Instant::now());
        for _ in 0..3 {
            fails(&backoff, HERE, "alice", now);
            assert_eq!(wait(&backoff, HERE, "alice", now), Duration::ZERO);
        }
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900] {
            fails(&backoff, HERE, "ALICE", now);
            assert_eq!(wait(&backoff, HERE, "alice", now), SECOND * seconds);
            now += SECOND * seconds - Duration::from_millis(1);
            assert_eq!(wait(&backoff, HERE, "alice", now), Duration::from_millis(1));
            now += Duration::from_millis(1);
        }
    }

    #[test]
    fn another_account_and_another_address_do_not_wait() {
        let (backoff, now) = (Backoff::default(), Instant::now());
        (0..4).for_each(|_| fails(&backoff, HERE, "alice", now));
        assert_eq!(wait(&backoff, HERE, "alice", now), SECOND);
        assert_eq!(wait(&backoff, HERE, "bob", now), Duration::ZERO);
        assert_eq!(wait(&backoff, THERE, "alice", now), Duration::ZERO);
    }

    #[test]
    fn a_success_and_an_hour_clear_what_failed() {
        let (backoff, now) = (Backoff::default(), Instant::now());
        (0..4).for_each(|_| fails(&backoff, HERE, "alice", now));
        (0..4).for_each(|_| fails(&backoff, THERE, "alice", now));
        let later = now + SECOND;
        backoff.attempt(HERE, &name("alice"), later).unwrap().succeeded();
        assert_eq!(backoff.lock().len(), 1);
        (0..3).for_each(|_| fails(&backoff, HERE, "alice", later));
        assert_eq!(wait(&backoff, HERE, "alice", later), Duration::ZERO);
        let forgotten = later + REMEMBERED;
        fails(&backoff, THERE, "alice", forgotten);
        assert_eq!(wait(&backoff, THERE, "alice", forgotten), Duration::ZERO);
    }

    #[test]
    fn who_has_failed_often_tries_one_at_a_time() {
        let (backoff, now) = (Backoff::default(), Instant::now());
        (0..3).for_each(|_| fails(&backoff, HERE, "alice", now));
        let first = backoff.attempt(HERE, &name("alice"), now).unwrap();
        assert_eq!(
            wait(&backoff, HERE, "alice", now),
            SECOND,
            "its outcome is not known yet"
        );
        drop(first);
        assert_eq!(wait(&backoff, HERE, "alice", now), Duration::ZERO, "it had none");
        fails(&backoff, HERE, "alice", now);
        assert_eq!(wait(&backoff, HERE, "alice", now), SECOND, "counted once");
    }

    #[test]
    fn an_attempt_that_is_broken_off_takes_back_no_failure_of_another() {
        let (backoff, now) = (Backoff::default(), Instant::now());
        (0..3).for_each(|_| fails(&backoff, HERE, "alice", now));
        // The first waits for its hash longer than the second has to wait to begin.
        let first = backoff.attempt(HERE, &name("alice"), now).unwrap();
        let later = now + SECOND;
        let second = backoff.attempt(HERE, &name("alice"), later).unwrap();
        first.failed(later);
        drop(second);
        assert_ne!(wait(&backoff, HERE, "alice", later), Duration::ZERO);
        fails(&backoff, HERE, "alice", later + SECOND * 2);
        assert!(wait(&backoff, HERE, "alice", later + SECOND * 2) >= SECOND * 2);
    }

    #[test]
    fn one_machine_does_not_get_around_it_with_another_address_of_its_network() {
        let (backoff, now) = (Backoff::default(), Instant::now());
        for last in 1..=4_u8 {
            let peer = format!("2001:db8::{last}").parse().unwrap();
            fails(&backoff, peer, "alice", now);
        }
        (0..4).for_each(|_| fails(&backoff, HERE, "alice", now));
        for (peer, seconds) in [
            ("2001:db8::ffff:1", 1),
            ("2001:db8:0:1::1", 0),
            ("::ffff:192.0.2.1", 1),
        ] {
            let peer = peer.parse().unwrap();
            assert_eq!(wait(&backoff, peer, "alice", now), SECOND * seconds, "{peer}");
        }
    }

    #[test]
    fn a_neighbour_on_the_local_network_holds_nobody_else_up() {
        let (backoff, now) = (Backoff::default(), Instant::now());
        for (guesses, neighbour) in [("fe80::1", "fe80::2"), ("fd12:3456::1", "fd12:3456::2")] {
            let [guesses, neighbour] = [guesses, neighbour].map(|address| address.parse().unwrap());
            (0..4).for_each(|_| fails(&backoff, guesses, "alice", now));
            assert_eq!(wait(&backoff, guesses, "alice", now), SECOND, "{guesses}");
            assert_eq!(wait(&backoff, neighbour, "alice", now), Duration::ZERO);
        }
        // However many they are, they take no more room than other addresses do.
        for number in 0..=u128::try_from(ADDRESSES_MAX).unwrap() {
            let prefix = u128::from("fe80::".parse::<Ipv6Addr>().unwrap());
            fails(&backoff, IpAddr::V6((prefix + number).into()), "bob", now);
        }
        assert_eq!(backoff.lock().len(), ADDRESSES_MAX);
    }

    #[test]
    fn many_names_and_addresses_stay_bounded_and_push_nobody_out() {
        let (backoff, now) = (Backoff::default(), Instant::now());
        (0..4).for_each(|_| fails(&backoff, HERE, "alice", now));
        for number in 1..NAMES_MAX {
            fails(&backoff, HERE, &format!("name{number}"), now);
        }
        for number in 0..4 {
            fails(&backoff, HERE, &format!("more{number}"), now);
        }
        assert_eq!(backoff.lock()[&HERE].len(), NAMES_MAX + 1);
        assert_eq!(wait(&backoff, HERE, "yet-another", now), SECOND, "they share one");
        assert_eq!(wait(&backoff, HERE, "alice", now), SECOND);
        // A success of another of them does not clear what they share.
        let later = now + SECOND;
        backoff
            .attempt(HERE, &name("mallory"), later)
            .unwrap()
            .succeeded();
        fails(&backoff, HERE, "more0", later);
        assert_eq!(wait(&backoff, HERE, "more1", later), SECOND * 2);
        for number in 0..ADDRESSES_MAX {
            let peer = IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
            fails(&backoff, peer, "alice", now);
        }
        assert_eq!(backoff.lock().len(), ADDRESSES_MAX);
        assert_ne!(
            wait(&backoff, HERE, "alice", now),
            Duration::ZERO,
            "still held up"
        );
    }
}
