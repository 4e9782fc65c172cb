//! Fan-out: one speaks, many read. As many messages are on the way as a window allows, the same one for every server;
//! a message has left the window once every member has it.

use super::PATIENCE;
use super::peers::{Client, Peer, Peers};
use crate::goals::{Better, Goal, Goals};
use crate::statistics::{Samples, rate};
use crate::table::{Table, number, ratio, spread};
use anyhow::{Context as _, Result, bail, ensure};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Messages on the way at most: enough that a server always has the next one. With four times as many, what a delivery
/// costs each server differs less than between two runs.
const WINDOW: u64 = 256;

/// Deliveries a second, of nats-server's.
const GOAL: Goal = Goal {
    better: Better::More,
    floor: 0.5,
    goal: 1.0,
};

/// Measures every peer, in turns.
pub(super) async fn measure(
    peers: &Peers,
    members: u16,
    runs: u16,
    sending: Duration,
    goals: &mut Goals,
) -> Result<()> {
    let mut halls = Vec::with_capacity(Peer::ALL.len());
    for peer in Peer::ALL {
        let hall = timeout(PATIENCE, Hall::fill(peers, peer, members)).await;
        halls.push(
            hall.context("it takes too long")?
                .with_context(|| format!("{} failed", peer.name()))?,
        );
    }
    for round in 0..usize::from(runs) {
        for turn in 0..halls.len() {
            let index = (round + turn) % halls.len();
            let name = halls[index].peer.name();
            halls[index]
                .measure(peers, sending)
                .await
                .with_context(|| format!("{name} failed"))?;
        }
    }
    print(&halls, members, runs)?;
    let of = |wanted| halls.iter().find(|hall: &&Hall| hall.peer == wanted);
    if let (Some(ours), Some(theirs)) = (of(Peer::Landline), of(Peer::Nats)) {
        let figure = format!("deliveries/s to {members} members, of nats-server's");
        goals.figure(figure, &ours.deliveries.multiples_of(&theirs.deliveries), GOAL);
    }
    Ok(())
}

/// One server's room: everybody is in it.
pub(super) struct Hall {
    peer: Peer,
    speaker: Client,
    progress: Rc<Progress>,
    /// One task for each member; it only ends when something is wrong.
    members: JoinSet<Result<()>>,
    /// What a member costs the server, in bytes.
    member_bytes: f64,
    deliveries: Samples,
    /// The server's processor time for a delivery, in microseconds.
    pub(super) cost: Samples,
    /// The part of the time in which the server's processor was busy.
    busy: Samples,
}

impl Hall {
    pub(super) async fn fill(peers: &Peers, peer: Peer, members: u16) -> Result<Self> {
        let speaker = peers.sender(peer).await?;
        let before = peers.server(peer).resident_bytes()?;
        let progress = Rc::new(Progress::new(members));
        let mut tasks = JoinSet::new();
        for number in 0..members {
            let client = peers.member(peer, number).await?;
            tasks.spawn_local(listen(client, usize::from(number), Rc::clone(&progress)));
        }
        let grown = peers.server(peer).resident_bytes()?.saturating_sub(before);
        Ok(Self {
            peer,
            speaker,
            progress,
            members: tasks,
            member_bytes: grown as f64 / f64::from(members),
            deliveries: Samples::default(),
            cost: Samples::default(),
            busy: Samples::default(),
        })
    }

    pub(super) async fn measure(&mut self, peers: &Peers, sending: Duration) -> Result<()> {
        let server = peers.server(self.peer);
        let (begin, used) = (Instant::now(), server.processor_time()?);
        let before = self.progress.complete();
        let speaking = timeout(
            sending + PATIENCE,
            speak(&mut self.speaker, &self.progress, begin + sending),
        );
        tokio::select! {
            spoken = speaking => spoken.context("messages do not arrive")??,
            failed = self.members.join_next() => match failed {
                Some(failed) => failed?.context("a member failed")?,
                None => bail!("there are no members"),
            },
        }
        let (took, used) = (begin.elapsed(), server.processor_time()?.saturating_sub(used));
        let count = (self.progress.complete() - before) * self.progress.members();
        ensure!(count > 0, "nothing was delivered");
        self.deliveries.push(rate(count, took));
        self.cost.push(used.as_secs_f64() * 1e6 / count as f64);
        self.busy.push(used.as_secs_f64() / took.as_secs_f64());
        Ok(())
    }
}

