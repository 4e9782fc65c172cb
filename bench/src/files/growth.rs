//! Whether the last files of a full directory go as fast as the first ones.

use super::home_in;
use super::peers::succeed;
use super::tree::make_file;
use crate::cores::Cores;
use crate::goals::{Better, Goal, Goals};
use crate::options::Rounds;
use crate::place::settle;
use crate::servers::landline::LandlineHub;
use crate::statistics::{Samples, rate};
use crate::table::{Table, spread};
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Files that are sent by one command and timed together, and their size.
const FILES: u32 = 1000;
const FILE_BYTES: u64 = 4096;

/// How many such commands fill the directory.
const COMMANDS: u32 = 100;
const COMMANDS_QUICKLY: u32 = 3;

const LAST_AGAINST_FIRST: Goal = Goal {
    better: Better::More,
    floor: 0.75,
    goal: 1.0,
};

/// Fills a directory of a fresh hub, `runs` times.
pub(super) fn measure(rounds: Rounds, goals: &mut Goals) -> Result<()> {
    let commands = if rounds.quick { COMMANDS_QUICKLY } else { COMMANDS };
    let (mut first, mut last) = (Samples::default(), Samples::default());
    for _ in 0..rounds.runs {
        let home = home_in(Path::new(super::MEMORY))?;
        let hub = LandlineHub::start(home.path(), Cores::all(), &[])?;
        hub.join_and_wait()?;
        let source = home.path().join("source");
        for command in 0..commands {
            fs::create_dir(&source)?;
            for index in 0..FILES {
                let number = command * FILES + index;
                make_file(&source.join(format!("file {number:06}")), number, FILE_BYTES)?;
            }
            settle(home.path())?;
            let begin = Instant::now();
            // A directory without a name gives its content to the target itself.
            succeed(
                hub.command()?
                    .current_dir(&source)
                    .args(["put", "-q", "-r", ".", ":/shared/"]),
            )?;
            let rate = rate(u64::from(FILES), begin.elapsed());
            if command == 0 {
                first.push(rate);
            } else if command + 1 == commands {
                last.push(rate);
            }
            fs::remove_dir_all(&source)?;
        }
        hub.server.stop()?;
    }
    let title = format!(
        "{FILES} files of {FILE_BYTES} bytes into one directory, files/s, {} runs",
        rounds.runs
    );
    let mut table = Table::new(title, &["", "least", "median", "greatest"]);
    for (name, samples) in [
        ("the first".to_owned(), &first),
        (format!("those up to {}", commands * FILES), &last),
    ] {
        let mut row = vec![name];
        row.extend(spread(samples));
        table.row(row);
    }
    table.print()?;
    goals.figure(
        format!("the last {FILES} of {} files, of the first", commands * FILES),
        &last.multiples_of(&first),
        LAST_AGAINST_FIRST,
    );
    Ok(())
}
