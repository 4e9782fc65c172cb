//! Who echoes.

use crate::bare::Bare;
use crate::cores::Cores;
use crate::servers::{Running, bare, textbook};
use anyhow::Result;

/// A server that echoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Peer {
    /// Landline's epoll engine.
    Landline,
    /// A hand-written epoll loop.
    Epoll,
    /// tokio, current-thread.
    Tokio,
}

impl Peer {
    pub(crate) const ALL: [Self; 3] = [Self::Landline, Self::Epoll, Self::Tokio];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Landline => "landline",
            Self::Epoll => "epoll",
            Self::Tokio => "tokio",
        }
    }

    pub(super) fn start(self, cores: Cores) -> Result<Running> {
        match self {
            Self::Landline => textbook::start(cores, "echo", "epoll"),
            Self::Epoll => bare::start(Bare::EchoEpoll, cores),
            Self::Tokio => bare::start(Bare::EchoTokio, cores),
        }
    }
}
