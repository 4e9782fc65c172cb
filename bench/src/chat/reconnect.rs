//! Everybody comes back at once, and each has missed as much: the hub was restarted, or a switch was.

use super::ground::Ground;
use super::load::say_all;
use super::{Bench, PATIENCE};
use crate::clients::visitor::Visitor;
use crate::goals::{Better, Goal, Goals};
use crate::statistics::Samples;
use crate::table::{Table, spread};
use anyhow::{Context as _, Result, ensure};
use nix::time::{ClockId, clock_gettime};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How many come back, and what each has missed; and for a quick look.
const SIZE: Size = Size {
    clients: 1_000,
    events: 1_000,
};
const SIZE_QUICKLY: Size = Size {
    clients: 100,
    events: 200,
};

/// Seconds until all have everything.
const GOAL: Goal = Goal {
    better: Better::Less,
    floor: 8.0,
    goal: 3.0,
};

#[derive(Debug, Clone, Copy)]
struct Size {
    clients: usize,
    events: u64,
}

/// A sample for each turn.
#[derive(Default)]
struct Results {
    /// Until all have everything.
    seconds: Samples,
    /// Until all are logged in and follow the room.
    entered: Samples,
    /// Processor time of the server.
    server: Samples,
    /// Processor time of the clients.
    clients: Samples,
    /// Of the handshakes, those by ticket, in percent.
    resumed: Samples,
}

pub(super) async fn measure(bench: &Bench<'_>, goals: &mut Goals) -> Result<()> {
    let size = if bench.quick() { SIZE_QUICKLY } else { SIZE };
    let ground = Ground::start(bench.disk, bench.cores).await?;
    let people = ground.people(size.clients).await?;
    let mut sender = ground.door.sender("speaker").await?;
    let mut results = Results::default();
    for _ in 0..bench.runs() {
        let since = sender.1.sequence();
        say_all(&mut sender, size.events).await?;
        let head = sender.1.sequence();
        ensure!(
            head - since == size.events,
            "somebody else spoke between {since} and {head}"
        );
        ground.hub.server.settled().await?;
        let measured = timeout(
            PATIENCE,
            come_back(&ground, &people, since, size.events, &mut results),
        );
        measured.await.context("not everybody has everything in time")??;
    }
    print(&results, size, bench.runs())?;
    let figure = format!(
        "seconds until {} clients have {} events each",
        size.clients, size.events
    );
    goals.figure(figure, &results.seconds, GOAL);
    Ok(())
}

async fn come_back(
    ground: &Ground,
    people: &[Rc<Visitor>],
    since: u64,
    events: u64,
    results: &mut Results,
) -> Result<()> {
    let server = &ground.hub.server;
    let (server_before, clients_before) = (server.processor_time()?, own_processor_time()?);
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for person in people {
        let (person, door) = (Rc::clone(person), Rc::clone(&ground.door));
        tasks.spawn_local(async move {
            let mut visit = person.come(&door, Some(since)).await?;
            let entered = begin.elapsed();
            visit.catch_up(events).await?;
            anyhow::Ok((visit, entered))
        });
    }
    // Nobody leaves before everybody has everything.
    let mut visits = Vec::with_capacity(people.len());
    let mut last_entered = Duration::ZERO;
    while let Some(done) = tasks.join_next().await {
        let (visit, entered) = done??;
        last_entered = last_entered.max(entered);
        visits.push(visit);
    }
    results.seconds.push(begin.elapsed().as_secs_f64());
    results.entered.push(last_entered.as_secs_f64());
    let server_used = server.processor_time()?.saturating_sub(server_before);
    results.server.push(server_used.as_secs_f64());
    let clients_used = own_processor_time()?.saturating_sub(clients_before);
    results.clients.push(clients_used.as_secs_f64());
    let resumed = visits.iter().filter(|visit| visit.resumed).count();
    results.resumed.push(100.0 * resumed as f64 / visits.len() as f64);
    Ok(())
}

fn own_processor_time() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}

fn print(results: &Results, size: Size, runs: u16) -> Result<()> {
    let columns = ["", "least", "median", "greatest"];
    let title = format!(
        "{} clients come back at once, {} events behind each, {runs} runs (each from an address of its own)",
        size.clients, size.events
    );
    let mut table = Table::new(title, &columns);
    let rows = [
        ("seconds until all have everything", &results.seconds),
        ("seconds until all are back in the room", &results.entered),
        ("processor seconds of the hub", &results.server),
        ("processor seconds of the clients", &results.clients),
        ("% of handshakes by ticket", &results.resumed),
    ];
    for (name, samples) in rows {
        let mut row = vec![name.to_owned()];
        row.extend(spread(samples));
        table.row(row);
    }
    table.print()
}
