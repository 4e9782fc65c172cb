//! Who answers datagrams.

use crate::bare::{Bare, TEXT};
use crate::clients::datagrams::Question;
use crate::cores::Cores;
use crate::servers::{Running, bare, chronyd, textbook};
use anyhow::Result;

/// A server that answers datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Peer {
    /// Landline's clock on its epoll engine.
    Landline,
    /// A bare recvmmsg loop.
    Bare,
    /// chronyd, answering NTP.
    Chronyd,
}

impl Peer {
    pub(crate) const ALL: [Self; 3] = [Self::Landline, Self::Bare, Self::Chronyd];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Landline => "landline",
            Self::Bare => "bare",
            Self::Chronyd => "chronyd",
        }
    }

    pub(super) fn start(self, cores: Cores) -> Result<Running> {
        match self {
            Self::Landline => textbook::start(cores, "clock-udp", "epoll"),
            Self::Bare => bare::start(Bare::Clock, cores),
            Self::Chronyd => chronyd::start(cores),
        }
    }

    pub(super) fn question(self) -> Question {
        match self {
            // An empty format: `2026-11-21 08:30:00`.
            Self::Landline | Self::Bare => Question {
                request: b"",
                answer_bytes: TEXT.len(),
            },
            Self::Chronyd => Question {
                request: &chronyd::REQUEST,
                answer_bytes: chronyd::PACKET_BYTES,
            },
        }
    }
}
