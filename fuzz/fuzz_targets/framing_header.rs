//! A length, JSON that names the size of a body, and the body.
#![no_main]

mod framing;

use landline_wire::{ByteOrder, Header, HeaderCodec, LengthField, Width};
use libfuzzer_sys::fuzz_target;

/// Short, so that the fuzzer meets the limit.
const JSON_MAX: usize = 1024;

/// A length whose bytes the fuzzer finds easily, and the one that Python programs use.
const FIELDS: [LengthField; 2] = [
    LengthField {
        width: Width::U16,
        order: ByteOrder::Big,
    },
    LengthField::PYTHON_I,
];

fuzz_target!(|data: &[u8]| {
    framing::check(data, |max, choice| {
        let field = FIELDS[usize::from(choice) % FIELDS.len()];
        Header::new(HeaderCodec::new(field, JSON_MAX), "size", max)
    });
});
