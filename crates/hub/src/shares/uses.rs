//! What is being done by shares now, so that the end of a share ends it at once.

use landline_model::id::ShareId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// How many files are put into one drop box at a time: each is an open upload of its owner's, who needs some as well.
const PUTS_MAX: usize = 16;

/// The shares that are in use. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Uses {
    shares: Arc<Mutex<HashMap<ShareId, OfShare>>>,
}

#[derive(Default)]
struct OfShare {
    end: CancellationToken,
    uses: usize,
    puts: usize,
}

/// One use; dropping it ends it.
pub(crate) struct Use {
    uses: Uses,
    share: ShareId,
    end: CancellationToken,
    puts: bool,
}

impl Uses {
    /// Enters a use. Only what is looked up after this is known to be still there.
    pub(crate) fn enter(&self, share: ShareId) -> Use {
        let mut shares = self.lock();
        let of_share = shares.entry(share).or_default();
        of_share.uses += 1;
        Use {
            uses: self.clone(),
            share,
            end: of_share.end.clone(),
            puts: false,
        }
    }

    /// Ends all uses of a share.
    pub(crate) fn end(&self, share: &ShareId) {
        if let Some(of_share) = self.lock().get(share) {
            of_share.end.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ShareId, OfShare>> {
        // The map is whole after every block that holds the lock, so a panic elsewhere leaves it usable.
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Use {
    /// Cancelled when the share has ended.
    pub(crate) fn end(&self) -> &CancellationToken {
        &self.end
    }

    /// Takes one of the places for what is put into the share; false: all are taken.
    pub(crate) fn puts(&mut self) -> bool {
        let mut shares = self.uses.lock();
        let Some(of_share) = shares.get_mut(&self.share).filter(|of| of.puts < PUTS_MAX) else {
            return false;
        };
        of_share.puts += usize::from(!self.puts);
        self.puts = true;
        true
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        let mut shares = self.uses.lock();
        if let Some(of_share) = shares.get_mut(&self.share) {
            of_share.uses -= 1;
            of_share.puts -= usize::from(self.puts);
            if of_share.uses == 0 {
                shares.remove(&self.share);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: ShareId = ShareId::from_bytes([1; 16]);
    const OTHER: ShareId = ShareId::from_bytes([2; 16]);

    #[test]
    fn the_end_of_a_share_ends_its_uses_and_no_others_and_nothing_is_left() {
        let uses = Uses::default();
        let [one, again, other] = [ONE, ONE, OTHER].map(|share| uses.enter(share));
        uses.end(&ONE);
        assert!(one.end().is_cancelled() && again.end().is_cancelled());
        assert!(!other.end().is_cancelled());
        drop((one, again, other));
        assert!(uses.lock().is_empty());
    }

    #[test]
    fn a_drop_box_takes_so_many_files_at_a_time_and_a_place_is_given_back() {
        let uses = Uses::default();
        let mut taken: Vec<Use> = (0..PUTS_MAX).map(|_| uses.enter(ONE)).collect();
        assert!(taken.iter_mut().all(Use::puts));
        assert!(!uses.enter(ONE).puts() && uses.enter(OTHER).puts());
        taken.pop();
        assert!(uses.enter(ONE).puts());
    }
}
