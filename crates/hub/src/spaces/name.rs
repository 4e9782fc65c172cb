//! From what people call spaces and accounts to their ids, and back.

use crate::authorise::Identity;
use crate::chat::visible;
use crate::services::Services;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::id::AccountId;
use landline_model::path::{RemotePath, Space};
use landline_model::space::SpaceName;
use landline_store::files::{Place, SpaceId};

/// The space of that name. A room that one may not know of is not there. Who may do what with it is asked elsewhere.
pub(super) fn named(services: &Services, who: &Identity, name: &SpaceName) -> Result<SpaceId, Refusal> {
    Ok(match name {
        SpaceName::Own => SpaceId::Home(who.account),
        SpaceName::Shared => SpaceId::Shared,
        SpaceName::Room(name) => SpaceId::Room(visible(services, who, name)?.0.genesis.room),
        SpaceName::Home(name) => {
            let account = services.people.account_by_name(name).ok_or_else(|| {
                Refusal::new(ErrorCode::NotFound, format!("there is nobody called @{name}"))
            })?;
            SpaceId::Home(account.id)
        }
    })
}

/// What `who` calls a place; none: it lies in somebody else's home, or in a room that `who` may not know of.
pub(super) fn path_of(services: &Services, who: &Identity, place: &Place) -> Option<RemotePath> {
    let space = match place.space {
        SpaceId::Home(account) if account == who.account => Space::Home,
        SpaceId::Home(_) => return None,
        SpaceId::Shared => Space::Shared,
        SpaceId::Room(room) => {
            let name = services.chat.room(&room)?.genesis.name.parse().ok()?;
            visible(services, who, &name).ok()?;
            Space::Room(name)
        }
    };
    Some(RemotePath {
        space,
        components: place.components.clone(),
    })
}

/// Who it was, for the log.
pub(super) fn account_name(services: &Services, account: &AccountId) -> String {
    let found = services.people.account(account);
    found.map_or_else(|| account.to_string(), |found| found.name.to_string())
}
