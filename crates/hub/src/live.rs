//! Which connections are open, in which session and of which account: so that the end of a session ends them at once,
//! and what concerns an account reaches all its connections.

use crate::outbox::{About, News, Outbox};
use landline_model::id::{AccountId, SessionId};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The open connections. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Live {
    connections: Arc<Mutex<Connections>>,
    /// Woken when an account has come or gone.
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Connections {
    of_sessions: HashMap<SessionId, Vec<Line>>,
    /// How many connections each account has; those without one are not here.
    of_accounts: HashMap<AccountId, HashSet<SessionId>>,
    changed: Changed,
}

/// Of whom there is news. It is bounded by how many accounts there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Whose first connection came, or whose last one went.
    pub(crate) came_or_went: HashSet<AccountId>,
    /// Of whom others know something new: a status text, a name.
    pub(crate) renewed: HashSet<AccountId>,
}

/// An open connection.
#[derive(Clone)]
pub(crate) struct Line {
    /// Its number; no two have the same.
    pub(crate) number: u64,
    /// What ends it.
    pub(crate) end: CancellationToken,
    /// What it has to send.
    pub(crate) outbox: Arc<Outbox>,
}

/// A connection's place among the live ones; dropping it gives the place back.
pub(crate) struct Place {
    live: Live,
    session: SessionId,
    account: AccountId,
    number: u64,
}

impl Live {
    /// Enters a connection of a session of an account. Its end is cancelled when the session ends.
    pub(crate) fn enter(&self, session: SessionId, account: AccountId, line: Line) -> Place {
        let number = line.number;
        let mut connections = self.lock();
        connections.of_sessions.entry(session).or_default().push(line);
        let sessions = connections.of_accounts.entry(account).or_default();
        let came = sessions.is_empty();
        sessions.insert(session);
        if came {
            connections.changed.came_or_went.insert(account);
            self.changed.notify_one();
        }
        drop(connections);
        Place {
            live: self.clone(),
            session,
            account,
            number,
        }
    }

    /// Ends all connections of a session but the one with the number `except`.
    pub(crate) fn end(&self, session: &SessionId, except: Option<u64>) {
        for line in self.lock().of_sessions.get(session).into_iter().flatten() {
            if Some(line.number) != except {
                line.end.cancel();
            }
        }
    }

    /// The sessions that have a connection open now.
    pub(crate) fn sessions(&self) -> Vec<SessionId> {
        self.lock().of_sessions.keys().copied().collect()
    }

    /// How many connections a session has now.
    pub(crate) fn connections(&self, session: &SessionId) -> usize {
        self.lock().of_sessions.get(session).map_or(0, Vec::len)
    }

    /// Whether an account has a connection now.
    pub(crate) fn is_online(&self, account: &AccountId) -> bool {
        self.lock().of_accounts.contains_key(account)
    }

    /// The accounts that have a connection now.
    pub(crate) fn online(&self) -> Vec<AccountId> {
        self.lock().of_accounts.keys().copied().collect()
    }

    /// Tells all connections of an account, but the one with the number `except`, what concerns it.
    pub(crate) fn tell(&self, account: &AccountId, except: Option<u64>, about: About, news: &News) {
        for line in self.lines(account) {
            if Some(line.number) != except {
                line.outbox.signal(about, news.clone());
            }
        }
    }

    /// Has all connections of an account ask again whether they may follow what they follow: its role has changed.
    pub(crate) fn judge_again(&self, account: &AccountId) {
        for line in self.lines(account) {
            line.outbox.judge_again();
        }
    }

    /// Takes what has changed since this was asked last.
    pub(crate) fn take_changed(&self) -> Changed {
        std::mem::take(&mut self.lock().changed)
    }

    /// Says that what others know of an account has changed: its status text, its name.
    pub(crate) fn has_changed(&self, account: AccountId) {
        self.lock().changed.renewed.insert(account);
        self.changed.notify_one();
    }

    /// Waits until an account has come, gone or changed. A word said meanwhile is not lost.
    pub(crate) async fn until_changed(&self) {
        self.changed.notified().await;
    }

