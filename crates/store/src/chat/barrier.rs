//! A job that changes nothing and completes in its turn.

use super::state::State;
use crate::error::StoreError;
use crate::writer::{Done, Job};
use rusqlite::Connection;

pub(super) struct Barrier(pub(super) Done<()>);

impl Job<State> for Barrier {
    fn apply(&mut self, _transaction: &Connection, _state: &mut State) -> Result<(), StoreError> {
        Ok(())
    }

    fn complete(self: Box<Self>, _result: Result<(), StoreError>, _state: &mut State) {
        // Where the group failed, those before it have been told so: it is their turn that is over all the same.
        (self.0)(Ok(()));
    }

    fn is_one_step(&self) -> bool {
        true
    }

    /// So that whoever waits at the barrier finds the rooms exactly as what came before it left and delivered them.
    fn ends_group(&self) -> bool {
        true
    }

    fn stopped(self: Box<Self>) {
        (self.0)(Err(StoreError::Stopped));
    }
}
