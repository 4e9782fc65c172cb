//! What the hub says that its rooms are, against what the model says.

use crate::deed::Deed;
use crate::deed::codes;
use crate::log::{Log, body};
use crate::model::{Message, No, Person, Room as Modelled};
use crate::people::{NAMES, OWNER};
use bytes::Bytes;
use landline_client::{ClientError, Connection, lines};
use landline_model::error::ErrorCode;
use landline_model::event::{EventKind, RoomKind};
use landline_model::id::AccountId;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::chat::{
    History, HistoryPage, Member, Members, Reactions, Room, RoomEvent, RoomList,
};
use landline_model::room::{Membership, Standing};
use landline_model::target::Target;
use landline_model::time::Timestamp;
use std::collections::BTreeMap;

/// What one person looks at.
pub(crate) struct Look<'a> {
    /// Who looks.
    pub(crate) person: Person,
    /// On this connection.
    pub(crate) connection: &'a Connection,
    /// Everybody's account.
    pub(crate) accounts: &'a [AccountId],
    /// The rooms' logs, whole.
    pub(crate) logs: &'a [Log],
    /// What they call the rooms.
    pub(crate) targets: &'a [Target],
    /// All that was done.
    pub(crate) deeds: &'a [Deed],
}

/// A page of a room's log, or why not.
pub(crate) async fn page(
    connection: &Connection,
    target: &Target,
    since: u64,
    (proof, fold): (bool, bool),
) -> Result<(HistoryPage, Vec<RoomEvent>), (ErrorCode, String)> {
    let call = History {
        target: target.clone(),
        since,
        limit: PAGE_MAX,
        last: false,
        proof,
        fold,
    };
    match connection.exchange(&call, Bytes::new()).await {
        Ok(answer) => {
            let events = lines(&answer.body, connection).unwrap();
            Ok((answer.reply, events))
        }
        Err(ClientError::Refused(refusal)) => Err((refusal.code, refusal.message)),
        Err(error) => panic!("history: {error}"),
    }
}

/// A room's log behind `since`, to its end.
pub(crate) async fn whole(
    connection: &Connection,
    target: &Target,
    since: u64,
    how: (bool, bool),
) -> Result<Vec<RoomEvent>, (ErrorCode, String)> {
    let mut all: Vec<RoomEvent> = Vec::new();
    loop {
        let from = all.last().map_or(since, |last| last.sequence);
        let (page, events) = page(connection, target, from, how).await?;
        assert!(
            !page.more || !events.is_empty(),
            "{target}: more, but there is nothing"
        );
        all.extend(events);
        if !page.more {
            return Ok(all);
        }
    }
}

