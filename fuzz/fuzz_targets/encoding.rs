//! Text: read the same however it is split, and what a strict encoding took it gives back.
//!
//! Input: a byte for the encoding, a byte for the size of the pieces, then the bytes.
#![no_main]

use landline_wire::{Decoder, Encoding};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [encoding, pieces, bytes @ ..] = data else {
        return;
    };
    let (_, encoding) = Encoding::NAMES[usize::from(*encoding) % Encoding::NAMES.len()];
    let text = decode(encoding, bytes, bytes.len().max(1));
    let split = decode(encoding, bytes, usize::from(*pieces).max(1));
    assert_eq!(text, split, "the text depends on how the bytes were split");
    if let Ok(again) = encoding.encode(&text) {
        let read = decode(encoding, &again, again.len().max(1));
        assert_eq!(read, as_read(encoding, &text), "what was sent reads otherwise");
    }
});

fn decode(encoding: Encoding, bytes: &[u8], piece: usize) -> String {
    let mut decoder = Decoder::new(encoding);
    let text: String = bytes.chunks(piece).map(|piece| decoder.decode(piece)).collect();
    text + &decoder.finish()
}

/// GB2312's dash and interpunct are sent for two characters each, and read as the ones that people type.
fn as_read(encoding: Encoding, text: &str) -> String {
    if encoding == Encoding::Gb2312 {
        text.replace('\u{2015}', "\u{2014}").replace('\u{30fb}', "\u{b7}")
    } else {
        text.to_owned()
    }
}
