//! What a hub says when it does not do what it was asked.

use serde::{Deserialize, Serialize};

/// The kind of a refusal: what a program acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// The request is not one, or not in this place.
    BadRequest,
    /// Client and hub have no version of the protocol in common.
    Version,
    /// Nobody is logged in on this connection, or the session has ended.
    Unauthenticated,
    /// A wrong name or a wrong password; which of them is not said.
    WrongCredentials,
    /// The invitation does not exist.
    InviteUnknown,
    /// The invitation's time is over.
    InviteExpired,
    /// The invitation was used as often as it may be.
    InviteUsed,
    /// The account has no right to this.
    Forbidden,
    /// The sender has to wait: slow mode, or too many failed logins. The message says how long.
    TooSoon,
    /// The room, person, path or upload does not exist.
    NotFound,
    /// The name is taken, or something stands in the way.
    Exists,
    /// It is larger or longer than allowed.
    TooLarge,
    /// The hub is too busy; try again shortly.
    Busy,
    /// The hub's disk is full.
    StorageFull,
    /// It would pass the limit of the space that it is for.
    Quota,
    /// What arrived is not what was announced (size, offset or hash).
    Mismatch,
    /// It changed, or somebody else was faster.
    Conflict,
    /// The request makes no sense for what is there: a directory instead of a file, a directory that is not empty.
    WrongKind,
    /// The hub is stopping.
    Stopping,
    /// Something went wrong inside the hub. Its log says more.
    #[serde(other)]
    Internal,
}

/// A refusal, as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Its kind.
    pub code: ErrorCode,
    /// What happened and to what, for a person. Text from others in it is already escaped; show it escaped all the
    /// same.
    pub message: String,
    /// What to do next, where there is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Refusal {
    /// A refusal without a hint.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
