//! A server with limits, that stops in order, in any framing and on any engine: `ten_lines ADDRESS ENGINE FRAMING`.
#![allow(clippy::print_stdout, reason = "a program speaks to whoever started it")]

use std::time::Duration;

use landline_engine::Server;
use landline_engine::protocol::{Framing, Pace};
use landline_wire::{ByteOrder, Cobs, Lines, Prefix, Raw, Slip, Width};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let argument = |index: usize, default| arguments.get(index).map_or(default, String::as_str).to_owned();
    let framing = argument(3, "lines");
    let report = Server::new(move || named(&framing), |message, out| out.write(message))
        .engine(argument(2, "auto").parse()?)
        .connections(1000, 100)
        .pace(Pace {
            burst: 100,
            every: Duration::from_millis(1),
            ..Pace::UNBOUNDED
        })
        .options(|options| options.conn.idle = Some(Duration::from_secs(60)))
        .run(argument(1, "127.0.0.1:7777"), |address| {
            println!("listening on {address}")
        })?;
    println!("{report}");
    Ok(())
}

fn named(framing: &str) -> Box<dyn Framing + Send> {
    match framing {
        "raw" => Box::new(Raw::default()),
        "prefix" => Box::new(Prefix::new(Width::U32, ByteOrder::Big, 1024 * 1024)),
        "cobs" => Box::new(Cobs::default()),
        "slip" => Box::new(Slip::default()),
        _ => Box::new(Lines::default()),
    }
}
