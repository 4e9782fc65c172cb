//! A server of this program itself, in a process of its own.

use super::{Running, Server};
use crate::bare::{Bare, LISTENING};
use crate::cores::Cores;
use anyhow::{Context as _, Result};

/// Starts a bare server.
pub(crate) fn start(bare: Bare, cores: Cores) -> Result<Running> {
    let mut command = cores.server(std::env::current_exe()?);
    command.args(["bare", bare.name()]);
    let server = Server::start(bare.name(), &command)?;
    let line = server.await_line(LISTENING)?;
    let address = line.trim_start_matches(LISTENING).parse();
    Ok(Running {
        server,
        address: address.with_context(|| format!("no address in {line:?}"))?,
        _home: None,
    })
}
