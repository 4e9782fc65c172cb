//! There and back: one large file and a tree of small ones.

use super::peers::Peer;
use super::tree;
use super::workload::Workload;
use crate::goals::{Better, Goal, Goals};
use crate::options::Rounds;
use crate::place::{describe_floor, file_system, settle};
use crate::servers::children_time;
use crate::statistics::{Samples, rate};
use crate::table::{Table, number, ratio, say, spread};
use anyhow::{Context as _, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Measures in a directory; on a disk with what is written synced where a peer can.
pub(super) fn measure(
    directory: &Path,
    rounds: Rounds,
    disk: bool,
    mut goals: Option<&mut Goals>,
) -> Result<()> {
    let home = super::home_in(directory)?;
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
        if let Some(goals) = goals.as_deref_mut() {
            judge(workload, &results, goals);
        }
        fs::remove_dir_all(&source)?;
    }
    Ok(())
}

/// The figures that have goals: floor and goal of sending, and of fetching.
fn judge(workload: Workload, results: &[(Peer, Results)], goals: &mut Goals) {
    let marks = match workload {
        Workload::Large(_) => vec![
            (Peer::Vsftpd, (0.6, 0.8), (0.9, 1.2)),
            (Peer::Scp(None), (3.0, 4.0), (4.0, 5.0)),
        ],
        Workload::Tree(_) => vec![(Peer::Rsync, (0.8, 1.5), (0.8, 1.5))],
    };
    let of = |wanted: Peer| results.iter().find(|(peer, _)| *peer == wanted);
    let Some((_, ours)) = of(Peer::Landline) else {
        return;
    };
    for (peer, put, get) in marks {
        let Some((_, theirs)) = of(peer) else { continue };
        for (direction, ours, theirs, (floor, goal)) in [
            ("put", &ours.put, &theirs.put, put),
            ("get", &ours.get, &theirs.get, get),
        ] {
            let goal = Goal {
                better: Better::More,
                floor,
                goal,
            };
            let figure = format!("{direction} {}, of {}", workload.describe(), peer.name());
            goals.figure(figure, &ours.multiples_of(theirs), goal);
        }
    }
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
    let mut results: Vec<(Peer, Results)> = Peer::all(workload)
        .map(|peer| (peer, Results::default()))
        .collect();
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
