//! A peer as every socket course has it: a blocking stream.

use std::io::{self, BufRead as _, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::world::SimulatedPeer;

/// How long a test waits for what must happen. Far longer than it takes, also on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// What the kernel holds for a peer that has little room, in bytes. It takes twice as much (socket(7)).
pub(super) const LITTLE_ROOM: usize = 256 * 1024;
/// What a simulated peer has otherwise; the kernel decides for itself.
pub(super) const ROOM: usize = 4 * 1024 * 1024;

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

/// A peer's end of a connection.
pub(super) enum Connection {
    /// Of a real engine's server.
    Socket(TcpStream),
    /// Of a simulated one's.
    Simulated(SimulatedPeer),
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Socket(stream) => stream.read(buffer),
            Self::Simulated(peer) => peer.read(buffer),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Socket(stream) => stream.write(bytes),
            Self::Simulated(peer) => peer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct Client {
    pub(super) stream: BufReader<Connection>,
}

impl Client {
    pub(super) fn connect(port: u16) -> Self {
        Self::connect_as(Ipv4Addr::LOCALHOST, port, None)
    }

    /// On the machine's own network: from any address of 127.0.0.0/8, with no more room than is said.
    pub(super) fn connect_as(ip: Ipv4Addr, port: u16, room: Option<usize>) -> Self {
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
        Self::over(Connection::Socket(stream))
    }

    pub(super) fn over(connection: Connection) -> Self {
        Self {
            stream: BufReader::new(connection),
        }
    }

    /// The socket, for rules that are not simulated.
    pub(super) fn socket(&self) -> &TcpStream {
        match self.stream.get_ref() {
            Connection::Socket(stream) => stream,
            Connection::Simulated(_) => panic!("a simulated peer has no socket"),
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
        match self.stream.get_ref() {
            Connection::Socket(stream) => stream.shutdown(Shutdown::Write).expect("shut down"),
            Connection::Simulated(peer) => peer.finish(),
        }
    }

    /// Breaks the connection off: with no time to linger a close is a reset.
    pub(super) fn reset(self) {
        match self.stream.get_ref() {
            Connection::Socket(stream) => SockRef::from(stream)
                .set_linger(Some(Duration::ZERO))
                .expect("an option"),
            Connection::Simulated(peer) => peer.reset(),
        }
    }

    /// Sends all of it and the end, and reads meanwhile, as [`rest`](Self::rest) does.
    pub(super) fn rest_while_sending(&mut self, bytes: &[u8]) -> (Vec<u8>, Ending) {
        let Connection::Socket(stream) = self.stream.get_ref() else {
            self.send(bytes);
            self.finish();
            return self.rest();
        };
        let mut writer = stream.try_clone().expect("a second handle");
        thread::scope(|scope| {
            scope.spawn(move || {
                writer.write_all(bytes).expect("the server takes it");
                writer.shutdown(Shutdown::Write).expect("shut down");
            });
            self.rest()
        })
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
