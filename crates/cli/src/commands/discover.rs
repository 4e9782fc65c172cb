//! `landline discover`: the hubs on this network.

use crate::context::Context;
use crate::{json, report};
use anyhow::Result;
use landline_client::discover::{Found, Search};
use landline_model::text::escape;
use serde::Serialize;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::Instant;

/// List the hubs that announce themselves on this network.
///
/// Anybody can announce anything: a name helps to find a hub, and says nothing about whose it is.
#[derive(Debug, clap::Args)]
pub(crate) struct Discover {
    /// How long to listen.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// JSON: an object a line, with `name`, `addresses`, `version` and `fingerprint`, as soon as a hub is heard.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    addresses: Vec<String>,
    version: Option<&'a str>,
    /// As `landline hubs --json` has it.
    fingerprint: Option<String>,
}

impl Discover {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let mut search = Search::start()?;
        let until = Instant::now() + Duration::from_secs(self.seconds);
        let mut count = 0_u32;
        while let Some(found) = search.next(until).await {
            self.show(&found)?;
            count += 1;
        }
        if count == 0 && !context.quiet {
            let seconds = self.seconds;
            report::note(&format!("no hub announced itself within {seconds} s"));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn show(&self, found: &Found) -> Result<()> {
        let mut output = std::io::stdout().lock();
        let addresses: Vec<String> = found.addresses.iter().map(ToString::to_string).collect();
        if self.json {
            let line = Line {
                name: &found.name,
                addresses,
                version: found.version.as_deref(),
                fingerprint: found.pin.map(|pin| pin.to_string()),
            };
            writeln!(output, "{}", json::line(&line)?)?;
        } else {
            let version = escape(found.version.as_deref().unwrap_or("?"));
            writeln!(
                output,
                "{}  {}  (version {version})",
                escape(&found.name),
                addresses.join(", ")
            )?;
        }
        // Who waits for a hub waits for this line.
        output.flush()?;
        Ok(())
    }
}
