//! The time of day over UDP: any datagram, also an empty one, is answered with the time.
#![allow(clippy::print_stdout, reason = "a program speaks to whoever started it")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::UdpSocket;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use landline_engine::protocol::{DatagramProtocol, Path, Transmit};
use landline_engine::{NoWork, Options, serve_datagrams};

/// Who waits for an answer. The engine fetches the answers after each datagram, so they are few.
#[derive(Default)]
struct Clock(VecDeque<Path>);

impl DatagramProtocol for Clock {
    type Work = Infallible;
    type Command = Infallible;

    fn received(&mut self, path: Path, _payload: &[u8], _: Instant) {
        self.0.push_back(path);
    }

    fn poll_transmit(&mut self, _: usize, buffer: &mut Vec<u8>, _: Instant) -> Option<Transmit> {
        let path = self.0.pop_front()?;
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
            % 86_400;
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        buffer.extend_from_slice(format!("{hours:02}:{minutes:02}:{seconds:02} UTC").as_bytes());
        Some(Transmit { path, segment: None })
    }

    fn commanded(&mut self, command: Infallible, _: Instant) {
        match command {}
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:9000".to_owned());
    let running = serve_datagrams(
        UdpSocket::bind(address)?,
        Clock::default(),
        NoWork,
        &Options::default(),
    )?;
    let report = running.until_signalled(|address| println!("listening on {address}"))?;
    println!("{report}");
    Ok(())
}
