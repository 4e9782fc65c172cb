//! What every framing promises, whatever its bytes: messages survive every split, garbage does no harm, and what is
//! over a limit is refused.

use landline_wire::{
    ByteOrder, Cobs, Framing, FramingError, Header, HeaderCodec, LengthField, Lines, Newline, Prefix, Raw,
    SizedLine, Slip, Width,
};
use proptest::{prelude::*, sample::select};

/// The longest message of the framings below, in bytes: over a full COBS block.
const MAX: usize = 600;

type Make = fn(usize) -> Box<dyn Framing>;

/// Each framing that keeps messages apart, by name; the argument is the longest message.
const FRAMINGS: [(&str, Make); 13] = [
    ("lines, LF", |max| Box::new(Lines::new(Newline::Lf, max))),
    ("lines, CR LF", |max| Box::new(Lines::new(Newline::CrLf, max))),
    ("prefix, u16 big", |max| {
        Box::new(Prefix::new(Width::U16, ByteOrder::Big, max))
    }),
    ("prefix, u16 little", |max| {
        Box::new(Prefix::new(Width::U16, ByteOrder::Little, max))
    }),
    ("prefix, u32 big", |max| {
        Box::new(Prefix::new(Width::U32, ByteOrder::Big, max))
    }),
    ("prefix, i32 little", |max| {
        Box::new(Prefix::new(Width::I32, ByteOrder::Little, max))
    }),
    ("prefix, i32 big", |max| {
        Box::new(Prefix::new(Width::I32, ByteOrder::Big, max))
    }),
    ("prefix, u64 big", |max| {
        Box::new(Prefix::new(Width::U64, ByteOrder::Big, max))
    }),
    ("prefix, u64 little", |max| {
        Box::new(Prefix::new(Width::U64, ByteOrder::Little, max))
    }),
    ("header", |max| {
        Box::new(Header::new(
            HeaderCodec::new(LengthField::PYTHON_I, 64),
            "data_size",
            max,
        ))
    }),
    ("cobs", |max| Box::new(Cobs::new(max))),
    ("slip", |max| Box::new(Slip::new(max))),
    ("sized-line", |max| Box::new(SizedLine::new(max))),
];

fn framing() -> impl Strategy<Value = (&'static str, Make)> {
    select(&FRAMINGS[..])
}

/// Bytes of all values, and of those that mean something to a framing.
fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    let special = select(&b"\0\x01\xff\xc0\xdb\xdc\xdd\r\n019{}\""[..]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..=max),
        prop::collection::vec(prop_oneof![3 => special, 1 => any::<u8>()], 0..=max),
        // Long runs without a zero, which fill COBS blocks.
        prop::collection::vec(1_u8.., 250..=MAX.min(max.max(250))),
    ]
}

/// A reader as the contract wants it: holds what decode left, adds a piece, asks until there is no message.
struct Reader {
    framing: Box<dyn Framing>,
    held: Vec<u8>,
    messages: Vec<Vec<u8>>,
}

impl Reader {
    fn new(framing: Box<dyn Framing>) -> Self {
        Self {
            framing,
            held: Vec::new(),
            messages: Vec::new(),
        }
    }

    fn read(&mut self, piece: &[u8]) -> Result<(), FramingError> {
        self.held.extend_from_slice(piece);
        let mut input = &self.held[..];
        while let Some(message) = self.framing.decode(&mut input)? {
            self.messages.push(message.into_owned());
        }
        assert!(
            input.len() < self.framing.buffer_max(),
            "more was left than a reader has to hold"
        );
        self.held = input.to_vec();
        Ok(())
    }

    fn finish(mut self) -> (Vec<Vec<u8>>, bool) {
        let last = self
            .framing
            .finish(&self.held)
            .map(|last| last.map(|last| last.into_owned()));
        let is_sound = last.is_ok();
        self.messages.extend(last.ok().flatten());
        (self.messages, is_sound)
    }
}

/// The messages of a stream read in these pieces, and whether it ended well.
fn read_all<'a>(
    framing: Box<dyn Framing>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Vec<u8>>, bool) {
    let mut reader = Reader::new(framing);
    for piece in pieces {
        if reader.read(piece).is_err() {
            return (reader.messages, false);
        }
    }
    reader.finish()
}

