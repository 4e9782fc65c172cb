//! `landline man`: the manual page.

use crate::arguments::Arguments;
use anyhow::Result;
use clap::CommandFactory as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Print the manual page, or write one for every command.
#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// Write a page for every command into this directory instead.
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self) -> Result<ExitCode> {
        if let Some(directory) = self.directory {
            clap_mangen::generate_to(Arguments::command(), directory)?;
        } else {
            let mut page = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
            std::io::stdout().lock().write_all(&page)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
