use super::{FinishedImport, ImportFault};
use crate::chat::create::{self, OWNER};
use crate::chat::draft::Draft;
use crate::chat::room::RoomRecord;
use crate::chat::state::State;
use crate::error::StoreError;
use crate::writer::{Done, Job};
use landline_model::event::{Event, EventKind};
use rusqlite::Connection;
use std::sync::atomic::Ordering;

/// Opens a room that is all there.
pub(in crate::chat) struct Finishing {
    finished: FinishedImport,
    event: Option<Event>,
    done: Done<RoomRecord>,
}

impl Finishing {
    pub(in crate::chat) fn new(finished: FinishedImport, done: Done<RoomRecord>) -> Self {
        Self {
            finished,
            event: None,
            done,
        }
    }
}

impl Job<State> for Finishing {
    fn apply(&mut self, transaction: &Connection, state: &mut State) -> Result<(), StoreError> {
        self.event = Some(finish(transaction, state, &self.finished)?);
        Ok(())
    }

    fn complete(self: Box<Self>, result: Result<(), StoreError>, state: &mut State) {
        // Texts may have been brought here whose deletion came behind them.
        state.shared().erased.store(true, Ordering::Release);
        (self.done)(result.and_then(|()| create::made(state, &self.finished.room)));
        if let Some(event) = self.event.filter(|event| state.signed(&event.room).is_some()) {
            state.deliver(&event);
        }
    }

    fn stopped(self: Box<Self>) {
        (self.done)(Err(StoreError::Stopped));
    }
}

fn finish(
    transaction: &Connection,
    state: &mut State,
    finished: &FinishedImport,
) -> Result<Event, StoreError> {
    let id = finished.room;
    let Some(import) = state.imports.find(&id) else {
        return Err(match state.room(&id) {
            Some(_) => ImportFault::RoomKnown.into(),
            None => StoreError::NotFound,
        });
    };
    import.walk.finish()?;
    if (import.walk.sequence(), import.walk.head()) != (finished.sequence, finished.hash) {
        return Err(ImportFault::End {
            expected: finished.sequence,
            found: import.walk.sequence(),
        }
        .into());
    }
    let mut room = import.room.clone();
    state.one_more()?;
    transaction
        .prepare_cached("UPDATE rooms SET importing = 0, topic = ?2, slow_seconds = ?3 WHERE room = ?1")?
        .execute((room.key, &*room.topic, room.slow_seconds))?;
    let draft = Draft {
        time: state.now_in(&room),
        sender: finished.admin,
        client_id: finished.client_id,
        kind: EventKind::IMPORT,
        target: None,
        body: String::new(),
    };
    let event = draft.write(transaction, state, &mut room)?;
    room.people.add(OWNER);
    state.change(room);
    state.stand(id, finished.admin, OWNER);
    state.imports.set(id, None);
    Ok(event)
}
