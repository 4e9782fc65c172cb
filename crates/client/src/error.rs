//! What can go wrong between this machine and a hub, told so that a person knows what to do next.

use landline_model::error::{ErrorCode, Refusal};
use landline_model::link::Pin;
use landline_wire::FrameError;

/// Why something asked of a hub was not done. Cheap to clone: everybody who waits on a broken connection gets the
/// same one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nothing answers at the hub's addresses.
    #[error("no hub answers at {tried}")]
    Unreachable {
        /// Every address that was tried, and what happened there.
        tried: String,
    },
    /// Something answers, but it is not a Landline hub.
    #[error("{address} answers, but it is not a Landline hub: {reason}")]
    NotAHub {
        /// Where.
        address: String,
        /// What it did.
        reason: String,
    },
    /// What listens there closes the connection before a greeting: a hub that is full or stopping, or no hub.
    #[error("{address} closed the connection before the greeting: {reason}")]
    TurnedAway {
        /// Where.
        address: String,
        /// How.
        reason: String,
    },
    /// A Landline hub that does not speak this program's version of the protocol.
    #[error("the hub at {address} does not speak this program's version of the protocol: {reason}")]
    OtherVersion {
        /// Where.
        address: String,
        /// What it said.
        reason: String,
    },
    /// The greeting was not done in time.
    #[error("{address} took the connection but did not finish the greeting within {seconds} s")]
    HandshakeDeadline {
        /// Where.
        address: String,
        /// How long it had.
        seconds: u64,
    },
    /// The certificate authority is not the pinned one. Nothing was sent.
    #[error(
        "THE HUB AT {address} IS NOT THE ONE YOU JOINED: its certificate authority has another key.\n  expected \
         fingerprint {}\n  found    fingerprint {}\n  Nothing was sent.",
        expected.fingerprint(), list(found)
    )]
    PinChanged {
        /// Where.
        address: String,
        /// What was pinned.
        expected: Pin,
        /// What was presented instead.
        found: Vec<Pin>,
    },
    /// The certificate authority is the right one, but the certificate in front of it does not hold.
    #[error("the hub at {address} showed a certificate that does not hold: {reason}")]
    Certificate {
        /// Where.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The connection ended in the middle.
    #[error("the connection to {address} was lost: {reason}")]
    Lost {
        /// Where.
        address: String,
        /// How.
        reason: String,
    },
    /// The hub said something that this program cannot read.
    #[error("the hub at {address} broke the protocol: {reason}")]
    Protocol {
        /// Where.
        address: String,
        /// What it said.
        reason: String,
    },
    /// What was to be sent cannot be sent; nothing was.
    #[error("{0}")]
    Unsendable(#[from] FrameError),
    /// The hub said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The client's own files do not work.
    #[error("{path}: {reason}")]
    File {
        /// Which file.
        path: String,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// No hub is known under that name, or none at all.
    #[error("{0}")]
    NoSuchHub(String),
    /// The hub is known, but nobody is logged in to it from here.
    #[error("nobody is logged in to the hub {0} from here")]
    NotLoggedIn(String),
    /// A room's signed head is not what it must be.
    #[error("{0}")]
    Head(crate::heads::HeadError),
}

impl ClientError {
    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Unreachable { .. } => {
                "is the hub running (landline serve), on this network, and is its port let through?"
            }
            Self::NotAHub { .. } => "check host and port; a hub listens on 5263 unless told otherwise",
            Self::TurnedAway { .. } => {
                "the hub may have as many connections as it takes, or be stopping: try again shortly, or check host and port"
            }
            Self::OtherVersion { .. } => {
                "compare `landline --version` here and there, and update the older one"
            }
            Self::HandshakeDeadline { .. } => {
                "the hub may be overloaded, or this is no hub; try again, or check the port"
            }
            Self::PinChanged { .. } => {
                "If the hub was really reinstalled, ask its admin for the new fingerprint and a new invite link, then: \
                 landline join LINK; otherwise somebody may be in between."
            }
            Self::Certificate { .. } => {
                "compare the clocks of both machines; the hub renews its certificate by itself"
            }
            Self::Lost { .. } => "try again; what was acknowledged is kept",
            Self::NoSuchHub(_) => "landline hubs lists the known ones; landline join LINK adds one",
            Self::NotLoggedIn(_) => {
                "landline login, or ask an admin for an invite link and: landline join LINK"
            }
            Self::Refused(refusal) => return refusal_hint(refusal),
            Self::File { hint, .. } => return hint.clone(),
            Self::Head(_) => "tell the hub's admin; landline audit says more",
            Self::Protocol { .. } | Self::Unsendable(_) => return None,
        };
        Some(text.to_owned())
    }

    /// The kind of the hub's refusal, where this is one.
    #[must_use]
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// True where connecting again may help: the hub was not there, went away, or is busy or stopping.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::TurnedAway { .. }
                | Self::HandshakeDeadline { .. }
                | Self::Lost { .. }
                | Self::Refused(Refusal {
                    code: ErrorCode::Busy | ErrorCode::Stopping,
                    ..
                })
        )
    }
}

fn refusal_hint(refusal: &Refusal) -> Option<String> {
    let own = match refusal.code {
        ErrorCode::Unauthenticated => "log in again: landline login",
        ErrorCode::InviteExpired | ErrorCode::InviteUsed | ErrorCode::InviteUnknown => {
            "ask an admin of the hub for a new link"
        }
        ErrorCode::Version => "compare `landline --version` here and there, and update the older one",
        _ => return refusal.hint.clone(),
    };
    Some(refusal.hint.clone().unwrap_or_else(|| own.to_owned()))
}

fn list(pins: &[Pin]) -> String {
    if pins.is_empty() {
        return "none: it presented no certificate authority".to_owned();
    }
    pins.iter()
        .map(Pin::fingerprint)
        .collect::<Vec<_>>()
        .join(", or ")
}
