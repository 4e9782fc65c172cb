//! Where one stands in each room: what is followed, what is not for want of room, and the last event that was seen.

use landline_model::id::RoomId;
use landline_model::protocol::chat::{Room, RoomEvent};
use landline_model::target::Target;
use std::collections::{BTreeMap, BTreeSet};

/// The most rooms that one connection follows: a hub takes no more.
pub const ROOMS_MAX: usize = 1024;

/// The most rooms of which anything is remembered.
pub const KNOWN_MAX: usize = 65_536;

/// All rooms that are known.
#[derive(Debug)]
pub(super) struct Places {
    /// At most [`KNOWN_MAX`]. A room stays known when it is closed: should it open again, it goes on where it was.
    known: BTreeMap<RoomId, Place>,
    /// Those that are followed or asked for; at most `limit`, and all of them known.
    followed: BTreeSet<RoomId>,
    /// Those that would be followed if there were room; all of them known, and none of them followed.
    left_out: BTreeSet<RoomId>,
    limit: usize,
}

/// One room.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) target: Target,
    /// The last event that was passed on, or the one behind which it began.
    pub(super) seen: u64,
    /// How far the hub has said that the room is; never less than `seen`.
    pub(super) stored: u64,
}

/// What becomes of a room that one is in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// It is to be asked for.
    Due,
    /// It is followed already, or waits for another one to go.
    AsBefore,
    /// There are more than can be remembered.
    Unknown,
}

impl Places {
    /// None yet, and at most so many to be followed at once.
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            known: BTreeMap::new(),
            followed: BTreeSet::new(),
            left_out: BTreeSet::new(),
            limit,
        }
    }

    /// A room that one is in: where it is new, it begins behind `since`.
    pub(super) fn come(&mut self, room: &Room, since: u64) -> Came {
        if self.followed.contains(&room.id) {
            return Came::AsBefore;
        }
        if !self.known.contains_key(&room.id) {
            if self.known.len() >= KNOWN_MAX {
                return Came::Unknown;
            }
            let place = Place {
                target: room.target.clone(),
                seen: since,
                stored: since,
            };
            self.known.insert(room.id, place);
        }
        if self.followed.len() >= self.limit {
            self.left_out.insert(room.id);
            return Came::AsBefore;
        }
        self.left_out.remove(&room.id);
        self.followed.insert(room.id);
        Came::Due
    }

    /// An event came: where it is to be passed on, the room's target.
    pub(super) fn pass(&mut self, event: &RoomEvent) -> Option<Target> {
        if !self.followed.contains(&event.room) {
            return None;
        }
        let place = self.known.get_mut(&event.room)?;
        // After a reconnection the hub may repeat what was on its way.
        if event.sequence <= place.seen {
            return None;
        }
        place.seen = event.sequence;
        place.stored = place.stored.max(event.sequence);
        Some(place.target.clone())
    }

    /// The hub has said that a room is so far.
    pub(super) fn is_as_far_as(&mut self, room: &RoomId, sequence: u64) {
        if let Some(place) = self.known.get_mut(room) {
            place.stored = place.stored.max(sequence);
        }
    }

    /// A room is closed to us. True where it was followed.
    pub(super) fn close(&mut self, room: &RoomId) -> bool {
        self.left_out.remove(room);
        self.followed.remove(room)
    }

    /// The hub follows no more than there are but for this one.
    pub(super) fn is_too_much(&mut self, room: RoomId) {
        if self.followed.remove(&room) {
            self.left_out.insert(room);
            self.limit = self.limit.min(self.followed.len());
        }
    }

    /// A room that was left out and is to be asked for: there is room now.
    pub(super) fn promote(&mut self) -> Option<RoomId> {
        if self.followed.len() >= self.limit {
            return None;
        }
        let room = self.left_out.pop_first()?;
        self.followed.insert(room);
        Some(room)
    }

    /// The connection is lost: nothing is followed.
    pub(super) fn lose(&mut self) {
        self.followed.clear();
    }

    /// Whether a room was followed before the connection was lost; such a one comes before others.
    pub(super) fn was_followed(&self, room: &RoomId) -> bool {
        self.known.contains_key(room) && !self.left_out.contains(room)
    }

    pub(super) fn find(&self, room: &RoomId) -> Option<&Place> {
        self.known.get(room)
    }

    pub(super) fn follows(&self, room: &RoomId) -> bool {
        self.followed.contains(room)
    }

    pub(super) fn followed(&self) -> usize {
        self.followed.len()
    }

    pub(super) fn left_out(&self) -> usize {
        self.left_out.len()
    }
}

#[cfg(test)]
mod tests;
