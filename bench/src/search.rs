//! Searching messages: a hub over TLS, rights and texts from the log included, beside the same query in the sqlite3
//! shell on the hub's own index; and what searches do to the deliveries of the same hub.

mod meanwhile;
mod shell;
mod texts;

use crate::cores::Cores;
use crate::goals::{Better, Goal, Goals};
use crate::options::Search;
use crate::place::describe_floor;
use crate::servers::landline::LandlineHub;
use crate::statistics::{Samples, rate};
use crate::table::{Table, number, say};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use landline_client::{Connection, Pending, chat};
use landline_model::protocol::chat as wire;
use landline_model::target::Target;
use shell::Shell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use texts::{Kind, Texts};
use tokio::task::LocalSet;

/// The most messages that are shown of each query.
const HITS: u32 = 50;

/// How many rooms the messages are in.
const ROOMS: usize = 10;

/// How many messages are on the way to the hub.
const WINDOW: usize = 512;

/// Fewer messages, for a quick look.
const MESSAGES_QUICKLY: u32 = 20_000;

/// Between two looks at how far the index is: the hub tells nobody when that is whole, and a search waits only for the
/// last few messages.
const PAUSE: Duration = Duration::from_millis(100);

/// Of the shell's p99.
const GOAL: Goal = Goal {
    better: Better::Less,
    floor: 2.0,
    goal: 1.2,
};

