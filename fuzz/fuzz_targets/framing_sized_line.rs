//! Digits, a newline, and so many bytes.
#![no_main]

mod framing;

use landline_wire::SizedLine;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| framing::check(data, |max, _| SizedLine::new(max)));
