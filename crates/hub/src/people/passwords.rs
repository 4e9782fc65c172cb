//! Passwords: Argon2id, in a bounded queue.
//!
//! One hash costs 19 MiB and tens of milliseconds on purpose, so the number under way is bounded by the processors and
//! the number waiting by a limit; beyond it the hub says that it is busy instead of falling over.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Argon2, PasswordHash};
use landline_model::error::{ErrorCode, Refusal};
use landline_model::id::AccountId;
use landline_model::protocol::people::{PASSWORD_MAX, Secret};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Hashes under way at once, for each processor but one.
const WORKERS_MAX: usize = 4;

/// How much of the queue one asker has: one address does not keep everybody else out.
const SHARE_MAX: usize = 8;

/// For whom a password is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Asker {
    /// Somebody who is not logged in.
    Address(IpAddr),
    /// Somebody who is.
    Account(AccountId),
}

/// The queue of passwords that wait for their hash.
#[derive(Clone)]
pub(crate) struct Passwords {
    waiting: Arc<Semaphore>,
    working: Arc<Semaphore>,
    /// How many of those that wait or are under way each asker has.
    shares: Arc<Mutex<HashMap<Asker, usize>>>,
    /// A hash that no password has; verified where there is no account, so that unknown names cost the same.
    nobody: Arc<str>,
}

impl Passwords {
    /// A queue of at most `waiting` passwords.
    pub(crate) fn new(waiting: usize) -> Result<Self, argon2::password_hash::Error> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            waiting: Arc::new(Semaphore::new(waiting)),
            working: Arc::new(Semaphore::new(processors.saturating_sub(1).clamp(1, WORKERS_MAX))),
            shares: Arc::default(),
            nobody: hash(&crate::random::bytes::<32>())?.into(),
        })
    }

    /// The PHC string of a password.
    pub(crate) async fn hash(&self, asker: Asker, password: Secret) -> Result<String, Refusal> {
        check_length(&password)?;
        self.work(asker, move || {
            hash(password.0.as_bytes()).map_err(|error| internal(&error))
        })
        .await?
    }

    /// Whether `password` is the one of `stored`. Takes as long where nothing is stored, and says no.
    pub(crate) async fn verify(
        &self,
        asker: Asker,
        stored: Option<String>,
        password: Secret,
    ) -> Result<bool, Refusal> {
        check_length(&password)?;
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.to_string());
        self.work(asker, move || {
            let stored = PasswordHash::new(&stored).map_err(|error| internal(&error))?;
            Ok(Argon2::default()
                .verify_password(password.0.as_bytes(), &stored)
                .is_ok()
                && known)
        })
        .await?
    }

    async fn work<T: Send + 'static>(
        &self,
        asker: Asker,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = Arc::clone(&self.waiting).try_acquire_owned();
        let (Some(share), Ok(place)) = (self.share(asker), place) else {
            return Err(Refusal::new(ErrorCode::Busy, "the hub is busy with other logins")
                .with_hint("try again in a few seconds"));
        };
        let Ok(worker) = Arc::clone(&self.working).acquire_owned().await else {
            return Err(Refusal::new(ErrorCode::Stopping, "the hub is stopping"));
        };
        tokio::task::spawn_blocking(move || {
            // Work that has begun goes on where nobody waits for it any more, and so holds its places itself.
            let _held = (share, place, worker);
            work()
        })
        .await
        .map_err(|error| internal(&error))
    }

    /// A part of what one asker may have of the queue; none: it has it all.
    fn share(&self, asker: Asker) -> Option<Share> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = shares.entry(asker).or_default();
        if *taken >= SHARE_MAX {
            return None;
        }
        *taken += 1;
        Some(Share {
            shares: Arc::clone(&self.shares),
            asker,
        })
    }
}

#[cfg(test)]
impl Passwords {
    /// Takes every place in the queue, until what it returns is dropped.
    pub(crate) fn fill(&self) -> tokio::sync::OwnedSemaphorePermit {
        let places = u32::try_from(self.waiting.available_permits()).unwrap();
        Arc::clone(&self.waiting).try_acquire_many_owned(places).unwrap()
    }

