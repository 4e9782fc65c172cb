//! What a peer says comes back in capital letters, for as long as it likes.
//!
//! Try it: `cargo run --example upper`, then `nc 127.0.0.1 9999`.
#![allow(clippy::print_stdout, reason = "a program speaks to whoever started it")]

use landline_engine::{Error, Server};
use landline_wire::Raw;

fn main() -> Result<(), Error> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:9999".to_owned());
    let server = Server::new(Raw::default, |message, out| {
        out.write(&message.to_ascii_uppercase())
    });
    server.run(address, |address| println!("listening on {address}"))?;
    Ok(())
}
