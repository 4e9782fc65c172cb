//! Datagrams: what an answer of our clock costs beside a loop that does nothing else, and how many there are a second
//! beside chronyd, which answers NTP.

mod peers;

pub(crate) use peers::Peer;

use crate::clients::datagrams::Askers;
use crate::cores::Cores;
use crate::goals::{BARE_COST, Better, Goal, Goals};
use crate::options::{Rounds, Udp};
use crate::servers::chronyd::LIFTED;
use crate::statistics::{Samples, rate};
use crate::table::{Table, number, say, spread};
use crate::turns;
use anyhow::{Result, ensure};
use std::time::Duration;

/// Sockets, and how many questions each has on the way.
const LOADS: [(usize, usize); 3] = [(1, 64), (50, 1), (50, 8)];

/// The part of the time of a measurement that the server has to get going before it begins.
const WARM_UP: f64 = 0.2;

/// Answers a second, as a multiple of chronyd's.
const RATE: Goal = Goal {
    better: Better::More,
    floor: 1.2,
    goal: 1.4,
};

/// Measures every load.
pub(crate) fn run(options: &Udp) -> Result<()> {
    let cores = Cores::split()?;
    cores.pin_load()?;
    say(&format!(
        "udp: over loopback, a new server for each measurement; {}",
        cores.describe()
    ))?;
    say("landline: the clock, asked with empty datagrams; bare: a recvmmsg loop that answers a fixed text")?;
    say(&format!("lifted: {LIFTED}"))?;
    let mut goals = Goals::new();
    for load in LOADS {
        let results = compare(options, cores, load)?;
        print(load, options.rounds, &results)?;
        judge(load, &results, &mut goals);
    }
    goals.print()
}

/// What one server did under one load, a sample for each turn.
#[derive(Default)]
struct Results {
    /// Answers a second.
    rate: Samples,
    /// The server's processor time for an answer, in microseconds.
    cost: Samples,
    /// The part of the time in which the server's processor was busy.
    busy: Samples,
    /// Questions without answer, of all turns, in the time before each measurement too.
    lost: u64,
}

impl Results {
    fn measure(
        &mut self,
        peer: Peer,
        cores: Cores,
        (sockets, window): (usize, usize),
        time: Duration,
    ) -> Result<()> {
        let running = peer.start(cores)?;
        let server = running.server;
        let mut askers = Askers::connect(running.address, sockets, window, peer.question())?;
        askers.run(time.mul_f64(WARM_UP))?;
        let before = server.processor_time()?;
        let (answers, took) = askers.run(time)?;
        let used = server.processor_time()?.saturating_sub(before);
        ensure!(answers > 0, "nothing was answered");
        self.rate.push(rate(answers, took));
        self.cost.push(used.as_secs_f64() * 1e6 / answers as f64);
        self.busy.push(used.as_secs_f64() / took.as_secs_f64());
        self.lost += askers.settle()?;
        server.stop()
    }
}

fn compare(options: &Udp, cores: Cores, load: (usize, usize)) -> Result<Vec<(Peer, Results)>> {
    let name = |peer: Peer| format!("{} with {} x {}", peer.name(), load.0, load.1);
    turns::gather(
        &options.servers,
        options.rounds.runs,
        name,
        |peer, results: &mut Results| results.measure(peer, cores, load, options.rounds.time()),
    )
}

fn print((sockets, window): (usize, usize), rounds: Rounds, results: &[(Peer, Results)]) -> Result<()> {
    let columns = [
        "",
        "least",
        "median",
        "greatest",
        "landline is",
        "server us each",
        "landline's",
        "server busy",
        "lost",
    ];
    let title = format!("{sockets} x {window}, answers/s, {} runs", rounds.runs);
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
        row.push(theirs.lost.to_string());
        table.row(row);
    }
    table.print()
}

fn judge((sockets, window): (usize, usize), results: &[(Peer, Results)], goals: &mut Goals) {
    let Some(ours) = turns::of(results, Peer::Landline) else {
        return;
    };
    if let Some(bare) = turns::of(results, Peer::Bare) {
        let figure = format!("processor time each, of the bare loop's, {sockets} x {window}");
        goals.figure(figure, &ours.cost.multiples_of(&bare.cost), BARE_COST);
    }
    if let Some(chronyd) = turns::of(results, Peer::Chronyd) {
        let figure = format!("answers/s, of chronyd's, {sockets} x {window}");
        goals.figure(figure, &ours.rate.multiples_of(&chronyd.rate), RATE);
    }
}
