//! Who is there, told to those who asked.
//!
//! Changes are gathered for a moment, so that a thousand people who reconnect at once are told of in one go: of more than
//! an outbox takes, nobody is told one by one, but that they missed something. Who goes is told of when they have stayed
//! away for a while: a connection that is lost and made again is nothing that others need to see.

use crate::answer::{Answer, Answered, encode_event, json_lines};
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::live::{Changed, Live};
use crate::outbox::{About, News, Outbox, SIGNALS_MAX};
use crate::people::find::present;
use crate::refusals::denied;
use crate::services::Services;
use landline_model::id::AccountId;
use landline_model::protocol::chat::Signal;
use landline_model::protocol::people::Present;
use landline_model::protocol::{Done, PAGE_BYTES_MAX};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// How long changes are gathered before they are told.
const GATHER: Duration = Duration::from_millis(100);

/// How long somebody stays away before they count as gone.
const AWAY: Duration = Duration::from_secs(5);

/// Who wants to hear who comes and goes.
#[derive(Default)]
pub(crate) struct Watchers {
    outboxes: Mutex<Vec<Weak<Outbox>>>,
}

/// Says who is there, and has the connection hear of changes from now on.
pub(crate) fn presence(services: &Services, who: &Identity, outbox: &Arc<Outbox>) -> Answered<Done> {
    authorise(who, Action::FindPeople, Resource::Hub, services.now())
        .map_err(|why| denied(why, "who is there"))?;
    // First this: who comes while the others are listed is told of.
    services.watchers.add(outbox);
    let present: Vec<Present> = services
        .live
        .online()
        .iter()
        .filter_map(|account| present(services, account))
        .collect();
    let (body, count) = json_lines(&present, PAGE_BYTES_MAX)?;
    if count < present.len() {
        tracing::warn!(
            online = present.len(),
            told = count,
            "not all who are there fit into a list"
        );
    }
    let reply = Done {};
    Ok(Answer { reply, body })
}

/// Tells of comings and goings for as long as the hub runs.
pub(crate) async fn keep_telling(services: Arc<Services>) {
    let mut seen = Seen::default();
    loop {
        tokio::select! {
            () = services.live.until_changed() => tokio::time::sleep(GATHER).await,
            () = until(seen.next()) => {}
        }
        let changed = services.live.take_changed();
        let news = seen.look(changed, &services.live, Instant::now());
        services.watchers.tell(&services, &news);
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// What was told so far.
#[derive(Default)]
struct Seen {
    /// Who was told to be there.
    there: HashSet<AccountId>,
    /// Those of them who are away, and when they count as gone.
    away: HashMap<AccountId, Instant>,
}

impl Seen {
    /// When to look again though nothing changes.
    fn next(&self) -> Option<Instant> {
        self.away.values().min().copied()
    }

    /// Of whom there is news.
    fn look(&mut self, changed: Changed, live: &Live, now: Instant) -> Vec<AccountId> {
        let mut news: HashSet<AccountId> = changed.renewed;
        for account in &news {
            // Told as they are now, and so as gone; who comes back is told of again.
            if self.away.remove(account).is_some() {
                self.there.remove(account);
            }
        }
        for account in changed.came_or_went {
            if live.is_online(&account) {
                self.away.remove(&account);
                if self.there.insert(account) {
                    news.insert(account);
                }
            } else if self.there.contains(&account) {
                self.away.entry(account).or_insert(now + AWAY);
            }
        }
        let there = &mut self.there;
        self.away.retain(|account, gone| {
            let stays = *gone > now;
            if !stays {
                there.remove(account);
                news.insert(*account);
            }
            stays
        });
        news.into_iter().collect()
    }
}

impl Watchers {
    fn add(&self, outbox: &Arc<Outbox>) {
        // The list is whole after every line, so a panic elsewhere leaves it usable.
        let mut outboxes = self.outboxes.lock().unwrap_or_else(PoisonError::into_inner);
        outboxes
            .retain(|other| other.strong_count() > 0 && !std::ptr::eq(other.as_ptr(), Arc::as_ptr(outbox)));
        outboxes.push(Arc::downgrade(outbox));
    }

    fn tell(&self, services: &Services, news: &[AccountId]) {
        let outboxes = self
            .outboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if news.is_empty() || outboxes.is_empty() {
            return;
        }
        if news.len() > SIGNALS_MAX {
            return outboxes
                .iter()
                .filter_map(Weak::upgrade)
                .for_each(|outbox| outbox.miss());
        }
        let signals: Vec<(About, News)> = news
            .iter()
            .filter_map(|account| {
                let signal = Signal::Presence(present(services, account)?);
                let said = News::Said(encode_event(Signal::NAME, &signal, b""));
                Some((About::Presence(*account), said))
            })
            .collect();
        for outbox in outboxes.iter().filter_map(Weak::upgrade) {
            for (about, news) in &signals {
                outbox.signal(*about, news.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Place;
    use crate::live::tests::line;
    use landline_model::id::SessionId;
    use tokio_util::sync::CancellationToken;

    const ALICE: AccountId = AccountId::from_bytes([1; 16]);

    fn come(live: &Live) -> Place {
        let session = SessionId::from_bytes([1; 16]);
        live.enter(session, ALICE, line(1, CancellationToken::new()))
    }

    #[test]
    fn who_comes_is_news_at_once_and_who_goes_when_they_have_stayed_away() {
        let (live, mut seen, start) = (Live::default(), Seen::default(), Instant::now());
        let mut look = |after: Duration| seen.look(live.take_changed(), &live, start + after);
        let place = come(&live);
        assert_eq!(look(Duration::ZERO), [ALICE]);
        drop(place);
        assert_eq!(look(Duration::ZERO), []);
        // Back in time, as if nothing had been.
        let place = come(&live);
        assert_eq!(look(AWAY / 2), []);
        assert_eq!(look(AWAY * 2), []);
        drop(place);
        assert_eq!(look(AWAY * 2), []);
        assert_eq!(look(AWAY * 3), [ALICE]);
        assert!(!live.is_online(&ALICE));
        assert_eq!((seen.there.len(), seen.next()), (0, None));
    }

    #[test]
    fn who_came_and_went_between_two_looks_is_no_news_and_a_new_status_is() {
        let (live, mut seen, now) = (Live::default(), Seen::default(), Instant::now());
        drop(come(&live));
        assert_eq!(seen.look(live.take_changed(), &live, now), []);
        let _place = come(&live);
        assert_eq!(seen.look(live.take_changed(), &live, now), [ALICE]);
        live.has_changed(ALICE);
        assert_eq!(seen.look(live.take_changed(), &live, now), [ALICE]);
    }

    #[tokio::test]
    async fn of_more_than_an_outbox_takes_nobody_is_told_one_by_one() {
        let place = tempfile::tempdir().unwrap();
        let services = Services::in_an_empty(place.path());
        let outbox = Arc::default();
        services.watchers.add(&outbox);
        services.watchers.add(&outbox);
        assert_eq!(services.watchers.outboxes.lock().unwrap().len(), 1);
        let account = |number: usize| AccountId::from_bytes((number as u128).to_be_bytes());
        let many: Vec<AccountId> = (0..=SIGNALS_MAX).map(account).collect();
        services.watchers.tell(&services, &many);
        let signals = outbox.take().signals.unwrap();
        assert!(signals.missed && signals.waiting.is_empty());
        services.watchers.tell(&services, &[]);
        assert!(outbox.take().signals.is_none());
    }
}
