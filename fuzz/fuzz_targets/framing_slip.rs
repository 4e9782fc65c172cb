//! SLIP.
#![no_main]

mod framing;

use landline_wire::Slip;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| framing::check(data, |max, _| Slip::new(max)));
