//! Landline: chat, files and more for the machines on a local network.
#![forbid(unsafe_code)]

mod arguments;
mod commands;
mod context;
mod duration;
mod json;
mod password;
mod qr;
mod ready_file;
mod report;
mod show;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    commands::run(arguments).unwrap_or_else(|error| report::report(&error))
}
