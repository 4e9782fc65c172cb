mod accounts;
mod contacts;
mod keep;
mod sessions;

use super::{NewAccount, NewInvite, NewSession, People, secret_hash, token_hash};
use crate::error::StoreError;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, SessionId};
use landline_model::link::Token;
use landline_model::protocol::people::{Account, SessionSecret};
use landline_model::role::Role;
use landline_model::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const IDLE: Duration = DAY;
const LIFETIME: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// A directory and a clock that is set by hand.
struct Bench {
    directory: TempDir,
    clock: Arc<AtomicU64>,
}

impl Bench {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Arc::new(AtomicU64::new(1_000_000)),
        }
    }

    fn open(&self) -> People {
        let clock = Arc::clone(&self.clock);
        let clock = Arc::new(move || Timestamp(clock.load(Ordering::SeqCst)));
        People::open(self.directory.path(), clock).unwrap()
    }

    fn pass(&self, time: Duration) {
        self.clock
            .fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn set_back(&self, time: Duration) {
        self.clock
            .fetch_sub(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

fn token(number: u8) -> Hash {
    token_hash(&Token::from_bytes([number; 16]))
}

fn secret(number: u8) -> Hash {
    secret_hash(&SessionSecret::from_bytes([number; 32]))
}

async fn invite(people: &People, number: u8, role: Role, uses: u32) -> Result<Timestamp, StoreError> {
    people
        .create_invite(NewInvite {
            token_hash: token(number),
            role,
            uses,
            lifetime: DAY,
            created_by: None,
        })
        .await
}

/// The password of the account of that number.
fn phc(number: u8) -> String {
    format!("$argon2id$of {number}")
}

fn account(number: u8, name: &str) -> NewAccount {
    let password = Some(phc(number));
    NewAccount {
        id: AccountId::from_bytes([number; 16]),
        name: name.parse().unwrap(),
        password,
    }
}

fn session(number: u8) -> NewSession {
    let id = SessionId::from_bytes([number; 16]);
    NewSession {
        id,
        secret_hash: secret(number),
        device: format!("device {number}"),
        lifetime: LIFETIME,
    }
}

/// Somebody who is in, with session and secret of the same number.
async fn member(people: &People, number: u8, name: &str) -> Account {
    invite(people, number, Role::Member, 1).await.unwrap();
    people
        .join(token(number), account(number, name), session(number), IDLE)
        .await
        .unwrap()
        .account
}
