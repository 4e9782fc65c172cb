//! From an error to the one refusal that a peer hears. What a peer cannot help is logged here and told in general.

use landline_model::denied::Denied;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::name::{NameError, RoomName};
use landline_model::text::escape;
use landline_model::time::Timestamp;
use landline_store::StoreError;
use landline_store::chat::ImportFault;
use landline_store::files::FilesError;

/// What `authorise` says no to; `what` is what it was about.
pub(crate) fn denied(why: Denied, what: &str) -> Refusal {
    let code = match why {
        Denied::SessionEnded => ErrorCode::Unauthenticated,
        Denied::TooSoon { .. } | Denied::TooOften { .. } => ErrorCode::TooSoon,
        _ => ErrorCode::Forbidden,
    };
    Refusal::new(code, format!("{}: no right: {why}", escape(what)))
}

/// The same with how long it is so, where that is for a time.
pub(crate) fn denied_at(why: Denied, what: &str, now: Timestamp) -> Refusal {
    let mut refusal = denied(why, what);
    if let Denied::Muted { until } | Denied::TooSoon { until } | Denied::TooOften { until } = why {
        let seconds = until.0.saturating_sub(now.0).div_ceil(1000).max(1);
        refusal.message.push_str(&format!(" for another {seconds} s"));
    }
    refusal
}

/// The refusal of a room that is not there, or that the one who asks may not know of.
pub(crate) fn no_such_room(name: &RoomName) -> Refusal {
    Refusal::new(ErrorCode::NotFound, format!("there is no room #{name}"))
        .with_hint("landline room ls shows the rooms, landline room create NAME makes one")
}

/// A name that nothing new may have.
pub(crate) fn name_refused(why: NameError) -> Refusal {
    Refusal::new(ErrorCode::BadRequest, why.to_string()).with_hint("choose another name")
}

/// What the store of people and rooms says no to.
pub(crate) fn from_store(error: &StoreError) -> Refusal {
    let (code, hint) = match error {
        StoreError::StorageFull => (
            ErrorCode::StorageFull,
            Some("make room on the hub's disk, then try again"),
        ),
        StoreError::NotFound => (ErrorCode::NotFound, None),
        StoreError::NameTaken => (ErrorCode::Exists, Some("choose another name")),
        StoreError::TooLarge | StoreError::TooMany { .. } => (ErrorCode::TooLarge, None),
        StoreError::Invalid(_) => (ErrorCode::BadRequest, None),
        StoreError::Denied(why) => return denied(*why, "this"),
        StoreError::NoChange => (ErrorCode::Conflict, None),
        StoreError::NotAsked => (ErrorCode::Conflict, Some("landline room invite")),
        StoreError::Banned => (ErrorCode::Conflict, Some("landline room unban")),
        StoreError::LastOwner => (
            ErrorCode::Conflict,
            Some("make somebody else an owner first: landline room role"),
        ),
        StoreError::Importing => (ErrorCode::Conflict, None),
        StoreError::Import(ImportFault::RoomKnown) => (
            ErrorCode::Exists,
            Some("a room is brought to a hub that does not have it"),
        ),
        StoreError::Import(ImportFault::Ahead(_)) => (
            ErrorCode::Mismatch,
            Some(
                "compare the hub's clock with that of the hub where the room was exported, or wait until then",
            ),
        ),
        StoreError::Import(_) => (ErrorCode::Mismatch, Some("export the room again")),
        StoreError::InviteUnknown => (
            ErrorCode::InviteUnknown,
            Some("copy the whole link, or ask for a new one"),
        ),
        StoreError::InviteRoleUnknown => (
            ErrorCode::InviteUnknown,
            Some("a newer version of Landline made it; run that one on the hub"),
        ),
        StoreError::InviteExpired => (ErrorCode::InviteExpired, Some("ask for a new link")),
        StoreError::InviteUsed => (ErrorCode::InviteUsed, Some("ask for a new link")),
        StoreError::SessionUnknown | StoreError::SessionExpired => {
            (ErrorCode::Unauthenticated, Some("landline login"))
        }
        StoreError::PasswordChanged => (ErrorCode::WrongCredentials, None),
        StoreError::LastAdmin | StoreError::AccountDisabled => (ErrorCode::Conflict, None),
        StoreError::Stopped => (ErrorCode::Stopping, Some("try again when the hub is back")),
        error => return internal(error),
    };
    let refusal = Refusal::new(code, error.to_string());
    if error == &StoreError::StorageFull {
        tracing::error!("the disk is full");
    }
    match hint {
        Some(hint) => refusal.with_hint(hint),
        None => refusal,
    }
}

/// What the store of files says no to.
pub(crate) fn from_files(error: &FilesError) -> Refusal {
    match error {
        FilesError::Internal(_) => internal(error),
        FilesError::Store(error) => from_store(error),
        FilesError::StorageFull => from_store(&StoreError::StorageFull),
        FilesError::Quota { trash, .. } => {
            let refusal = Refusal::new(error.code(), error.to_string());
            refusal.with_hint(if *trash > 0 {
                "landline trash empty makes room; so does landline rm, and then that; an admin sets limits"
            } else {
                "remove something and empty the trash, or ask an admin for more room: landline space ls"
            })
        }
        error => Refusal::new(error.code(), error.to_string()),
    }
}

fn internal(error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%error, "the store failed");
    Refusal::new(
        ErrorCode::Internal,
        "something went wrong inside the hub; its log says more",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_cannot_help_is_not_told_in_detail() {
        let refusal = from_store(&StoreError::Io("/secret/place: broken".to_owned()));
        assert_eq!(refusal.code, ErrorCode::Internal);
        assert!(!refusal.message.contains("secret"));
    }

    #[test]
    fn a_room_that_is_here_needs_no_other_export() {
        let [known, other] = [ImportFault::RoomKnown, ImportFault::Genesis]
            .map(|fault| from_store(&StoreError::Import(fault)));
        assert_eq!((known.code, other.code), (ErrorCode::Exists, ErrorCode::Mismatch));
        assert!(!known.hint.unwrap().contains("export"));
    }
}
