//! A tree that has not changed: how long it takes to find that out, beside an rsync daemon.

use super::home_in;
use super::peers::succeed;
use super::tree::make_file;
use crate::cores::Cores;
use crate::goals::{Better, Goal, Goals};
use crate::options::Rounds;
use crate::place::settle;
use crate::servers::landline::LandlineHub;
use crate::servers::rsync::RsyncDaemon;
use crate::statistics::Samples;
use crate::table::{Table, ratio, spread};
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const FILES: u32 = 100_000;
const FILES_QUICKLY: u32 = 1000;
const FILES_PER_DIRECTORY: u32 = 1000;
const FILE_BYTES: u64 = 64;

const TIME_AGAINST_RSYNC: Goal = Goal {
    better: Better::Less,
    floor: 1.2,
    goal: 0.7,
};

/// Sends a tree once by each, then times those who find nothing to do, in turns.
pub(super) fn measure(rounds: Rounds, goals: &mut Goals) -> Result<()> {
    let home = home_in(Path::new(super::MEMORY))?;
    let source = home.path().join("source");
    let files = if rounds.quick { FILES_QUICKLY } else { FILES };
    for index in 0..files {
        let directory = source.join(format!("directory {:03}", index / FILES_PER_DIRECTORY));
        if index % FILES_PER_DIRECTORY == 0 {
            fs::create_dir_all(&directory)?;
        }
        make_file(&directory.join(format!("file {index:06}")), index, FILE_BYTES)?;
    }
    let hub = LandlineHub::start(home.path(), Cores::all(), &[])?;
    hub.join_and_wait()?;
    let theirs = home.path().join("rsync");
    fs::create_dir_all(theirs.join("store"))?;
    let daemon = RsyncDaemon::start(&theirs, &theirs.join("store"))?;
    let landline = || -> Result<()> {
        succeed(
            hub.command()?
                .args(["sync", "-q"])
                .arg(&source)
                .arg(":/shared/tree"),
        )
    };
    let rsync = || -> Result<()> {
        let mut command = Command::new("rsync");
        command
            .args(["--recursive", "--times"])
            .arg(&source)
            .arg(daemon.remote(""));
        succeed(&mut command)
    };
    landline()?;
    rsync()?;
    let (mut ours, mut others) = (Samples::default(), Samples::default());
    for _ in 0..rounds.runs {
        for (samples, work) in [
            (&mut ours, &landline as &dyn Fn() -> Result<()>),
            (&mut others, &rsync),
        ] {
            settle(home.path())?;
            let begin = Instant::now();
            work()?;
            samples.push(begin.elapsed().as_secs_f64());
        }
    }
    print(files, rounds, &ours, &others)?;
    goals.figure(
        format!("time of a sync of {files} unchanged files, of an rsync daemon's"),
        &ours.multiples_of(&others),
        TIME_AGAINST_RSYNC,
    );
    hub.server.stop()?;
    daemon.server.stop()
}

fn print(files: u32, rounds: Rounds, ours: &Samples, others: &Samples) -> Result<()> {
    let title = format!(
        "sync of {files} files that have not changed, s, {} runs",
        rounds.runs
    );
    let mut table = Table::new(title, &["", "least", "median", "greatest", "landline is"]);
    for (name, samples) in [("landline", ours), ("rsync daemon", others)] {
        let mut row = vec![name.to_owned()];
        row.extend(spread(samples));
        row.push(format!("x {}", ratio(ours, samples)));
        table.row(row);
    }
    table.print()
}
