//! Rooms and people as others see them.

use crate::authorise::{Action, Identity, Resource, authorise};
use crate::services::Services;
use landline_model::event::RoomKind;
use landline_model::id::{AccountId, RoomId};
use landline_model::name::AccountName;
use landline_model::protocol::chat::Room;
use landline_model::target::Target;
use landline_store::chat::{Chat, RoomRecord};
use landline_store::people::People;

/// A room as the account sees it.
pub(crate) fn describe(services: &Services, account: &AccountId, record: &RoomRecord) -> Room {
    let genesis = &record.genesis;
    let target = match &record.name {
        Some(name) => Target::Room(name.clone()),
        None => {
            let other = if genesis.creator == *account {
                genesis.peer
            } else {
                Some(genesis.creator)
            };
            Target::Person(Names::all(services).of(&other.unwrap_or(genesis.creator)))
        }
    };
    debug_assert!(record.name.is_none() == (genesis.kind == RoomKind::Direct));
    Room {
        id: genesis.room,
        target,
        kind: genesis.kind,
        created: genesis.created,
        creator: genesis.creator,
        original_name: genesis.name.clone(),
        peer: genesis.peer,
        head: record.head.clone(),
        topic: record.topic.clone(),
        slow_seconds: record.slow_seconds,
        members: record.members,
        me: services.chat.membership(&genesis.room, account),
        read: services.chat.read_mark(account, &genesis.room),
    }
}

/// A room as `who` sees it now; none: they do not.
pub(crate) fn as_seen(services: &Services, who: &Identity, room: &RoomId) -> Option<Room> {
    let record = services.chat.room(room)?;
    let facts = services.chat.facts(room, &who.account, None)?;
    authorise(who, Action::SeeRoom, Resource::Room(facts), services.now()).ok()?;
    Some(describe(services, &who.account, &record))
}

/// What accounts are called now.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) people: &'a People,
    /// Knows what people of other hubs were called, whose rooms were brought here. None: where only people of this hub
    /// can be meant.
    pub(crate) elsewhere: Option<&'a Chat>,
}

impl<'a> Names<'a> {
    /// All there are.
    pub(crate) const fn all(services: &'a Services) -> Self {
        Self {
            people: &services.people,
            elsewhere: Some(&services.chat),
        }
    }

    /// Accounts do not go away; should one be missing, its id stands in.
    pub(crate) fn of(self, id: &AccountId) -> AccountName {
        let here = self.people.account(id).map(|account| account.name);
        here.or_else(|| self.of_another_hub(id))
            .unwrap_or_else(|| id.to_string().parse().expect("32 hexadecimal digits are a name"))
    }

    /// What somebody was called on another hub. Where somebody here is called the same, it is told apart: nobody's words
    /// look as if that one had said them.
    fn of_another_hub(self, id: &AccountId) -> Option<AccountName> {
        let name = self.elsewhere?.sender_name(id)?;
        if self.find(&name).is_none() {
            return Some(name);
        }
        let id = id.to_string();
        format!("{name}.{}", id.get(..8)?).parse().ok()
    }

    /// Who is called like this here.
    pub(crate) fn find(self, name: &AccountName) -> Option<AccountId> {
        Some(self.people.account_by_name(name)?.id)
    }
}
