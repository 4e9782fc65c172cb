//! The native protocol over TLS, with as little work for the load's core as the wire allows.

use super::{Dialect, Link, TEXT, TEXT_BYTES};
use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Buf as _, Bytes, BytesMut};
use landline_client::tls::client_config;
use landline_model::id::ClientId;
use landline_model::link::{JoinLink, Token};
use landline_model::name::AccountName;
use landline_model::protocol::chat::{Send, Sent, Subscribe};
use landline_model::protocol::people::{Hello, Join};
use landline_model::protocol::{Call, HubHeader, OutgoingRequest, VERSION};
use landline_model::target::Target;
use landline_wire::{FrameDecoder, encode};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// The bytes of the length that stands before each header.
const LENGTH_BYTES: usize = 4;

/// How a header with a body begins, as the hub writes it.
const BODY_MEMBER: &[u8] = b"{\"body\":";

/// Where members find the room.
#[derive(Clone)]
pub(crate) struct HubDoor {
    connector: TlsConnector,
    link: JoinLink,
    token: Token,
    room: Target,
}

impl HubDoor {
    /// `token` lets in as many as will come.
    pub(crate) fn new(link: JoinLink, token: Token, room: Target) -> Result<Self> {
        let connector = TlsConnector::from(Arc::new(client_config(link.pin)?));
        Ok(Self {
            connector,
            link,
            token,
            room,
        })
    }

    /// Somebody who joins, and follows the room.
    pub(crate) async fn member(&self, name: &str) -> Result<(Link, HubReader)> {
        let mut link = self.join(name).await?;
        call(
            &mut link,
            &Subscribe {
                target: self.room.clone(),
                since: None,
            },
        )
        .await?;
        Ok((link, HubReader))
    }

    /// Somebody who joins, and speaks in the room.
    pub(crate) async fn sender(&self, name: &str) -> Result<(Link, HubSender)> {
        let link = self.join(name).await?;
        Ok((link, HubSender::new(self.room.clone())?))
    }

    async fn join(&self, name: &str) -> Result<Link> {
        let address = &self.link.address;
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
        stream.set_nodelay(true)?;
        let server = ServerName::try_from(address.host.clone()).context("the hub's host is no name")?;
        let stream = self
            .connector
            .connect(server, stream)
            .await
            .context("no TLS with the hub")?;
        let mut link = Link::new(stream);
        call(
            &mut link,
            &Hello {
                protocol: VERSION,
                client: "bench".to_owned(),
            },
        )
        .await?;
        let name: AccountName = name.parse()?;
        call(
            &mut link,
            &Join {
                token: self.token.clone(),
                name,
                password: None,
                device: String::new(),
                secret: None,
            },
        )
        .await?;
        Ok(link)
    }
}

/// Asks and waits for the answer. Nothing else may be under way on the connection.
async fn call<C: Call>(link: &mut Link, call: &C) -> Result<()> {
    encode(
        &OutgoingRequest {
            id: 1,
            name: C::NAME,
            args: call,
        },
        b"",
        &mut link.out,
    )?;
    link.flush().await?;
    let mut decoder = FrameDecoder::default();
    let frame = loop {
        match decoder.decode(&mut link.input)? {
            Some(frame) => break frame,
            None => link.receive().await?,
        }
    };
    let header: HubHeader<'_> = serde_json::from_slice(&frame.header)?;
    ensure!(
        header.id == Some(1) && header.ok.is_some(),
        "{} was refused: {:?}",
        C::NAME,
        header.error
    );
    Ok(())
}

/// Counts the events of a room.
pub(crate) struct HubReader;

impl Dialect for HubReader {
    fn say(&mut self, _: &mut BytesMut) -> Result<()> {
        bail!("members only read")
    }

    fn hear(&mut self, input: &mut BytesMut, _: &mut BytesMut) -> Result<u64> {
        let mut count = 0;
        while skip_message(input)? {
            count += 1;
        }
        Ok(count)
    }
}

