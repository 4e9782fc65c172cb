//! chronyd, answering NTP requests on the loopback interface. It leaves this machine's clock alone.

use super::{Running, Server, free_port, make_home};
use crate::cores::Cores;
use anyhow::Result;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

/// An NTP client's request (RFC 5905, section 7.3): version 4, mode 3, the rest zero.
pub(crate) const REQUEST: [u8; PACKET_BYTES] = {
    let mut request = [0; PACKET_BYTES];
    request[0] = 4 << 3 | 3;
    request
};

/// The length of a packet without extensions, request and answer alike.
pub(crate) const PACKET_BYTES: usize = 48;

/// What is not as it is shipped.
pub(crate) const LIFTED: &str = "chronyd: serves 127.0.0.1 from the local clock (local stratum 10), which it does not steer (-x); no command socket";

/// Starts chronyd with a configuration of its own.
pub(crate) fn start(cores: Cores) -> Result<Running> {
    let home = make_home()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let file = home.path().join("chrony.conf");
    fs::write(&file, configuration(home.path(), address.port()))?;
    let mut command = cores.server("chronyd");
    // -d stays in the foreground and logs there; without -u it becomes a user that may not write to `home`.
    command.args(["-d", "-x", "-U", "-u", "root", "-f"]).arg(&file);
    let server = Server::start("chronyd", &command)?;
    // Its last word before it serves: its socket is bound by then, and what is asked meanwhile waits there.
    server.await_line("Running with root privileges")?;
    Ok(Running {
        server,
        address,
        _home: Some(home),
    })
}

fn configuration(home: &Path, port: u16) -> String {
    format!(
        "port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.1\nlocal stratum 10\ncmdport 0\nbindcmdaddress /\npidfile {}\n",
        home.join("chronyd.pid").display()
    )
}
