//! Which engine.

use std::fmt;
use std::str::FromStr;

/// The shards that `sharded` has when no number is given.
const SHARDS: usize = 2;
/// The most shards. A connection's id keeps eight bits for its shard.
const SHARDS_MAX: usize = 64;

/// An engine, by the name that people give it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// One thread, `select(2)`.
    Select,
    /// One thread, `poll(2)`.
    Poll,
    /// One thread, `epoll(7)`, told a state as long as it lasts.
    #[default]
    Epoll,
    /// One thread, `epoll(7)`, told a change once.
    EpollEdge,
    /// A thread for each connection.
    Threads,
    /// So many threads, each with an `epoll` and a listener of its own on the same address.
    Sharded(usize),
    /// A process for each connection.
    Process,
}

impl Kind {
    /// Every kind once, for tests and listings.
    pub const ALL: [Self; 7] = [
        Self::Select,
        Self::Poll,
        Self::Epoll,
        Self::EpollEdge,
        Self::Threads,
        Self::Sharded(SHARDS),
        Self::Process,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Select => formatter.write_str("select"),
            Self::Poll => formatter.write_str("poll"),
            Self::Epoll => formatter.write_str("epoll"),
            Self::EpollEdge => formatter.write_str("epoll-edge"),
            Self::Threads => formatter.write_str("threads"),
            Self::Sharded(shards) => write!(formatter, "sharded:{shards}"),
            Self::Process => formatter.write_str("process"),
        }
    }
}

/// A name that no engine has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no engine `{0}`; there are auto, select, poll, epoll, epoll-edge, threads, sharded, sharded:N \
     (1 to {SHARDS_MAX}) and process"
)]
pub struct UnknownKind(String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Ok(match name {
            "auto" | "epoll" => Self::Epoll,
            "select" => Self::Select,
            "poll" => Self::Poll,
            "epoll-edge" => Self::EpollEdge,
            "threads" => Self::Threads,
            "sharded" => Self::Sharded(SHARDS),
            "process" => Self::Process,
            other => other
                .strip_prefix("sharded:")
                .and_then(|shards| shards.parse().ok())
                .filter(|shards| (1..=SHARDS_MAX).contains(shards))
                .map(Self::Sharded)
                .ok_or_else(|| UnknownKind(other.to_owned()))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_is_found_by_the_name_that_it_shows() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!("auto".parse(), Ok(Kind::Epoll));
        for wrong in ["", "kqueue", "sharded:", "sharded:0", "sharded:65", "sharded:-1"] {
            assert!(wrong.parse::<Kind>().is_err(), "{wrong}");
        }
    }
}
