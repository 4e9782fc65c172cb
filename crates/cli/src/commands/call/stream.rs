//! Driving a client's side of a stream.

use super::Call;
use super::reached::Reached;
use crate::commands::typed;
use anyhow::{Context as _, Result, bail};
use landline_sockets::Encoding;
use landline_sockets::engine::protocol::{Authenticated, ConnLimits, Ended, StreamProtocol};
use landline_sockets::engine::{Handle, drive, inbox};
use landline_sockets::textbook::Row;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

impl Call {
    /// Connects, goes through the gate where there is one, and drives `protocol` until both sides have ended.
    pub(super) fn drive<P: StreamProtocol>(
        &self,
        address: SocketAddr,
        protocol: P,
        on_event: impl FnMut(P::Event, &Handle<P::Command>),
    ) -> Result<()> {
        let (handle, inbox) = inbox().context("could not make a mailbox")?;
        let patience = Some(self.timeout());
        self.drive_with(address, protocol, patience, (handle, inbox), on_event)
    }

    /// A conversation: what is typed goes to the protocol, line by line, unless there was something to say already.
    /// The end of standard input ends nothing, and nor does silence.
    pub(super) fn converse<P>(&self, address: SocketAddr, protocol: P, show: impl Fn(&[u8])) -> Result<()>
    where
        P: StreamProtocol<Event = Vec<u8>, Command = Vec<u8>>,
    {
        let (handle, inbox) = inbox().context("could not make a mailbox")?;
        if self.arguments.is_empty() {
            let handle = handle.clone();
            typed::lines(self.encoding.unwrap_or(Encoding::Utf8), move |line| {
                handle.command(line)
            });
        }
        self.drive_with(address, protocol, None, (handle, inbox), |text, _| show(&text))
    }

    /// The same with an inbox of the caller's, and a patience of its own for silence; `None` for ever.
    pub(super) fn drive_with<P: StreamProtocol>(
        &self,
        address: SocketAddr,
        protocol: P,
        patience: Option<Duration>,
        (handle, inbox): (Handle<P::Command>, landline_sockets::engine::Inbox<P::Command>),
        mut on_event: impl FnMut(P::Event, &Handle<P::Command>),
    ) -> Result<()> {
        let stream = TcpStream::connect_timeout(&address, self.timeout())
            .with_context(|| format!("could not connect to {address}"))?;
        let (protocol, is_reached) = Reached::new(protocol);
        let protocol = match self.key()? {
            None => Authenticated::open(protocol),
            Some(key) => Authenticated::client(key, landline_sockets::challenge()?, protocol),
        };
        let limits = ConnLimits {
            idle: patience,
            handshake: Some(self.timeout()),
            // The server's end says that it has taken everything.
            linger: self.timeout(),
            ..ConnLimits::default()
        };
        let ended = drive(stream, protocol, limits, &inbox, |event| on_event(event, &handle))
            .context("could not wait for the connection")?;
        if ended == Ended::Finished && !is_reached.get() {
            bail!("{}", self.left_at_the_gate(address));
        }
        self.judge(ended, address)
    }

    fn left_at_the_gate(&self, address: SocketAddr) -> String {
        if self.mutual {
            format!(
                "{address} did not prove that it knows the gate's secret, or did not take ours; nothing was said to it"
            )
        } else {
            format!("{address} ended before it had sent the gate's challenge")
        }
    }

    fn judge(&self, ended: Ended, address: SocketAddr) -> Result<()> {
        match ended {
            Ended::Finished => Ok(()),
            // These servers live through a reset, and so does who tells them something.
            Ended::Reset if matches!(self.name, Row::Sink | Row::Discard) => Ok(()),
            Ended::Reset => bail!("{address} broke the connection off"),
            Ended::Idle | Ended::Handshake => bail!("{address} did not answer within {} s", self.timeout),
            Ended::Overflow => bail!("{address} sent more than one message can have"),
            Ended::Overrun => bail!("{address} does not read what it is sent"),
            Ended::Aborted(why) => bail!("{address}: {why}"),
            _ => bail!("the connection to {address} was broken off"),
        }
    }
}
