//! Who has a port that we wanted.

use std::fmt;
use std::fs;
use std::net::SocketAddr;

use super::Transport;

/// A process that has a port open. Known only where this user may look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// Its program's name, made safe to show.
    pub program: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (process {}) has the port", self.program, self.pid)
    }
}

impl Holder {
    /// Looks for it through `/proc` (proc_net(5)): the port's socket, then the process that has it open.
    pub(super) fn find(transport: Transport, address: SocketAddr) -> Option<Self> {
        let inodes: Vec<u64> = ["", "6"]
            .iter()
            .filter_map(|family| fs::read_to_string(format!("/proc/net/{transport}{family}")).ok())
            .flat_map(|table| listening(&table, transport, address.port()))
            .collect();
        fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            has_open(pid, &inodes).then(|| Self {
                pid,
                program: program(pid),
            })
        })
    }
}

/// The inodes of the sockets that hold a port in such a table.
fn listening(table: &str, transport: Transport, port: u16) -> Vec<u64> {
    /// TCP_LISTEN of the kernel's tcp_states.h.
    const LISTEN: &str = "0A";
    let inode = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let (_, held) = fields.nth(1)?.rsplit_once(':')?;
        let state = fields.nth(1)?;
        let inode = fields.nth(5)?.parse().ok()?;
        let holds = u16::from_str_radix(held, 16).ok()? == port;
        (holds && (transport == Transport::Udp || state == LISTEN)).then_some(inode)
    };
    table.lines().skip(1).filter_map(inode).collect()
}

fn has_open(pid: u32, inodes: &[u64]) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    let names = descriptors
        .flatten()
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
    names.into_iter().any(|name| {
        let inode = name
            .to_str()
            .and_then(|name| name.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
        inode.is_some_and(|inode| inodes.contains(&inode))
    })
}

/// A process may call itself anything, control characters included.
fn program(pid: u32) -> String {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    let name = String::from_utf8_lossy(&name);
    let name = name.trim_end();
    if name.is_empty() {
        "another program".to_owned()
    } else {
        name.escape_default().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_we_have_ourselves_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = Holder::find(Transport::Tcp, listener.local_addr().unwrap()).unwrap();
        assert_eq!(holder.pid, std::process::id());
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let holder = Holder::find(Transport::Udp, socket.local_addr().unwrap()).unwrap();
        assert_eq!(holder.pid, std::process::id());
    }

    #[test]
    fn only_listeners_hold_a_tcp_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41 1 0 100\n   \
                     1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 42 1 0 100\n";
        assert_eq!(listening(table, Transport::Tcp, 8080), [41]);
        assert!(listening(table, Transport::Tcp, 8081).is_empty());
    }
}
