//! A peer as every socket course has it: a blocking stream.

use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

/// How long a test waits for what must happen. Far longer than it takes, also on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// What the kernel holds for a peer that has little room, in bytes. It takes twice as much (socket(7)).
const ROOM: usize = 256 * 1024;

/// Bytes of which a missing, doubled or displaced part is seen: 251 is prime.
pub(super) fn pattern(count: usize) -> Vec<u8> {
    (0..251_u8).cycle().take(count).collect()
}

/// How a connection ended, seen from its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The end of the stream.
    Orderly,
    /// A reset.
    Cut,
}

pub(super) struct Client {
    pub(super) stream: BufReader<TcpStream>,
}

impl Client {
    pub(super) fn connect(port: u16) -> Self {
        Self::connect_as(Ipv4Addr::LOCALHOST, port, None)
    }

    /// Any address of 127.0.0.0/8 is this machine's.
    pub(super) fn connect_from(ip: Ipv4Addr, port: u16) -> Self {
        Self::connect_as(ip, port, None)
    }

    /// For who does not read: the kernel takes little in its place, here [`ROOM`], and there what tcp_wmem allows: 4 MiB.
    pub(super) fn connect_with_little_room(port: u16) -> Self {
        Self::connect_as(Ipv4Addr::LOCALHOST, port, Some(ROOM))
    }

    fn connect_as(ip: Ipv4Addr, port: u16, room: Option<usize>) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        if let Some(room) = room {
            socket.set_recv_buffer_size(room).expect("an option");
        }
        socket
            .bind(&SocketAddr::from((ip, 0)).into())
            .expect("an address of this machine");
        socket
            .connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())
            .expect("the server listens");
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Self {
            stream: BufReader::new(stream),
        }
    }

    pub(super) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .get_mut()
            .write_all(bytes.as_ref())
            .expect("the server takes it");
    }

    pub(super) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line");
        assert!(line.ends_with('\n'), "a line is whole: {line:?}");
        line.trim_end().to_owned()
    }

    /// Sends one line and reads one.
    pub(super) fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\n"));
        self.line()
    }

    /// Whether it is served: what it says comes back.
    pub(super) fn is_served(&mut self) {
        assert_eq!(self.ask("echo here"), "here");
    }

    pub(super) fn id(&mut self) -> u64 {
        self.ask("id").parse().expect("a number")
    }

    pub(super) fn take(&mut self, count: usize) {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).expect("as many bytes");
        assert!(bytes == vec![b'b'; count]);
    }

    pub(super) fn finish(&mut self) {
        self.stream
            .get_ref()
            .shutdown(Shutdown::Write)
            .expect("shut down");
    }

    /// Breaks the connection off: with no time to linger a close is a reset.
    pub(super) fn reset(self) {
        SockRef::from(self.stream.get_ref())
            .set_linger(Some(Duration::ZERO))
            .expect("an option");
    }

    /// Everything until the end, and which end it is.
    pub(super) fn rest(&mut self) -> (Vec<u8>, Ending) {
        let mut bytes = Vec::new();
        let ending = match self.stream.read_to_end(&mut bytes) {
            Ok(_) => Ending::Orderly,
            Err(error) if is_reset(&error) => Ending::Cut,
            Err(error) => panic!("neither an end nor a reset: {error}"),
        };
        (bytes, ending)
    }

    /// Nothing more comes but the end.
    pub(super) fn ends(&mut self) -> Ending {
        let (bytes, ending) = self.rest();
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            "",
            "nothing comes before the end"
        );
        ending
    }
}

/// Whether the connection was refused or broken off.
fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted
    )
}

/// The other end of the lab's telephone.
pub(super) struct Phone(TcpListener);

impl Phone {
    pub(super) fn new() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"))
    }

    /// The line that has the lab call.
    pub(super) fn order(&self) -> String {
        format!("call {}", self.0.local_addr().expect("an address"))
    }

    /// Waits for a call. Dropping it hangs up.
    pub(super) fn call(&self) -> TcpStream {
        self.0.accept().expect("a call").0
    }

    /// Whether somebody else calls already.
    pub(super) fn rings(&self) -> bool {
        self.0.set_nonblocking(true).expect("an option");
        let rings = self.0.accept().is_ok();
        self.0.set_nonblocking(false).expect("an option");
        rings
    }
}
