//! `landline textbook call`: the clients of the textbook.

mod datagrams;
mod exec;
mod reached;
mod receive;
mod shown;
mod stream;

use super::textbook::secret;
use crate::context::{Context, Usage};
use anyhow::{Context as _, Result};
use jiff::Zoned;
use landline_sockets::engine::protocol::GateKey;
use landline_sockets::services::{
    chargen, clock, daytime, discard, echo, hello, relay::RelayClient, talk::TalkClient, time::TimeClient,
    upper,
};
use landline_sockets::textbook::{Row, Transport};
use landline_sockets::{Digest, Encoding};
use shown::Shown;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Be the client of one of the textbook's programs.
///
/// Arguments, by name: hello, upper, sink, echo, discard, relay, talk, chat-udp: TEXT...; clock-tcp, clock-udp:
/// FORMAT...; receive: FILE; the execs: COMMAND...; gate: TEXT. relay, talk and chat-udp without texts take lines
/// from standard input.
#[derive(Debug, clap::Args)]
pub(crate) struct Call {
    /// Whose client to be.
    name: Row,
    /// The server.
    #[arg(value_name = "HOST:PORT")]
    address: String,
    /// What to say to it; behind `--`, also what begins with a dash.
    #[arg(value_name = "ARGUMENT")]
    arguments: Vec<String>,
    /// How long to wait for the connection, for an answer, or for more of one.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86400))]
    timeout: u64,
    /// The server stands behind a gate (`gate` always does).
    #[arg(long)]
    gate: bool,
    /// The gate's secret is in this file; one newline at its end is not part of it (default: `egg`).
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The gate's HMAC: md5, as the textbook has it, or sha256.
    #[arg(long, value_name = "DIGEST", default_value = "md5")]
    digest: Digest,
    /// Have the server prove in a second round that it knows the gate's secret too.
    #[arg(long)]
    mutual: bool,
    /// The header that `receive` sends: a, with cmd, or b, with the file's MD5.
    #[arg(long, value_name = "KIND", default_value = "a", value_parser = ["a", "b"])]
    header: String,
    /// Have `receive` fetch this file instead of sending one.
    #[arg(long, value_name = "NAME")]
    get: Option<String>,
    /// Where `receive --get` stores the file.
    #[arg(long, value_name = "DIRECTORY", default_value = ".")]
    dir: PathBuf,
    /// Let the server of `exec-reverse` run commands on this machine. It can do what you can.
    #[arg(long)]
    allow_exec: bool,
    /// How many bytes to take from `chargen`.
    #[arg(long, value_name = "COUNT", default_value_t = 1024)]
    bytes: usize,
    /// The encoding of texts and of what the commands print: utf-8, gbk or gb2312 (exec-reverse: default gbk).
    #[arg(long, value_name = "ENCODING")]
    encoding: Option<Encoding>,
}

impl Call {
    pub(crate) fn run(self, _context: &Context) -> Result<ExitCode> {
        let address = self.resolve()?;
        match self.name.transport() {
            Transport::Tcp => self.call_stream(address)?,
            Transport::Udp => self.call_datagrams(address)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn call_stream(&self, address: SocketAddr) -> Result<()> {
        let shown = Shown::new(self.encoding.unwrap_or(Encoding::Utf8));
        match self.name {
            Row::Hello | Row::Gate => {
                let text = self.texts_or("hello")?.concat();
                self.ask(address, hello::client(text), |answer, _| {
                    shown.text_piece(&answer)
                })
            }
            Row::ClockTcp => {
                let formats = self.texts_or("")?;
                self.ask(address, clock::client(formats), |answer, _| {
                    shown.text_piece(&answer)
                })
            }
            Row::Upper => self.ask(address, upper::client(self.some_texts()?), |answer, _| {
                shown.text_piece(&answer)
            }),
            Row::Echo => self.ask(address, echo::client(self.some_texts()?), |answer, _| {
                shown.text_piece(&answer)
            }),
            Row::Relay => self.converse(address, RelayClient::new(self.texts()?), |text| shown.read(text)),
            Row::Talk => self.converse(address, TalkClient::new(self.texts()?), |text| shown.read(text)),
            Row::Sink | Row::Discard => self.tell(
                address,
                discard::client(self.some_texts()?),
                |event, _| match event {},
            ),
            Row::Chargen => self.ask(address, chargen::client(self.bytes), |bytes, _| {
                shown.bytes(&bytes)
            }),
            Row::Daytime => self.ask(address, daytime::client(), |bytes, _| shown.bytes(&bytes)),
            Row::Time => self.ask(address, TimeClient, |time, _| {
                shown.line(&time.to_zoned(Zoned::now().time_zone().clone()).to_string())
            }),
            Row::Receive => self.receive(address),
            _ => self.exec(address, &shown),
        }
    }

    fn resolve(&self) -> Result<SocketAddr> {
        let addresses = self.address.to_socket_addrs();
        let found = preferred(addresses.with_context(|| format!("{} is not found", self.address))?);
        found.with_context(|| format!("{} has no address", self.address))
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    fn key(&self) -> Result<Option<GateKey>> {
        if !self.gate && self.name != Row::Gate {
            return Ok(None);
        }
        let secret = secret(self.secret_file.as_deref())?;
        let key = GateKey::new(&secret).digest(self.digest).mutual(self.mutual);
        Ok(Some(key.deadline(self.timeout())))
    }

    /// The arguments, as they travel.
    fn texts(&self) -> Result<Vec<Vec<u8>>> {
        let encoding = self.encoding.unwrap_or(Encoding::Utf8);
        self.arguments
            .iter()
            .map(|text| Ok(encoding.encode(text)?))
            .collect()
    }

    fn texts_or(&self, default: &str) -> Result<Vec<Vec<u8>>> {
        let texts = self.texts()?;
        Ok(if texts.is_empty() {
            vec![default.as_bytes().to_vec()]
        } else {
            texts
        })
    }

    fn some_texts(&self) -> Result<Vec<Vec<u8>>> {
        let texts = self.texts()?;
        if texts.is_empty() {
            let name = self.name;
            return Err(Usage::new(
                format!("{name} wants something to say"),
                format!("landline textbook call {name} HOST:PORT TEXT..."),
            )
            .into());
        }
        Ok(texts)
    }
}

/// Of several addresses the first of IPv4, which the textbook's programs listen on: `localhost` is often `::1` first. A
/// server that listens on every address is on this machine, and its answers come from a real one.
fn preferred(addresses: impl Iterator<Item = SocketAddr>) -> Option<SocketAddr> {
    let mut found = addresses.min_by_key(SocketAddr::is_ipv6)?;
    if found.ip().is_unspecified() {
        found.set_ip(match found {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_that_a_textbook_server_has_is_preferred() {
        for (addresses, expected) in [
            (
                &["[::1]:80", "127.0.0.1:80", "127.0.0.2:80"][..],
                Some("127.0.0.1:80"),
            ),
            (&["[fe80::1]:80"], Some("[fe80::1]:80")),
            (&["0.0.0.0:9000"], Some("127.0.0.1:9000")),
            (&["[::]:9000"], Some("[::1]:9000")),
            (&[], None),
        ] {
            let addresses = addresses.iter().map(|address| address.parse().unwrap());
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(preferred(addresses), expected);
        }
    }
}
