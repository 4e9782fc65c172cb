//! The passwords of shares. What was right once is not hashed again for every part of a file.

use crate::people::passwords::Asker;
use crate::services::Services;
use landline_model::error::Refusal;
use landline_model::id::ShareId;
use landline_model::protocol::people::Secret;
use landline_store::files::Share;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Of so many shares the password is remembered; beyond it those that are remembered are forgotten.
const REMEMBERED_MAX: usize = 1024;

/// The passwords that were right, as hashes under a key that this run of the hub alone has.
pub(crate) struct Remembered {
    key: [u8; 32],
    right: Mutex<HashMap<ShareId, blake3::Hash>>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            key: crate::random::bytes(),
            right: Mutex::default(),
        }
    }
}

impl Remembered {
    fn is_right(&self, share: ShareId, hash: &blake3::Hash) -> bool {
        let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        // Comparing two of these takes the same time wherever they differ.
        right.get(&share).is_some_and(|right| right == hash)
    }

    fn remember(&self, share: ShareId, hash: blake3::Hash) {
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        if right.len() >= REMEMBERED_MAX {
            right.clear();
        }
        right.insert(share, hash);
    }

    fn hash(&self, share: ShareId, password: &Secret) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(share.as_bytes());
        hasher.update(password.0.as_bytes());
        hasher.finalize()
    }
}

/// Whether this is the password of a share that has one.
pub(crate) async fn is_right(
    services: &Services,
    share: &Share,
    password: Secret,
    peer: IpAddr,
) -> Result<bool, Refusal> {
    let remembered = &services.share_passwords;
    let hash = remembered.hash(share.id, &password);
    if remembered.is_right(share.id, &hash) {
        return Ok(true);
    }
    let right = services
        .passwords
        .verify(Asker::Address(peer), share.password.clone(), password)
        .await?;
    if right {
        remembered.remember(share.id, hash);
    }
    Ok(right)
}
