//! IRC (RFC 2812), as far as a benchmark speaks it: NICK, USER, JOIN, PRIVMSG, PING, PONG.

use super::stamped::Stamped;
use super::{Dialect, Link, TEXT, take_line};
use anyhow::{Result, bail};
use bytes::{BufMut as _, BytesMut};
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// The channel that members read.
const CHANNEL: &str = "#bench";

/// RPL_WELCOME: the registration is done.
const WELCOME: &str = "001";

/// RPL_ENDOFNAMES: the channel is joined.
const END_OF_NAMES: &str = "366";

/// The numerics from here on are errors.
const ERRORS: &str = "400";

/// ERR_NOMOTD is not one that matters.
const NO_MOTD: &str = "422";

/// Somebody in the channel. `name` is at most nine characters.
pub(crate) async fn member(address: SocketAddr, name: &str) -> Result<(Link, IrcReader)> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let stream = Stamped::new(stream);
    let stamps = stream.stamps();
    let mut link = Link::new(stream, stamps);
    link.out
        .put_slice(format!("NICK {name}\r\nUSER {name} 0 * :{name}\r\n").as_bytes());
    await_command(&mut link, WELCOME).await?;
    link.out.put_slice(format!("JOIN {CHANNEL}\r\n").as_bytes());
    await_command(&mut link, END_OF_NAMES).await?;
    Ok((link, IrcReader))
}

/// Somebody in the channel who speaks; nothing acknowledges that, and one's own words do not come back.
pub(crate) async fn sender(address: SocketAddr, name: &str) -> Result<(Link, IrcSender)> {
    let (link, reader) = member(address, name).await?;
    let message = [format!("PRIVMSG {CHANNEL} :").as_bytes(), &TEXT, b"\r\n"].concat();
    Ok((link, IrcSender { message, reader }))
}

async fn await_command(link: &mut Link, wanted: &str) -> Result<()> {
    link.flush().await?;
    loop {
        match take_line(&mut link.input)? {
            Some(line) if command(&line)? == wanted => return Ok(()),
            Some(line) => answer(&line, &mut link.out)?,
            None => {
                link.flush().await?;
                link.receive().await?;
            }
        }
    }
}

/// The word that says what a line is: the second where the first names who says it.
fn command(line: &[u8]) -> Result<&str> {
    let line = std::str::from_utf8(line)?;
    let mut words = line.split(' ');
    let first = words.next().unwrap_or_default();
    Ok(if first.starts_with(':') {
        words.next().unwrap_or_default()
    } else {
        first
    })
}

fn answer(line: &[u8], out: &mut BytesMut) -> Result<()> {
    match command(line)? {
        "PING" => {
            let text = line.strip_prefix(b"PING ").unwrap_or_default();
            out.put_slice(&[b"PONG ", text, b"\r\n"].concat());
        }
        numeric if numeric.len() == 3 && numeric >= ERRORS && numeric != NO_MOTD => {
            bail!("ngircd: {}", String::from_utf8_lossy(line));
        }
        "ERROR" => bail!("ngircd: {}", String::from_utf8_lossy(line)),
        _ => {}
    }
    Ok(())
}

/// Counts messages.
pub(crate) struct IrcReader;

impl Dialect for IrcReader {
    fn say(&mut self, _: &mut BytesMut) -> Result<()> {
        bail!("members only read")
    }

    fn hear(&mut self, input: &mut BytesMut, out: &mut BytesMut) -> Result<u64> {
        let mut count = 0;
        while let Some(line) = take_line(input)? {
            if command(&line)? == "PRIVMSG" {
                count += 1;
            } else {
                answer(&line, out)?;
            }
        }
        Ok(count)
    }
}

/// Sends texts.
pub(crate) struct IrcSender {
    message: Vec<u8>,
    reader: IrcReader,
}

impl Dialect for IrcSender {
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

    #[test]
    fn only_messages_count_and_pings_are_answered() {
        let stream = b":a!a@h JOIN :#bench\r\n:a!a@h PRIVMSG #bench :PRIVMSG x\r\nPING :irc\r\n:b PRIVMSG #bench :y\r\n";
        for piece in [1, 5, 1000] {
            let (mut input, mut out, mut count) = (BytesMut::new(), BytesMut::new(), 0);
            for piece in stream.chunks(piece) {
                input.extend_from_slice(piece);
                count += IrcReader.hear(&mut input, &mut out).unwrap();
            }
            assert_eq!((count, &out[..]), (2, &b"PONG :irc\r\n"[..]), "pieces of {piece}");
        }
    }

    #[test]
    fn errors_of_the_server_are_errors() {
        for line in [
            "ERROR :Closing connection\r\n",
            ":irc 404 m0 #bench :Cannot send to channel\r\n",
        ] {
            let mut input = BytesMut::from(line.as_bytes());
            assert!(
                IrcReader.hear(&mut input, &mut BytesMut::new()).is_err(),
                "{line}"
            );
        }
        let mut input = BytesMut::from(&b":irc 422 m0 :MOTD file is missing\r\n"[..]);
        assert_eq!(IrcReader.hear(&mut input, &mut BytesMut::new()).unwrap(), 0);
    }
}
