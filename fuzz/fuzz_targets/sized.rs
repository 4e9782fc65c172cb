//! A length and a body with an acknowledgement between them, both sides.
//!
//! Input: a byte for the longest body, a byte for the length of the first read, then the stream.
#![no_main]

use landline_wire::{SizedReceiver, SizedSender};
use libfuzzer_sys::fuzz_target;

const ACKNOWLEDGEMENT: &[u8] = b"recv_ready";

fuzz_target!(|data: &[u8]| {
    let [max, first, stream @ ..] = data else {
        return;
    };
    let (first, rest) = stream.split_at(usize::from(*first).min(stream.len()));
    let max = usize::from(*max) * 4;
    let whole = received(max, first, rest, rest.len().max(1));
    assert_eq!(
        whole,
        received(max, first, rest, 1),
        "the result depends on the splits"
    );
    sent(first, rest);
});

/// The body, if it came; `None` for a length that was refused.
fn received(max: usize, first: &[u8], rest: &[u8], piece: usize) -> Option<Option<Vec<u8>>> {
    let mut receiver = SizedReceiver::new(ACKNOWLEDGEMENT, max).expect("the acknowledgement is short");
    let mut output = Vec::new();
    let mut input = first;
    let Ok(body) = receiver.received(&mut input, &mut output) else {
        assert!(output.is_empty(), "a refused length was acknowledged");
        return None;
    };
    assert!(input.is_empty(), "one read is the length");
    if first.is_empty() {
        return Some(None);
    }
    assert_eq!(output, ACKNOWLEDGEMENT);
    let mut held = Vec::new();
    let mut body = body.map(|body| body.into_owned());
    for piece in rest.chunks(piece) {
        if body.is_some() {
            break;
        }
        held.extend_from_slice(piece);
        let taken = receiver.received(&mut &held[..], &mut output);
        body = taken
            .expect("a body breaks no rule")
            .map(|body| body.into_owned());
        assert!(body.is_some() || held.len() < receiver.buffer_max());
    }
    assert_eq!(output, ACKNOWLEDGEMENT, "a body was acknowledged");
    assert!(
        body.as_ref().is_none_or(|body| body.len() <= max),
        "a limit was passed"
    );
    Some(body)
}

/// The body goes out once whatever the peer says, and nothing of what it says is made up.
fn sent(read: &[u8], body: &[u8]) {
    let mut sender = SizedSender::default();
    let mut output = Vec::new();
    sender.send(body.to_vec(), &mut output);
    let digits = output.len();
    let command = sender.received(read, &mut output);
    assert!(read.ends_with(command));
    assert_eq!(sender.is_waiting(), read.is_empty());
    sender.deadline_reached(&mut output);
    assert_eq!(&output[digits..], body);
}
