//! `cargo xtask deep`: what takes too long for every change.

mod deny;
mod fuzz;
mod interruptions;
mod kill;
mod oracle;
mod tool;

use anyhow::{Result, ensure};

use crate::steps::{self, Steps};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Licences, bans and sources of every dependency.
    Deny,
    /// Every parser that a stranger can reach, fed with garbage.
    Fuzz,
    /// Transfers that are cut off and killed at many random bytes.
    Interruptions,
    /// Many rounds of `kill -9` over chat and files.
    Kill,
    /// Chat against a model of it, with many seeds.
    Oracle,
}

impl Part {
    pub(crate) const ALL: [Self; 5] = [
        Self::Deny,
        Self::Fuzz,
        Self::Interruptions,
        Self::Kill,
        Self::Oracle,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Fuzz => "fuzz",
            Self::Interruptions => "interruptions",
            Self::Kill => "kill",
            Self::Oracle => "oracle",
        }
    }

    fn run(self, steps: &mut Steps) -> Result<()> {
        match self {
            Self::Deny => deny::run(steps),
            Self::Fuzz => fuzz::run(steps),
            Self::Interruptions => interruptions::run(steps),
            Self::Kill => kill::run(steps),
            Self::Oracle => oracle::run(steps),
        }
    }
}

/// Runs the parts in turn. One that fails does not keep the others from running: they take hours, and whoever
/// comes back to them wants to know everything.
pub(crate) fn run(parts: &[Part]) -> Result<()> {
    steps::reported(|steps| {
        let failures: Vec<String> = parts
            .iter()
            .filter_map(|part| part.run(steps).err())
            .map(|error| format!("{error:#}"))
            .collect();
        ensure!(failures.is_empty(), "{}", failures.join("\nerror: "));
        Ok(())
    })
}
