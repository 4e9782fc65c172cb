//! How late messages are delivered while somebody searches all the time, beside the same hub where nobody does.

use super::search;
use super::texts::Texts;
use crate::chat::ground;
use crate::chat::latency::{self, Punctual, Results};
use crate::clients::{Dialect, Link};
use crate::goals::{Better, Goal, Goals};
use crate::options::Rounds;
use crate::servers::landline::LandlineHub;
use crate::statistics::{Samples, rate};
use crate::table::{Table, number, spread};
use anyhow::{Context as _, Result};
use landline_client::Connection;
use std::cell::Cell;
use std::future::pending;
use std::time::Instant;

/// How many read the room.
const MEMBERS: u16 = 100;

/// Of the p99 without searches.
const GOAL: Goal = Goal {
    better: Better::Less,
    floor: 1.5,
    goal: 1.1,
};

/// Measures with and without searches, in turns.
pub(super) async fn measure(
    hub: &LandlineHub,
    connection: &Connection,
    rounds: Rounds,
    goals: &mut Goals,
) -> Result<()> {
    let mut hall = hall(hub, connection).await?;
    let queries: Vec<String> = Texts::new().queries().into_iter().map(|(_, text)| text).collect();
    let mut queries = queries.iter().cycle();
    let sending = latency::sending(rounds.quick);
    let (mut quiet, mut searched, mut searches) =
        (Results::default(), Results::default(), Samples::default());
    for round in 0..rounds.runs {
        for turn in 0..2 {
            if (round + turn).is_multiple_of(2) {
                quiet.push(hall.measure(&hub.server, sending, pending()).await?);
            } else {
                let (answered, begin) = (Cell::new(0), Instant::now());
                let searching = search_on(connection, &mut queries, &answered);
                searched.push(hall.measure(&hub.server, sending, searching).await?);
                searches.push(rate(answered.get(), begin.elapsed()));
            }
        }
    }
    print(&quiet, &searched, &searches, rounds.runs)?;
    let figure = "p99 of deliveries while somebody searches, of without";
    goals.figure(figure, &searched.p99.multiples_of(&quiet.p99), GOAL);
    Ok(())
}

/// A room of its own, with everybody in it.
async fn hall(hub: &LandlineHub, admin: &Connection) -> Result<Punctual> {
    let door = ground::open_as(hub, admin).await?;
    let (link, speaker) = door.sender("speaker").await?;
    let mut members: Vec<(Link, Box<dyn Dialect>)> = Vec::with_capacity(MEMBERS.into());
    for number in 0..MEMBERS {
        let (link, reader) = door.member(&format!("member{number}")).await?;
        members.push((link, Box::new(reader)));
    }
    Ok(Punctual::new((link, Box::new(speaker)), members))
}

/// Asks one query after the other, without end.
async fn search_on<'a>(
    connection: &Connection,
    queries: &mut impl Iterator<Item = &'a String>,
    answered: &Cell<u64>,
) -> Result<()> {
    loop {
        let text = queries.next().context("there are no queries")?;
        search(connection, text).await?;
        answered.set(answered.get() + 1);
    }
}

fn print(quiet: &Results, searched: &Results, searches: &Samples, runs: u16) -> Result<()> {
    let columns = [
        "",
        "p99 least",
        "median",
        "greatest",
        "p50",
        "greatest of all",
        "server busy",
        "said late (p99)",
        "searches/s",
    ];
    let title = format!(
        "{MEMBERS} members at {} deliveries/s: microseconds from the time of sending until the bytes are at the \
         member, {runs} runs",
        latency::RATE
    );
    let mut table = Table::new(title, &columns);
    for (name, results, searches) in [
        ("nobody searches", quiet, None),
        ("somebody searches", searched, Some(searches)),
    ] {
        let mut row = vec![name.to_owned()];
        row.extend(spread(&results.p99));
        row.push(number(results.median.median()));
        row.push(number(results.greatest.quantile(1.0).unwrap_or(0.0)));
        row.push(format!("{:.0}%", 100.0 * results.busy.median()));
        row.push(number(results.said_late.median()));
        row.push(searches.map_or_else(String::new, |searches| number(searches.median())));
        table.row(row);
    }
    table.print()
}
