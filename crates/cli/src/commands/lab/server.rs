//! `landline lab multiplex-server`: the server that `lab multiplex` measures. Landline starts it itself.

use anyhow::Result;
use landline_sockets::engine::Kind;
use landline_sockets::lab::multiplex;
use std::process::ExitCode;

/// Be measured (started by Landline itself).
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub(super) struct MultiplexServer {
    engine: Kind,
    connections: usize,
}

impl MultiplexServer {
    pub(super) fn run(self) -> Result<ExitCode> {
        let (control, answers) = (std::io::stdin().lock(), std::io::stdout().lock());
        multiplex::serve(self.engine, self.connections, control, answers)?;
        Ok(ExitCode::SUCCESS)
    }
}
