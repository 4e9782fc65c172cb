//! Landline's engines beside each other: the same echo on each.

use crate::cores::Cores;
use crate::echo::{Load, Results, describe};
use crate::options::Engines;
use crate::servers::textbook;
use crate::table::{Table, number};
use crate::turns;
use anyhow::{Result, ensure};

/// The engines, by the names that `landline textbook --engine` knows.
pub(crate) const ALL: [&str; 6] = ["select", "poll", "epoll", "epoll-edge", "threads", "sharded:2"];

const LOADS: [Load; 3] = [Load::new(50, 1), Load::new(1_000, 1), Load::new(10_000, 1)];

/// A thread for each connection, and no more of them.
const THREADS_MAX: usize = 1_000;

/// Measures every engine under every load that it is made for.
pub(crate) fn run(options: &Engines) -> Result<()> {
    let cores = Cores::split()?;
    describe(cores, &LOADS)?;
    let mut results = Vec::new();
    for load in LOADS {
        let engines = options
            .engines
            .iter()
            .filter(|engine| takes(engine, load))
            .map(|engine| Measured {
                engine,
                load,
                result: Ok(Results::default()),
            });
        let mut engines: Vec<_> = engines.collect();
        turns::take(&mut engines, options.rounds.runs, Measured::name, |measured| {
            measured.turn(cores, options.rounds.time());
            Ok(())
        })?;
        results.append(&mut engines);
    }
    print(options, &results)?;
    let failed: Vec<String> = results.iter().filter_map(Measured::failure).collect();
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

fn takes(engine: &str, load: Load) -> bool {
    engine != "threads" || load.connections <= THREADS_MAX
}

/// One engine under one load.
struct Measured<'a> {
    engine: &'a str,
    load: Load,
    /// An engine that has failed is not tried again: the others are worth knowing all the same.
    result: Result<Results>,
}

impl Measured<'_> {
    fn name(&self) -> String {
        format!("{} with {}", self.engine, self.load)
    }

    fn turn(&mut self, cores: Cores, time: std::time::Duration) {
        let Ok(results) = &mut self.result else { return };
        let measured = textbook::start(cores, "echo", self.engine)
            .and_then(|running| results.measure(running, self.load, time));
        if let Err(error) = measured {
            self.result = Err(error);
        }
    }

    fn failure(&self) -> Option<String> {
        let error = self.result.as_ref().err()?;
        Some(format!("{} failed: {error:#}", self.name()))
    }
}

/// A row for each engine; for each load what it answers a second and what that costs.
fn print(options: &Engines, results: &[Measured<'_>]) -> Result<()> {
    let headings = LOADS.map(|load| [load.to_string(), "us each".to_owned()]);
    let mut columns = vec![""];
    columns.extend(headings.iter().flatten().map(String::as_str));
    let title = format!(
        "requests/s by connections x depth, and the server's processor time, {} runs, medians",
        options.rounds.runs
    );
    let mut table = Table::new(title, &columns);
    for engine in &options.engines {
        let mut row = vec![engine.clone()];
        for load in LOADS {
            let measured = results
                .iter()
                .find(|measured| measured.engine == engine && measured.load == load)
                .and_then(|measured| measured.result.as_ref().ok());
            row.extend(measured.map_or_else(
                || ["-", "-"].map(str::to_owned),
                |results| [results.rate.median(), results.cost.median()].map(number),
            ));
        }
        table.row(row);
    }
    table.print()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_not_asked_for_ten_thousand() {
        assert!(takes("threads", LOADS[1]) && !takes("threads", LOADS[2]));
        assert!(takes("epoll", LOADS[2]));
    }
}
