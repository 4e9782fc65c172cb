//! A door with a secret: the server sends 32 random bytes, and whoever answers with their HMAC is let in. The layer
//! stands around any protocol; the one behind it learns of nobody who is not through.
#![allow(clippy::print_stdout, reason = "a program speaks to whoever started it")]

use std::fs::File;
use std::io::{self, Read as _};
use std::time::Instant;

use landline_engine::protocol::layers::{Authenticated, GateKey};
use landline_engine::protocol::service::{Effects, Load, Peer};
use landline_engine::protocol::{Admission, ConnId, Output, Service, StreamProtocol};
use landline_engine::{NoWork, Options, run};

struct Welcome;
struct House(GateKey);

impl StreamProtocol for Welcome {
    type Event = ();
    type Command = ();

    fn opened(&mut self, out: &mut dyn Output<()>, _: Instant) {
        out.write(b"welcome\n");
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<()>, _: Instant) {
        out.write(std::mem::take(input));
    }

    fn commanded(&mut self, (): (), _: &mut dyn Output<()>, _: Instant) {}
}

impl Service for House {
    type Connection = Authenticated<Welcome>;
    type Work = std::convert::Infallible;

    fn admit(&mut self, _: ConnId, _: &Peer, _: &Load, _: Instant) -> Admission<Self::Connection> {
        match challenge() {
            Ok(challenge) => Admission::Accept(Authenticated::server(self.0.clone(), challenge, Welcome)),
            Err(_) => Admission::Drop,
        }
    }

    fn event(&mut self, _: ConnId, (): (), _: &mut Effects<(), Self::Work>, _: Instant) {}
}

/// Never the same twice, or an answer that was overheard would open the door.
fn challenge() -> io::Result<[u8; 32]> {
    let mut challenge = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut challenge)?;
    Ok(challenge)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let serving = |address| println!("listening on {address}");
    let house = House(GateKey::new(b"egg"));
    let report = run(address, house, NoWork, &Options::default(), serving)?;
    println!("{report}");
    Ok(())
}
