//! `landline lab`: experiments over real sockets.

mod multiplex;
mod plot;
mod server;
mod sticky;

use crate::context::Context;
use anyhow::Result;
use std::process::ExitCode;

/// Watch what sockets really do.
#[derive(Debug, clap::Args)]
pub(crate) struct Lab {
    #[command(subcommand)]
    experiment: Experiment,
}

#[derive(Debug, clap::Subcommand)]
enum Experiment {
    Sticky(sticky::Sticky),
    Multiplex(multiplex::Multiplex),
    MultiplexServer(server::MultiplexServer),
}

impl Lab {
    pub(crate) fn run(self, context: &Context) -> Result<ExitCode> {
        match self.experiment {
            Experiment::Sticky(sticky) => sticky.run(),
            Experiment::Multiplex(multiplex) => multiplex.run(context),
            Experiment::MultiplexServer(server) => server.run(),
        }
    }
}