/// Fills a hub, then asks it and the shell in turns.
pub(crate) fn run(options: &Search) -> Result<()> {
    let cores = Cores::split()?;
    cores.pin_load()?;
    let quick = options.rounds.quick;
    let messages = if quick {
        options.messages.min(MESSAGES_QUICKLY)
    } else {
        options.messages
    };
    say(&format!(
        "search: {messages} messages in {ROOMS} rooms, the {HITS} newest of each query; {}",
        cores.describe()
    ))?;
    say(
        "landline: TLS, rights asked for each room, texts from the log; sqlite3: the same messages, from the index",
    )?;
    say(&describe_floor(&options.disk)?)?;
    let home = tempfile::Builder::new()
        .prefix("landline-bench-")
        .tempdir_in(&options.disk);
    let home = home.with_context(|| format!("could not work in {}", options.disk.display()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(LocalSet::new().run_until(async {
        let hub = LandlineHub::start(home.path(), cores, &[])?;
        let connection = hub.join().await?;
        let rooms = make_rooms(&connection).await?;
        fill(&connection, &rooms, messages).await?;
        let mut goals = Goals::new();
        beside_the_shell(&hub, &connection, cores, options.rounds.runs, &mut goals).await?;
        meanwhile::measure(&hub, &connection, options.rounds, &mut goals).await?;
        drop(connection);
        hub.server.stop()?;
        goals.print()
    }))
}

async fn beside_the_shell(
    hub: &LandlineHub,
    connection: &Connection,
    cores: Cores,
    runs: u16,
    goals: &mut Goals,
) -> Result<()> {
    let mut shell = Shell::start(&hub.databases().join("search.db"), cores)?;
    let mut results = Results::default();
    for _ in 0..runs {
        measure(connection, &mut shell, &mut results).await?;
    }
    results.print(runs)?;
    goals.figure("p99 of all queries, of sqlite3's", &results.ratios, GOAL);
    Ok(())
}

async fn make_rooms(connection: &Connection) -> Result<Vec<Target>> {
    let mut rooms = Vec::with_capacity(ROOMS);
    for number in 0..ROOMS {
        let call = wire::RoomCreate {
            name: format!("room{number}").parse()?,
            kind: landline_model::event::RoomKind::Public,
        };
        rooms.push(connection.call(&call).await?.target);
    }
    Ok(rooms)
}

/// Says everything, and waits until it is found.
async fn fill(connection: &Connection, rooms: &[Target], messages: u32) -> Result<()> {
    let begin = Instant::now();
    let mut on_the_way: VecDeque<Pending<wire::Send>> = VecDeque::with_capacity(WINDOW);
    let places = rooms.iter().cycle();
    for (text, target) in Texts::new().take(usize::try_from(messages)?).zip(places) {
        if on_the_way.len() == WINDOW
            && let Some(oldest) = on_the_way.pop_front()
        {
            oldest.finished().await?;
        }
        let call = wire::Send {
            target: target.clone(),
            client_id: chat::fresh_client_id(),
            reply_to: None,
        };
        on_the_way.push_back(connection.start(&call, Bytes::from(text)).await?);
    }
    for pending in on_the_way {
        pending.finished().await?;
    }
    let said = begin.elapsed();
    while search(connection, "x").await?.1 > 0 {
        tokio::time::sleep(PAUSE).await;
    }
    let indexed = begin.elapsed();
    say(&format!(
        "said in {} s; all of it indexed {} s later: {} messages/s",
        number(said.as_secs_f64()),
        number((indexed - said).as_secs_f64()),
        number(rate(u64::from(messages), indexed))
    ))
}

/// How many of the newest messages were found, at most [`HITS`], and how many events are not indexed yet. A page may
/// end early, where the index has much that only looks alike; who asks goes on behind it.
async fn search(connection: &Connection, text: &str) -> Result<(u32, u64)> {
    let (mut found, mut next) = (0, None);
    loop {
        let call = wire::Search {
            text: text.to_owned(),
            limit: HITS - found,
            next,
            ..wire::Search::default()
        };
        let answer = connection.exchange(&call, Bytes::new()).await?;
        let lines = answer.body.iter().filter(|byte| **byte == b'\n').count();
        found += u32::try_from(lines)?;
        next = answer.reply.next;
        if next.is_none() || found >= HITS {
            return Ok((found, answer.reply.behind));
        }
    }
}

/// Every query once at each of them, by turns first.
async fn measure(connection: &Connection, shell: &mut Shell, results: &mut Results) -> Result<()> {
    let (mut all_ours, mut all_theirs) = (Samples::default(), Samples::default());
    for (number, (kind, text)) in Texts::new().queries().into_iter().enumerate() {
        let (mut ours, mut theirs) = ((Duration::ZERO, 0), (Duration::ZERO, 0));
        for turn in 0..2 {
            let begin = Instant::now();
            if (number + turn).is_multiple_of(2) {
                let (found, _) = search(connection, &text).await?;
                ours = (begin.elapsed(), found);
            } else {
                let found = shell.query(&text)?;
                theirs = (begin.elapsed(), found);
            }
        }
        ensure!(
            ours.1 == theirs.1,
            "{text:?}: {} found here, {} there",
            ours.1,
            theirs.1
        );
        for (samples, time) in [(&mut all_ours, ours.0), (&mut all_theirs, theirs.0)] {
            samples.push(time.as_secs_f64() * 1e3);
        }
        results.push(kind, ours.0, theirs.0);
    }
    let p99 = |samples: &Samples| samples.quantile(0.99).unwrap_or(0.0);
    results.ratios.push(p99(&all_ours) / p99(&all_theirs));
    Ok(())
}

/// Milliseconds of each kind of query, here and there.
#[derive(Default)]
struct Results {
    kinds: [(Samples, Samples); Kind::ALL.len()],
    /// Our p99 as a multiple of theirs, for each run.
    ratios: Samples,
}

impl Results {
    fn push(&mut self, kind: Kind, ours: Duration, theirs: Duration) {
        for (samples, other) in self.kinds.iter_mut().zip(Kind::ALL) {
            if kind == other {
                samples.0.push(ours.as_secs_f64() * 1e3);
                samples.1.push(theirs.as_secs_f64() * 1e3);
            }
        }
    }

    fn print(&self, runs: u16) -> Result<()> {
        let columns = ["query for", "median", "p99", "sqlite3 median", "sqlite3 p99"];
        let mut table = Table::new(format!("milliseconds until the answer, {runs} runs"), &columns);
        for ((ours, theirs), kind) in self.kinds.iter().zip(Kind::ALL) {
            let quantiles = [(ours, 0.5), (ours, 0.99), (theirs, 0.5), (theirs, 0.99)];
            let mut row = vec![kind.name().to_owned()];
            row.extend(quantiles.map(|(samples, part)| number(samples.quantile(part).unwrap_or(0.0))));
            table.row(row);
        }
        table.print()
    }
}
