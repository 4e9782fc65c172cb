//! Each framing puts it right: the same two messages in one burst, and in pieces, come out as two.

use std::io;

use landline_wire::framing::MESSAGE_MAX;
use landline_wire::{
    ByteOrder, Cobs, Framing, FramingError, Header, HeaderCodec, Lines, Prefix, SizedReceiver, SizedSender,
    Slip, Width,
};

use super::pair::Pair;
use super::{Event, FIRST, ROOM, SECOND, Step, received, step};

/// The pieces that a burst is cut into, in bytes: no border of a message or of a length is a border of a piece.
const PIECE: usize = 3;
/// What the textbook's `sized` answers a length with.
const ACKNOWLEDGEMENT: &[u8] = b"recv_ready";

/// How the bytes travel.
#[derive(Clone, Copy)]
enum Travel {
    Burst,
    Pieces,
}

/// A framing by its name in the textbook, how it is made, and how it tells where a message ends.
type Named = (&'static str, fn() -> Box<dyn Framing>, &'static str);

const FRAMINGS: [Named; 5] = [
    (
        "struct",
        || Box::new(Prefix::new(Width::I32, ByteOrder::Little, MESSAGE_MAX)),
        "4 bytes, struct.pack('i', n), say how long each message is: read so many.",
    ),
    (
        "header",
        || Box::new(Header::new(HeaderCodec::default(), "data_size", MESSAGE_MAX)),
        "A length, so many bytes of JSON, and in the JSON the size of what follows.",
    ),
    (
        "lines",
        || Box::new(Lines::default()),
        "A newline ends each message, which therefore cannot hold one.",
    ),
    (
        "cobs",
        || Box::new(Cobs::default()),
        "A zero byte ends each message; the zeros inside are coded away.",
    ),
    (
        "slip",
        || Box::new(Slip::default()),
        "An END byte (0xc0) stands around each message; an END inside is escaped.",
    ),
];

/// One step for each framing and each way to travel.
pub(super) fn steps() -> impl Iterator<Item = io::Result<Step>> {
    let both = [Travel::Burst, Travel::Pieces];
    let sized = both.into_iter().map(sized);
    let others = FRAMINGS
        .iter()
        .flat_map(move |named| both.map(|travel| (named, travel)));
    sized.chain(others.map(|(named, travel)| framed(named, travel)))
}

fn framed(&(name, make, why): &Named, travel: Travel) -> io::Result<Step> {
    let mut pair = Pair::open()?;
    let (mut encoder, mut decoder) = (make(), make());
    let mut wire = Vec::new();
    for message in [FIRST, SECOND] {
        encoder.encode(message, &mut wire).map_err(malformed)?;
    }
    let mut input = Vec::new();
    for piece in travel.cut(&wire) {
        input.extend(pass(&mut pair, piece)?);
        let mut rest = &input[..];
        while let Some(message) = decoder.decode(&mut rest).map_err(malformed)? {
            pair.message(&message);
        }
        let rest = rest.len();
        input.drain(..input.len() - rest);
    }
    Ok(finished(name, travel, why, pair.events))
}

/// No framing by itself: two sides that talk. The second length sticks to the first body, and does no harm there.
fn sized(travel: Travel) -> io::Result<Step> {
    let mut pair = Pair::open()?;
    let mut sender = SizedSender::default();
    let mut receiver = SizedReceiver::new(ACKNOWLEDGEMENT, MESSAGE_MAX).map_err(malformed)?;
    let mut messages = [FIRST, SECOND].into_iter();
    let mut input = Vec::new();
    let mut acknowledged = Vec::new();
    let mut wire = Vec::new();
    sender.send(messages.next().unwrap_or_default().to_vec(), &mut wire);
    while !wire.is_empty() {
        // The next length goes out behind the body, without a pause.
        if !sender.is_waiting()
            && let Some(message) = messages.next()
        {
            sender.send(message.to_vec(), &mut wire);
        }
        for piece in travel.cut(&std::mem::take(&mut wire)) {
            input.extend(pass(&mut pair, piece)?);
            let mut rest = &input[..];
            while let Some(message) = receiver
                .received(&mut rest, &mut acknowledged)
                .map_err(malformed)?
            {
                pair.message(&message);
            }
            let rest = rest.len();
            input.drain(..input.len() - rest);
        }
        if !acknowledged.is_empty() {
            let heard = pair.answer(&std::mem::take(&mut acknowledged))?;
            sender.received(&heard, &mut wire);
        }
    }
    let why = "The length goes ahead in digits and is acknowledged; then so many bytes come.";
    Ok(finished("sized", travel, why, pair.events))
}

/// One send, and one read that finds all of it.
fn pass(pair: &mut Pair, data: &[u8]) -> io::Result<Vec<u8>> {
    if pair.send(data)? != data.len() {
        return Err(io::ErrorKind::WriteZero.into());
    }
    pair.wait_for(data.len())?;
    pair.receive(ROOM)
}

fn finished(name: &str, travel: Travel, why: &'static str, events: Vec<Event>) -> Step {
    let messages: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Message(message) => Some(&message[..]),
            _ => None,
        })
        .collect();
    let reads = received(&events);
    // A step whose reads happened to be the messages would show nothing.
    let is_sticky = match travel {
        Travel::Burst => reads.iter().any(|read| is_more_than_first(read)),
        Travel::Pieces => reads.len() > messages.len(),
    };
    let shown = messages == [FIRST, SECOND] && is_sticky;
    let (way, words) = match travel {
        Travel::Burst => ("burst", "stuck together"),
        Travel::Pieces => ("pieces", "in pieces"),
    };
    let title = format!("{name}: two messages {words} come out as two");
    step(&format!("{name}-{way}"), &title, why, events, shown)
}

/// Whether a read holds the first message and something of the second behind it: more than a delimiter.
fn is_more_than_first(read: &[u8]) -> bool {
    let length = SECOND.len().to_string();
    let holds = |wanted: &[u8]| read.windows(wanted.len()).any(|window| window == wanted);
    holds(FIRST) && (holds(SECOND) || read.ends_with(length.as_bytes()))
}

impl Travel {
    fn cut(self, data: &[u8]) -> impl Iterator<Item = &[u8]> {
        data.chunks(match self {
            Self::Burst => data.len().max(1),
            Self::Pieces => PIECE,
        })
    }
}

fn malformed(error: FramingError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
