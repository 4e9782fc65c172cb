//! The servers that are measured. Each has its own directory, its own configuration and a port on the loopback
//! interface, and ends with the value that stands for it.

pub(crate) mod landline;
pub(crate) mod nats;
pub(crate) mod ngircd;
mod process;
pub(crate) mod rsync;
pub(crate) mod sshd;

pub(crate) use process::{Server, children_time};

use anyhow::{Context as _, Result};
use std::net::{Ipv4Addr, TcpListener};

/// A port that is free now, for servers that cannot take port 0. Somebody could take it before the server does; the
/// server then says so and the run fails.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}