    fn lines(&self, account: &AccountId) -> Vec<Line> {
        let connections = self.lock();
        let sessions = connections.of_accounts.get(account).into_iter().flatten();
        sessions
            .filter_map(|session| connections.of_sessions.get(session))
            .flatten()
            .cloned()
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        // The maps are whole after every block that holds the lock, so a panic elsewhere leaves them usable.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut connections = self.live.lock();
        let Some(of_session) = connections.of_sessions.get_mut(&self.session) else {
            return;
        };
        of_session.retain(|line| line.number != self.number);
        if !of_session.is_empty() {
            return;
        }
        connections.of_sessions.remove(&self.session);
        if let Some(sessions) = connections.of_accounts.get_mut(&self.account) {
            sessions.remove(&self.session);
            if sessions.is_empty() {
                connections.of_accounts.remove(&self.account);
                connections.changed.came_or_went.insert(self.account);
                self.live.changed.notify_one();
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A connection of this number, ended by `end`.
    pub(crate) fn line(number: u64, end: CancellationToken) -> Line {
        Line {
            number,
            end,
            outbox: Arc::default(),
        }
    }

    const ALICE: AccountId = AccountId::from_bytes([8; 16]);
    const BOB: AccountId = AccountId::from_bytes([9; 16]);
    const SESSIONS: [SessionId; 2] = [SessionId::from_bytes([1; 16]), SessionId::from_bytes([2; 16])];

    #[test]
    fn ending_a_session_ends_its_connections_and_no_others() {
        let live = Live::default();
        let ends: Vec<CancellationToken> = (0..3).map(|_| CancellationToken::new()).collect();
        let _places = [
            live.enter(SESSIONS[0], ALICE, line(1, ends[0].clone())),
            live.enter(SESSIONS[0], ALICE, line(2, ends[1].clone())),
            live.enter(SESSIONS[1], ALICE, line(3, ends[2].clone())),
        ];
        live.end(&SESSIONS[0], Some(1));
        let ended: Vec<bool> = ends.iter().map(CancellationToken::is_cancelled).collect();
        assert_eq!(ended, [false, true, false]);
    }

    #[test]
    fn a_closed_connection_leaves_nothing_behind() {
        let live = Live::default();
        let enter = |number, session| live.enter(session, ALICE, line(number, CancellationToken::new()));
        let places = [
            enter(1, SESSIONS[0]),
            enter(2, SESSIONS[0]),
            enter(3, SESSIONS[1]),
        ];
        assert_eq!(live.connections(&SESSIONS[0]), 2);
        let alice = HashSet::from([ALICE]);
        assert_eq!(live.take_changed().came_or_went, alice, "it came");
        let [first, second, third] = places;
        drop((first, third));
        assert_eq!(live.sessions(), [SESSIONS[0]]);
        assert!(live.is_online(&ALICE) && live.take_changed() == Changed::default());
        drop(second);
        assert_eq!(live.sessions(), []);
        assert!(!live.is_online(&ALICE) && live.lock().of_accounts.is_empty());
        assert_eq!(live.take_changed().came_or_went, alice, "it went");
    }

    #[test]
    fn what_concerns_an_account_reaches_all_its_connections_but_the_one_that_said_it() {
        let live = Live::default();
        let lines: Vec<Line> = (0..4)
            .map(|number| line(number, CancellationToken::new()))
            .collect();
        let _places = [
            live.enter(SESSIONS[0], ALICE, lines[0].clone()),
            live.enter(SESSIONS[0], ALICE, lines[1].clone()),
            live.enter(SESSIONS[1], ALICE, lines[2].clone()),
            live.enter(SessionId::from_bytes([3; 16]), BOB, lines[3].clone()),
        ];
        live.tell(&ALICE, Some(0), About::Presence(BOB), &News::Look);
        live.judge_again(&ALICE);
        let told: Vec<bool> = lines
            .iter()
            .map(|line| line.outbox.take().signals.is_some())
            .collect();
        assert_eq!(told, [false, true, true, false]);
        let judged: Vec<bool> = lines.iter().map(|line| line.outbox.is_to_judge()).collect();
        assert_eq!(judged, [true, true, true, false]);
    }
}
