//! Rooms as they are kept in memory.

use super::Sign;
use super::members::{Known, Roster};
use super::seal::Committed;
use crate::{INTEGER_MAX, read};
use landline_model::event::{Genesis, RoomKind};
use landline_model::hash::Hash;
use landline_model::head::SignedHead;
use landline_model::id::{AccountId, RoomId};
use landline_model::name::{AccountName, RoomName};
use landline_model::room::{Membership, RoomFacts, RoomRole, Standing};
use landline_model::time::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// A room and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecord {
    /// What it began with.
    pub genesis: Genesis,
    /// What it is called; `None` for a direct conversation.
    pub name: Option<RoomName>,
    /// What it is about; may be empty.
    pub topic: String,
    /// Seconds that everybody waits between two messages; 0: no slow mode.
    pub slow_seconds: u32,
    /// How many members it has.
    pub members: u32,
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
    pub(super) topic: Arc<str>,
    pub(super) slow_seconds: u32,
    pub(super) people: People,
}

/// How many people a room knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct People {
    /// In whatever way.
    pub(super) known: u32,
    pub(super) members: u32,
    /// Of the members.
    pub(super) owners: u32,
}

impl People {
    pub(super) fn add(&mut self, known: Known) {
        let [all, members, owners] = Self::counts(known);
        self.known = self.known.saturating_add(all);
        self.members = self.members.saturating_add(members);
        self.owners = self.owners.saturating_add(owners);
    }

    pub(super) fn remove(&mut self, known: Known) {
        let [all, members, owners] = Self::counts(known);
        self.known = self.known.saturating_sub(all);
        self.members = self.members.saturating_sub(members);
        self.owners = self.owners.saturating_sub(owners);
    }

    fn counts(known: Known) -> [u32; 3] {
        let role = known.membership.standing.role();
        [
            u32::from(!known.is_nothing()),
            u32::from(role.is_some()),
            u32::from(role == Some(RoomRole::Owner)),
        ]
    }
}

impl Room {
    /// The two of a direct conversation.
    pub(super) fn pair(&self) -> Option<[AccountId; 2]> {
        match (self.genesis.kind, self.genesis.peer) {
            (RoomKind::Direct, Some(peer)) => Some([self.genesis.creator, peer]),
            _ => None,
        }
    }

    /// What there is to know when somebody wants to do something here.
    pub(super) fn facts(&self, me: Known, other: Option<(AccountId, Membership)>) -> RoomFacts {
        let wait = Duration::from_secs(self.slow_seconds.into());
        let next_message = me.spoke.filter(|_| self.slow_seconds > 0);
        RoomFacts {
            kind: self.genesis.kind,
            pair: self.pair(),
            me: me.membership,
            next_message: next_message.map(|spoke| Timestamp(spoke.plus(wait).0.min(INTEGER_MAX))),
            other,
        }
    }
}

/// What the writer and everybody else share.
pub(super) struct Shared {
    pub(super) rooms: RwLock<Rooms>,
    /// What people of other hubs were called.
    pub(super) names: RwLock<HashMap<AccountId, AccountName>>,
    /// Whether something was erased that may still stand in the write-ahead log.
    pub(super) erased: AtomicBool,
    sign: Sign,
}

/// All rooms, as of the last commit.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    by_id: HashMap<RoomId, Arc<Committed>>,
    by_name: HashMap<String, RoomId>,
    by_pair: HashMap<[AccountId; 2], RoomId>,
    /// Those that everybody knows of.
    open: BTreeSet<RoomId>,
    /// Those that an account knows of beside them: its conversations, and the private rooms that it is in or invited to.
    own: HashMap<AccountId, BTreeSet<RoomId>>,
    /// How many rooms an account has made: conversations (true) and others.
    made: HashMap<(AccountId, bool), usize>,
    /// Whom each room knows. Rooms that know nobody are left out.
    rosters: HashMap<RoomId, Roster>,
}

/// What finds the conversation of two people, whoever spoke first.
pub(super) fn pair(one: AccountId, other: AccountId) -> [AccountId; 2] {
    if one <= other { [one, other] } else { [other, one] }
}

