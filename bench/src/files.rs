//! Files: one large one and many small ones, there and back, beside scp and an rsync daemon.

mod peers;
mod tree;
mod workload;

use crate::options::{Files, Rounds};
use crate::place::{describe_floor, file_system, settle};
use crate::servers::children_time;
use crate::statistics::{Samples, rate};
use crate::table::{Table, number, ratio, say, spread};
use anyhow::{Context as _, Result};
use peers::Peer;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use workload::Workload;

/// Memory, whatever the disk is.
const MEMORY: &str = "/dev/shm";

/// Measures in memory and, where one was named, on a disk.
pub(crate) fn run(options: &Files) -> Result<()> {
    say(
        "files: programs started for each transfer, loopback; every transfer is compared with its source afterwards",
    )?;
    say(
        "landline: TLS, hashed by both sides, journaled and synced; scp: encrypted; rsync: plain text, checksummed",
    )?;
    measure(Path::new(MEMORY), options.rounds, false)?;
    match &options.disk {
        Some(disk) => measure(disk, options.rounds, true),
        None => Ok(()),
    }
}

fn measure(directory: &Path, rounds: Rounds, disk: bool) -> Result<()> {
    let home = tempfile::Builder::new()
        .prefix("landline-bench-")
        .tempdir_in(directory);
    let home = home.with_context(|| format!("could not work in {}", directory.display()))?;
    let place = format!("{} ({})", directory.display(), file_system(directory)?);
    if disk {
        say(&format!("\n{}", describe_floor(home.path())?))?;
    }
    for workload in Workload::all(rounds.quick) {
        let source = home.path().join("source");
        fs::create_dir(&source)?;
        workload.make(&source)?;
        let results = compare(workload, &source, home.path(), rounds, disk)?;
        print(workload, &place, rounds, &results)?;
        fs::remove_dir_all(&source)?;
    }
    Ok(())
}

/// What one peer did, in work a second (see [`Workload::work`]), and what it cost.
#[derive(Default)]
struct Results {
    put: Samples,
    get: Samples,
    processor: Samples,
}

/// All peers, `runs` times each; each round begins with another one.
fn compare(
    workload: Workload,
    source: &Path,
    home: &Path,
    rounds: Rounds,
    disk: bool,
) -> Result<Vec<(Peer, Results)>> {
    let mut results: Vec<(Peer, Results)> = Peer::all().map(|peer| (peer, Results::default())).collect();
    for round in 0..usize::from(rounds.runs) {
        for turn in 0..results.len() {
            let index = (round + turn) % results.len();
            let (peer, results) = &mut results[index];
            let once = Once {
                workload,
                source,
                home: home.join("run"),
                disk,
            };
            let once = once
                .measure(*peer)
                .with_context(|| format!("{} failed", peer.name()))?;
            results.put.push(rate(workload.work(), once.put));
            results.get.push(rate(workload.work(), once.get));
            results.processor.push(once.processor.as_secs_f64());
        }
    }
    Ok(results)
}

/// One peer's turn: there and back.
struct Once<'a> {
    workload: Workload,
    source: &'a Path,
    home: PathBuf,
    disk: bool,
}

struct Measured {
    put: Duration,
    get: Duration,
    /// Of clients and server together; it includes starting the server.
    processor: Duration,
}

impl Once<'_> {
    fn measure(&self, peer: Peer) -> Result<Measured> {
        fs::create_dir(&self.home)?;
        let (name, before) = (self.workload.name(), children_time()?);
        let store = peer.start(&self.home, self.disk)?;
        let from = self.source.join(name);
        let put = self.timed(|| store.put(&from))?;
        tree::compare(&from, &store.stored(name)?)?;
        let received = self.home.join("received");
        fs::create_dir(&received)?;
        let get = self.timed(|| store.get(name, &received))?;
        tree::compare(&from, &received.join(name))?;
        store.stop()?;
        let processor = children_time()?.saturating_sub(before);
        fs::remove_dir_all(&self.home)?;
        Ok(Measured { put, get, processor })
    }

    fn timed(&self, work: impl FnOnce() -> Result<()>) -> Result<Duration> {
        settle(&self.home)?;
        let begin = Instant::now();
        work()?;
        Ok(begin.elapsed())
    }
}

fn print(workload: Workload, place: &str, rounds: Rounds, results: &[(Peer, Results)]) -> Result<()> {
    let title = format!(
        "{} on {place}, {}, {} runs",
        workload.describe(),
        workload.unit(),
        rounds.runs
    );
    let columns = [
        "",
        "least",
        "median",
        "greatest",
        "landline is",
        "processor s, both ways",
    ];
    let mut table = Table::new(title, &columns);
    type Direction = fn(&Results) -> &Samples;
    let directions: [(&str, Direction); 2] =
        [("put", |results| &results.put), ("get", |results| &results.get)];
    for (direction, samples) in directions {
        let ours = results
            .iter()
            .find(|(peer, _)| *peer == Peer::Landline)
            .map(|(_, results)| samples(results));
        for (peer, results) in results {
            let theirs = samples(results);
            let mut row = vec![format!("{direction} {}", peer.name())];
            row.extend(spread(theirs));
            row.push(ours.map_or_else(String::new, |ours| format!("x {}", ratio(ours, theirs))));
            row.push(
                results
                    .processor
                    .summary()
                    .map_or_else(String::new, |summary| number(summary.median)),
            );
            table.row(row);
        }
    }
    table.print()
}
