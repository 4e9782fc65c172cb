use super::{IMPORTS_MAX, Import, ImportFault, NewImport, require_past};
use crate::INTEGER_MAX;
use crate::chat::create;
use crate::chat::state::State;
use crate::error::StoreError;
use landline_model::chain::Walk;
use landline_model::name::NAME_MAX;
use rusqlite::Connection;

/// Makes place for a room. The same again goes on where it was.
pub(in crate::chat) fn begin(
    transaction: &Connection,
    state: &mut State,
    new: NewImport,
) -> Result<(), StoreError> {
    let id = new.genesis.room;
    if let Some(import) = state.imports.find(&id) {
        let same = *import.room.genesis == new.genesis && import.room.name.as_deref() == Some(&new.name);
        if !same {
            return Err(StoreError::Importing);
        }
        let touched = state.now();
        let import = Import {
            touched,
            ..import.clone()
        };
        state.imports.set(id, Some(import));
        return Ok(());
    }
    if state.room(&id).is_some() {
        return Err(ImportFault::RoomKnown.into());
    }
    let genesis = &new.genesis;
    if genesis.created.0 > INTEGER_MAX || genesis.peer.is_some() || genesis.name.len() > NAME_MAX {
        return Err(ImportFault::Genesis.into());
    }
    require_past(0, genesis.created, state.now())?;
    let dropped = transaction
        .prepare_cached("SELECT 1 FROM rooms WHERE id = ?1")?
        .exists([id.as_bytes()])?;
    if dropped {
        return Err(StoreError::Importing);
    }
    create::check(transaction, genesis.kind, &new.name)?;
    if state.imports.len() >= IMPORTS_MAX {
        return Err(StoreError::TooMany {
            what: "rooms that are brought here at a time",
            max: IMPORTS_MAX,
        });
    }
    state.one_more()?;
    let walk = Walk::new(genesis);
    let room = create::insert(transaction, new.genesis, Some(new.name), true)?;
    let touched = state.now();
    state.imports.set(id, Some(Import { room, walk, touched }));
    Ok(())
}
