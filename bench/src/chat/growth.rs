//! How the work grows with members, rooms and stored messages: the exponent of a power law through what was measured.
//!
//! With n members n deliveries are made of one message, n messages are sent to store n, and n rooms are spoken to by n
//! messages: the work for n is n times what one of them costs, so its exponent is 1 and the slope of the cost.

use super::fan_out::Hall;
use super::ground::{Ground, a_few_at_once};
use super::load::{Fillers, say_all};
use super::peers::{Peer, Peers};
use super::{Bench, ground};
use crate::clients::Link;
use crate::clients::hub::{HubSender, call};
use crate::goals::{Better, Goal, Goals};
use crate::servers::Server;
use crate::statistics::Samples;
use crate::table::{Table, number};
use anyhow::{Context as _, Result, ensure};
use landline_model::event::RoomKind;
use landline_model::protocol::chat::RoomCreate;
use landline_model::target::Target;
use std::rc::Rc;

const MEMBERS: [u16; 3] = [10, 100, 1_000];
const MEMBERS_QUICKLY: [u16; 3] = [5, 20, 80];

const ROOMS: [usize; 3] = [1, 100, 10_000];
const ROOMS_QUICKLY: [usize; 3] = [1, 10, 200];

const STORED: [u64; 3] = [10_000, 100_000, 1_000_000];
const STORED_QUICKLY: [u64; 3] = [500, 2_000, 8_000];

/// Messages of one measurement: enough that some are moved from the log into the database while it runs.
const SENDS: u64 = 5_000;
const SENDS_QUICKLY: u64 = 500;

/// How many rooms one account makes; the hub lets it make a few more.
const ROOMS_PER_CREATOR: usize = 500;

/// The exponent.
const GOAL: Goal = Goal {
    better: Better::Less,
    floor: 1.05,
    goal: 1.05,
};

pub(super) async fn measure(bench: &Bench<'_>, goals: &mut Goals) -> Result<()> {
    let curves = [members(bench).await?, rooms(bench).await?, stored(bench).await?];
    for curve in &curves {
        curve.print(bench.runs())?;
    }
    for curve in &curves {
        goals.figure(
            format!("exponent of growth with {}", curve.of),
            &curve.exponents(),
            GOAL,
        );
    }
    Ok(())
}

/// What one thing costs where there are so many.
struct Curve {
    of: &'static str,
    what: &'static str,
    points: Vec<Point>,
}

#[derive(Debug, Default)]
struct Point {
    /// How many there were, a sample for each run.
    count: Samples,
    /// Processor time of the hub, in microseconds, a sample for each run.
    cost: Samples,
}

async fn members(bench: &Bench<'_>) -> Result<Curve> {
    let mut points = Vec::new();
    for members in if bench.quick() { MEMBERS_QUICKLY } else { MEMBERS } {
        let home = ground::home(bench.disk)?;
        let peers = Peers::start(home.path(), bench.cores).await?;
        let mut hall = Hall::fill(&peers, Peer::Landline, members).await?;
        let mut count = Samples::default();
        for _ in 0..bench.runs() {
            hall.measure(&peers, bench.sending()).await?;
            count.push(f64::from(members));
        }
        let cost = hall.cost.clone();
        points.push(Point { count, cost });
        drop(hall);
        drop(peers);
    }
    Ok(Curve {
        of: "members",
        what: "a delivery",
        points,
    })
}

async fn rooms(bench: &Bench<'_>) -> Result<Curve> {
    let ground = Ground::start(bench.disk, bench.cores).await?;
    let mut sender = ground.door.sender("speaker").await?;
    let (mut rooms, mut points) = (Vec::new(), Vec::new());
    for count in if bench.quick() { ROOMS_QUICKLY } else { ROOMS } {
        make_rooms(&ground, &mut rooms, count).await?;
        sender.1.speak_in(Rc::from(&rooms[..]));
        let mut point = Point::default();
        for _ in 0..bench.runs() {
            let cost = cost_of_sending(&ground.hub.server, &mut sender, sends(bench)).await?;
            point.count.push(count as f64);
            point.cost.push(cost);
        }
        points.push(point);
    }
    Ok(Curve {
        of: "rooms",
        what: "a message",
        points,
    })
}

/// Makes rooms until there are so many.
async fn make_rooms(ground: &Ground, rooms: &mut Vec<Target>, wanted: usize) -> Result<()> {
    let first = rooms.len();
    let numbers: Vec<usize> = (first..wanted).collect();
    let creators = numbers.chunks(ROOMS_PER_CREATOR).map(|numbers| {
        let (door, numbers) = (Rc::clone(&ground.door), numbers.to_vec());
        async move {
            let name = format!("creator{}", numbers.first().context("no room to make")?);
            let mut link = door.join(&name).await?;
            let mut made = Vec::with_capacity(numbers.len());
            for number in numbers {
                let create = RoomCreate {
                    name: format!("room{number}").parse()?,
                    kind: RoomKind::Public,
                };
                made.push(call(&mut link, &create).await?.target);
            }
            anyhow::Ok(made)
        }
    });
    rooms.extend(a_few_at_once(creators).await?.into_iter().flatten());
    ensure!(rooms.len() == wanted, "{} rooms instead of {wanted}", rooms.len());
    Ok(())
}

