//! Stored messages: how many a second are acknowledged.

use super::peers::{Client, Peer, Peers};
use super::{Bench, PATIENCE};
use crate::goals::{Better, Goal, Goals};
use crate::place::settle;
use crate::statistics::{Samples, rate};
use crate::table::{Table, ratio, spread};
use anyhow::{Context as _, Result, ensure};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How many senders, how many messages each has on the way at most, and what of JetStream's rate is to be reached.
const LOADS: [Load; 4] = [
    Load::new(1, 1, 0.2, 0.35),
    Load::new(1, 16, 0.3, 0.6),
    Load::new(1, 256, 0.3, 0.8),
    Load::new(64, 1, 0.3, 0.8),
];

#[derive(Debug, Clone, Copy)]
struct Load {
    senders: usize,
    in_flight: u64,
    goal: Goal,
}

impl Load {
    const fn new(senders: usize, in_flight: u64, floor: f64, goal: f64) -> Self {
        let better = Better::More;
        Self {
            senders,
            in_flight,
            goal: Goal { better, floor, goal },
        }
    }
}

/// Whose messages are stored.
const PEERS: [Peer; 2] = [Peer::Landline, Peer::Nats];

/// Measures every load with every peer, in turns.
pub(super) async fn measure(bench: &Bench<'_>, peers: &Peers, goals: &mut Goals) -> Result<()> {
    let mut results = LOADS.map(|_| [Samples::default(), Samples::default()]);
    let mut clients = [connect(peers, PEERS[0]).await?, connect(peers, PEERS[1]).await?];
    for round in 0..usize::from(bench.runs()) {
        for (load, results) in LOADS.iter().zip(&mut results) {
            for turn in 0..PEERS.len() {
                let index = (round + turn) % PEERS.len();
                // What JetStream left to the system to write must not wait in front of the hub's syncs.
                settle(bench.disk)?;
                let measured = acknowledged(&mut clients[index], *load, bench.sending()).await;
                results[index].push(measured.with_context(|| format!("{} failed", PEERS[index].name()))?);
            }
        }
    }
    print(&results, bench.runs())?;
    for (load, [ours, theirs]) in LOADS.iter().zip(&results) {
        let figure = format!("stored/s, {} x {}, of JetStream's", load.senders, load.in_flight);
        goals.figure(figure, &ours.multiples_of(theirs), load.goal);
    }
    Ok(())
}

async fn connect(peers: &Peers, peer: Peer) -> Result<Vec<Client>> {
    let most = LOADS.iter().map(|load| load.senders).max().unwrap_or(0);
    let mut clients = Vec::with_capacity(most);
    for number in 0..most {
        clients.push(peers.stored_sender(peer, number).await?);
    }
    Ok(clients)
}

/// Acknowledgements a second, of the first so many clients together. They come back when they are done.
async fn acknowledged(clients: &mut Vec<Client>, load: Load, sending: Duration) -> Result<f64> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for client in clients.drain(..load.senders) {
        tasks.spawn_local(timeout(
            sending + PATIENCE,
            send(client, load.in_flight, begin + sending),
        ));
    }
    let (mut count, mut back) = (0, Vec::with_capacity(load.senders));
    while let Some(done) = tasks.join_next().await {
        let (client, acknowledged) = done?.context("acknowledgements do not come")??;
        back.push(client);
        count += acknowledged;
    }
    let took = begin.elapsed();
    clients.splice(..0, back);
    ensure!(count > 0, "nothing was acknowledged");
    Ok(rate(count, took))
}

/// Keeps so many messages on the way until the time is over and everything is acknowledged.
async fn send(mut client: Client, in_flight: u64, end: Instant) -> Result<(Client, u64)> {
    let (link, dialect) = &mut client;
    let (mut sent, mut acknowledged) = (0, 0);
    loop {
        while sent - acknowledged < in_flight && Instant::now() < end {
            dialect.say(&mut link.out)?;
            sent += 1;
        }
        link.flush().await?;
        if sent == acknowledged {
            return Ok((client, acknowledged));
        }
        link.receive().await?;
        acknowledged += dialect.hear(&mut link.input, &mut link.out)?;
        ensure!(acknowledged <= sent, "more was acknowledged than was sent");
    }
}

fn print(results: &[[Samples; 2]; LOADS.len()], runs: u16) -> Result<()> {
    let columns = [
        "senders x in flight",
        "least",
        "median",
        "greatest",
        "JetStream median",
        "landline is",
    ];
    let title = format!("stored messages, acknowledged/s, {runs} runs (landline synced, JetStream not)");
    let mut table = Table::new(title, &columns);
    for (load, [ours, theirs]) in LOADS.iter().zip(results) {
        let mut row = vec![format!("{} x {}", load.senders, load.in_flight)];
        row.extend(spread(ours));
        let [_, median, _] = spread(theirs);
        row.push(median);
        row.push(format!("x {}", ratio(ours, theirs)));
        table.row(row);
    }
    table.print()
}
