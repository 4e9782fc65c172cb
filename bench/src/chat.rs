//! Chat: messages that are stored, beside JetStream, and one room with many readers, beside nats-server and ngircd.

mod fan_out;
mod peers;
mod stored;

use crate::clients::TEXT_BYTES;
use crate::cores::Cores;
use crate::descriptors;
use crate::options::Chat;
use crate::place::describe_floor;
use crate::servers::ngircd::LIFTED;
use crate::table::say;
use anyhow::{Context as _, Result, bail};
use peers::{LIFTED_AT_THE_HUB, Peers};
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

/// How long each measurement sends.
const SENDING: Duration = Duration::from_secs(3);

/// The same for a quick look.
const SENDING_QUICKLY: Duration = Duration::from_millis(300);

/// How long what was sent may take to arrive, and a peer to let everybody in.
const PATIENCE: Duration = Duration::from_secs(120);

/// Measures stored messages, then each number of members.
pub(crate) fn run(options: &Chat) -> Result<()> {
    let cores = Cores::split()?;
    cores.pin_load()?;
    describe(options, cores)?;
    let sending = if options.rounds.quick {
        SENDING_QUICKLY
    } else {
        SENDING
    };
    let most = options.members.iter().copied().max().unwrap_or(0);
    // Each member is a descriptor here, at each of the servers, which inherit the limit.
    say(&descriptors::raise(4 * u64::from(most) + 1024)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(LocalSet::new().run_until(async {
        // Returning ends the servers and removes their files; dying of the signal would not (ngircd changes its user,
        // and so never hears that this program has died).
        let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            done = measure(options, cores, sending) => done,
            _ = term.recv() => bail!("interrupted"),
            _ = interrupt.recv() => bail!("interrupted"),
        }
    }))
}

async fn measure(options: &Chat, cores: Cores, sending: Duration) -> Result<()> {
    let runs = options.rounds.runs;
    {
        let (_home, peers) = start(&options.disk, cores).await?;
        stored::measure(&peers, runs, sending).await?;
    }
    for members in &options.members {
        let (_home, peers) = start(&options.disk, cores).await?;
        fan_out::measure(&peers, *members, runs, sending).await?;
    }
    Ok(())
}

/// Servers with nothing in them. The directory goes when everything else is gone: it comes first, and drops last.
async fn start(disk: &Path, cores: Cores) -> Result<(tempfile::TempDir, Peers)> {
    let home = tempfile::Builder::new()
        .prefix("landline-bench-")
        .tempdir_in(disk);
    let home = home.with_context(|| format!("could not work in {}", disk.display()))?;
    let peers = Peers::start(home.path(), cores).await?;
    Ok((home, peers))
}

fn describe(options: &Chat, cores: Cores) -> Result<()> {
    say(&format!(
        "chat: texts of {TEXT_BYTES} bytes over loopback; {}",
        cores.describe()
    ))?;
    say("landline: TLS, each message synced before its acknowledgement and its delivery")?;
    say("JetStream: files, acknowledged without a sync; nats-server and ngircd: plain text, nothing stored")?;
    say(&format!("lifted: {LIFTED_AT_THE_HUB}; {LIFTED}"))?;
    say(&describe_floor(&options.disk)?)
}
