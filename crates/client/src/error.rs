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
    /// The hub asked for a token's proof and had none of its own. Nothing was shown to it.
    #[error("the hub at {address} could not show that it knows the token; nothing was shown to it")]
    HubUnproven {
        /// Where.
        address: String,
    },
    /// The local network cannot be asked for hubs.
    #[error("the local network cannot be searched: {0}")]
    Discovery(String),
    /// No hub of that name announces itself.
    #[error("no hub on this network announces itself as {0}")]
    NotAnnounced(String),
    /// More than one hub of that name announces itself, or somebody pretends.
    #[error("more than one hub on this network announces itself as {name}: at {}", addresses.join(" and at "))]
    AnnouncedTwice {
        /// The name.
        name: String,
        /// Where two of them are.
        addresses: [String; 2],
    },
    /// A code did not bring anybody in.
    #[error("{problem} ({address})")]
    Code {
        /// Where.
        address: String,
        /// Why not.
        problem: CodeProblem,
    },
    /// A room's signed head is not what it must be.
    #[error("{0}")]
    Head(crate::heads::HeadError),
}

/// Why a code does not bring anybody in. The words are ours: nobody knows yet who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeProblem {
    /// It was refused as every wrong guess is.
    #[error("the code was not taken: it is mistyped, used up or over, or somebody is in between")]
    Refused,
    /// The other side cannot show that it knows the code.
    #[error(
        "THE OTHER SIDE DOES NOT KNOW THE CODE: it is not the hub that showed it. Nothing that it said was believed."
    )]
    NotKnown,
    /// Too many wrong ones came from here.
    #[error("too many wrong codes came from this machine")]
    TooOften,
    /// Somebody else is joining with it.
    #[error("somebody is joining with this code at the moment")]
    Busy,
    /// The other side does not join people by code.
    #[error("this hub takes no codes")]
    NotTaken,
}

impl CodeProblem {
    const fn hint(self) -> &'static str {
        match self {
            Self::Refused => {
                "compare it with what the hub showed; after 3 wrong tries it is over: landline invite --code makes another"
            }
            Self::NotKnown => {
                "somebody on this network may be posing as the hub: ask its admin for an invite link, and: landline join LINK"
            }
            Self::TooOften => "wait 10 minutes, or ask for an invite link and: landline join LINK",
            Self::Busy => "try again in a moment",
            Self::NotTaken => {
                "it may be older than this program: ask for an invite link and: landline join LINK"
            }
        }
    }
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
            Self::Discovery(_) => "say the hub's address instead of its name",
            Self::NotAnnounced(_) => {
                "landline discover shows those that do; or say the hub's address instead of its name"
            }
            Self::AnnouncedTwice { .. } => {
                "ask which is the right one, and say its address instead of the name"
            }
            Self::Code { problem, .. } => problem.hint(),
            Self::Refused(refusal) => return refusal_hint(refusal),
            Self::File { hint, .. } => return hint.clone(),
            Self::HubUnproven { .. } => {
                "the token may be another hub's, or somebody is in between: ask the hub's admin for a new one"
            }
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