    /// Lets nothing be hashed, until what it returns is dropped.
    pub(crate) fn pause(&self) -> tokio::sync::OwnedSemaphorePermit {
        let workers = u32::try_from(self.working.available_permits()).unwrap();
        Arc::clone(&self.working).try_acquire_many_owned(workers).unwrap()
    }
}

/// A place in the share of an asker; dropping it gives the place back.
struct Share {
    shares: Arc<Mutex<HashMap<Asker, usize>>>,
    asker: Asker,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = shares.get_mut(&self.asker) {
            *taken -= 1;
            if *taken == 0 {
                shares.remove(&self.asker);
            }
        }
    }
}

fn check_length(password: &Secret) -> Result<(), Refusal> {
    if password.0.is_empty() {
        return Err(Refusal::new(ErrorCode::BadRequest, "the password is empty"));
    }
    if password.0.len() > PASSWORD_MAX {
        return Err(Refusal::new(
            ErrorCode::TooLarge,
            format!("the password is longer than {PASSWORD_MAX} bytes"),
        ));
    }
    Ok(())
}

fn hash(password: &[u8]) -> Result<String, argon2::password_hash::Error> {
    let salt = SaltString::encode_b64(&crate::random::bytes::<16>())?;
    Ok(Argon2::default().hash_password(password, &salt)?.to_string())
}

fn internal(error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%error, "hashing a password failed");
    Refusal::new(
        ErrorCode::Internal,
        "the password could not be checked; the hub's log says why",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKER: Asker = Asker::Address(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn secret(text: &str) -> Secret {
        Secret(text.to_owned())
    }

    #[tokio::test]
    async fn the_right_password_verifies_and_nothing_else_does() {
        let passwords = Passwords::new(4).unwrap();
        let stored = passwords.hash(ASKER, secret("correct horse")).await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(
            passwords
                .verify(ASKER, Some(stored.clone()), secret("correct horse"))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(ASKER, Some(stored), secret("wrong horse"))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(ASKER, None, secret("correct horse"))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn beyond_the_queue_the_hub_says_that_it_is_busy() {
        let passwords = Passwords::new(1).unwrap();
        let _place = passwords.waiting.try_acquire().unwrap();
        let refusal = passwords.verify(ASKER, None, secret("x")).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::Busy);
    }

    #[tokio::test]
    async fn one_asker_leaves_room_in_the_queue_for_others() {
        let passwords = Passwords::new(SHARE_MAX + 1).unwrap();
        let shares: Vec<_> = (0..SHARE_MAX).map(|_| passwords.share(ASKER).unwrap()).collect();
        let refusal = passwords.verify(ASKER, None, secret("x")).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::Busy);
        let other = Asker::Account(AccountId::from_bytes([1; 16]));
        assert!(!passwords.verify(other, None, secret("x")).await.unwrap());
        drop(shares);
        assert!(!passwords.verify(ASKER, None, secret("x")).await.unwrap());
        assert!(passwords.shares.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_keeps_its_places_until_it_is_done() {
        let passwords = Passwords::new(1).unwrap();
        let (begin, mut has_begun) = tokio::sync::mpsc::channel(1);
        let (finish, may_finish) = std::sync::mpsc::channel::<()>();
        let worker = passwords.clone();
        let waiting = tokio::spawn(async move {
            let work = move || (begin.blocking_send(()), may_finish.recv());
            worker.work(ASKER, work).await.map(drop)
        });
        has_begun.recv().await.unwrap();
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        let refusal = passwords.verify(ASKER, None, secret("x")).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::Busy);
        finish.send(()).unwrap();
        let _place = passwords.waiting.acquire().await.unwrap();
        assert!(passwords.shares.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_endless_password_is_refused_before_it_is_hashed() {
        let passwords = Passwords::new(1).unwrap();
        let refusal = passwords
            .hash(ASKER, secret(&"x".repeat(PASSWORD_MAX + 1)))
            .await
            .unwrap_err();
        assert_eq!(refusal.code, ErrorCode::TooLarge);
    }
}
