//! Frames: however the stream is split, the same messages come out, and what came out goes in again.
//!
//! Input: a byte for the limits, a byte for the size of the pieces, then the stream.
#![no_main]

use bytes::BytesMut;
use landline_wire::{BODY_MAX, Frame, FrameDecoder, FrameError, HEADER_MAX, encode};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

fuzz_target!(|data: &[u8]| {
    let [limits, pieces, stream @ ..] = data else {
        return;
    };
    let whole = decode(*limits, stream, stream.len().max(1));
    let split = decode(*limits, stream, usize::from(*pieces).max(1));
    assert_eq!(whole, split, "the result depends on how the stream was split");
    whole.0.iter().for_each(encodes_again);
});

/// All messages of the stream, read in pieces of this size, and how the stream ended.
fn decode(limits: u8, stream: &[u8], piece: usize) -> (Vec<Frame>, Result<(), FrameError>) {
    let (header_max, body_max) = if limits == 0 {
        (HEADER_MAX, BODY_MAX)
    } else {
        (usize::from(limits) * 4, usize::from(limits))
    };
    let mut decoder = FrameDecoder::new(header_max, body_max);
    let mut input = BytesMut::new();
    let mut frames = Vec::new();
    for piece in stream.chunks(piece) {
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(frame)) => {
                    assert!(
                        frame.header.len() <= header_max && frame.body.len() <= body_max,
                        "a limit was passed"
                    );
                    frames.push(frame);
                }
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
        assert!(
            decoder.wanted(input.len()) > 0,
            "a decoder that waits for nothing"
        );
    }
    (frames, decoder.finish(input.len()))
}

/// The members of the header, each as it was written.
type Members = BTreeMap<String, Box<RawValue>>;

fn encodes_again(frame: &Frame) {
    let header = std::str::from_utf8(&frame.header).expect("a header is UTF-8");
    // A member's name that is no text (a lone surrogate, escaped) is well-formed JSON, but nobody could write it again.
    let Some(members) = members(header) else { return };
    let mut out = BytesMut::new();
    encode(&members, &frame.body, &mut out).expect("what was decoded is short enough to encode");
    let mut decoder = FrameDecoder::default();
    let again = decoder
        .decode(&mut out)
        .expect("what was encoded is right")
        .expect("what was encoded is whole");
    assert!(
        out.is_empty() && decoder.finish(0).is_ok(),
        "bytes behind the message"
    );
    assert_eq!(again.body, frame.body);
    let header = std::str::from_utf8(&again.header).expect("a header is UTF-8");
    assert_eq!(self::members(header).as_ref().map(texts), Some(texts(&members)));
}

/// Without `body`: the encoder writes that one itself.
fn members(header: &str) -> Option<Members> {
    let mut members: Members = serde_json::from_str(header).ok()?;
    members.remove("body");
    Some(members)
}

fn texts(members: &Members) -> Vec<(&str, &str)> {
    members
        .iter()
        .map(|(name, value)| (name.as_str(), value.get()))
        .collect()
}
