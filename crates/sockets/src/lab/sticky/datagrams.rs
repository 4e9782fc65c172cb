//! What datagrams do instead.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};

use rustix::net::sockopt;

use super::pair::PATIENCE;
use super::{Event, FIRST, ROOM, SECOND, Step, received, step};

/// The most that one datagram carries over IPv4, in bytes: 65,535 less the headers of IP (20) and UDP (8).
const PAYLOAD_MAX: usize = 65_507;
/// So many datagrams are sent to a reader who has no room for them.
const FLOOD: usize = 40;
/// Of this size, in bytes.
const FLOOD_PAYLOAD: usize = 1000;
/// Into a receive buffer of so many bytes; Linux makes it twice as many.
const FLOOD_BUFFER: usize = 4096;
/// What follows the flood when there is room again.
const END: &[u8] = b"end";

pub(super) const STEPS: &[fn() -> io::Result<Step>] = &[two, whole, cut, lost];

/// Two sockets that hear only each other.
struct Pair {
    sender: UdpSocket,
    reader: UdpSocket,
    events: Vec<Event>,
}

impl Pair {
    fn open() -> io::Result<Self> {
        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let reader = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        sender.connect(reader.local_addr()?)?;
        reader.connect(sender.local_addr()?)?;
        reader.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            sender,
            reader,
            events: Vec::new(),
        })
    }

    fn send(&mut self, data: &[u8]) -> io::Result<()> {
        self.sender.send(data)?;
        self.events.push(Event::Sent(data.to_vec()));
        Ok(())
    }

    fn receive(&mut self, room: usize) -> io::Result<Vec<u8>> {
        let mut data = vec![0; room];
        let count = self.reader.recv(&mut data)?;
        data.truncate(count);
        self.events.push(Event::Received {
            room,
            data: data.clone(),
        });
        Ok(data)
    }
}

fn two() -> io::Result<Step> {
    let mut pair = Pair::open()?;
    pair.send(FIRST)?;
    pair.send(SECOND)?;
    let mut messages = [pair.receive(ROOM)?, pair.receive(ROOM)?];
    // UDP promises no order.
    messages.sort();
    Ok(step(
        "udp-two",
        "UDP: two sends are two reads, however late the reader is",
        "A datagram keeps its borders. Its order is not promised, on a network.",
        pair.events,
        messages == [FIRST, SECOND],
    ))
}

fn whole() -> io::Result<Step> {
    let mut pair = Pair::open()?;
    let message = vec![b'a'; PAYLOAD_MAX + 1];
    pair.send(&message[..PAYLOAD_MAX])?;
    let data = pair.receive(PAYLOAD_MAX)?;
    let refused = pair.sender.send(&message).err();
    let words = refused.as_ref().map_or("taken".to_owned(), ToString::to_string);
    pair.events
        .push(Event::Remark(format!("send {} bytes: {words}", message.len())));
    Ok(step(
        "udp-whole",
        "UDP: one large send is one read, or is refused",
        "A datagram carries 65507 bytes over IPv4, whole or not at all.",
        pair.events,
        data.len() == PAYLOAD_MAX && refused.is_some(),
    ))
}

fn cut() -> io::Result<Step> {
    let mut pair = Pair::open()?;
    pair.send(FIRST)?;
    // The first is there before the second is sent: this step is about cutting, not about order.
    let first = pair.receive(2)?;
    pair.send(SECOND)?;
    let second = pair.receive(10)?;
    Ok(step(
        "udp-cut",
        "UDP: a read that is too small cuts the datagram, and the rest is gone",
        "What did not fit was thrown away. Give recv enough room.",
        pair.events,
        first == FIRST[..2] && second == SECOND,
    ))
}

fn lost() -> io::Result<Step> {
    let mut pair = Pair::open()?;
    sockopt::set_socket_recv_buffer_size(&pair.reader, FLOOD_BUFFER)?;
    for number in 1..=FLOOD {
        pair.send(format!("{:.<FLOOD_PAYLOAD$}", format!("datagram {number} ")).as_bytes())?;
    }
    // What stands behind the flood has room only when the reader has made some, so the first is read before.
    let mut last = pair.receive(ROOM)?;
    while last != END {
        pair.reader.set_nonblocking(true)?;
        while pair.receive(ROOM).is_ok() {}
        pair.reader.set_nonblocking(false)?;
        pair.send(END)?;
        last = pair.receive(ROOM)?;
    }
    let arrived = received(&pair.events)
        .into_iter()
        .filter(|data| *data != END)
        .count();
    pair.events.push(Event::Remark(format!(
        "{} of {FLOOD} are lost, and no call said so",
        FLOOD - arrived
    )));
    let whole = received(&pair.events)
        .iter()
        .all(|data| *data == END || data.len() == FLOOD_PAYLOAD);
    Ok(step(
        "udp-lost",
        "UDP: what finds the receive buffer full is lost",
        "UDP slows no sender down and sends nothing again. TCP does both.",
        pair.events,
        (1..FLOOD).contains(&arrived) && whole,
    ))
}
