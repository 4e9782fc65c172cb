//! No framing: where the messages are cut depends on the reads, their bytes do not.
//!
//! Input: a byte for the longest message, a byte for the size of the pieces, then the stream.
#![no_main]

use landline_wire::{Framing, Raw};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [max, pieces, stream @ ..] = data else {
        return;
    };
    let mut raw = Raw::new(usize::from(*max));
    let mut passed = Vec::new();
    for mut piece in stream.chunks(usize::from(*pieces).max(1)) {
        while let Some(message) = raw.decode(&mut piece).expect("raw bytes break no rule") {
            assert!((1..=raw.buffer_max()).contains(&message.len()));
            raw.encode(&message, &mut passed)
                .expect("what was read is short enough to be sent");
        }
        assert!(piece.is_empty(), "raw bytes wait for nothing");
    }
    assert_eq!(passed, stream);
});
