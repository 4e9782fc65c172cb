//! `landline supervise`: watches over one command that runs for somebody else. Landline starts it itself.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::ffi::OsString;
use std::process::ExitCode;

/// Watch over one command (started by Landline itself).
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub(crate) struct Supervise {
    /// The soft limit of open files that the command has.
    #[arg(long)]
    open_files: Option<u64>,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Supervise {
    pub(crate) fn run(self) -> ExitCode {
        if self.open_files.is_some() {
            let own = getrlimit(Resource::Nofile);
            let limit = Rlimit {
                current: self.open_files,
                maximum: own.maximum,
            };
            // Where it fails, the command may open more.
            let _ = setrlimit(Resource::Nofile, limit);
        }
        landline_sockets::exec::supervise(self.arguments)
    }
}
