//! Chat: messages that are stored, beside JetStream; one room with many readers, saturated and at a fixed rate, beside
//! nats-server; what idle connections need; how long everybody takes to come back; how the work grows.

mod fan_out;
pub(crate) mod ground;
mod growth;
mod idle;
pub(crate) mod latency;
pub(crate) mod load;
mod peers;
mod reconnect;
mod stored;

use crate::clients::TEXT_BYTES;
use crate::cores::Cores;
use crate::descriptors;
use crate::goals::Goals;
use crate::options::Chat;
use crate::place::describe_floor;
use crate::servers::ngircd::LIFTED;
use crate::table::say;
use anyhow::{Context as _, Result, bail};
use peers::Peers;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

/// How long each measurement sends.
const SENDING: Duration = Duration::from_secs(3);

/// The same for a quick look.
const SENDING_QUICKLY: Duration = Duration::from_millis(300);

/// How many read one room where nobody says so, and for a quick look.
const MEMBERS: [u16; 2] = [100, 1_000];
const MEMBERS_QUICKLY: [u16; 2] = [10, 50];

/// How long what was sent may take to arrive, and a peer to let everybody in.
const PATIENCE: Duration = Duration::from_secs(120);

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// Stored messages, beside JetStream.
    Stored,
    /// One room, saturated, beside nats-server and ngircd.
    FanOut,
    /// One room at a fixed rate, beside nats-server.
    Latency,
    /// Memory of idle connections.
    Idle,
    /// Everybody comes back at once.
    Reconnect,
    /// Exponents of growth.
    Growth,
}

impl Part {
    pub(crate) const ALL: [Self; 6] = [
        Self::Stored,
        Self::FanOut,
        Self::Latency,
        Self::Idle,
        Self::Reconnect,
        Self::Growth,
    ];
}

/// What all parts have in common.
pub(crate) struct Bench<'a> {
    options: &'a Chat,
    disk: &'a Path,
    cores: Cores,
    /// How many read one room, one number after the other.
    members: Vec<u16>,
}

impl Bench<'_> {
    fn runs(&self) -> u16 {
        self.options.rounds.runs
    }

    fn quick(&self) -> bool {
        self.options.rounds.quick
    }

    /// How long one measurement of a saturated server sends.
    fn sending(&self) -> Duration {
        if self.quick() { SENDING_QUICKLY } else { SENDING }
    }
}

/// Measures the parts that were asked for.
pub(crate) fn run(options: &Chat) -> Result<()> {
    let cores = Cores::split()?;
    cores.pin_load()?;
    describe(options, cores)?;
    let bench = Bench {
        options,
        disk: &options.disk,
        cores,
        members: members(options),
    };
    // Each member is a descriptor here, at each of the servers, which inherit the limit.
    let most = bench.members.iter().copied().max().unwrap_or(0);
    let idle = u64::try_from(idle::connections(bench.quick()))?;
    say(&descriptors::raise(
        (4 * u64::from(most)).max(idle + idle / 2) + 1024,
    )?)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(LocalSet::new().run_until(async {
        // Returning ends the servers and removes their files; dying of the signal would not (ngircd changes its user,
        // and so never hears that this program has died).
        let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            done = measure(&bench) => done,
            _ = term.recv() => bail!("interrupted"),
            _ = interrupt.recv() => bail!("interrupted"),
        }
    }))
}

fn members(options: &Chat) -> Vec<u16> {
    if !options.members.is_empty() {
        return options.members.clone();
    }
    let members = if options.rounds.quick {
        MEMBERS_QUICKLY
    } else {
        MEMBERS
    };
    members.to_vec()
}

async fn measure(bench: &Bench<'_>) -> Result<()> {
    let mut goals = Goals::new();
    for part in &bench.options.parts {
        let measured = measure_part(bench, *part, &mut goals).await;
        measured.with_context(|| format!("{part:?} could not be measured"))?;
    }
    goals.print()
}

async fn measure_part(bench: &Bench<'_>, part: Part, goals: &mut Goals) -> Result<()> {
    let (runs, sending) = (bench.runs(), bench.sending());
    match part {
        Part::Stored => {
            let (_home, peers) = start(bench).await?;
            stored::measure(bench, &peers, goals).await
        }
        Part::FanOut => {
            for members in &bench.members {
                let (_home, peers) = start(bench).await?;
                fan_out::measure(&peers, *members, runs, sending, goals).await?;
            }
            Ok(())
        }
        Part::Latency => {
            let (_home, peers) = start(bench).await?;
            let members = bench.members.last().copied().context("no members")?;
            latency::measure(&peers, members, runs, bench.quick(), goals).await
        }
        Part::Idle => idle::measure(bench, goals).await,
        Part::Reconnect => reconnect::measure(bench, goals).await,
        Part::Growth => growth::measure(bench, goals).await,
    }
}

/// Servers with nothing in them. The directory goes when everything else is gone: it comes first, and drops last.
async fn start(bench: &Bench<'_>) -> Result<(TempDir, Peers)> {
    let home = ground::home(bench.disk)?;
    let peers = Peers::start(home.path(), bench.cores).await?;
    Ok((home, peers))
}

fn describe(options: &Chat, cores: Cores) -> Result<()> {
    say(&format!(
        "chat: texts of {TEXT_BYTES} bytes over loopback; {}",
        cores.describe()
    ))?;
    say(
        "landline: TLS, each message synced before its acknowledgement and its delivery; all as it is shipped, each",
    )?;
    say("connection from an address of its own")?;
    say("JetStream: files, acknowledged without a sync; nats-server and ngircd: plain text, nothing stored")?;
    say(&format!("lifted: {LIFTED}"))?;
    say(&describe_floor(&options.disk)?)
}
