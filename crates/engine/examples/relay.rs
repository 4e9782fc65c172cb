//! A group chat: what one says goes to everybody. The connections share the list of who is there, so a service owns it.
#![allow(clippy::print_stdout, reason = "a program speaks to whoever started it")]

use std::collections::BTreeSet;
use std::time::Instant;

use landline_engine::protocol::service::{Effects, Load, Peer};
use landline_engine::protocol::{Admission, ConnId, Output, Service, StreamProtocol};
use landline_engine::{NoWork, Options, run};

#[derive(Default)]
struct Relay(BTreeSet<ConnId>);
struct Member;
type Words = Vec<u8>;

impl StreamProtocol for Member {
    type Event = Words;
    type Command = Words;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Words>, _: Instant) {
        out.emit(std::mem::take(input).to_vec());
    }

    fn commanded(&mut self, words: Words, out: &mut dyn Output<Words>, _: Instant) {
        out.write(&words);
    }
}

impl Service for Relay {
    type Connection = Member;
    type Work = std::convert::Infallible;

    fn admit(&mut self, id: ConnId, _: &Peer, _: &Load, _: Instant) -> Admission<Member> {
        self.0.insert(id);
        Admission::Accept(Member)
    }

    fn event(&mut self, from: ConnId, words: Words, effects: &mut Effects<Words, Self::Work>, _: Instant) {
        if words.trim_ascii_end().ends_with(b"bye") {
            self.0.remove(&from);
            return effects.close(from);
        }
        self.0.iter().for_each(|to| effects.command(*to, words.clone()));
    }

    fn left(&mut self, id: ConnId, _: &mut Effects<Words, Self::Work>, _: Instant) {
        self.0.remove(&id);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8887".to_owned());
    let serving = |address| println!("listening on {address}");
    let relay = Relay::default();
    let report = run(address, relay, NoWork, &Options::default(), serving)?;
    println!("{report}");
    Ok(())
}
