//! What an idle connection costs a server in memory of its own; the system's buffers are not in it.

use super::peers::Peer;
use crate::clients::echo::Crowd;
use crate::cores::Cores;
use crate::options::Rounds;
use crate::servers::Running;
use crate::statistics::Samples;
use crate::table::{Table, number, spread};
use crate::turns;
use anyhow::Result;

/// How many connections, and for a quick look.
const CONNECTIONS: usize = 10_000;
const CONNECTIONS_QUICKLY: usize = 1_000;

/// Bytes for each connection, a sample for each turn.
pub(super) struct Memory(Vec<(Peer, Samples)>);

impl Memory {
    pub(super) fn measure(peers: &[Peer], rounds: Rounds, cores: Cores) -> Result<Self> {
        let name = |peer: Peer| peer.name().to_owned();
        let measure = |peer: Peer, samples: &mut Samples| {
            samples.push(connection_bytes(peer.start(cores)?, connections(rounds))?);
            Ok(())
        };
        turns::gather(peers, rounds.runs, name, measure).map(Self)
    }

    pub(super) fn of(&self, wanted: Peer) -> Option<&Samples> {
        turns::of(&self.0, wanted)
    }

    pub(super) fn print(&self, rounds: Rounds) -> Result<()> {
        let title = format!(
            "private bytes for each of {} idle connections, {} runs",
            number(connections(rounds) as f64),
            rounds.runs
        );
        let mut table = Table::new(title, &["", "least", "median", "greatest"]);
        for (peer, samples) in &self.0 {
            let mut row = vec![peer.name().to_owned()];
            row.extend(spread(samples));
            table.row(row);
        }
        table.print()
    }
}

fn connections(rounds: Rounds) -> usize {
    if rounds.quick {
        CONNECTIONS_QUICKLY
    } else {
        CONNECTIONS
    }
}

/// Every connection is used once before it idles: a server may then keep what a used one needs.
fn connection_bytes(running: Running, connections: usize) -> Result<f64> {
    let server = running.server;
    let before = server.private_bytes()?;
    let mut crowd = Crowd::connect(running.address, connections)?;
    crowd.ask_once()?;
    let grown = server.private_bytes()?.saturating_sub(before);
    drop(crowd);
    server.stop()?;
    Ok(grown as f64 / connections as f64)
}
