//! Each read is a command for the shell; its errors and its output come back. For this machine only: whoever reaches the
//! port is you.
//!
//! A protocol may not wait, so it asks, and a worker answers from a thread of its own. Until then nothing more is read.
#![allow(clippy::print_stdout, reason = "a program speaks to whoever started it")]

use std::process::{Command, Stdio};
use std::time::Instant;

use landline_engine::protocol::service::{Effects, Load, Peer};
use landline_engine::protocol::{Admission, ConnId, Output, Service, StreamProtocol};
use landline_engine::{Options, Reply, Signals, Worker, listen, serve};

struct Prompt;
struct Commands;
struct Shell;

impl StreamProtocol for Prompt {
    type Event = String;
    type Command = Vec<u8>;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<String>, _: Instant) {
        out.ask(String::from_utf8_lossy(std::mem::take(input)).into_owned());
    }

    fn commanded(&mut self, answer: Vec<u8>, out: &mut dyn Output<String>, _: Instant) {
        out.write(&answer);
    }
}

impl Service for Commands {
    type Connection = Prompt;
    type Work = String;

    fn admit(&mut self, _: ConnId, _: &Peer, _: &Load, _: Instant) -> Admission<Prompt> {
        Admission::Accept(Prompt)
    }

    fn event(&mut self, from: ConnId, command: String, effects: &mut Effects<Vec<u8>, String>, _: Instant) {
        effects.work(from, command);
    }
}

impl Worker<String, Vec<u8>> for Shell {
    fn start(&self, command: String, reply: Reply<Vec<u8>>) {
        // As many threads as connections at most: each has one command at a time.
        std::thread::spawn(move || {
            let ran = Command::new("sh")
                .arg("-c")
                .arg(command)
                .stdin(Stdio::null())
                .output();
            reply.answer(match ran {
                Ok(output) => [output.stderr, output.stdout].concat(),
                Err(error) => format!("could not start a shell: {error}\n").into_bytes(),
            });
        });
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(8888), |port| port.parse())?;
    let options = Options::default();
    let running = serve(
        listen(([127, 0, 0, 1], port).into(), &options)?,
        Commands,
        Shell,
        &options,
    )?;
    let stop = running.stopper();
    let _signals = Signals::on_stop(move || stop())?;
    println!("listening on {}", running.address());
    println!("{}", running.join());
    Ok(())
}
