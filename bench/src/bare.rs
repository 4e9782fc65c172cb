//! What there is to beat: servers without any rules, as somebody writes them who wants nothing but speed. Each runs as
//! a process of its own, `landline-bench bare NAME`, and says where it listens.

mod clock;
mod epoll;
mod tokio;

pub(crate) use clock::TEXT;

use crate::table::say;
use anyhow::Result;
use std::net::SocketAddr;

/// What each says when it serves; its address follows.
pub(crate) const LISTENING: &str = "listening on ";

/// A server without any rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Bare {
    /// TCP echo: one epoll, level-triggered; one read and one write for each readiness.
    #[value(name = "echo-epoll")]
    EchoEpoll,
    /// TCP echo: tokio on one thread, a task for each connection.
    #[value(name = "echo-tokio")]
    EchoTokio,
    /// UDP: every datagram is answered with the same text, by recvmmsg and sendmmsg.
    #[value(name = "clock")]
    Clock,
}

impl Bare {
    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EchoEpoll => "echo-epoll",
            Self::EchoTokio => "echo-tokio",
            Self::Clock => "clock",
        }
    }

    /// Serves until it is ended.
    pub(crate) fn run(self) -> Result<()> {
        let never = match self {
            Self::EchoEpoll => epoll::serve()?,
            Self::EchoTokio => tokio::serve()?,
            Self::Clock => clock::serve()?,
        };
        match never {}
    }
}

fn say_listening(address: SocketAddr) -> Result<()> {
    say(&format!("{LISTENING}{address}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn a_name_starts_the_server_that_it_names() {
        for bare in Bare::value_variants() {
            assert_eq!(Bare::from_str(bare.name(), false), Ok(*bare));
        }
    }
}
