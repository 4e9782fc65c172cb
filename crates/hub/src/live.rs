//! Which connections are open in which session, so that the end of a session ends them at once.

use landline_model::id::SessionId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// The open connections of all sessions. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Live {
    connections: Arc<Mutex<Connections>>,
}

/// The connections of each session: their numbers, and what ends them.
type Connections = HashMap<SessionId, Vec<(u64, CancellationToken)>>;

/// A connection's place among the live ones; dropping it gives the place back.
pub(crate) struct Place {
    live: Live,
    session: SessionId,
    number: u64,
}

impl Live {
    /// Enters a connection; `end` is cancelled when its session ends.
    pub(crate) fn enter(&self, session: SessionId, number: u64, end: CancellationToken) -> Place {
        self.lock().entry(session).or_default().push((number, end));
        Place {
            live: self.clone(),
            session,
            number,
        }
    }

    /// Ends all connections of a session but the one with the number `except`.
    pub(crate) fn end(&self, session: &SessionId, except: Option<u64>) {
        for (number, end) in self.lock().get(session).into_iter().flatten() {
            if Some(*number) != except {
                end.cancel();
            }
        }
    }

    /// The sessions that have a connection open now.
    pub(crate) fn sessions(&self) -> Vec<SessionId> {
        self.lock().keys().copied().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Connections> {
        // The map is whole after every line that holds the lock, so a panic elsewhere leaves it usable.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut connections = self.live.lock();
        if let Some(of_session) = connections.get_mut(&self.session) {
            of_session.retain(|(number, _)| *number != self.number);
            if of_session.is_empty() {
                connections.remove(&self.session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ending_a_session_ends_its_connections_and_no_others() {
        let live = Live::default();
        let sessions = [SessionId::from_bytes([1; 16]), SessionId::from_bytes([2; 16])];
        let ends: Vec<CancellationToken> = (0..3).map(|_| CancellationToken::new()).collect();
        let _places = [
            live.enter(sessions[0], 1, ends[0].clone()),
            live.enter(sessions[0], 2, ends[1].clone()),
            live.enter(sessions[1], 3, ends[2].clone()),
        ];
        live.end(&sessions[0], Some(1));
        assert_eq!(
            ends.iter()
                .map(CancellationToken::is_cancelled)
                .collect::<Vec<_>>(),
            [false, true, false]
        );
    }

    #[test]
    fn a_closed_connection_leaves_nothing_behind() {
        let live = Live::default();
        let session = SessionId::from_bytes([1; 16]);
        let place = live.enter(session, 1, CancellationToken::new());
        assert_eq!(live.sessions(), [session]);
        drop(place);
        assert_eq!(live.sessions(), []);
    }
}
