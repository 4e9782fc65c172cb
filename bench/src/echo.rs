//! Echo over TCP: what a request costs each server, how many it answers, and what memory an idle connection holds.

mod load;
mod memory;
mod peers;

pub(crate) use load::{Load, Results};
pub(crate) use peers::Peer;

use crate::clients::echo::REQUEST_BYTES;
use crate::cores::Cores;
use crate::descriptors;
use crate::goals::{BARE_COST, Better, Goal, Goals};
use crate::options::{Echo, Rounds};
use crate::statistics::Samples;
use crate::table::{Table, number, say, spread};
use crate::turns;
use anyhow::Result;
use memory::Memory;

/// What is measured.
const LOADS: [Load; 4] = [
    Load::new(50, 1),
    Load::new(1_000, 1),
    Load::new(10_000, 1),
    Load::new(50, 16),
];

/// Descriptors beside those of the connections.
const MORE_DESCRIPTORS: u64 = 1024;

/// Requests a second, as a multiple of tokio's.
const RATE: Goal = Goal {
    better: Better::More,
    floor: 1.0,
    goal: 1.1,
};

/// Bytes of memory for an idle connection.
const MEMORY: Goal = Goal {
    better: Better::Less,
    floor: 1_000.0,
    goal: 500.0,
};

/// Measures every load, then the memory.
pub(crate) fn run(options: &Echo) -> Result<()> {
    let cores = Cores::split()?;
    describe(cores, &LOADS)?;
    say(
        "epoll: a level-triggered loop without any rules; tokio: current-thread, a task for each connection; all with TCP_NODELAY",
    )?;
    let mut goals = Goals::new();
    for load in LOADS {
        let results = compare(options, cores, load)?;
        print(load, options.rounds, &results)?;
        judge(load, &results, &mut goals);
    }
    let memory = Memory::measure(&options.servers, options.rounds, cores)?;
    memory.print(options.rounds)?;
    if let Some(ours) = memory.of(Peer::Landline) {
        goals.figure("bytes for an idle connection", ours, MEMORY);
    }
    goals.print()
}

/// What every echo is measured with; this process moves to its core.
pub(crate) fn describe(cores: Cores, loads: &[Load]) -> Result<()> {
    cores.pin_load()?;
    say(&format!(
        "echo: requests of {REQUEST_BYTES} bytes over loopback, a new server for each measurement; {}",
        cores.describe()
    ))?;
    let most = loads.iter().map(|load| load.connections).max().unwrap_or(0);
    say(&descriptors::raise(most as u64 + MORE_DESCRIPTORS)?)
}

fn compare(options: &Echo, cores: Cores, load: Load) -> Result<Vec<(Peer, Results)>> {
    let name = |peer: Peer| format!("{} with {load}", peer.name());
    turns::gather(
        &options.servers,
        options.rounds.runs,
        name,
        |peer, results: &mut Results| results.measure(peer.start(cores)?, load, options.rounds.time()),
    )
}

fn print(load: Load, rounds: Rounds, results: &[(Peer, Results)]) -> Result<()> {
    let columns = [
        "",
        "least",
        "median",
        "greatest",
        "landline is",
        "server us each",
        "landline's",
        "server busy",
    ];
    let title = format!("{load}, requests/s, {} runs", rounds.runs);
    let mut table = Table::new(title, &columns);
    let ours = turns::of(results, Peer::Landline);
    let multiple = |samples: fn(&Results) -> &Samples, theirs: &Results| {
        let multiples = ours.map(|ours| samples(ours).multiples_of(samples(theirs)));
        multiples.map_or_else(String::new, |multiples| {
            format!("x {}", number(multiples.median()))
        })
    };
    for (peer, theirs) in results {
        let mut row = vec![peer.name().to_owned()];
        row.extend(spread(&theirs.rate));
        row.push(multiple(|results| &results.rate, theirs));
        row.push(number(theirs.cost.median()));
        row.push(multiple(|results| &results.cost, theirs));
        row.push(format!("{:.0}%", 100.0 * theirs.busy.median()));
        table.row(row);
    }
    table.print()
}

fn judge(load: Load, results: &[(Peer, Results)], goals: &mut Goals) {
    let Some(ours) = turns::of(results, Peer::Landline) else {
        return;
    };
    if let Some(epoll) = turns::of(results, Peer::Epoll) {
        let figure = format!("processor time each, of epoll's, {load}");
        goals.figure(figure, &ours.cost.multiples_of(&epoll.cost), BARE_COST);
    }
    if let Some(tokio) = turns::of(results, Peer::Tokio) {
        let figure = format!("requests/s, of tokio's, {load}");
        goals.figure(figure, &ours.rate.multiples_of(&tokio.rate), RATE);
    }
}