impl Look<'_> {
    /// Everything that this person may see is as in the model, and nothing else is there.
    pub(crate) async fn at_everything(&self) {
        let listed = self.listed().await;
        for log in self.logs {
            let (room, target) = (log.now(), &self.targets[log.room]);
            let seen = listed.get(&log.room);
            if room.kind == RoomKind::Direct && log.len() == 0 {
                continue;
            }
            assert_eq!(
                seen.is_some(),
                room.sees(self.person),
                "{} lists {target}: {seen:?}",
                self.name()
            );
            if let Some(seen) = seen {
                self.room_is_right(seen, log);
            }
            self.plain_history_is_right(log).await;
            self.folded_history_is_right(log).await;
            if self.person == OWNER && room.kind != RoomKind::Direct {
                self.members_are_right(room, target).await;
            }
        }
    }

    fn name(&self) -> &'static str {
        NAMES[self.person]
    }

    async fn listed(&self) -> BTreeMap<usize, Room> {
        let list = RoomList {
            after: None,
            limit: PAGE_MAX,
        };
        let answer = self.connection.exchange(&list, Bytes::new()).await.unwrap();
        let rooms: Vec<Room> = lines(&answer.body, self.connection).unwrap();
        let of = |room: Room| {
            let number = self.targets.iter().position(|target| *target == room.target);
            (
                number.unwrap_or_else(|| panic!("{} sees {room:?}", self.name())),
                room,
            )
        };
        rooms.into_iter().map(of).collect()
    }

    fn room_is_right(&self, seen: &Room, log: &Log) {
        let (name, room) = (self.name(), log.now());
        assert_eq!(
            (seen.kind, &seen.topic, seen.slow_seconds),
            (room.kind, &room.topic, room.slow),
            "{name}"
        );
        assert_eq!(seen.head.sequence, log.len(), "{name}: {seen:?}");
        if room.kind != RoomKind::Direct {
            assert_eq!(seen.members as usize, room.members(), "{name}: {seen:?}");
            is_standing(seen.me, room, self.person);
        }
    }

    /// As it was said, or erased.
    async fn plain_history_is_right(&self, log: &Log) {
        let Some(events) = self.history(log, (false, false)).await else {
            return;
        };
        for event in &events {
            let entry = log.entry(event.sequence);
            let mut expected = entry.event.clone();
            (expected.salt, expected.content_hash) = (None, None);
            expected.erased = log.is_erased(event.sequence);
            if expected.erased {
                expected.text = None;
                expected.mentions.clear();
            }
            assert_eq!(event, &expected, "{} reads room {}", self.name(), log.room);
            let deed = &self.deeds[entry.deed];
            if !event.erased && deed.act.who().is_none() {
                assert_eq!(event.text.as_deref(), Some(body(deed).as_str()), "{deed}");
            }
        }
    }

    /// Messages as they are now: the last text, the reactions, tombstones.
    async fn folded_history_is_right(&self, log: &Log) {
        let Some(events) = self.history(log, (false, true)).await else {
            return;
        };
        for event in events.iter().filter(|event| event.kind == EventKind::MESSAGE) {
            let message = &log.now().messages[&event.sequence];
            let text = (!message.deleted).then_some(&message.text);
            let edited = message.edited.filter(|_| !message.deleted);
            let found = (event.erased, event.text.as_ref(), event.edited);
            assert_eq!(
                found,
                (message.deleted, text, edited),
                "{}: {event:?}",
                self.name()
            );
            let mut reactions = event.reactions.clone();
            reactions.sort_by(|one, other| one.reaction.cmp(&other.reaction));
            assert_eq!(reactions, self.reactions(message), "{}: {event:?}", self.name());
        }
    }

    fn reactions(&self, message: &Message) -> Vec<Reactions> {
        let reactions = message.reactions.iter();
        let seen = reactions.map(|(reaction, people)| Reactions {
            reaction: reaction.clone(),
            count: u32::try_from(people.len()).unwrap(),
            mine: people.contains(&self.person),
        });
        seen.collect()
    }

    /// The whole log; none where they may not read it, and the hub says so.
    async fn history(&self, log: &Log, how: (bool, bool)) -> Option<Vec<RoomEvent>> {
        let (room, target) = (log.now(), &self.targets[log.room]);
        let found = whole(self.connection, target, 0, how).await;
        match found {
            Ok(events) => {
                assert!(room.reads(self.person), "{} reads {target}", self.name());
                let sequences = events.iter().map(|event| event.sequence);
                assert!(
                    sequences.eq(1..=log.len()),
                    "{} reads {target}: {events:#?}",
                    self.name()
                );
                Some(events)
            }
            Err((code, message)) => {
                let no = if room.sees(self.person) {
                    No::Right
                } else {
                    No::Hidden
                };
                let right = !room.reads(self.person) && codes(no).contains(&code);
                assert!(
                    right,
                    "{} may not read {target}: {code:?}, {message}",
                    self.name()
                );
                None
            }
        }
    }

    async fn members_are_right(&self, room: &Modelled, target: &Target) {
        let mut found: BTreeMap<AccountId, Membership> = BTreeMap::new();
        for others in [false, true] {
            let call = Members {
                target: target.clone(),
                others,
                after: None,
                limit: PAGE_MAX,
            };
            let answer = self.connection.exchange(&call, Bytes::new()).await.unwrap();
            for member in lines::<Member>(&answer.body, self.connection).unwrap() {
                let is_member = member.membership.standing.role().is_some();
                assert_eq!(is_member, !others, "{target}: {member:?}");
                let before = found.insert(member.account, member.membership);
                assert!(before.is_none(), "{target}: {member:?} is there twice");
            }
        }
        for (person, account) in self.accounts.iter().enumerate() {
            is_standing(found.remove(account).unwrap_or_default(), room, person);
        }
        assert!(found.is_empty(), "{target}: {found:?}");
    }
}

/// The hub knows of them what the model does. A mute that is over may be remembered or not.
fn is_standing(found: Membership, room: &Modelled, person: Person) {
    let known = &room.people[person];
    let now = Timestamp::from_system(std::time::SystemTime::now());
    let live = |until: Option<Timestamp>| until.filter(|until| *until > now);
    assert_eq!(found.standing, known.standing, "{}", NAMES[person]);
    let until = live(known.muted_until.map(Timestamp));
    assert_eq!(live(found.muted_until), until, "{}", NAMES[person]);
    debug_assert!(found.standing != Standing::Banned || !room.reads(person));
}
