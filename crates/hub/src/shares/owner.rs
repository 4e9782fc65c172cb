//! What the owner of a share may do now: nobody gets by a link what its owner could not get.

use crate::authorise::{Action, Identity};
use crate::files;
use crate::services::Services;
use landline_model::id::{AccountId, SessionId};
use landline_model::protocol::shares::ShareKind;
use landline_model::time::Timestamp;
use landline_store::files::{Place, Share};

/// Whether the owner of a share may do at `place` what the share is for.
pub(crate) fn may(services: &Services, share: &Share, place: &Place) -> bool {
    let action = if share.kind == ShareKind::Drop {
        Action::WriteFiles
    } else {
        Action::ReadFiles
    };
    may_at(services, share.owner, action, place)
}

/// Whether an account may do `action` at a place of the store: the one question that everything done by a share asks.
fn may_at(services: &Services, account: AccountId, action: Action, place: &Place) -> bool {
    // None: nobody gets into the account any more.
    let Some(role) = services.role(&account) else {
        return false;
    };
    let owner = Identity {
        account,
        role,
        // It outlives the session in which it was made.
        session: SessionId::from_bytes([0; 16]),
        session_ends: Timestamp(u64::MAX),
    };
    files::allowed_at(services, &owner, action, place, "").is_ok()
}
