//! An rsync daemon of our own.

use super::{Server, free_port};
use anyhow::Result;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

/// A running rsync daemon with one module.
#[derive(Debug)]
pub(crate) struct RsyncDaemon {
    pub(crate) server: Server,
    port: u16,
}

impl RsyncDaemon {
    /// Serves the directory `store`; configuration and log are below `home`.
    pub(crate) fn start(home: &Path, store: &Path) -> Result<Self> {
        let port = free_port()?;
        let file = home.join("rsyncd.conf");
        fs::write(&file, configuration(store))?;
        let mut command = Command::new("rsync");
        command.args(["--daemon", "--no-detach", "--address=127.0.0.1"]);
        command
            .arg(format!("--port={port}"))
            .arg(format!("--config={}", file.display()));
        command.arg(format!("--log-file={}", home.join("rsyncd.log").display()));
        let mut server = Server::start("rsync", &command)?;
        server.await_port(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        Ok(Self { server, port })
    }

    /// What rsync calls a path in the module.
    pub(crate) fn remote(&self, path: &str) -> String {
        format!("rsync://127.0.0.1:{}/store/{path}", self.port)
    }
}

fn configuration(store: &Path) -> String {
    let identity = (rustix::process::geteuid(), rustix::process::getegid());
    let (user, group) = (identity.0.as_raw(), identity.1.as_raw());
    format!(
        "use chroot = no\nuid = {user}\ngid = {group}\n[store]\npath = {}\nread only = no\nlist = no\n",
        store.display()
    )
}
