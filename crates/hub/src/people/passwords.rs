//! Passwords: Argon2id, in a bounded queue.
//!
//! One hash costs 19 MiB and tens of milliseconds on purpose, so the number under way is bounded by the processors and
//! the number waiting by a limit; beyond it the hub says that it is busy instead of falling over.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Argon2, PasswordHash};
use landline_model::error::{ErrorCode, Refusal};
use landline_model::protocol::people::{PASSWORD_MAX, Secret};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Hashes under way at once, for each processor but one.
const WORKERS_MAX: usize = 4;

/// The queue of passwords that wait for their hash.
#[derive(Clone)]
pub(crate) struct Passwords {
    waiting: Arc<Semaphore>,
    working: Arc<Semaphore>,
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
            nobody: hash(&crate::random::bytes::<32>())?.into(),
        })
    }

    /// The PHC string of a password.
    pub(crate) async fn hash(&self, password: Secret) -> Result<String, Refusal> {
        check_length(&password)?;
        self.work(move || hash(password.0.as_bytes()).map_err(|error| internal(&error)))
            .await?
    }

    /// Whether `password` is the one of `stored`. Takes as long where nothing is stored, and says no.
    pub(crate) async fn verify(&self, stored: Option<String>, password: Secret) -> Result<bool, Refusal> {
        check_length(&password)?;
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.to_string());
        self.work(move || {
            let stored = PasswordHash::new(&stored).map_err(|error| internal(&error))?;
            Ok(Argon2::default()
                .verify_password(password.0.as_bytes(), &stored)
                .is_ok()
                && known)
        })
        .await?
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
        let Ok(_place) = self.waiting.try_acquire() else {
            return Err(Refusal::new(ErrorCode::Busy, "the hub is busy with other logins")
                .with_hint("try again in a few seconds"));
        };
        let Ok(_worker) = self.working.acquire().await else {
            return Err(Refusal::new(ErrorCode::Stopping, "the hub is stopping"));
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| internal(&error))
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

    fn secret(text: &str) -> Secret {
        Secret(text.to_owned())
    }

    #[tokio::test]
    async fn the_right_password_verifies_and_nothing_else_does() {
        let passwords = Passwords::new(4).unwrap();
        let stored = passwords.hash(secret("correct horse")).await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(
            passwords
                .verify(Some(stored.clone()), secret("correct horse"))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(Some(stored), secret("wrong horse"))
                .await
                .unwrap()
        );
        assert!(!passwords.verify(None, secret("correct horse")).await.unwrap());
    }

    #[tokio::test]
    async fn beyond_the_queue_the_hub_says_that_it_is_busy() {
        let passwords = Passwords::new(1).unwrap();
        let _place = passwords.waiting.try_acquire().unwrap();
        let refusal = passwords.verify(None, secret("x")).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::Busy);
    }

    #[tokio::test]
    async fn an_endless_password_is_refused_before_it_is_hashed() {
        let passwords = Passwords::new(1).unwrap();
        let refusal = passwords
            .hash(secret(&"x".repeat(PASSWORD_MAX + 1)))
            .await
            .unwrap_err();
        assert_eq!(refusal.code, ErrorCode::TooLarge);
    }
}
