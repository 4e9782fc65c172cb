//! Driving a client's side of a stream.

use super::Call;
use super::reached::Reached;
use crate::commands::typed;
use anyhow::{Context as _, Result, bail};
use landline_sockets::Encoding;
use landline_sockets::engine::protocol::{Authenticated, ConnLimits, Ended, StreamProtocol};
use landline_sockets::engine::{Handle, drive, inbox};
use landline_sockets::services::parting::is_parting;
use landline_sockets::textbook::Row;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How a connection that was not broken off was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// Both sides did, the server once it had taken everything.
    Orderly,
    /// We did; the server did not in its time, or before it had taken everything.
    OneSided,
}

impl Call {
    /// Drives a `protocol` that ends once the server has answered: what the server does then is its own affair.
    pub(super) fn ask<P: StreamProtocol>(
        &self,
        address: SocketAddr,
        protocol: P,
        on_event: impl FnMut(P::Event, &Handle<P::Command>),
    ) -> Result<()> {
        self.drive(address, protocol, on_event).map(drop)
    }

    /// Drives a `protocol` that is answered with nothing but the end of the connection: that the server closes it says
    /// that it has taken everything.
    pub(super) fn tell<P: StreamProtocol>(
        &self,
        address: SocketAddr,
        protocol: P,
        on_event: impl FnMut(P::Event, &Handle<P::Command>),
    ) -> Result<()> {
        self.closed(self.drive(address, protocol, on_event)?, address)
    }

    /// Connects, goes through the gate where there is one, and drives `protocol` to its end. Says how it was closed.
    fn drive<P: StreamProtocol>(
        &self,
        address: SocketAddr,
        protocol: P,
        on_event: impl FnMut(P::Event, &Handle<P::Command>),
    ) -> Result<Close> {
        let inbox = inbox().context("could not make a mailbox")?;
        self.drive_with(address, protocol, Some(self.timeout()), inbox, on_event)
    }

    /// Where only the server's end could say that it took what it was told.
    pub(super) fn closed(&self, close: Close, address: SocketAddr) -> Result<()> {
        match close {
            Close::Orderly => Ok(()),
            Close::OneSided => bail!(
                "whether {address} took everything is not known: it did not close the connection after it, within {} s",
                self.timeout
            ),
        }
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
        let mut is_parted = false;
        let close = self.drive_with(address, protocol, None, (handle, inbox), |text, _| {
            is_parted |= self.name == Row::Talk && is_parting(&text);
            show(&text);
        })?;
        // The server's `bye` is an end too.
        if is_parted {
            return Ok(());
        }
        self.closed(close, address)
    }

    /// The same with an inbox of the caller's, and a patience of its own for silence; `None` for ever.
    pub(super) fn drive_with<P: StreamProtocol>(
        &self,
        address: SocketAddr,
        protocol: P,
        patience: Option<Duration>,
        (handle, inbox): (Handle<P::Command>, landline_sockets::engine::Inbox<P::Command>),
        mut on_event: impl FnMut(P::Event, &Handle<P::Command>),
    ) -> Result<Close> {
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
        if matches!(ended, Ended::Finished | Ended::Unclosed) && !is_reached.get() {
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

    fn judge(&self, ended: Ended, address: SocketAddr) -> Result<Close> {
        match ended {
            Ended::Finished => Ok(Close::Orderly),
            Ended::Unclosed => Ok(Close::OneSided),
            Ended::Reset => bail!("{address} broke the connection off"),
            Ended::Idle | Ended::Handshake => bail!("{address} did not answer within {} s", self.timeout),
            Ended::Overflow => bail!("{address} sent more than one message can have"),
            Ended::Overrun => bail!("{address} does not read what it is sent"),
            Ended::Aborted(why) => bail!("{address}: {why}"),
            _ => bail!("the connection to {address} was broken off"),
        }
    }
}
