//! chronyd, answering NTP requests on the loopback interface. It leaves this machine's clock alone.

use super::process::START_DEADLINE;
use super::{Running, Server, free_port, make_home};
use crate::cores::Cores;
use anyhow::{Result, bail};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

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

/// How long one request of a server that starts may stay without answer.
const ANSWER_PAUSE: Duration = Duration::from_millis(5);

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
    await_answer(address, &server)?;
    Ok(Running {
        server,
        address,
        _home: Some(home),
    })
}

/// It does not say when it serves: it is asked until it answers.
fn await_answer(address: SocketAddr, server: &Server) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(ANSWER_PAUSE))?;
    socket.connect(address)?;
    let deadline = Instant::now() + START_DEADLINE;
    while Instant::now() < deadline {
        // A port that nobody listens on refuses the first request and fails the second.
        let answered = socket
            .send(&REQUEST)
            .and_then(|_| socket.recv(&mut [0; PACKET_BYTES]));
        match answered {
            Ok(PACKET_BYTES) => return Ok(()),
            _ => std::thread::sleep(ANSWER_PAUSE),
        }
    }
    bail!("chronyd does not answer on {address}; it said:\n{}", server.log())
}

fn configuration(home: &Path, port: u16) -> String {
    format!(
        "port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.1\nlocal stratum 10\ncmdport 0\nbindcmdaddress /\npidfile {}\n",
        home.join("chronyd.pid").display()
    )
}
