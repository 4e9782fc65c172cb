//! Landline beside its peers, measured in the same run.
//!
//! Only the ratios mean something: machines differ, and the same one differs from hour to hour. `LANDLINE_BIN` names
//! the program that is measured; `cargo xtask bench` builds and names it.

mod bare;
mod chat;
mod clients;
mod cores;
mod descriptors;
mod echo;
mod engines;
mod files;
mod goals;
mod options;
mod place;
mod search;
mod servers;
mod statistics;
mod table;
mod turns;
mod udp;

use clap::Parser as _;
use options::{Area, Options};

fn main() -> anyhow::Result<()> {
    match Options::parse().area {
        Area::Files(options) => files::run(&options),
        Area::Chat(options) => chat::run(&options),
        Area::Search(options) => search::run(&options),
        Area::Echo(options) => echo::run(&options),
        Area::Udp(options) => udp::run(&options),
        Area::Engines(options) => engines::run(&options),
        Area::Bare { server } => server.run(),
    }
}
