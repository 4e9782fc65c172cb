//! Stored messages: how many a second are acknowledged.

use super::PATIENCE;
use super::peers::{Client, Peer, Peers};
use crate::statistics::{Samples, rate};
use crate::table::{Table, ratio, spread};
use anyhow::{Context as _, Result, ensure};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How many senders, and how many messages each has on the way at most.
const LOADS: [(usize, u64); 4] = [(1, 1), (1, 16), (1, 256), (64, 1)];

/// Whose messages are stored.
const PEERS: [Peer; 2] = [Peer::Landline, Peer::Nats];

/// Measures every load with every peer, in turns.
pub(super) async fn measure(peers: &Peers, runs: u16, sending: Duration) -> Result<()> {
    let mut results = LOADS.map(|_| [Samples::default(), Samples::default()]);
    let mut clients = [connect(peers, PEERS[0]).await?, connect(peers, PEERS[1]).await?];
    for round in 0..usize::from(runs) {
        for (load, results) in LOADS.iter().zip(&mut results) {
            for turn in 0..PEERS.len() {
                let index = (round + turn) % PEERS.len();
                let measured = acknowledged(&mut clients[index], *load, sending).await;
                results[index].push(measured.with_context(|| format!("{} failed", PEERS[index].name()))?);
            }
        }
    }
    print(&results, runs)
}

async fn connect(peers: &Peers, peer: Peer) -> Result<Vec<Client>> {
    let most = LOADS.iter().map(|(senders, _)| *senders).max().unwrap_or(0);
    let mut clients = Vec::with_capacity(most);
    for number in 0..most {
        clients.push(peers.stored_sender(peer, number).await?);
    }
    Ok(clients)
}

/// Acknowledgements a second, of the first so many clients together. They come back when they are done.
async fn acknowledged(
    clients: &mut Vec<Client>,
    (senders, in_flight): (usize, u64),
    sending: Duration,
) -> Result<f64> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for client in clients.drain(..senders) {
        tasks.spawn_local(timeout(
            sending + PATIENCE,
            send(client, in_flight, begin + sending),
        ));
    }
    let (mut count, mut back) = (0, Vec::with_capacity(senders));
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
    for ((senders, in_flight), [ours, theirs]) in LOADS.iter().zip(results) {
        let mut row = vec![format!("{senders} x {in_flight}")];
        row.extend(spread(ours));
        let [_, median, _] = spread(theirs);
        row.push(median);
        row.push(format!("x {}", ratio(ours, theirs)));
        table.row(row);
    }
    table.print()
}
