//! The one place that says who may do what. Every door asks here, for every request, with the facts as they are now.

use landline_model::id::{AccountId, SessionId};
use landline_model::role::Role;
use landline_model::time::Timestamp;

/// Who asks. Made afresh for each request from the session and the account as they are then, so that a change of role
/// or the end of a session counts at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// What it is on this hub.
    pub role: Role,
    /// The session it is logged in with.
    pub session: SessionId,
    /// When that session ends whatever happens.
    pub session_ends: Timestamp,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To know and change one's own account: its name, its password, its sessions.
    KeepOwnAccount,
    /// To bring somebody in as this role.
    Invite(Role),
    /// To make a public room.
    CreateRoom,
    /// To see which rooms there are.
    ListRooms,
    /// To read what was said in a room, and what is being said.
    ReadRoom,
    /// To say something in a room.
    Speak,
    /// To list and fetch files.
    ReadFiles,
    /// To put, move and remove files.
    WriteFiles,
}

/// What it is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The hub as a whole.
    Hub,
    /// A public room.
    PublicRoom,
    /// The conversation of these two.
    DirectRoom(AccountId, AccountId),
    /// The files of one account.
    Home(AccountId),
    /// Everybody's files.
    SharedFiles,
    /// The files of a public room.
    PublicRoomFiles,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The session's time is over.
    #[error("the session has ended; log in again")]
    SessionEnded,
    /// The role is not enough.
    #[error("a {0} may not do this")]
    Role(Role),
    /// It is somebody else's.
    #[error("it belongs to somebody else")]
    NotYours,
}

/// Says whether `identity` may do `action` to `resource` at `now`.
///
/// # Errors
/// Why not. What is not allowed by a line here is not allowed.
pub fn authorise(
    identity: &Identity,
    action: Action,
    resource: Resource,
    now: Timestamp,
) -> Result<(), Denied> {
    if now >= identity.session_ends {
        return Err(Denied::SessionEnded);
    }
    let least = least_role(action, resource);
    // A role that this program does not know is less than every other.
    if identity.role < least.ok_or(Denied::Role(identity.role))? {
        return Err(Denied::Role(identity.role));
    }
    let owned_by_others = match resource {
        Resource::DirectRoom(one, other) => identity.account != one && identity.account != other,
        Resource::Home(owner) => identity.account != owner,
        Resource::Hub | Resource::PublicRoom | Resource::SharedFiles | Resource::PublicRoomFiles => false,
    };
    if owned_by_others {
        Err(Denied::NotYours)
    } else {
        Ok(())
    }
}

/// The least role that an action on a resource asks for; none: nobody does this to that.
fn least_role(action: Action, resource: Resource) -> Option<Role> {
    match (action, resource) {
        (Action::KeepOwnAccount | Action::ListRooms, Resource::Hub) => Some(Role::Guest),
        (Action::CreateRoom, Resource::Hub) => Some(Role::Member),
        (Action::Invite(Role::Unknown), _) => None,
        (Action::Invite(_), Resource::Hub) => Some(Role::Admin),
        (Action::ReadRoom | Action::Speak, Resource::PublicRoom | Resource::DirectRoom(..)) => {
            Some(Role::Guest)
        }
        (Action::ReadFiles, Resource::Home(_) | Resource::SharedFiles | Resource::PublicRoomFiles) => {
            Some(Role::Guest)
        }
        (Action::WriteFiles, Resource::Home(_) | Resource::PublicRoomFiles) => Some(Role::Guest),
        (Action::WriteFiles, Resource::SharedFiles) => Some(Role::Member),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: AccountId = AccountId::from_bytes([1; 16]);
    const YOU: AccountId = AccountId::from_bytes([2; 16]);
    const THEM: AccountId = AccountId::from_bytes([3; 16]);

    const ACTIONS: [Action; 9] = [
        Action::KeepOwnAccount,
        Action::Invite(Role::Admin),
        Action::Invite(Role::Guest),
        Action::CreateRoom,
        Action::ListRooms,
        Action::ReadRoom,
        Action::Speak,
        Action::ReadFiles,
        Action::WriteFiles,
    ];

    const RESOURCES: [Resource; 8] = [
        Resource::Hub,
        Resource::PublicRoom,
        Resource::DirectRoom(ME, YOU),
        Resource::DirectRoom(YOU, THEM),
        Resource::Home(ME),
        Resource::Home(YOU),
        Resource::SharedFiles,
        Resource::PublicRoomFiles,
    ];

    /// Rows: actions; columns: resources; each cell the roles that may: `g`uest, `m`ember, `a`dmin.
    const ALLOWED: [[&str; 8]; 9] = [
        // hub    public  mine   theirs  home   other  shared room files
        ["gma", "", "", "", "", "", "", ""],       // keep own account
        ["a", "", "", "", "", "", "", ""],         // invite an admin
        ["a", "", "", "", "", "", "", ""],         // invite a guest
        ["ma", "", "", "", "", "", "", ""],        // create a room
        ["gma", "", "", "", "", "", "", ""],       // list rooms
        ["", "gma", "gma", "", "", "", "", ""],    // read a room
        ["", "gma", "gma", "", "", "", "", ""],    // speak
        ["", "", "", "", "gma", "", "gma", "gma"], // read files
        ["", "", "", "", "gma", "", "ma", "gma"],  // write files
    ];

    fn identity(role: Role) -> Identity {
        Identity {
            account: ME,
            role,
            session: SessionId::from_bytes([9; 16]),
            session_ends: Timestamp(1000),
        }
    }

    #[test]
    fn every_action_on_every_resource_by_every_role_is_as_the_matrix_says() {
        for (action, row) in ACTIONS.into_iter().zip(ALLOWED) {
            for (resource, roles) in RESOURCES.into_iter().zip(row) {
                for role in Role::ALL {
                    let allowed = authorise(&identity(role), action, resource, Timestamp(999)).is_ok();
                    let letter = role.name().chars().next().unwrap();
                    assert_eq!(allowed, roles.contains(letter), "{role} {action:?} {resource:?}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_role_may_do_nothing_and_is_given_by_nobody() {
        for resource in RESOURCES {
            for action in ACTIONS {
                let answer = authorise(&identity(Role::Unknown), action, resource, Timestamp(999));
                assert_eq!(answer, Err(Denied::Role(Role::Unknown)));
            }
            let invite = Action::Invite(Role::Unknown);
            let answer = authorise(&identity(Role::Admin), invite, resource, Timestamp(999));
            assert_eq!(answer, Err(Denied::Role(Role::Admin)));
        }
    }

    #[test]
    fn an_ended_session_may_do_nothing() {
        for action in ACTIONS {
            for resource in RESOURCES {
                let answer = authorise(&identity(Role::Admin), action, resource, Timestamp(1000));
                assert_eq!(answer, Err(Denied::SessionEnded));
            }
        }
    }
}
