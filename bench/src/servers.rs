//! The servers that are measured. Each has its own directory, its own configuration and a port on the loopback
//! interface, and ends with the value that stands for it.

pub(crate) mod bare;
pub(crate) mod chronyd;
pub(crate) mod landline;
pub(crate) mod nats;
pub(crate) mod nginx;
pub(crate) mod ngircd;
mod process;
mod ready;
pub(crate) mod rsync;
pub(crate) mod sshd;
pub(crate) mod textbook;
pub(crate) mod vsftpd;

pub(crate) use process::{Server, children_time};

use anyhow::{Context as _, Result};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use tempfile::TempDir;

/// A server that needs to be known no better than by its address.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    /// What it keeps on disk; it goes after the server.
    _home: Option<TempDir>,
}

fn make_home() -> Result<TempDir> {
    let home = tempfile::Builder::new().prefix("landline-bench-").tempdir();
    home.context("no directory for a server")
}

/// A port that is free now, for servers that cannot take port 0. Somebody could take it before the server does; the
/// server then says so and the run fails.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}
