//! What a hub keeps: people, rooms and their events, files and uploads.
//!
//! Each of them has an SQLite database and a [`writer`] thread of its own, so that ten thousand uploads
//! never delay a message. Nothing is acknowledged before it is committed and synced.
#![forbid(unsafe_code)]

pub mod chat;
pub mod database;
pub mod error;
pub mod files;
pub mod people;
pub mod search;
pub mod writer;

pub use error::{Fault, StoreError};

use landline_model::time::Timestamp;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Where the time comes from. It may be set back; the store copes.
pub type Clock = std::sync::Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The greatest number that a database keeps: its integers are signed.
const INTEGER_MAX: u64 = i64::MAX.unsigned_abs();

/// As a database keeps it; what is greater becomes the greatest.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// From a database. A negative number was never written by this program.
fn number(integer: i64) -> rusqlite::Result<u64> {
    u64::try_from(integer).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, integer))
}

// A panic of another thread leaves nothing half-done behind these locks: what they guard is replaced whole.

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
