//! A vsftpd of our own: plain FTP, anonymous, one directory.

use super::{Server, free_port};
use anyhow::Result;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

/// A running vsftpd.
#[derive(Debug)]
pub(crate) struct Vsftpd {
    pub(crate) server: Server,
    port: u16,
}

impl Vsftpd {
    /// Serves the directory `store`; the configuration is below `home`.
    pub(crate) fn start(home: &Path, store: &Path) -> Result<Self> {
        let port = free_port()?;
        let file = home.join("vsftpd.conf");
        fs::write(&file, configuration(store, port))?;
        let mut server = Server::start("vsftpd", Command::new("vsftpd").arg(&file))?;
        server.await_port(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        Ok(Self { server, port })
    }

    /// What curl calls a file in the store.
    pub(crate) fn remote(&self, name: &str) -> String {
        format!("ftp://127.0.0.1:{}/{name}", self.port)
    }
}

/// As little as it needs to let anybody read and write there, as the user who started it.
fn configuration(store: &Path, port: u16) -> String {
    let settings = [
        "listen=YES",
        "background=NO",
        "listen_address=127.0.0.1",
        "run_as_launching_user=YES",
        "ftp_username=root",
        "anonymous_enable=YES",
        "no_anon_password=YES",
        "write_enable=YES",
        "anon_upload_enable=YES",
        "anon_world_readable_only=NO",
        "anon_umask=022",
        "allow_writeable_chroot=YES",
        "seccomp_sandbox=NO",
        "xferlog_enable=NO",
    ];
    format!(
        "{}\nlisten_port={port}\nanon_root={}\n",
        settings.join("\n"),
        store.display()
    )
}
