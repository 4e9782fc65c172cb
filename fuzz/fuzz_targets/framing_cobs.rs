//! COBS.
#![no_main]

mod framing;

use landline_wire::Cobs;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| framing::check(data, |max, _| Cobs::new(max)));
