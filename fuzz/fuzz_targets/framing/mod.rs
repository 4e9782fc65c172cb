//! What every framing promises about any stream: it is read the same however it is split, no limit is passed, no more
//! is left than a reader has to hold, and what was read can be sent again.

use landline_wire::{Framing, FramingError};

/// The messages, and whether the stream ended well.
type Outcome = (Vec<Vec<u8>>, bool);

/// Input: a byte for the longest message, a byte for the size of the pieces, a byte for `make` to choose by, then the
/// stream.
pub fn check<F: Framing>(data: &[u8], make: impl Fn(usize, u8) -> F) {
    let [max, pieces, choice, stream @ ..] = data else {
        return;
    };
    let max = usize::from(*max) * 4;
    let framing = || make(max, *choice);
    let whole = read(framing(), max, stream, stream.len().max(1));
    let split = read(framing(), max, stream, usize::from(*pieces).max(1));
    assert_eq!(whole, split, "the result depends on how the stream was split");
    whole
        .0
        .iter()
        .for_each(|message| encodes_again(framing(), message));
}

fn read(mut framing: impl Framing, max: usize, stream: &[u8], piece: usize) -> Outcome {
    let mut held = Vec::new();
    let mut messages = Vec::new();
    for piece in stream.chunks(piece) {
        held.extend_from_slice(piece);
        let mut input = &held[..];
        loop {
            match framing.decode(&mut input) {
                Ok(Some(message)) => messages.push(message.into_owned()),
                Ok(None) => break,
                Err(_) => return (checked(messages, max), false),
            }
        }
        assert!(
            input.len() < framing.buffer_max(),
            "more is left than a reader holds"
        );
        held = input.to_vec();
    }
    let last = framing.finish(&held);
    let ended_well = last.is_ok();
    messages.extend(last.ok().flatten().map(|last| last.into_owned()));
    (checked(messages, max), ended_well)
}

fn checked(messages: Vec<Vec<u8>>, max: usize) -> Vec<Vec<u8>> {
    assert!(
        messages.iter().all(|message| message.len() <= max),
        "a limit was passed"
    );
    messages
}

fn encodes_again(mut framing: impl Framing, message: &[u8]) {
    let mut output = Vec::new();
    match framing.encode(message, &mut output) {
        // A message may be read in a form in which nobody could write it: a last line that ends in CR.
        Err(FramingError::Inexpressible(_)) => return assert!(output.is_empty()),
        result => result.expect("what was read is short enough to be sent"),
    }
    assert!(
        output.len() <= framing.buffer_max(),
        "a frame longer than a reader holds"
    );
    let mut input = &output[..];
    let again = framing.decode(&mut input).expect("what was sent is right");
    assert_eq!(again.as_deref(), Some(message));
    assert!(input.is_empty(), "bytes behind the message");
}
