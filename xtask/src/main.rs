//! The project's own commands, run as `cargo xtask COMMAND`: set up a machine, test, check, measure.
//!
//! One command a file; [`command_line`] says which there are.

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for developers: its terminal is where it reports"
)]

mod bench;
mod cargo;
mod ci;
mod command_line;
mod deep;
mod edges;
mod setup;
mod steps;
mod test;

use std::process::ExitCode;

use command_line::{Command, USAGE};

fn main() -> ExitCode {
    let command = match command_line::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(wrong_usage) => {
            eprintln!("error: {wrong_usage}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Help => {
            println!("{USAGE}");
            Ok(())
        }
        Command::Setup => setup::run(&[setup::Use::Test, setup::Use::Bench]),
        Command::Test { arguments } => test::run(arguments),
        Command::Ci => ci::run(),
        Command::Edges => edges::run(),
        Command::Bench { areas, arguments } => bench::run(areas, arguments),
        Command::Deep { parts } => deep::run(parts),
    }
}