/// Keeps the window full until the time is over and everybody has everything.
async fn speak((link, dialect): &mut Client, progress: &Progress, end: Instant) -> Result<()> {
    let mut sent = progress.complete();
    loop {
        while sent - progress.complete() < WINDOW && Instant::now() < end {
            dialect.say(&mut link.out)?;
            sent += 1;
        }
        link.flush().await?;
        if sent == progress.complete() {
            return Ok(());
        }
        tokio::select! {
            () = progress.changed() => {}
            received = link.receive() => {
                received?;
                // Acknowledgements, where there are some, are read and checked; what counts is what arrives.
                dialect.hear(&mut link.input, &mut link.out)?;
            }
        }
    }
}

async fn listen((mut link, mut dialect): Client, member: usize, progress: Rc<Progress>) -> Result<()> {
    loop {
        let count = dialect.hear(&mut link.input, &mut link.out)?;
        progress.received(member, count);
        link.flush().await?;
        link.receive().await?;
    }
}

/// Who has how many messages. Every member gets the same ones in the same order, so a count says which.
struct Progress {
    /// How many each member has.
    received: RefCell<Vec<u64>>,
    /// How many members have exactly as many as everybody has at least: when none is left, everybody has more.
    last: Cell<usize>,
    complete: Cell<u64>,
    changed: Notify,
}

impl Progress {
    fn new(members: u16) -> Self {
        let members = usize::from(members);
        Self {
            received: RefCell::new(vec![0; members]),
            last: Cell::new(members),
            complete: Cell::new(0),
            changed: Notify::new(),
        }
    }

    fn received(&self, member: usize, count: u64) {
        if count == 0 {
            return;
        }
        let mut received = self.received.borrow_mut();
        let was_last = received[member] == self.complete.get();
        received[member] += count;
        if !was_last {
            return;
        }
        self.last.set(self.last.get() - 1);
        if self.last.get() == 0 {
            let least = received.iter().copied().min().unwrap_or(0);
            self.complete.set(least);
            self.last
                .set(received.iter().filter(|count| **count == least).count());
            self.changed.notify_one();
        }
    }

    /// How many messages everybody has.
    fn complete(&self) -> u64 {
        self.complete.get()
    }

    fn members(&self) -> u64 {
        self.received.borrow().len() as u64
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }
}

fn print(halls: &[Hall], members: u16, runs: u16) -> Result<()> {
    let columns = [
        "",
        "least",
        "median",
        "greatest",
        "landline is",
        "server us each",
        "server busy",
        "KiB a member",
    ];
    let title =
        format!("fan-out to {members} members, deliveries/s, {WINDOW} messages on the way, {runs} runs");
    let mut table = Table::new(title, &columns);
    let ours = halls
        .iter()
        .find(|hall| hall.peer == Peer::Landline)
        .map(|hall| &hall.deliveries);
    for hall in halls {
        let mut row = vec![hall.peer.name().to_owned()];
        row.extend(spread(&hall.deliveries));
        row.push(ours.map_or_else(String::new, |ours| format!("x {}", ratio(ours, &hall.deliveries))));
        let median = |samples: &Samples| samples.summary().map_or(0.0, |summary| summary.median);
        row.push(number(median(&hall.cost)));
        row.push(format!("{:.0}%", 100.0 * median(&hall.busy)));
        row.push(number(hall.member_bytes / 1024.0));
        table.row(row);
    }
    table.print()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_is_complete_when_the_last_member_has_it() {
        let progress = Progress::new(3);
        progress.received(0, 5);
        progress.received(1, 2);
        assert_eq!(progress.complete(), 0);
        progress.received(2, 1);
        progress.changed().await;
        assert_eq!(progress.complete(), 1);
        progress.received(2, 3);
        progress.changed().await;
        assert_eq!(progress.complete(), 2);
        progress.received(1, 0);
        progress.received(1, 9);
        assert_eq!(progress.complete(), 4);
    }
}