/// `stream` cut behind each so many bytes, over and over.
fn pieces<'a>(stream: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = stream;
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at((*length).min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// The stream of those messages that the framing can express, and those messages.
fn stream(make: Make, messages: Vec<Vec<u8>>) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut framing = make(MAX);
    let mut output = Vec::new();
    let mut sent = Vec::new();
    for message in messages {
        let before = output.len();
        match framing.encode(&message, &mut output) {
            Ok(()) => {
                assert!(output.len() - before <= framing.buffer_max());
                sent.push(message);
            }
            Err(error) => {
                assert!(matches!(error, FramingError::Inexpressible(_)), "{error}");
                assert_eq!(output.len(), before, "an error left bytes behind");
            }
        }
    }
    (output, sent)
}

#[test]
fn messages_survive_every_single_cut() {
    let messages = [
        &b""[..],
        b"a",
        b"\0",
        b"\xc0\xdb\xdc",
        b"two words",
        b"\xff\r\xff",
    ];
    for (name, make) in FRAMINGS {
        let (stream, sent) = stream(make, messages.map(<[u8]>::to_vec).to_vec());
        assert!(sent.len() >= messages.len() - 1, "{name} expresses these");
        for cut in 0..=stream.len() {
            let halves = [&stream[..cut], &stream[cut..]];
            assert_eq!(
                read_all(make(MAX), halves),
                (sent.clone(), true),
                "{name}, cut at {cut}"
            );
        }
        let single = stream.chunks(1);
        assert_eq!(read_all(make(MAX), single), (sent, true), "{name}, byte by byte");
    }
}

#[test]
fn an_end_inside_a_message_is_truncation() {
    for (name, make) in FRAMINGS {
        let mut stream = Vec::new();
        make(MAX).encode(b"hello", &mut stream).unwrap();
        // SLIP's leading END is not yet a message; a last line needs no newline.
        let begun = if name == "slip" { 2 } else { 1 };
        for length in begun..stream.len() {
            let (messages, is_sound) = read_all(make(MAX), [&stream[..length]]);
            if name.starts_with("lines") {
                assert!(is_sound && messages.len() == 1, "{name} at {length}");
            } else {
                assert!(!is_sound && messages.is_empty(), "{name} at {length}");
            }
        }
    }
}

#[test]
fn a_message_of_the_maximum_passes_and_one_byte_more_is_refused_by_both_sides() {
    for byte in [b'x', 0xc0] {
        for (name, make) in FRAMINGS {
            let mut stream = Vec::new();
            make(MAX).encode(&[byte; MAX], &mut stream).unwrap();
            assert_eq!(
                read_all(make(MAX), [&stream[..]]),
                (vec![vec![byte; MAX]], true),
                "{name}"
            );
            let long = [byte; MAX + 1];
            let refused = make(MAX).encode(&long, &mut Vec::new()).unwrap_err();
            assert!(
                matches!(refused, FramingError::TooLong { .. }),
                "{name}: {refused}"
            );
            stream.clear();
            make(MAX + 1).encode(&long, &mut stream).unwrap();
            let refused = Reader::new(make(MAX)).read(&stream).unwrap_err();
            assert!(
                matches!(refused, FramingError::TooLong { .. }),
                "{name}: {refused}"
            );
        }
    }
}

#[test]
fn raw_passes_the_bytes_on_in_order_however_they_are_read() {
    let stream: Vec<u8> = (0..=255).cycle().take(1000).collect();
    for length in 1..40 {
        let (messages, is_sound) = read_all(Box::new(Raw::new(16)), stream.chunks(length));
        assert!(is_sound && messages.iter().all(|message| message.len() <= 16));
        assert_eq!(messages.concat(), stream);
    }
}

proptest! {
    #[test]
    fn messages_survive_random_splits(
        (name, make) in framing(),
        messages in prop::collection::vec(bytes(MAX), 1..6),
        lengths in prop::collection::vec(1_usize..80, 1..20),
    ) {
        let (stream, sent) = stream(make, messages);
        let found = read_all(make(MAX), pieces(&stream, &lengths));
        prop_assert_eq!(found, (sent, true), "{}", name);
    }

    #[test]
    fn garbage_does_no_harm_and_reads_the_same_however_it_is_split(
        (name, make) in framing(),
        max in 0_usize..40,
        garbage in bytes(400),
        lengths in prop::collection::vec(1_usize..40, 1..20),
    ) {
        let whole = read_all(make(max), [&garbage[..]]);
        prop_assert!(whole.0.iter().all(|message| message.len() <= max), "{}", name);
        prop_assert_eq!(whole, read_all(make(max), pieces(&garbage, &lengths)), "{}", name);
    }
}
