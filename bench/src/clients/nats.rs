//! The NATS client protocol, as far as a benchmark speaks it: CONNECT, SUB, PUB, MSG, PING, PONG.

use super::stamped::Stamped;
use super::{Dialect, Link, TEXT, TEXT_BYTES, take_line};
use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Buf as _, BufMut as _, BytesMut};
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// The subject that members read.
const ROOM: &str = "bench.room";

/// The subject that the stream keeps.
const STORED: &str = "bench.stored";

/// Where acknowledgements come; nobody else is connected, so it need not be unique.
const INBOX: &str = "_INBOX.bench";

/// The stream: JetStream's default but for the name, the subject and the storage said aloud.
const STREAM: &str = r#"{"name":"BENCH","subjects":["bench.stored"],"storage":"file"}"#;

/// What the server says.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Message(BytesMut),
    Ping,
    Pong,
    Other,
}

/// Somebody who reads the room.
pub(crate) async fn member(address: SocketAddr) -> Result<(Link, NatsReader)> {
    let mut link = connect(address).await?;
    link.out.put_slice(format!("SUB {ROOM} 1\r\nPING\r\n").as_bytes());
    await_pong(&mut link).await?;
    Ok((
        link,
        NatsReader {
            acknowledgements: false,
            scan: Scan::default(),
        },
    ))
}

/// Somebody who speaks in the room; nothing acknowledges that.
pub(crate) async fn sender(address: SocketAddr) -> Result<(Link, NatsSender)> {
    Ok((
        connect(address).await?,
        NatsSender::new(&format!("PUB {ROOM} {TEXT_BYTES}\r\n"), false),
    ))
}

/// Somebody who speaks to the stream, and reads each acknowledgement on an inbox of its own.
pub(crate) async fn stored_sender(address: SocketAddr, number: usize) -> Result<(Link, NatsSender)> {
    let mut link = connect(address).await?;
    let inbox = format!("{INBOX}.{number}");
    link.out
        .put_slice(format!("SUB {inbox} 1\r\nPING\r\n").as_bytes());
    await_pong(&mut link).await?;
    Ok((
        link,
        NatsSender::new(&format!("PUB {STORED} {inbox} {TEXT_BYTES}\r\n"), true),
    ))
}

/// Makes the stream.
pub(crate) async fn make_stream(address: SocketAddr) -> Result<()> {
    let mut link = connect(address).await?;
    let request = format!(
        "SUB {INBOX} 1\r\nPUB $JS.API.STREAM.CREATE.BENCH {INBOX} {}\r\n{STREAM}\r\n",
        STREAM.len()
    );
    link.out.put_slice(request.as_bytes());
    link.flush().await?;
    let mut scan = Scan::default();
    loop {
        match scan.next(&mut link.input)? {
            Some(Said::Message(payload)) => {
                let text = String::from_utf8_lossy(&payload);
                ensure!(!text.contains("\"error\""), "no stream: {text}");
                return Ok(());
            }
            Some(_) => {}
            None => link.receive().await?,
        }
    }
}

async fn connect(address: SocketAddr) -> Result<Link> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let stream = Stamped::new(stream);
    let stamps = stream.stamps();
    let mut link = Link::new(stream, stamps);
    link.out
        .put_slice(b"CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\nPING\r\n");
    await_pong(&mut link).await?;
    Ok(link)
}

async fn await_pong(link: &mut Link) -> Result<()> {
    link.flush().await?;
    let mut scan = Scan::default();
    loop {
        match scan.next(&mut link.input)? {
            Some(Said::Pong) => return Ok(()),
            Some(_) => {}
            None => link.receive().await?,
        }
    }
}

/// Finds what the server says in what it sends.
#[derive(Debug, Default)]
struct Scan {
    /// The size of the message whose line has been read.
    payload: Option<usize>,
}

