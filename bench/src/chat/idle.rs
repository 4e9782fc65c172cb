//! What somebody who is there and says nothing costs the hub in memory of its own; the system's buffers are not in it.

use super::Bench;
use super::ground::{Ground, a_few_at_once};
use crate::clients::visitor::Visit;
use crate::goals::{Better, Goal, Goals};
use crate::statistics::Samples;
use crate::table::{Table, number, spread};
use anyhow::Result;
use bytes::BytesMut;
use std::rc::Rc;

/// How many are there, and for a quick look. As many as a hub admits as it is shipped.
const CONNECTIONS: usize = 10_000;
const CONNECTIONS_QUICKLY: usize = 500;

/// KiB for each.
const GOAL: Goal = Goal {
    better: Better::Less,
    floor: 40.0,
    goal: 20.0,
};

pub(super) fn connections(quick: bool) -> usize {
    if quick { CONNECTIONS_QUICKLY } else { CONNECTIONS }
}

/// Everybody has an account already when a hub starts, so that what grows is what connections need; and it is a hub of
/// its own each time, so that none finds memory that another one gave back.
pub(super) async fn measure(bench: &Bench<'_>, goals: &mut Goals) -> Result<()> {
    let count = connections(bench.quick());
    let mut ground = Ground::start(bench.disk, bench.cores).await?;
    let people = ground.people(count).await?;
    let (mut each, mut resident) = (Samples::default(), Samples::default());
    for _ in 0..bench.runs() {
        ground = ground.start_again()?;
        let server = &ground.hub.server;
        server.settled().await?;
        let before = (server.private_bytes()?, server.resident_bytes()?);
        let coming = people.iter().map(|person| {
            let (person, door) = (Rc::clone(person), Rc::clone(&ground.door));
            async move {
                let mut visit = person.come(&door, None).await?;
                // Nothing more comes: the load needs no room for it.
                visit.link.input = BytesMut::new();
                Ok(visit)
            }
        });
        let visits: Vec<Visit> = a_few_at_once(coming).await?;
        server.settled().await?;
        let share = |now: u64, before: u64| now.saturating_sub(before) as f64 / 1024.0 / visits.len() as f64;
        each.push(share(server.private_bytes()?, before.0));
        resident.push(share(server.resident_bytes()?, before.1));
    }
    let columns = ["KiB", "least", "median", "greatest"];
    let title = format!(
        "{} idle connections over TLS, logged in, each following one room; memory of the hub for each, {} runs",
        number(count as f64),
        bench.runs()
    );
    let mut table = Table::new(title, &columns);
    for (name, samples) in [("private", &each), ("resident", &resident)] {
        let mut row = vec![name.to_owned()];
        row.extend(spread(samples));
        table.row(row);
    }
    table.print()?;
    goals.figure(
        format!("private KiB for each of {count} idle connections"),
        &each,
        GOAL,
    );
    Ok(())
}
