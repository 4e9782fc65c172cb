//! Whatever a peer says first, it is told `hi`, and that is all.
//!
//! Try it: `cargo run --example hello`, then `nc 127.0.0.1 8898` and any line.
#![allow(clippy::print_stdout, reason = "a program speaks to whoever started it")]

use landline_engine::{Error, Server};
use landline_wire::Raw;

fn main() -> Result<(), Error> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8898".to_owned());
    // Raw: each read is a message, as a plain socket program has it.
    let server = Server::new(Raw::default, |_message, out| {
        out.write(b"hi");
        out.finish();
    });
    server.run(address, |address| println!("listening on {address}"))?;
    Ok(())
}
