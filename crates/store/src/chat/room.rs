//! Rooms as they are kept in memory.

use super::Sign;
use crate::read;
use landline_model::event::{Genesis, RoomKind, SignedHead};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, RoomId};
use landline_model::name::RoomName;
use landline_model::time::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, OnceLock, RwLock};

/// A room and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecord {
    /// What it began with.
    pub genesis: Genesis,
    /// What it is called; `None` for a direct conversation.
    pub name: Option<RoomName>,
    /// Its last event, as the hub vouches for it.
    pub head: SignedHead,
    /// The time of the last event; when the room was made, where it has none.
    pub time: Timestamp,
}

/// How far a room's log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The number of the last event; 0 without one.
    pub(super) sequence: u64,
    /// Its hash; the genesis hash without one.
    pub(super) hash: Hash,
    /// Its time; the room's creation without one.
    pub(super) time: Timestamp,
}

/// A room as the writer knows it. Cloning it is cheap.
#[derive(Clone, Debug)]
pub(super) struct Room {
    /// Stands for it in the database.
    pub(super) key: i64,
    pub(super) genesis: Arc<Genesis>,
    pub(super) name: Option<Arc<RoomName>>,
    pub(super) head: Head,
}

/// A room as of the last commit.
#[derive(Debug)]
pub(super) struct Committed {
    pub(super) room: Room,
    /// Signed when it is first asked for: at start nobody waits for the signatures of all rooms.
    signed: OnceLock<SignedHead>,
}

/// What the writer and everybody else share.
pub(super) struct Shared {
    pub(super) rooms: RwLock<Rooms>,
    sign: Sign,
}

/// All rooms, as of the last commit.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    by_id: HashMap<RoomId, Arc<Committed>>,
    by_name: HashMap<String, RoomId>,
    by_pair: HashMap<[AccountId; 2], RoomId>,
    public: BTreeSet<RoomId>,
    direct: HashMap<AccountId, BTreeSet<RoomId>>,
    /// How many rooms of a kind an account has made.
    made: HashMap<(AccountId, RoomKind), usize>,
}

/// What finds the conversation of two people, whoever spoke first.
pub(super) fn pair(one: AccountId, other: AccountId) -> [AccountId; 2] {
    if one <= other { [one, other] } else { [other, one] }
}

impl Shared {
    pub(super) fn new(rooms: Rooms, sign: Sign) -> Self {
        Self {
            rooms: RwLock::new(rooms),
            sign,
        }
    }

    pub(super) fn room(&self, room: &RoomId) -> Option<Arc<Committed>> {
        read(&self.rooms).by_id(room).cloned()
    }

    /// The conversation of two people, where they have one.
    pub(super) fn direct(&self, one: AccountId, other: AccountId) -> Option<RoomRecord> {
        let room = read(&self.rooms).by_pair(one, other).cloned()?;
        Some(self.record(&room))
    }

    pub(super) fn record(&self, room: &Committed) -> RoomRecord {
        RoomRecord {
            genesis: Genesis::clone(&room.room.genesis),
            name: room.room.name.as_deref().cloned(),
            head: self.signed(room),
            time: room.room.head.time,
        }
    }

    /// A room's head with its signature: one signature per room and commit.
    pub(super) fn signed(&self, room: &Committed) -> SignedHead {
        *room.signed.get_or_init(|| {
            let Head { sequence, hash, .. } = room.room.head;
            let statement = SignedHead::statement(&room.room.genesis.room, sequence, &hash);
            SignedHead {
                sequence,
                hash,
                signature: (self.sign)(&statement),
            }
        })
    }
}

impl Rooms {
    pub(super) fn by_id(&self, room: &RoomId) -> Option<&Arc<Committed>> {
        self.by_id.get(room)
    }

    pub(super) fn by_name(&self, name: &RoomName) -> Option<&Arc<Committed>> {
        self.by_id(self.by_name.get(&name.key())?)
    }

    pub(super) fn by_pair(&self, one: AccountId, other: AccountId) -> Option<&Arc<Committed>> {
        self.by_id(self.by_pair.get(&pair(one, other))?)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many rooms of this kind the account has made.
    pub(super) fn made_by(&self, creator: AccountId, kind: RoomKind) -> usize {
        self.made.get(&(creator, kind)).copied().unwrap_or(0)
    }

    /// Puts a room in the place of what it was before the last commit.
    pub(super) fn insert(&mut self, room: Room) {
        let genesis = &room.genesis;
        let id = genesis.room;
        if !self.by_id.contains_key(&id) {
            *self.made.entry((genesis.creator, genesis.kind)).or_default() += 1;
        }
        if room.head.sequence == 0 || !self.by_id.contains_key(&id) {
            if let Some(name) = &room.name {
                self.by_name.insert(name.key(), id);
            }
            match (genesis.kind, genesis.peer) {
                (RoomKind::Direct, Some(peer)) => {
                    self.by_pair.insert(pair(genesis.creator, peer), id);
                    for account in [genesis.creator, peer] {
                        self.direct.entry(account).or_default().insert(id);
                    }
                }
                (RoomKind::Public, _) => drop(self.public.insert(id)),
                // A kind that this program does not know is nobody's to list.
                _ => {}
            }
        }
        self.by_id.insert(
            id,
            Arc::new(Committed {
                room,
                signed: OnceLock::new(),
            }),
        );
    }

    /// What `account` may read, behind `after`, in the order of the ids.
    pub(super) fn page(
        &self,
        account: &AccountId,
        after: Option<RoomId>,
        limit: usize,
    ) -> Vec<Arc<Committed>> {
        static NONE: BTreeSet<RoomId> = BTreeSet::new();
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let mut public = self.public.range(behind).peekable();
        let mut direct = self.direct.get(account).unwrap_or(&NONE).range(behind).peekable();
        // Two ascending sequences without a common member, merged.
        let merged = std::iter::from_fn(|| match (public.peek(), direct.peek()) {
            (Some(one), Some(other)) if other < one => direct.next(),
            (None, _) => direct.next(),
            (Some(_), _) => public.next(),
        });
        merged
            .filter_map(|room| self.by_id(room))
            .take(limit)
            .cloned()
            .collect()
    }
}
