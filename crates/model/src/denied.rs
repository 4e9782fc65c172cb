//! Why somebody may not do something.

use crate::role::Role;
use crate::room::RoomRole;
use crate::time::Timestamp;

/// Why not. What a person may know of it: it names nobody, and says nothing of what the asker may not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The session's time is over.
    #[error("the session has ended; log in again")]
    SessionEnded,
    /// The role on the hub is not enough.
    #[error("a {0} may not do this")]
    Role(Role),
    /// It is somebody else's.
    #[error("it belongs to somebody else")]
    NotYours,
    /// Only members of the room may.
    #[error("only members of the room may do this")]
    NotMember,
    /// Nobody comes in without an invitation.
    #[error("the room is by invitation")]
    NotInvited,
    /// Nobody comes in without being let in.
    #[error("the room's moderators let people in; ask to join")]
    NotApproved,
    /// They were put out, and have not joined again.
    #[error("you were put out of the room; join it again")]
    Kicked,
    /// They were put out for good.
    #[error("you are banned from the room")]
    Banned,
    /// They may not speak yet.
    #[error("you are muted")]
    Muted {
        /// Until when.
        until: Timestamp,
    },
    /// Slow mode: they spoke just now.
    #[error("the room is in slow mode")]
    TooSoon {
        /// When they may speak again.
        until: Timestamp,
    },
    /// They come and go too often.
    #[error("slow down: you come and go too often; wait")]
    TooOften {
        /// When they may again.
        until: Timestamp,
    },
    /// Their role in the room is not enough.
    #[error("only {0}s of the room may do this")]
    RoomRole(RoomRole),
    /// Whom they act on has the same role in the room, or a higher one.
    #[error("it needs a higher role in the room than the other has")]
    Rank,
    /// The other one does not want to hear from them.
    #[error("they do not take messages from you")]
    Blocked,
    /// A rule on the directory, or on one above it, gives another right or none.
    #[error("an access rule of the directory allows this to others only")]
    AccessRule,
    /// This is not done in a room of this kind.
    #[error("this is not done in a room of this kind")]
    RoomKind,
}
