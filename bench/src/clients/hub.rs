//! The native protocol over TLS, with as little work for the load's core as the wire allows.

use super::stamped::Stamped;
use super::{Dialect, Link, TEXT, TEXT_BYTES};
use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Buf as _, Bytes, BytesMut};
use landline_client::tls::client_config;
use landline_model::id::ClientId;
use landline_model::link::{JoinLink, Token};
use landline_model::name::AccountName;
use landline_model::protocol::chat::{Send, Sent, Subscribe};
use landline_model::protocol::people::{Hello, Join, LoggedIn};
use landline_model::protocol::{Call, HubHeader, OutgoingRequest, VERSION};
use landline_model::target::Target;
use landline_wire::{FrameDecoder, encode};
use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, HandshakeKind};

/// The bytes of the length that stands before each header.
const LENGTH_BYTES: usize = 4;

/// How a header with a body begins, as the hub writes it, and one of a signal, which is no event of a room.
const BODY_MEMBER: &[u8] = b"{\"body\":";
const SIGNAL: &[u8] = b"{\"event\":\"signal\"";

/// The first of the loopback addresses that connections come from, each from its own: the hub's limits for one address
/// stand as they are shipped, as they would with as many machines.
const FIRST_SOURCE: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 1);

/// Where members find the room.
pub(crate) struct HubDoor {
    tls: Arc<ClientConfig>,
    hub: SocketAddr,
    token: Token,
    room: Target,
    /// Where the next one comes from.
    source: Cell<Ipv4Addr>,
}

impl HubDoor {
    /// `token` lets in as many as will come.
    pub(crate) fn new(link: &JoinLink, token: Token, room: Target) -> Result<Self> {
        let host = link.address.host.parse();
        Ok(Self {
            tls: Arc::new(client_config(link.pin)?),
            hub: SocketAddr::new(host.context("the hub's host is no address")?, link.address.port),
            token,
            room,
            source: Cell::new(FIRST_SOURCE),
        })
    }

    /// The hub was started again, and is here now.
    pub(crate) fn moved(&mut self, hub: SocketAddr) {
        self.hub = hub;
    }

    /// What every connection has in common; those that come again make their own of it.
    pub(super) fn tls(&self) -> &ClientConfig {
        &self.tls
    }

    pub(super) fn room(&self) -> &Target {
        &self.room
    }

    /// Somebody who joins, and follows the room.
    pub(crate) async fn member(&self, name: &str) -> Result<(Link, HubReader)> {
        let mut link = self.join(name).await?;
        let subscribe = Subscribe {
            target: self.room.clone(),
            since: None,
        };
        call(&mut link, &subscribe).await?;
        Ok((link, HubReader))
    }

    /// Somebody who joins, and speaks in the room.
    pub(crate) async fn sender(&self, name: &str) -> Result<(Link, HubSender)> {
        self.sender_to(name, Rc::new([self.room.clone()])).await
    }

    /// Somebody who joins, and speaks in each of these rooms in turn.
    pub(crate) async fn sender_to(&self, name: &str, rooms: Rc<[Target]>) -> Result<(Link, HubSender)> {
        Ok((self.join(name).await?, HubSender::new(rooms)?))
    }

    /// Somebody who joins.
    pub(crate) async fn join(&self, name: &str) -> Result<Link> {
        let (mut link, _) = self.connect(&self.tls, self.source()).await?;
        self.enter(&mut link, name).await?;
        Ok(link)
    }

    /// An address that nobody else comes from.
    pub(super) fn source(&self) -> Ipv4Addr {
        let source = self.source.get();
        self.source.set(Ipv4Addr::from_bits(source.to_bits() + 1));
        source
    }

    /// Redeems the invitation on a connection.
    pub(super) async fn enter(&self, link: &mut Link, name: &str) -> Result<LoggedIn> {
        let name: AccountName = name.parse()?;
        let join = Join {
            token: self.token.clone(),
            name,
            password: None,
            device: String::new(),
            secret: None,
        };
        call(link, &join).await
    }