async fn stored(bench: &Bench<'_>) -> Result<Curve> {
    let ground = Ground::start(bench.disk, bench.cores).await?;
    let mut sender = ground.door.sender("speaker").await?;
    let mut fillers = Fillers::join(&ground).await?;
    let (mut stored, sends) = (0, sends(bench));
    let mut points = Vec::new();
    for wanted in if bench.quick() { STORED_QUICKLY } else { STORED } {
        fillers.fill(wanted.saturating_sub(stored)).await?;
        stored = stored.max(wanted);
        let mut point = Point::default();
        for _ in 0..bench.runs() {
            let cost = cost_of_sending(&ground.hub.server, &mut sender, sends).await?;
            // In the middle of it so many were stored.
            point.count.push((stored + sends / 2) as f64);
            point.cost.push(cost);
            stored += sends;
        }
        ensure!(
            sender.1.sequence() == stored,
            "the room does not have what was stored"
        );
        points.push(point);
    }
    Ok(Curve {
        of: "stored messages",
        what: "a message",
        points,
    })
}

fn sends(bench: &Bench<'_>) -> u64 {
    if bench.quick() { SENDS_QUICKLY } else { SENDS }
}

/// Processor time of the hub for one message of so many, in microseconds, with all that comes after.
async fn cost_of_sending(server: &Server, sender: &mut (Link, HubSender), sends: u64) -> Result<f64> {
    let before = server.settled().await?;
    say_all(sender, sends).await?;
    let used = server.settled().await?.saturating_sub(before);
    Ok(used.as_secs_f64() * 1e6 / sends as f64)
}

impl Curve {
    /// The exponent of each run.
    fn exponents(&self) -> Samples {
        let runs = self
            .points
            .iter()
            .map(|point| point.cost.len())
            .min()
            .unwrap_or(0);
        let run = |run: usize| -> Vec<(f64, f64)> {
            let points = self.points.iter();
            points
                .filter_map(|point| Some((point.count.nth(run)?, point.cost.nth(run)?)))
                .collect()
        };
        (0..runs)
            .filter_map(|number| Some(1.0 + slope(&run(number))?))
            .collect()
    }

    fn print(&self, runs: u16) -> Result<()> {
        let title = format!(
            "growth with {}: the hub's processor time for {}, {runs} runs; exponent {}",
            self.of,
            self.what,
            number(self.exponents().median())
        );
        let mut table = Table::new(
            title,
            &[
                self.of,
                "us least",
                "median",
                "greatest",
                "exponent from the one before",
            ],
        );
        let mut before: Option<&Point> = None;
        for point in &self.points {
            let mut row = vec![number(point.count.median())];
            row.extend(crate::table::spread(&point.cost));
            let medians = |point: &Point| (point.count.median(), point.cost.median());
            let step = before.and_then(|before| slope(&[medians(before), medians(point)]));
            row.push(step.map_or_else(String::new, |slope| number(1.0 + slope)));
            table.row(row);
            before = Some(point);
        }
        table.print()
    }
}

/// The exponent of the power law that lies nearest to all points: least squares of the logarithms.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let logarithms: Vec<_> = points
        .iter()
        .map(|(count, cost)| (count.ln(), cost.ln()))
        .collect();
    let count = logarithms.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logarithms.iter().map(of).sum::<f64>() / count;
    let (middle, height) = (mean(|point| point.0), mean(|point| point.1));
    let rise: f64 = logarithms.iter().map(|(x, y)| (x - middle) * (y - height)).sum();
    let run: f64 = logarithms.iter().map(|(x, _)| (x - middle).powi(2)).sum();
    (run > 0.0 && rise.is_finite()).then_some(rise / run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_law_has_its_exponent() {
        let law =
            |exponent: f64| [10.0, 100.0, 10_000.0_f64].map(|count| (count, 3.0 * count.powf(exponent)));
        for exponent in [-0.5, 0.0, 0.05, 1.0] {
            assert!(
                (slope(&law(exponent)).unwrap() - exponent).abs() < 1e-9,
                "{exponent}"
            );
        }
        assert_eq!(slope(&[(10.0, 1.0)]), None);
        assert_eq!(slope(&[(10.0, 1.0), (100.0, 0.0)]), None);
    }

    #[test]
    fn each_run_has_its_exponent() {
        let point = |count: f64, costs: [f64; 2]| Point {
            count: [count, count].into_iter().collect(),
            cost: costs.into_iter().collect(),
        };
        let curve = Curve {
            of: "rooms",
            what: "a message",
            points: vec![point(1.0, [5.0, 5.0]), point(100.0, [5.0, 50.0])],
        };
        let summary = curve.exponents().summary().unwrap();
        assert!((summary.least - 1.0).abs() < 1e-9 && (summary.greatest - 1.5).abs() < 1e-9);
    }
}
