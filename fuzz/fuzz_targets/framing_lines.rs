//! Lines, with either newline.
#![no_main]

mod framing;

use landline_wire::{Lines, Newline};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    framing::check(data, |max, choice| {
        let newline = if choice % 2 == 0 {
            Newline::Lf
        } else {
            Newline::CrLf
        };
        Lines::new(newline, max)
    });
});