    /// A connection that has greeted. Says also what kind of handshake it was.
    pub(super) async fn connect(
        &self,
        tls: &Arc<ClientConfig>,
        source: Ipv4Addr,
    ) -> Result<(Link, Option<HandshakeKind>)> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((source, 0).into())?;
        let stream = socket.connect(self.hub).await.context("no connection")?;
        stream.set_nodelay(true)?;
        let stream = Stamped::new(stream);
        let stamps = stream.stamps();
        let connector = TlsConnector::from(Arc::clone(tls));
        let server = ServerName::IpAddress(self.hub.ip().into());
        let stream = connector.connect(server, stream).await;
        let stream = stream.context("no TLS with the hub")?;
        let handshake = stream.get_ref().1.handshake_kind();
        let mut link = Link::new(stream, stamps);
        let hello = Hello {
            protocol: VERSION,
            client: "bench".to_owned(),
        };
        call(&mut link, &hello).await?;
        Ok((link, handshake))
    }
}

/// Asks and waits for the answer. Nothing else may be under way on the connection.
pub(crate) async fn call<C: Call>(link: &mut Link, call: &C) -> Result<C::Reply> {
    let request = OutgoingRequest {
        id: 1,
        name: C::NAME,
        args: call,
    };
    encode(&request, b"", &mut link.out)?;
    link.flush().await?;
    let mut decoder = FrameDecoder::default();
    let frame = loop {
        match decoder.decode(&mut link.input)? {
            Some(frame) => break frame,
            None => link.receive().await?,
        }
    };
    let header: HubHeader<'_> = serde_json::from_slice(&frame.header)?;
    let reply = header.ok.filter(|_| header.id == Some(1));
    let reply = reply.with_context(|| format!("{} was refused: {:?}", C::NAME, header.error))?;
    Ok(serde_json::from_str(reply.get())?)
}

/// Counts the events of a room.
pub(crate) struct HubReader;

impl Dialect for HubReader {
    fn say(&mut self, _: &mut BytesMut) -> Result<()> {
        bail!("members only read")
    }

    fn hear(&mut self, input: &mut BytesMut, _: &mut BytesMut) -> Result<u64> {
        take_events(input, |_| Ok(()))
    }
}

/// Takes the messages that are whole off the front of `input`, reading no more of each than its lengths, and counts the
/// events. `last` is shown the header of the last event, where there is one.
pub(super) fn take_events(input: &mut BytesMut, last: impl FnOnce(&[u8]) -> Result<()>) -> Result<u64> {
    let (mut count, mut taken, mut newest) = (0, 0, None);
    while let Some(message) = whole_message(&input[taken..])? {
        if message.is_event {
            newest = Some(taken + message.header.start..taken + message.header.end);
            count += 1;
        }
        taken += message.end;
    }
    if let Some(newest) = newest {
        last(&input[newest])?;
    }
    input.advance(taken);
    Ok(count)
}

/// Where a message's parts are.
struct Whole {
    header: Range<usize>,
    end: usize,
    is_event: bool,
}

fn whole_message(input: &[u8]) -> Result<Option<Whole>> {
    let Some(prefix) = input.first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let end = LENGTH_BYTES + usize::try_from(u32::from_be_bytes(*prefix))?;
    let Some(header) = input.get(LENGTH_BYTES..end) else {
        return Ok(None);
    };
    let is_event = !header.starts_with(SIGNAL);
    let body = if is_event { body_length(header)? } else { 0 };
    let whole = Whole {
        header: LENGTH_BYTES..end,
        end: end + body,
        is_event,
    };
    Ok((input.len() >= whole.end).then_some(whole))
}