/// Takes one message off the front without reading more of it than its lengths.
fn skip_message(input: &mut BytesMut) -> Result<bool> {
    let Some(prefix) = input.first_chunk::<LENGTH_BYTES>() else {
        return Ok(false);
    };
    let end = LENGTH_BYTES + usize::try_from(u32::from_be_bytes(*prefix))?;
    let Some(header) = input.get(LENGTH_BYTES..end) else {
        return Ok(false);
    };
    let end = end + body_length(header)?;
    if input.len() < end {
        return Ok(false);
    }
    input.advance(end);
    Ok(true)
}

/// An event has a text, so its header begins with the length of that.
fn body_length(header: &[u8]) -> Result<usize> {
    let digits = header
        .strip_prefix(BODY_MEMBER)
        .context("not an event with a text")?;
    let end = digits
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .context("a header without an end")?;
    Ok(std::str::from_utf8(&digits[..end])?.parse()?)
}

/// Sends texts and reads each acknowledgement.
pub(crate) struct HubSender {
    call: Send,
    began: u64,
    sent: u64,
    decoder: FrameDecoder,
}

impl HubSender {
    fn new(target: Target) -> Result<Self> {
        let began = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let call = Send {
            target,
            client_id: ClientId::from_bytes([0; 16]),
        };
        Ok(Self {
            call,
            began,
            sent: 0,
            decoder: FrameDecoder::default(),
        })
    }

    /// Numbers are as good as random bytes here: nobody else sends for this account.
    fn next_client_id(&mut self) -> ClientId {
        self.sent += 1;
        let mut number = [0; 10];
        number[2..].copy_from_slice(&self.sent.to_be_bytes());
        ClientId::from_time_and_random(self.began, number)
    }
}

impl Dialect for HubSender {
    fn say(&mut self, out: &mut BytesMut) -> Result<()> {
        self.call.client_id = self.next_client_id();
        encode(
            &OutgoingRequest {
                id: self.sent,
                name: Send::NAME,
                args: &self.call,
            },
            &TEXT,
            out,
        )?;
        Ok(())
    }

    fn hear(&mut self, input: &mut BytesMut, _: &mut BytesMut) -> Result<u64> {
        let mut count = 0;
        while let Some(frame) = self.decoder.decode(input)? {
            acknowledged(&frame.header)?;
            count += 1;
        }
        Ok(count)
    }
}

fn acknowledged(header: &Bytes) -> Result<()> {
    let header: HubHeader<'_> = serde_json::from_slice(header)?;
    let content = header
        .ok
        .with_context(|| format!("a message was refused: {:?}", header.error))?;
    let sent: Sent = serde_json::from_str(content.get())?;
    ensure!(!sent.duplicate, "a message counted as sent before");
    Ok(())
}

const _: () = assert!(TEXT.len() == TEXT_BYTES);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_counted_however_they_come() {
        let mut stream = BytesMut::new();
        for _ in 0..3 {
            encode(
                &json!({"event": "room", "args": {"sequence": 1}}),
                &TEXT,
                &mut stream,
            )
            .unwrap();
        }
        for piece in [1, 7, 1000] {
            let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
            let counts = stream.chunks(piece).map(|piece| {
                input.extend_from_slice(piece);
                HubReader.hear(&mut input, &mut out).unwrap()
            });
            assert_eq!(counts.sum::<u64>(), 3, "pieces of {piece}");
        }
    }

    #[test]
    fn what_is_no_event_is_not_counted_as_one() {
        let mut input = BytesMut::new();
        encode(&json!({"id": 1, "error": {}}), b"", &mut input).unwrap();
        assert!(HubReader.hear(&mut input, &mut BytesMut::new()).is_err());
    }

    #[test]
    fn each_message_has_a_client_id_of_its_own() {
        let mut sender = HubSender::new("#bench".parse().unwrap()).unwrap();
        assert_ne!(sender.next_client_id(), sender.next_client_id());
    }

    #[test]
    fn a_refused_message_is_an_error() {
        let mut sender = HubSender::new("#bench".parse().unwrap()).unwrap();
        let mut input = BytesMut::new();
        let refusal = json!({"id": 1, "error": {"code": "busy", "message": "later"}});
        encode(&refusal, b"", &mut input).unwrap();
        assert!(
            sender
                .hear(&mut input, &mut BytesMut::new())
                .unwrap_err()
                .to_string()
                .contains("later")
        );
    }
}
