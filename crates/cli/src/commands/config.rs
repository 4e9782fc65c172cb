//! `landline config`: a hub's configuration, tested and shown.

use crate::json;
use anyhow::Result;
use landline_hub::config::{Flags, Loaded, load};
use landline_model::text::escape;
use serde::Serialize;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Test or show a hub's configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say what is wrong with the configuration, if anything is.
    Check(Place),
    /// Show every setting with its value and where that came from.
    Show(Place),
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The configuration file [default: landline.toml in the data directory].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The hub's data directory.
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// JSON: an object a line.
    #[arg(long)]
    json: bool,
}

/// A setting as `--json` shows it.
#[derive(Serialize)]
struct Line<'a> {
    key: &'a str,
    value: &'a str,
    source: String,
}

/// The result of a check as `--json` shows it.
#[derive(Serialize)]
struct Checked {
    file: String,
    exists: bool,
}

impl Config {
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Check(place) => check(&place),
            Command::Show(place) => show(&place),
        }
    }
}

impl Place {
    fn load(&self) -> Result<Loaded> {
        let flags = Flags {
            config: self.config.clone(),
            data: self.data.clone(),
            ..Flags::default()
        };
        Ok(load(&flags, std::env::vars_os())?)
    }
}

fn check(place: &Place) -> Result<ExitCode> {
    let loaded = place.load()?;
    let file = loaded.file.to_string_lossy();
    let exists = loaded.file.exists();
    let mut output = std::io::stdout().lock();
    if place.json {
        writeln!(
            output,
            "{}",
            json::line(&Checked {
                file: file.into_owned(),
                exists
            })?
        )?;
    } else if exists {
        writeln!(output, "{} is right", escape(&file))?;
    } else {
        writeln!(output, "{} is not there; the defaults are right", escape(&file))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(place: &Place) -> Result<ExitCode> {
    let settings = place.load()?.show();
    let mut output = std::io::stdout().lock();
    let width = settings
        .iter()
        .map(|setting| setting.key.len() + setting.value.chars().count())
        .max()
        .unwrap_or(0);
    for setting in &settings {
        let source = setting.source.to_string();
        if place.json {
            let line = Line {
                key: setting.key,
                value: &setting.value,
                source,
            };
            writeln!(output, "{}", json::line(&line)?)?;
        } else {
            let gap = width - setting.key.len() - setting.value.chars().count();
            writeln!(
                output,
                "{} = {}{:gap$}  # {source}",
                setting.key, setting.value, ""
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