impl Scan {
    fn next(&mut self, input: &mut BytesMut) -> Result<Option<Said>> {
        if self.payload.is_none() {
            let Some(line) = take_line(input)? else {
                return Ok(None);
            };
            let line = std::str::from_utf8(&line)?;
            if !line.starts_with("MSG ") {
                return said(line).map(Some);
            }
            let size = line.rsplit(' ').next().and_then(|size| size.parse().ok());
            self.payload = Some(size.with_context(|| format!("a message without a size: {line}"))?);
        }
        match self.payload {
            Some(size) if input.len() >= size + 2 => {
                self.payload = None;
                let payload = input.split_to(size);
                input.advance(2);
                Ok(Some(Said::Message(payload)))
            }
            _ => Ok(None),
        }
    }
}

fn said(line: &str) -> Result<Said> {
    match line {
        "PING" => Ok(Said::Ping),
        "PONG" => Ok(Said::Pong),
        line if line.starts_with("-ERR") => bail!("nats-server: {line}"),
        _ => Ok(Said::Other),
    }
}

/// Counts messages.
pub(crate) struct NatsReader {
    acknowledgements: bool,
    scan: Scan,
}

impl Dialect for NatsReader {
    fn say(&mut self, _: &mut BytesMut) -> Result<()> {
        bail!("members only read")
    }

    fn hear(&mut self, input: &mut BytesMut, out: &mut BytesMut) -> Result<u64> {
        let mut count = 0;
        while let Some(said) = self.scan.next(input)? {
            match said {
                Said::Message(payload) => {
                    if self.acknowledgements && payload.windows(7).any(|part| part == b"\"error\"") {
                        bail!("a message was refused: {payload:?}");
                    }
                    count += 1;
                }
                Said::Ping => out.put_slice(b"PONG\r\n"),
                Said::Pong | Said::Other => {}
            }
        }
        Ok(count)
    }
}

/// Sends texts.
pub(crate) struct NatsSender {
    message: Vec<u8>,
    reader: NatsReader,
}

impl NatsSender {
    fn new(line: &str, acknowledgements: bool) -> Self {
        let message = [line.as_bytes(), &TEXT, b"\r\n"].concat();
        Self {
            message,
            reader: NatsReader {
                acknowledgements,
                scan: Scan::default(),
            },
        }
    }
}

impl Dialect for NatsSender {
    fn say(&mut self, out: &mut BytesMut) -> Result<()> {
        out.put_slice(&self.message);
        Ok(())
    }

    fn hear(&mut self, input: &mut BytesMut, out: &mut BytesMut) -> Result<u64> {
        self.reader.hear(input, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(stream: &[u8], piece: usize, acknowledgements: bool) -> Result<(u64, BytesMut)> {
        let mut reader = NatsReader {
            acknowledgements,
            scan: Scan::default(),
        };
        let (mut input, mut out, mut count) = (BytesMut::new(), BytesMut::new(), 0);
        for piece in stream.chunks(piece) {
            input.extend_from_slice(piece);
            count += reader.hear(&mut input, &mut out)?;
        }
        Ok((count, out))
    }

    #[test]
    fn messages_are_counted_however_they_come_and_pings_answered() {
        let stream = b"MSG bench.room 1 5\r\na\r\nMS\r\nPING\r\nMSG bench.room 1 _INBOX.x 0\r\n\r\n+OK\r\n";
        for piece in [1, 3, 1000] {
            let (count, out) = hear(stream, piece, false).unwrap();
            assert_eq!((count, &out[..]), (2, &b"PONG\r\n"[..]), "pieces of {piece}");
        }
    }

    #[test]
    fn errors_of_the_server_and_refused_messages_are_errors() {
        assert!(hear(b"-ERR 'Slow Consumer'\r\n", 100, false).is_err());
        let refused = b"MSG _INBOX.bench 1 13\r\n{\"error\":{ }}\r\n";
        assert!(hear(refused, 100, true).is_err());
        assert!(hear(b"MSG bench.room 1 many\r\n", 100, false).is_err());
    }

    #[test]
    fn a_message_is_its_line_and_its_text() {
        let mut out = BytesMut::new();
        NatsSender::new("PUB a 64\r\n", false).say(&mut out).unwrap();
        assert_eq!(out.len(), "PUB a 64\r\n".len() + TEXT_BYTES + 2);
    }
}
