//! `landline serve`: a hub on this machine.

use crate::context::Context;
use crate::qr;
use crate::ready_file;
use anyhow::{Context as _, Result};
use landline_hub::config::{Flags, load};
use landline_hub::{CancellationToken, Hub, Ready, Started};
use landline_model::text::escape;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Run a hub on this machine.
///
/// The first start makes everything it needs and prints a link that makes you its admin.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Where the hub keeps everything (default: landline below the XDG data directory)
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// An address to listen on; may be given several times; port 0 takes any free one (default: `0.0.0.0:5263`
    /// and `[::]:5263`)
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Vec<String>,
    /// A configuration file (default: landline.toml in the data directory)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write a file when the hub serves: JSON with `addresses`, `fingerprint` and, while there is no admin, `invite`.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// The hub's name as people see it (default: the host name)
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How the log is written: human or json.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// The least important records that are still written: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl Serve {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let Self {
            data,
            listen,
            config,
            ready_file,
            name,
            log_format,
            log_level,
        } = self;
        let flags = Flags {
            config,
            data,
            listen,
            name,
            log_format,
            log_level,
        };
        let loaded = load(&flags, std::env::vars_os())?;
        // From here on a signal stops the hub orderly, even while it still starts.
        let signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let hub = Hub::start(&loaded).await?;
        if let Some(path) = &ready_file {
            ready_file::write(path, &Ready::from(hub.started()))
                .with_context(|| format!("the ready file {} cannot be written", path.display()))?;
        }
        if !context.quiet {
            // The hub serves, whether somebody reads the banner or not.
            let _ = print(&banner(hub.started()));
        }
        let (stop, at_once) = (CancellationToken::new(), CancellationToken::new());
        tokio::spawn(await_signals(signals, stop.clone(), at_once.clone()));
        hub.run(stop, at_once).await;
        Ok(ExitCode::SUCCESS)
    }
}

/// The first signal stops the hub with a time to drain, the second at once.
async fn await_signals(
    (mut terminate, mut interrupt): (Signal, Signal),
    stop: CancellationToken,
    at_once: CancellationToken,
) {
    for token in [stop, at_once] {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        token.cancel();
    }
}

fn banner(started: &Started) -> String {
    let addresses: Vec<String> = started.addresses.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "Landline hub \"{}\" serves on {}\n",
        escape(&started.name),
        addresses.join(", ")
    );
    let Some(invite) = &started.invite else {
        return text;
    };
    let link = invite.reveal();
    text += &format!("\n  data         {}\n", escape(&started.data.to_string_lossy()));
    text += &format!("  fingerprint  {}\n", started.fingerprint);
    text += "\nNobody looks after this hub yet. Whoever follows this link first becomes its admin:\n\n";
    text += &format!("  landline join {}\n\n", quoted(&link));
    if let Some(code) = qr::code(&link) {
        text += &code;
        text.push('\n');
    }
    text
}

/// In single quotes: a shell takes `#` inside a word as it is, but not every reader knows that.
fn quoted(link: &str) -> String {
    format!("'{link}'")
}

fn print(text: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}