/// An event has a text, so its header begins with the length of that.
fn body_length(header: &[u8]) -> Result<usize> {
    let digits = header
        .strip_prefix(BODY_MEMBER)
        .with_context(|| format!("not an event with a text: {}", String::from_utf8_lossy(header)))?;
    let end = digits
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .context("a header without an end")?;
    Ok(std::str::from_utf8(&digits[..end])?.parse()?)
}

/// Sends texts and reads each acknowledgement.
pub(crate) struct HubSender {
    call: Send,
    /// Where it speaks, one after the other.
    rooms: Rc<[Target]>,
    began: u64,
    sent: u64,
    /// The sequence number of what was acknowledged last.
    sequence: u64,
    decoder: FrameDecoder,
}

impl HubSender {
    fn new(rooms: Rc<[Target]>) -> Result<Self> {
        let began = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let call = Send {
            target: rooms.first().context("nowhere to speak")?.clone(),
            client_id: ClientId::from_bytes([0; 16]),
            reply_to: None,
        };
        Ok(Self {
            call,
            rooms,
            began,
            sent: 0,
            sequence: 0,
            decoder: FrameDecoder::default(),
        })
    }

    /// From now on it speaks in these rooms.
    pub(crate) fn speak_in(&mut self, rooms: Rc<[Target]>) {
        self.rooms = rooms;
    }

    /// The sequence number of what was acknowledged last; 0 before that.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
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
        if self.rooms.len() > 1 {
            let next = usize::try_from(self.sent)? % self.rooms.len();
            self.call.target.clone_from(&self.rooms[next]);
        }
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
            self.sequence = acknowledged(&frame.header)?;
            count += 1;
        }
        Ok(count)
    }
}

/// The sequence number that a message got.
fn acknowledged(header: &Bytes) -> Result<u64> {
    let header: HubHeader<'_> = serde_json::from_slice(header)?;
    let content = header
        .ok
        .with_context(|| format!("a message was refused: {:?}", header.error))?;
    let sent: Sent = serde_json::from_str(content.get())?;
    ensure!(!sent.duplicate, "a message counted as sent before");
    Ok(sent.sequence)
}

const _: () = assert!(TEXT.len() == TEXT_BYTES);

#[cfg(test)]
mod tests {
    use super::*;
    use landline_model::protocol::OutgoingEvent;
    use landline_model::protocol::chat::Signal;
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
    fn signals_are_passed_over_and_the_last_event_is_shown() {
        let mut input = BytesMut::new();
        for sequence in 1..=2 {
            let event = json!({"event": "room", "args": {"sequence": sequence}});
            encode(&event, &TEXT, &mut input).unwrap();
            let signal = OutgoingEvent {
                event: Signal::NAME,
                args: &Signal::Missed {},
            };
            encode(&signal, b"", &mut input).unwrap();
        }
        let mut shown = String::new();
        let last = |header: &[u8]| {
            shown = String::from_utf8(header.to_vec())?;
            Ok(())
        };
        assert_eq!(take_events(&mut input, last).unwrap(), 2);
        assert!(shown.contains(r#""sequence":2"#), "{shown}");
        assert!(input.is_empty());
    }

    #[test]
    fn what_is_said_goes_to_one_room_after_the_other() {
        let rooms = ["#a", "#b"].map(|name| name.parse().unwrap());
        let mut sender = HubSender::new(Rc::new(rooms)).unwrap();
        let mut out = BytesMut::new();
        (0..4).for_each(|_| sender.say(&mut out).unwrap());
        let said = String::from_utf8_lossy(&out);
        assert_eq!((said.matches("#a").count(), said.matches("#b").count()), (2, 2));
    }

    #[test]
    fn each_message_has_a_client_id_of_its_own() {
        let mut sender = HubSender::new(Rc::new(["#bench".parse().unwrap()])).unwrap();
        assert_ne!(sender.next_client_id(), sender.next_client_id());
    }

    #[test]
    fn a_refused_message_is_an_error() {
        let mut sender = HubSender::new(Rc::new(["#bench".parse().unwrap()])).unwrap();
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
