//! What a rule is held on: an engine with real sockets, or the simulated one under a seed.

use landline_engine::Kind;
use landline_engine::sim::Split;

/// The seeds that each rule is held under where it is simulated.
const SEEDS: [u64; 8] = [0, 1, 2, 3, 5, 8, 13, 21];

/// An engine. A rule that differs between engines compares it with a [`Kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// On sockets and threads, or processes, of this machine.
    Real(Kind),
    /// In virtual time, on connections that are made up.
    Simulated {
        /// What is random follows from this.
        seed: u64,
        /// How bytes are cut on their way.
        split: Split,
    },
}

impl Engine {
    /// The simulated engine under every seed.
    pub(super) fn simulated(split: Split) -> [Self; SEEDS.len()] {
        SEEDS.map(|seed| Self::Simulated { seed, split })
    }
}

impl From<Kind> for Engine {
    fn from(kind: Kind) -> Self {
        Self::Real(kind)
    }
}

impl PartialEq<Kind> for Engine {
    fn eq(&self, kind: &Kind) -> bool {
        matches!(self, Self::Real(own) if own == kind)
    }
}
