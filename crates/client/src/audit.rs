//! Proves that nothing acknowledged was lost or changed: walks every room's log from its beginning to its signed head,
//! and compares both with the heads that this machine remembers.

use crate::connection::Connection;
use crate::error::ClientError;
use crate::heads::{HeadError, Heads};
use crate::page::lines;
use landline_model::chain::{Broken, Walk};
use landline_model::error::ErrorCode;
use landline_model::event::RoomKind;
use landline_model::head::SignedHead;
use landline_model::id::RoomId;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::chat::{History, HistoryPage, Room, RoomEvent, RoomList};
use landline_model::target::Target;

/// What was found about one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The room.
    pub room: RoomId,
    /// What the reader calls it; none where the hub does not list it any more.
    pub target: Option<Target>,
    /// How many events hold, from the first one on.
    pub events: u64,
    /// What is wrong first; none: the room is intact, or not seen any more.
    pub fault: Option<Fault>,
    /// The room was not walked: it is one for those who are in it, and the reader is not any more. That it is as it was,
    /// nobody here can tell.
    pub unseen: bool,
}

/// What is wrong with a room.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// An event is not the next one of the chain.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// An event came without the members that prove it.
    #[error("event {0} came without its proof")]
    Unproven(u64),
    /// The log ends before the head that the hub signed.
    #[error("event {} is missing: the log ends there, but its signed head says {head}", events.saturating_add(1))]
    Short {
        /// How many events there are.
        events: u64,
        /// How many there should be.
        head: u64,
    },
    /// The hub signed another event than the one in the log.
    #[error("event {0} is not the one that the hub signed as the head")]
    Signed(u64),
    /// The head is not what it was, or not signed.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The hub does not list a room that this machine knows.
    #[error(
        "the room is gone, but this machine was told of {0} events in it: the hub's log was restored from an older copy \
         or rewritten"
    )]
    Gone(u64),
}

