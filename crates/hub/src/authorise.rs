//! The one place that says who may do what. Every door asks here, for every request, with the facts as they are now.

mod in_room;
#[cfg(test)]
mod tests;

use landline_model::access::Right;
use landline_model::denied::Denied;
use landline_model::id::{AccountId, SessionId};
use landline_model::role::Role;
use landline_model::room::{RoomFacts, RoomRole};
use landline_model::time::Timestamp;
use landline_store::people::Asker;

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

impl Identity {
    /// Whom the store asks about once more, when everything in front of what is asked for is done.
    pub(crate) fn asker(&self) -> Asker {
        Asker {
            account: self.account,
            role: self.role,
            session: self.session,
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To know and change one's own account: its name, its password, its sessions, its contacts.
    KeepOwnAccount,
    /// To look for people, and to see who is there.
    FindPeople,
    /// To look after accounts: to disable them, give them roles, end their sessions.
    KeepAccounts,
    /// To bring somebody in as this role.
    Invite(Role),
    /// To make a room.
    CreateRoom,
    /// To bring a room here from another hub.
    ImportRoom,
    /// To see which rooms there are.
    ListRooms,
    /// To know of a room.
    SeeRoom,
    /// To read what was said in a room, and what is being said.
    ReadRoom,
    /// To say something in a room.
    Speak,
    /// To react to a message.
    React,
    /// To change a message.
    EditMessage,
    /// To take a message back.
    DeleteMessage,
    /// To join a room.
    JoinRoom,
    /// To leave a room.
    LeaveRoom,
    /// To ask to be let into a room.
    AskToJoin,
    /// To invite somebody into a room, and to take that back.
    InviteToRoom,
    /// To let somebody in who has asked, or to turn them down.
    LetIn,
    /// To put somebody out of a room, to silence them, and to take that back.
    Moderate,
    /// To give somebody this role in a room.
    GrantRoomRole(RoomRole),
    /// To change a room's topic or its slow mode.
    SetRoom,
    /// To set what spaces may hold and how long their trash is kept, to see what all of them hold, and to have them
    /// counted.
    KeepSpaces,
    /// To list and fetch files.
    ReadFiles,
    /// To put, move and remove files.
    WriteFiles,
    /// To put new files, where nothing is replaced.
    AddFiles,
    /// To set and see the access rules on directories.
    SetAccess,
}

/// What it is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The hub as a whole.
    Hub,
    /// A room.
    Room(RoomFacts),
    /// The files of one account.
    Home(AccountId),
    /// Everybody's files, and what the access rules there say of whoever asks.
    SharedFiles(Option<Right>),
    /// The files of a room, and what the access rules there say of whoever asks.
    RoomFiles(RoomFacts, Option<Right>),
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
    let least = least_role(action, &resource);
    // A role that this program does not know is less than every other.
    if identity.role < least.ok_or(Denied::Role(identity.role))? {
        return Err(Denied::Role(identity.role));
    }
    match resource {
        Resource::Hub => Ok(()),
        Resource::SharedFiles(_) if action == Action::SetAccess => Ok(()),
        Resource::SharedFiles(rule) => by_rule(action, rule),
        Resource::Home(owner) if owner != identity.account => Err(Denied::NotYours),
        Resource::Home(_) => Ok(()),
        Resource::Room(facts) => in_room::authorise(identity, action, &facts, now),
        Resource::RoomFiles(facts, _) if action == Action::SetAccess => {
            in_room::read(identity, &facts).and_then(|()| in_room::keep(identity, &facts))
        }
        Resource::RoomFiles(facts, rule) => {
            in_room::read(identity, &facts).and_then(|()| by_rule(action, rule))
        }
    }
}

/// What an access rule allows of what is done with files; without one, all.
fn by_rule(action: Action, rule: Option<Right>) -> Result<(), Denied> {
    match (rule, action) {
        (None | Some(Right::Write), _)
        | (Some(Right::Read), Action::ReadFiles)
        | (Some(Right::Upload), Action::AddFiles) => Ok(()),
        _ => Err(Denied::AccessRule),
    }
}

/// The least role on the hub that an action on a resource asks for; none: nobody does this to that.
fn least_role(action: Action, resource: &Resource) -> Option<Role> {
    use Action as A;
    match (action, resource) {
        (A::KeepOwnAccount | A::FindPeople | A::ListRooms, Resource::Hub) => Some(Role::Guest),
        (A::CreateRoom, Resource::Hub) => Some(Role::Member),
        (A::Invite(Role::Unknown), _) => None,
        (A::Invite(_) | A::KeepAccounts | A::KeepSpaces | A::ImportRoom, Resource::Hub) => Some(Role::Admin),
        (
            A::SeeRoom
            | A::ReadRoom
            | A::Speak
            | A::React
            | A::EditMessage
            | A::DeleteMessage
            | A::JoinRoom
            | A::LeaveRoom
            | A::AskToJoin
            | A::InviteToRoom
            | A::LetIn
            | A::Moderate
            | A::GrantRoomRole(_)
            | A::SetRoom,
            Resource::Room(_),
        ) => Some(Role::Guest),
        (A::ReadFiles | A::WriteFiles | A::AddFiles, Resource::Home(_) | Resource::RoomFiles(..))
        // Where a rule says something, it says it of guests too.
        | (A::ReadFiles | A::WriteFiles | A::AddFiles, Resource::SharedFiles(Some(_)))
        | (A::ReadFiles, Resource::SharedFiles(None))
        | (A::SetAccess, Resource::RoomFiles(..)) => Some(Role::Guest),
        (A::WriteFiles | A::AddFiles, Resource::SharedFiles(None)) => Some(Role::Member),
        (A::SetAccess, Resource::SharedFiles(_)) => Some(Role::Admin),
        _ => None,
    }
}
