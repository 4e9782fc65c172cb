//! How far somebody has read a room, on all their devices.

use super::place::find;
use crate::answer::{Answered, encode_event};
use crate::authorise::{Action, Identity};
use crate::outbox::{About, News};
use crate::services::Services;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::protocol::Done;
use landline_model::protocol::chat::{Read, Signal};

/// Marks a room as read, and tells the other connections of the account.
pub(super) fn read(services: &Services, who: &Identity, call: &Read, connection: u64) -> Answered<Done> {
    let (record, _) = find(services, who, Action::ReadRoom, &call.target)?;
    let (room, head, sequence) = (record.genesis.room, record.head.sequence, call.sequence);
    if sequence > head {
        let message = format!(
            "{} ends with event {head}; there is no event {sequence}",
            call.target
        );
        return Err(Refusal::new(ErrorCode::Conflict, message));
    }
    if services.chat.mark_read(who.account, room, sequence) {
        let signal = encode_event(Signal::NAME, &Signal::Read { room, sequence }, b"");
        services.live.tell(
            &who.account,
            Some(connection),
            About::Read(room),
            &News::Said(signal),
        );
    }
    Ok(Done {}.into())
}
