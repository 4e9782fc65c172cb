//! Driving a client's side of datagrams.

use super::Call;
use super::shown::Shown;
use crate::commands::typed;
use anyhow::{Context as _, Result, bail};
use landline_sockets::Encoding;
use landline_sockets::engine::protocol::DatagramProtocol;
use landline_sockets::engine::protocol::datagram::DATAGRAM_MAX;
use landline_sockets::engine::{Handle, drive_datagrams, inbox};
use landline_sockets::services::asking_datagrams::{AskingDatagrams, Outcome};
use landline_sockets::services::chat_udp::{Chat, Shown as ChatShown};
use landline_sockets::services::exec::{Patience, UdpClient, UdpClientEvent};
use landline_sockets::services::time;
use landline_sockets::textbook::Row;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Instant;

impl Call {
    pub(super) fn call_datagrams(&self, address: SocketAddr) -> Result<()> {
        let texts = match self.name {
            Row::ChatUdp if self.arguments.is_empty() => return self.chat(address),
            Row::ExecUdp => return self.exec_udp(address),
            Row::HelloUdp => self.texts_or("hello")?,
            Row::ClockUdp | Row::ChargenUdp | Row::DaytimeUdp | Row::TimeUdp => self.texts_or("")?,
            _ => self.some_texts()?,
        };
        refuse_too_long(&texts)?;
        let asks = match self.name {
            Row::DiscardUdp => AskingDatagrams::telling(address),
            _ => AskingDatagrams::new(address, self.timeout()),
        };
        let shown = Shown::new(self.encoding.unwrap_or(Encoding::Utf8));
        let mut silent = false;
        self.drive_to_the_end(address, asks, texts, |outcome, _| match outcome {
            Outcome::Answer(answer) => self.show_datagram(&shown, address, &answer),
            Outcome::Silent => silent = true,
        })?;
        if silent {
            bail!("{address} did not answer within {} s", self.timeout);
        }
        Ok(())
    }

    fn show_datagram(&self, shown: &Shown, address: SocketAddr, answer: &[u8]) {
        match self.name {
            Row::ChatUdp => shown.said(address, answer),
            Row::TimeUdp => match answer.first_chunk() {
                Some(number) => {
                    let zone = jiff::Zoned::now().time_zone().clone();
                    shown.line(&time::decode(*number).to_zoned(zone).to_string());
                }
                None => shown.line("an answer that is no time"),
            },
            Row::ChargenUdp | Row::DaytimeUdp => shown.bytes(answer),
            _ => shown.text(answer),
        }
    }

    /// Line by line from standard input, whose end ends nothing.
    fn chat(&self, address: SocketAddr) -> Result<()> {
        let encoding = self.encoding.unwrap_or(Encoding::Utf8);
        let shown = Shown::new(encoding);
        let (handle, inbox) = inbox().context("could not make a mailbox")?;
        typed::lines(encoding, move |line| handle.command(line));
        let chat = Chat::default().with_partner(address);
        drive_datagrams(socket(address)?, chat, &inbox, |event| match event {
            ChatShown::Said { from, text } => shown.said(from, &text),
            other => crate::report::note(&other.to_string()),
        })
        .context("could not wait for datagrams")
    }

    fn exec_udp(&self, address: SocketAddr) -> Result<()> {
        let shown = Shown::new(self.encoding.unwrap_or(Encoding::Utf8));
        let patience = Patience {
            answer: self.timeout(),
            ..Patience::default()
        };
        let commands = self.some_texts()?;
        refuse_too_long(&commands)?;
        let client = UdpClient::new(address, commands, patience, Instant::now());
        let mut silent = false;
        let mut refused = None;
        self.drive_to_the_end(address, client, Vec::new(), |event, _| match event {
            UdpClientEvent::Refused(words) => refused = Some(words),
            UdpClientEvent::Answered { stderr, stdout } => {
                shown.bytes(&stderr);
                shown.bytes(&stdout);
            }
            UdpClientEvent::Silent(half) => {
                shown.bytes(&half.unwrap_or_default());
                silent = true;
            }
        })?;
        if let Some(words) = refused {
            bail!("{address}: {words}");
        }
        if silent {
            bail!("{address} did not answer within {} s", self.timeout);
        }
        Ok(())
    }

    /// Sends `texts`, and stops once each has its outcome.
    fn drive_to_the_end<D: DatagramProtocol>(
        &self,
        address: SocketAddr,
        protocol: D,
        texts: Vec<D::Command>,
        mut on_event: impl FnMut(D::Work, &Handle<D::Command>),
    ) -> Result<()> {
        let (handle, inbox) = inbox().context("could not make a mailbox")?;
        for text in texts {
            handle.command(text);
        }
        let patient = landline_sockets::engine::drive_datagrams_to_the_end(
            socket(address)?,
            protocol,
            &inbox,
            |event| on_event(event, &handle),
        );
        patient.context("could not wait for datagrams")
    }
}

fn refuse_too_long(texts: &[Vec<u8>]) -> Result<()> {
    let long = texts.iter().find(|text| text.len() > DATAGRAM_MAX);
    long.map_or(Ok(()), |long| {
        bail!(
            "{} bytes are too many for a datagram: {DATAGRAM_MAX} is the most",
            long.len()
        )
    })
}

/// Any free port of the address family that reaches `address`.
fn socket(address: SocketAddr) -> Result<UdpSocket> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    UdpSocket::bind(any).context("could not get a port")
}
