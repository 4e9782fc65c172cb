//! Events of many rooms in the order of their times.

use super::index::Next;
use super::source::{Line, Room, Source};
use crate::error::StoreError;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// The most events that wait in memory for their turn, where rooms are fewer.
const WAITING: usize = 16_384;

/// The most events of one room that are read at once.
const CHUNK: usize = 256;

/// The rooms of one pass, each up to what its head was when the pass began.
pub(super) struct Merge {
    rooms: Vec<Unread>,
    /// The time of the next event of each room that has one, and the room's place in `rooms`.
    next: BinaryHeap<Reverse<(i64, usize)>>,
    chunk: usize,
}

struct Unread {
    room: Room,
    /// The last event that was read.
    since: u64,
    /// Read, and not taken yet.
    lines: VecDeque<Line>,
}

impl Merge {
    /// Each room with the last event of it that is indexed.
    pub(super) fn new(source: &Source, rooms: Vec<(Room, u64)>) -> Result<Self, StoreError> {
        let mut merge = Self {
            chunk: (WAITING / rooms.len().max(1)).clamp(1, CHUNK),
            next: BinaryHeap::with_capacity(rooms.len()),
            rooms: rooms
                .into_iter()
                .map(|(room, since)| Unread {
                    room,
                    since,
                    lines: VecDeque::new(),
                })
                .collect(),
        };
        for place in 0..merge.rooms.len() {
            merge.enter(source, place)?;
        }
        Ok(merge)
    }

    /// The next events, at most `limit` and about `bytes` of text. Empty: there are no more.
    pub(super) fn batch(
        &mut self,
        source: &Source,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Next>, StoreError> {
        let (mut batch, mut taken) = (Vec::new(), 0);
        while batch.len() < limit && taken < bytes {
            let Some(Reverse((_, place))) = self.next.pop() else {
                break;
            };
            let unread = &mut self.rooms[place];
            if let Some(line) = unread.lines.pop_front() {
                taken += line.bytes();
                batch.push(Next {
                    room: unread.room.key,
                    id: unread.room.id,
                    line,
                });
            }
            self.enter(source, place)?;
        }
        Ok(batch)
    }

    /// Lets a room wait with its next event.
    fn enter(&mut self, source: &Source, place: usize) -> Result<(), StoreError> {
        let unread = &mut self.rooms[place];
        if unread.lines.is_empty() && unread.since < unread.room.head {
            let Room { key, head, .. } = unread.room;
            unread.lines = source.lines(key, unread.since, head, self.chunk)?.into();
            unread.since = unread.lines.back().map_or(head, |line| line.sequence);
        }
        if let Some(line) = unread.lines.front() {
            self.next.push(Reverse((line.time, place)));
        }
        Ok(())
    }
}