impl Shared {
    pub(super) fn new(rooms: Rooms, names: HashMap<AccountId, AccountName>, sign: Sign) -> Self {
        Self {
            rooms: RwLock::new(rooms),
            names: RwLock::new(names),
            // What the last run erased, too, if it was killed.
            erased: AtomicBool::new(true),
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
            topic: room.room.topic.as_ref().to_owned(),
            slow_seconds: room.room.slow_seconds,
            members: room.room.people.members,
        }
    }

    /// A room's head with its signature: one signature per commit.
    pub(super) fn signed(&self, room: &Committed) -> SignedHead {
        room.signed(&self.sign)
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

    /// How many conversations, or else other rooms, the account has made.
    pub(super) fn made_by(&self, creator: AccountId, direct: bool) -> usize {
        self.made.get(&(creator, direct)).copied().unwrap_or(0)
    }

    /// What a room knows of somebody.
    pub(super) fn known(&self, room: &RoomId, account: &AccountId) -> Known {
        let roster = self.rosters.get(room);
        roster.and_then(|roster| roster.find(account)).unwrap_or_default()
    }

    pub(super) fn roster(&self, room: &RoomId) -> Option<&Roster> {
        self.rosters.get(room)
    }

    /// Puts what a room knows of somebody in the place of what it knew before the last commit.
    pub(super) fn stand(&mut self, room: RoomId, account: AccountId, known: Known) {
        self.rosters.entry(room).or_default().set(account, known);
        let kind = self.by_id.get(&room).map(|room| room.room.genesis.kind);
        if kind == Some(RoomKind::Private) {
            match known.membership.standing {
                Standing::Member(_) | Standing::Invited => self.owns(account, room),
                _ => self.disowns(&account, &room),
            }
        }
    }

    fn owns(&mut self, account: AccountId, room: RoomId) {
        self.own.entry(account).or_default().insert(room);
    }

    fn disowns(&mut self, account: &AccountId, room: &RoomId) {
        if let Some(own) = self.own.get_mut(account) {
            own.remove(room);
            if own.is_empty() {
                self.own.remove(account);
            }
        }
    }

    /// Puts a room in the place of what it was before the last commit.
    pub(super) fn insert(&mut self, committed: Arc<Committed>) {
        let room = &committed.room;
        let genesis = Arc::clone(&room.genesis);
        let id = genesis.room;
        if !self.by_id.contains_key(&id) {
            let direct = genesis.kind == RoomKind::Direct;
            *self.made.entry((genesis.creator, direct)).or_default() += 1;
            if let Some(name) = &room.name {
                self.by_name.insert(name.key(), id);
            }
            match (genesis.kind, genesis.peer) {
                (RoomKind::Direct, Some(peer)) => {
                    self.by_pair.insert(pair(genesis.creator, peer), id);
                    self.owns(genesis.creator, id);
                    self.owns(peer, id);
                }
                (RoomKind::Public | RoomKind::Approval, _) => drop(self.open.insert(id)),
                // A private room is listed for those whom it knows. A kind that this program does not know is nobody's
                // to list.
                _ => {}
            }
        }
        self.by_id.insert(id, committed);
    }

    /// What `account` may know of, behind `after`, in the order of the ids.
    pub(super) fn page(
        &self,
        account: &AccountId,
        after: Option<RoomId>,
        limit: usize,
    ) -> Vec<Arc<Committed>> {
        static NONE: BTreeSet<RoomId> = BTreeSet::new();
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let mut open = self.open.range(behind).peekable();
        let mut own = self.own.get(account).unwrap_or(&NONE).range(behind).peekable();
        // Two ascending sequences without a common member, merged.
        let merged = std::iter::from_fn(|| match (open.peek(), own.peek()) {
            (Some(one), Some(other)) if other < one => own.next(),
            (None, _) => own.next(),
            (Some(_), _) => open.next(),
        });
        merged
            .filter_map(|room| self.by_id(room))
            .take(limit)
            .cloned()
            .collect()
    }
}
