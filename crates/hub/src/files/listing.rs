//! Listing a directory page by page. Its names are read and sorted once: the connection that asks keeps them for the
//! pages that follow.

use super::readable;
use crate::answer::{Answer, Answered};
use crate::authorise::Identity;
use crate::services::Services;
use landline_model::protocol::files::{List, ListPage};
use landline_model::protocol::{PAGE_BYTES_MAX, PAGE_MAX};
use landline_store::files::{ListRequest, Place, Snapshot};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// How long the names of a directory are kept for its next page.
const KEPT_TIME: Duration = Duration::from_secs(60);

/// The directory that a connection is listing; none while it lists none.
#[derive(Debug, Default)]
pub(crate) struct Listing(Arc<Mutex<Option<Kept>>>);

#[derive(Debug)]
struct Kept {
    snapshot: Arc<Snapshot>,
    /// When the last page was made of it.
    used: Instant,
}

impl Listing {
    /// Lists a part of a directory.
    pub(crate) async fn list(&self, services: &Services, who: &Identity, call: List) -> Answered<ListPage> {
        let place = readable(services, who, &call.path)?;
        // The first page begins anew, whatever was listed before.
        let kept = self.of(&place, call.after.is_some());
        let (snapshot, listing) = super::blocking(services, move |files| {
            let request = ListRequest {
                after: call.after.as_ref(),
                limit: usize::try_from(call.limit.clamp(1, PAGE_MAX)).unwrap_or(1),
                byte_limit: PAGE_BYTES_MAX,
            };
            if let Some(kept) = kept
                && let Some(listing) = files.page(&kept, &request)?
            {
                return Ok((kept, listing));
            }
            let fresh = Arc::new(files.snapshot(&place)?);
            let listing = files.page(&fresh, &request)?;
            Ok((fresh, listing.unwrap_or_default()))
        })
        .await?;
        let (body, count) = crate::answer::json_lines(&listing.entries, landline_wire::BODY_MAX)?;
        let more = listing.more || count < listing.entries.len();
        if more {
            self.keep(snapshot);
        } else {
            lock(&self.0).take();
        }
        Ok(Answer {
            reply: ListPage { more },
            body,
        })
    }

    /// The names of this directory, if `goes_on` and they are kept; those of another one are dropped.
    fn of(&self, place: &Place, goes_on: bool) -> Option<Arc<Snapshot>> {
        let mut kept = lock(&self.0);
        kept.take_if(|kept| !goes_on || kept.snapshot.place() != place);
        kept.as_ref().map(|kept| Arc::clone(&kept.snapshot))
    }

    /// Keeps the names for the next page, but not for ever.
    fn keep(&self, snapshot: Arc<Snapshot>) {
        let used = Instant::now();
        let mut kept = lock(&self.0);
        if let Some(kept) = kept.as_mut()
            && Arc::ptr_eq(&kept.snapshot, &snapshot)
        {
            kept.used = used;
            return;
        }
        let (this, listing) = (Arc::downgrade(&snapshot), Arc::downgrade(&self.0));
        *kept = Some(Kept { snapshot, used });
        tokio::spawn(async move {
            let mut until = used + KEPT_TIME;
            while let Some(later) = {
                tokio::time::sleep_until(until).await;
                dropped_or_due(&listing, &this)
            } {
                until = later;
            }
        });
    }
}

/// Drops the names where it is time to. Says when that will be; none when they are gone.
fn dropped_or_due(listing: &Weak<Mutex<Option<Kept>>>, snapshot: &Weak<Snapshot>) -> Option<Instant> {
    let (listing, snapshot) = (listing.upgrade()?, snapshot.upgrade()?);
    let mut kept = lock(&listing);
    let due = kept
        .as_ref()
        .filter(|kept| Arc::ptr_eq(&kept.snapshot, &snapshot))?
        .used
        + KEPT_TIME;
    if due > Instant::now() {
        return Some(due);
    }
    *kept = None;
    None
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // It is whole after every line that holds the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use landline_store::files::SpaceId;

    #[tokio::test(start_paused = true)]
    async fn names_are_kept_for_the_next_page_of_the_same_directory_and_not_for_ever() {
        let home = tempfile::tempdir().unwrap();
        let services = Services::in_an_empty(home.path());
        let place = Place::new(SpaceId::Shared, Vec::new());
        let other = Place::new(
            SpaceId::Shared,
            vec![landline_model::path::Component::new("a").unwrap()],
        );
        let listing = Listing::default();
        let keep = || listing.keep(Arc::new(services.files.snapshot(&place).unwrap()));
        keep();
        assert!(listing.of(&place, true).is_some());
        assert!(listing.of(&place, false).is_none(), "the first page begins anew");
        keep();
        assert!(listing.of(&other, true).is_none());
        assert!(
            listing.of(&place, true).is_none(),
            "another directory was listed meanwhile"
        );
        keep();
        let used_again = listing.of(&place, true).unwrap();
        tokio::time::sleep(KEPT_TIME / 2).await;
        listing.keep(Arc::clone(&used_again));
        tokio::time::sleep(KEPT_TIME * 3 / 4).await;
        assert!(listing.of(&place, true).is_some(), "it was used meanwhile");
        tokio::time::sleep(KEPT_TIME).await;
        assert!(listing.of(&place, true).is_none());
    }
}
