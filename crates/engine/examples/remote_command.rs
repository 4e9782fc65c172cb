//! Each read is a command for the shell; its errors and its output come back. For this machine only: whoever reaches the
//! port is you.
//!
//! A protocol may not wait, so it asks, and a worker answers from another thread. Until then nothing more is read.
#![allow(clippy::print_stdout, reason = "a program speaks to whoever started it")]

use std::process::{Command, Stdio};
use std::time::Instant;

use landline_engine::protocol::{Output, StreamProtocol};
use landline_engine::{Blocking, EachAlone, Options, run};

/// How many commands run at once.
const COMMANDS_MAX: usize = 100;

struct Prompt;

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

fn output_of(command: String) -> Vec<u8> {
    let mut shell = Command::new("sh");
    match shell.arg("-c").arg(command).stdin(Stdio::null()).output() {
        Ok(output) => [output.stderr, output.stdout].concat(),
        Err(error) => format!("could not start a shell: {error}\n").into_bytes(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(8888), |port| port.parse())?;
    let shell = Blocking::new(COMMANDS_MAX, |_, command| Some(output_of(command)));
    let service = EachAlone::new(|| Prompt);
    let serving = |address| println!("listening on {address}");
    let report = run(("127.0.0.1", port), service, shell, &Options::default(), serving)?;
    println!("{report}");
    Ok(())
}