/// Walks all rooms that the account may read, one after another, and tells each finding as soon as it is made. Holds
/// one page of one room at a time. Of rooms that it may not read any more it says so; those that it never could are left
/// out.
///
/// # Errors
/// The hub does not answer as it should. That a room is not intact is no error but a finding.
pub async fn audit(
    connection: &Connection,
    heads: &mut Heads,
    mut tell: impl FnMut(&Finding) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let mut unseen: Vec<RoomId> = heads.remembered().keys().copied().collect();
    let mut after = None;
    loop {
        let answer = connection
            .exchange(
                &RoomList {
                    after,
                    limit: PAGE_MAX,
                },
                bytes::Bytes::new(),
            )
            .await?;
        for room in lines::<Room>(&answer.body, connection)? {
            unseen.retain(|other| *other != room.id);
            heads.note(&room);
            match audit_room(connection, &room, heads).await {
                Ok(finding) => tell(&finding)?,
                // Listed are rooms too that one has not been let into, or was put out of; and one may be put out of a
                // room while it is walked.
                Err(error) if is_closed(&error, &room) => {
                    if let Some(finding) = closed(&room, heads) {
                        tell(&finding)?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        match answer.reply.next {
            // A hub that turns in circles would keep us for ever.
            Some(next) if after.is_none_or(|after| after < next) => after = Some(next),
            Some(_) => return Err(broke(connection, "a list of rooms that does not go on")),
            None => break,
        }
    }
    for room in unseen {
        tell(&unlisted(room, heads))?;
    }
    Ok(())
}

/// Whether the hub says that a listed room is not for this reader.
fn is_closed(error: &ClientError, room: &Room) -> bool {
    match error.code() {
        Some(ErrorCode::Forbidden) => true,
        Some(ErrorCode::NotFound) => room.kind == RoomKind::Private,
        _ => false,
    }
}

/// What there is to say of a listed room that may not be read; none where it never was. Its head at least is known.
fn closed(room: &Room, heads: &mut Heads) -> Option<Finding> {
    let remembered = heads.remembered().get(&room.id)?;
    let events = remembered.sequence;
    let fault = heads.observe(room.id, &room.head).err().map(Fault::from);
    Some(Finding {
        room: room.id,
        target: Some(room.target.clone()),
        events,
        unseen: fault.is_none(),
        fault,
    })
}

/// What there is to say of a room that is remembered and not listed. A private one is listed only for those who are in
/// it; the others, and those of which it is not known what they were, are listed for good.
fn unlisted(room: RoomId, heads: &Heads) -> Finding {
    let events = heads.remembered().get(&room).map_or(0, |head| head.sequence);
    let target = heads.private(&room).cloned();
    let unseen = target.is_some();
    Finding {
        room,
        target,
        events: if unseen { events } else { 0 },
        fault: (!unseen).then_some(Fault::Gone(events)),
        unseen,
    }
}

async fn audit_room(connection: &Connection, room: &Room, heads: &mut Heads) -> Result<Finding, ClientError> {
    let remembered = heads.remembered().get(&room.id).cloned();
    let mut check = RoomCheck {
        room: room.id,
        walk: Walk::new(&room.genesis()),
        remembered,
    };
    let fault = loop {
        let since = check.walk.sequence();
        let history = History {
            target: room.target.clone(),
            since,
            limit: PAGE_MAX,
            last: false,
            proof: true,
            fold: false,
        };
        let answer = connection.exchange(&history, bytes::Bytes::new()).await?;
        let events = lines::<RoomEvent>(&answer.body, connection)?;
        match check.page(&answer.reply, &events, heads) {
            Ok(Progress::More) => {}
            Ok(Progress::End) => break None,
            Err(fault) => break Some(fault),
        }
    };
    Ok(Finding {
        room: room.id,
        target: Some(room.target.clone()),
        events: check.walk.sequence(),
        fault,
        unseen: false,
    })
}

/// One room's walk, as far as it is.
struct RoomCheck {
    /// The one that was listed: what another room's log proves does not count.
    room: RoomId,
    walk: Walk,
    remembered: Option<SignedHead>,
}

enum Progress {
    More,
    End,
}

impl RoomCheck {
    fn page(
        &mut self,
        page: &HistoryPage,
        events: &[RoomEvent],
        heads: &mut Heads,
    ) -> Result<Progress, Fault> {
        let head = &page.room.head;
        heads.verify(&self.room, head)?;
        self.compare(head)?;
        for event in events {
            let proven = event.to_event().ok_or(Fault::Unproven(event.sequence))?;
            self.walk.next(&proven)?;
            self.compare(head)?;
        }
        if self.walk.sequence() < head.sequence {
            let stuck = events.is_empty();
            let short = Fault::Short {
                events: self.walk.sequence(),
                head: head.sequence,
            };
            return if stuck { Err(short) } else { Ok(Progress::More) };
        }
        if let Err(broken) = self.walk.finish() {
            // What was deleted while we read has its deletion behind the head that we were told: ask on until nothing
            // more comes.
            return if events.is_empty() {
                Err(broken.into())
            } else {
                Ok(Progress::More)
            };
        }
        heads.observe(self.room, head)?;
        Ok(Progress::End)
    }

    /// Where the walk stands at the signed or the remembered head, its own head must be that one.
    fn compare(&self, signed: &SignedHead) -> Result<(), Fault> {
        let (sequence, hash) = (self.walk.sequence(), self.walk.head());
        if self
            .remembered
            .as_ref()
            .is_some_and(|known| known.sequence == sequence && known.hash != hash)
        {
            return Err(HeadError::Contradiction {
                room: self.room,
                sequence,
            }
            .into());
        }
        if signed.sequence == sequence && signed.hash != hash {
            return Err(Fault::Signed(sequence));
        }
        Ok(())
    }
}

fn broke(connection: &Connection, reason: &str) -> ClientError {
    ClientError::Protocol {
        address: connection.address().to_string(),
        reason: reason.to_owned(),
    }
}
