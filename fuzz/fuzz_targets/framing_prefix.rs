//! Lengths of every width, in both byte orders.
#![no_main]

mod framing;

use landline_wire::{ByteOrder, Prefix, Width};
use libfuzzer_sys::fuzz_target;

const WIDTHS: [Width; 4] = [Width::U16, Width::U32, Width::U64, Width::I32];

fuzz_target!(|data: &[u8]| {
    framing::check(data, |max, choice| {
        let order = if choice % 2 == 0 {
            ByteOrder::Big
        } else {
            ByteOrder::Little
        };
        Prefix::new(WIDTHS[usize::from(choice / 2) % WIDTHS.len()], order, max)
    });
});
