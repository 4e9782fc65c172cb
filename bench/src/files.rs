//! Files: one large one and many small ones, there and back, beside scp, an rsync daemon and an FTP server; how the rate
//! holds up, a tree that has not changed, a transfer that is cut off, a download by link.

mod growth;
mod peers;
mod proxy;
mod resume;
mod share;
mod sync;
mod transfer;
mod tree;
mod workload;

use crate::goals::Goals;
use crate::options::Files;
use crate::table::say;
use anyhow::{Context as _, Result};
use std::path::Path;
use tempfile::TempDir;

/// Memory, whatever the disk is.
const MEMORY: &str = "/dev/shm";

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// There and back, beside the peers.
    Transfer,
    /// The last files of a full directory beside the first.
    Growth,
    /// A tree that has not changed, beside an rsync daemon.
    Sync,
    /// A transfer that is cut off at a random byte.
    Resume,
    /// A download by link, beside nginx.
    Share,
}

impl Part {
    pub(crate) const ALL: [Self; 5] = [
        Self::Transfer,
        Self::Growth,
        Self::Sync,
        Self::Resume,
        Self::Share,
    ];
}

/// Measures in memory and, where one was named, on a disk.
pub(crate) fn run(options: &Files) -> Result<()> {
    say(
        "files: programs started for each transfer, loopback; every transfer is compared with its source afterwards",
    )?;
    say(
        "landline: TLS, hashed by both sides, journaled and synced; scp: encrypted; rsync: plain text, checksummed;",
    )?;
    say("vsftpd with curl: plain text, not verified")?;
    let mut goals = Goals::new();
    for part in &options.parts {
        measure(options, *part, &mut goals).with_context(|| format!("{part:?}"))?;
    }
    goals.print()
}

fn measure(options: &Files, part: Part, goals: &mut Goals) -> Result<()> {
    let rounds = options.rounds;
    match part {
        Part::Transfer => {
            transfer::measure(Path::new(MEMORY), rounds, false, Some(goals))?;
            match &options.disk {
                Some(disk) => transfer::measure(disk, rounds, true, None),
                None => Ok(()),
            }
        }
        Part::Growth => growth::measure(rounds, goals),
        Part::Sync => sync::measure(rounds, goals),
        Part::Resume => resume::measure(options.disk.as_deref(), rounds, goals),
        Part::Share => share::measure(rounds, goals),
    }
}

/// A directory for one measurement, which goes with the value.
fn home_in(directory: &Path) -> Result<TempDir> {
    let home = tempfile::Builder::new()
        .prefix("landline-bench-")
        .tempdir_in(directory);
    home.with_context(|| format!("could not work in {}", directory.display()))
}
