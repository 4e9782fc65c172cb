//! Who is at an upload: one at a time.

use crate::lock;
use landline_model::id::UploadId;
use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

/// The uploads that somebody is at. A claim is held for one request at most, so waiting for one is short.
#[derive(Debug, Default)]
pub(super) struct Claims {
    claimed: Mutex<BTreeSet<UploadId>>,
    released: Condvar,
}

/// Nobody else is at this upload until it is dropped.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    claims: &'a Claims,
    upload: UploadId,
}

impl Claims {
    /// Claims an upload; `None` where somebody is at it.
    pub(super) fn claim(&self, upload: UploadId) -> Option<Claim<'_>> {
        let fresh = lock(&self.claimed).insert(upload);
        // Made only where it is ours: one that is dropped gives the upload up.
        fresh.then(|| Claim { claims: self, upload })
    }

    /// Claims an upload as soon as nobody is at it.
    pub(super) fn wait(&self, upload: UploadId) -> Claim<'_> {
        let mut claimed = lock(&self.claimed);
        while !claimed.insert(upload) {
            claimed = self
                .released
                .wait(claimed)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Claim { claims: self, upload }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        lock(&self.claims.claimed).remove(&self.upload);
        self.claims.released.notify_all();
    }
}
