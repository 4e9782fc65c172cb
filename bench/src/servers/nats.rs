//! nats-server, plain TCP; JetStream keeps its streams in files.

use super::Server;
use crate::cores::Cores;
use anyhow::{Context as _, Result};
use std::net::SocketAddr;
use std::path::Path;

/// What it says where it listens, and what follows is the address.
const LISTENING: &str = "Listening for client connections on ";

/// What it says last.
const READY: &str = "Server is ready";

/// A running nats-server.
#[derive(Debug)]
pub(crate) struct NatsServer {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
}

impl NatsServer {
    pub(crate) fn start(home: &Path, cores: Cores) -> Result<Self> {
        let mut command = cores.server("nats-server");
        command
            .args([
                "--addr",
                "127.0.0.1",
                "--port",
                "-1",
                "--jetstream",
                "--store_dir",
            ])
            .arg(home);
        let server = Server::start("nats-server", &command)?;
        let line = server.await_line(LISTENING)?;
        let (_, address) = line.split_once(LISTENING).context("no address")?;
        let address = address
            .trim()
            .parse()
            .with_context(|| format!("no address in {line:?}"))?;
        server.await_line(READY)?;
        Ok(Self { server, address })
    }
}
