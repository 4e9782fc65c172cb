//! ngircd, plain TCP, its limits lifted.

use super::{Server, free_port};
use crate::cores::Cores;
use anyhow::Result;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

/// What is not as it is shipped, for whoever reads the figures.
pub(crate) const LIFTED: &str =
    "ngircd: no limits on connections and joins, no penalty for a fast sender, no DNS or ident look-ups";

/// A running ngircd.
#[derive(Debug)]
pub(crate) struct Ngircd {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
}

impl Ngircd {
    pub(crate) fn start(home: &Path, cores: Cores) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let file = home.join("ngircd.conf");
        fs::write(&file, configuration(address.port()))?;
        let mut command = cores.server("ngircd");
        command.args(["--nodaemon", "--config"]).arg(&file);
        let server = Server::start("ngircd", &command)?;
        server.await_line("Now listening on")?;
        Ok(Self { server, address })
    }
}

fn configuration(port: u16) -> String {
    format!(
        "[Global]\nName = irc.bench.local\nInfo = bench\nListen = 127.0.0.1\nPorts = {port}\nMotdPhrase = bench\n\
         [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxPenaltyTime = 0\n\
         [Options]\nDNS = no\nIdent = no\nPAM = no\nSyslogFacility = local1\n"
    )
}
