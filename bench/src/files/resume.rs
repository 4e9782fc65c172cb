//! A transfer that is cut off: what is sent twice, and how soon the next attempt goes on.

use super::home_in;
use super::peers::succeed;
use super::proxy::{Proxy, Way};
use super::tree::{compare, make_file};
use crate::cores::Cores;
use crate::goals::{Better, Goal, Goals};
use crate::options::Rounds;
use crate::servers::landline::LandlineHub;
use crate::statistics::Samples;
use crate::table::{Table, say, spread};
use anyhow::{Context as _, Result, ensure};
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const MEBIBYTE: u64 = 1024 * 1024;

/// The file that is cut off at a random byte.
const CUT_BYTES: u64 = 1024 * MEBIBYTE;
const CUT_BYTES_QUICKLY: u64 = 16 * MEBIBYTE;

/// The file whose rest is begun again: on a disk, in memory, and quickly.
const LARGE_BYTES: u64 = 10 * 1024 * MEBIBYTE;
const LARGE_BYTES_IN_MEMORY: u64 = 2 * 1024 * MEBIBYTE;
const LARGE_BYTES_QUICKLY: u64 = 32 * MEBIBYTE;

/// More than is said before the first block.
const FIRST_BYTES: u64 = MEBIBYTE / 2;

/// What one attempt brings before it is cut off again.
const ATTEMPT_BYTES: u64 = 8 * MEBIBYTE;

const SENT_TWICE: Goal = Goal {
    better: Better::Less,
    floor: 1.0,
    goal: 0.0,
};

const FIRST_BYTE: Goal = Goal {
    better: Better::Less,
    floor: 1.0,
    goal: 0.2,
};

/// Measures both; `disk` is for the larger file.
pub(super) fn measure(disk: Option<&Path>, rounds: Rounds, goals: &mut Goals) -> Result<()> {
    let title = format!(
        "a transfer that is cut off at a random byte, {} runs",
        rounds.runs
    );
    let mut table = Table::new(title, &["", "least", "median", "greatest"]);
    let mut row = |name: &str, samples: &Samples| {
        let mut row = vec![name.to_owned()];
        row.extend(spread(samples));
        table.row(row);
    };
    for way in [Way::ToHub, Way::FromHub] {
        let samples = sent_twice(way, rounds)?;
        let name = format!("{} sent twice, MiB", shown(way));
        row(&name, &samples);
        goals.figure(name, &samples, SENT_TWICE);
    }
    let directory = disk.unwrap_or(Path::new(super::MEMORY));
    let size = match (rounds.quick, disk) {
        (true, _) => LARGE_BYTES_QUICKLY,
        (false, Some(_)) => LARGE_BYTES,
        (false, None) => LARGE_BYTES_IN_MEMORY,
    };
    let samples = first_byte(directory, size, rounds)?;
    let name = format!("first new byte of {} MiB, s", size / MEBIBYTE);
    row(&name, &samples);
    goals.figure(name, &samples, FIRST_BYTE);
    table.print()?;
    say(
        "a transfer begins with the start of its process; what an uncut one sends is not counted as sent twice",
    )
}

fn shown(way: Way) -> &'static str {
    match way {
        Way::ToHub => "put:",
        Way::FromHub => "get:",
    }
}

/// A hub, and a client that reaches it by a link that can be cut.
struct Linked {
    hub: LandlineHub,
    proxy: Proxy,
}

impl Linked {
    fn start(home: &Path) -> Result<Self> {
        let hub = LandlineHub::start(home, Cores::all(), &[])?;
        let proxy = Proxy::start(hub.address)?;
        hub.join_by(proxy.address)?;
        Ok(Self { hub, proxy })
    }

    fn transfer(&self, way: Way, local: &Path, retry: &str) -> Result<Command> {
        let name = local.file_name().context("a file has a name")?.to_string_lossy();
        let remote = format!(":/shared/{name}");
        let mut command = self.hub.command()?;
        match way {
            Way::ToHub => command
                .args(["put", "-q", "--retry", retry])
                .arg(local)
                .arg(remote),
            Way::FromHub => command
                .args(["get", "-q", "--retry", retry])
                .arg(remote)
                .arg(local),
        };
        Ok(command)
    }
}

/// What is sent twice, in MiB, when the link is cut once and the same process goes on.
fn sent_twice(way: Way, rounds: Rounds) -> Result<Samples> {
    let size = if rounds.quick {
        CUT_BYTES_QUICKLY
    } else {
        CUT_BYTES
    };
    let home = home_in(Path::new(super::MEMORY))?;
    let linked = Linked::start(home.path())?;
    let (source, fetched) = (home.path().join("large.bin"), home.path().join("fetched"));
    make_file(&source, 1, size)?;
    fs::create_dir(&fetched)?;
    let local = match way {
        Way::ToHub => source.clone(),
        Way::FromHub => {
            succeed(&mut linked.transfer(Way::ToHub, &source, "0s")?)?;
            fetched.join("large.bin")
        }
    };
    let carry = || -> Result<u64> {
        let before = linked.proxy.carried(way);
        succeed(&mut linked.transfer(way, &local, "60s")?)?;
        Ok(linked.proxy.carried(way) - before)
    };
    let uncut = carry()?;
    let mut samples = Samples::default();
    for run in 0..rounds.runs {
        linked.proxy.cut_after(way, random(run, size));
        let carried = carry()?;
        samples.push(carried.saturating_sub(uncut) as f64 / MEBIBYTE as f64);
        if way == Way::FromHub {
            compare(&source, &local)?;
        }
    }
    linked.hub.server.stop()?;
    Ok(samples)
}

/// Somewhere in a file of so many bytes; the same run cuts at the same byte.
fn random(run: u16, size: u64) -> u64 {
    let hash = blake3::hash(&run.to_be_bytes());
    let (bytes, _) = hash.as_bytes().split_first_chunk().unwrap_or((&[0; 8], &[]));
    u64::from_be_bytes(*bytes) % size
}

/// From the start of a process to the first byte that the hub did not have, in seconds.
fn first_byte(directory: &Path, size: u64, rounds: Rounds) -> Result<Samples> {
    let home = home_in(directory)?;
    let linked = Linked::start(home.path())?;
    let source = home.path().join("large.bin");
    // Nothing but a hole: it is read as any other.
    File::create_new(&source)?.set_len(size)?;
    let mut samples = Samples::default();
    for run in 0..=rounds.runs {
        let bytes = if run == 0 { size / 10 * 9 } else { ATTEMPT_BYTES };
        linked.proxy.cut_after(Way::ToHub, bytes);
        linked.proxy.mark_after(Way::ToHub, FIRST_BYTES);
        let begin = Instant::now();
        let ended = linked.transfer(Way::ToHub, &source, "0s")?.output()?;
        ensure!(
            !ended.status.success(),
            "a transfer that was cut off says that it was not"
        );
        if run > 0 {
            let reached = linked.proxy.reached_after(begin).context("nothing was sent")?;
            samples.push(reached.as_secs_f64());
        }
    }
    linked.hub.server.stop()?;
    Ok(samples)
}
