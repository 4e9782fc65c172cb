//! `landline textbook`: the pairs that every socket course builds, to practise against.

mod screen;
mod settings;

use crate::commands::typed;
use crate::context::{Context, Usage};
use crate::ready_file;
use anyhow::{Context as _, Result};
use landline_sockets::lab::descriptors::Descriptors;
use landline_sockets::textbook::{self, Config, Person, Row};
use settings::Settings;
pub(super) use settings::secret;
use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Serve the programs that every socket course builds, to practise against.
///
/// Without names it serves all of them but the small services of inetd. What would need a person answers by itself,
/// unless `talk` or `chat-udp` is named alone, on a terminal.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Textbook {
    #[command(subcommand)]
    other_side: Option<OtherSide>,
    #[command(flatten)]
    serve: Serve,
}

/// The other side.
#[derive(Debug, clap::Subcommand)]
enum OtherSide {
    Call(super::call::Call),
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// What to serve.
    #[arg(value_name = "NAME", help = names_help())]
    names: Vec<Row>,
    /// What to serve, one more.
    #[arg(long, value_name = "NAME")]
    only: Vec<Row>,
    /// Write a file when everything is served: JSON with `services`, name to address.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    /// Serve the one connection that standard input is.
    #[arg(long, value_name = "NAME", hide = true)]
    serve_inherited: Option<Row>,
}

fn names_help() -> String {
    let names = |default| {
        let rows = Row::ALL.iter().filter(move |row| row.is_default() == default);
        rows.map(|row| row.name()).collect::<Vec<_>>().join(", ")
    };
    format!(
        "What to serve: {} (these by default); {}",
        names(true),
        names(false)
    )
}

impl Textbook {
    pub(crate) fn run(self, context: &Context) -> Result<ExitCode> {
        match self.other_side {
            Some(OtherSide::Call(call)) => call.run(context),
            None => self.serve.run(context),
        }
    }
}

impl Serve {
    fn run(self, context: &Context) -> Result<ExitCode> {
        if let Some(row) = self.serve_inherited {
            let config = self.settings.config(Vec::new(), None)?;
            let served = textbook::serve_inherited(row, &config);
            config.screen.flush();
            served?;
            return Ok(ExitCode::SUCCESS);
        }
        let rows = self.rows();
        self.settings.check_ports(&rows)?;
        let is_personal = !self.settings.is_headless() && is_personal(&rows);
        let person = is_personal.then(Person::default);
        let config = self.settings.config(rows, person.clone())?;
        refuse_open_doors(&config, &self.settings)?;
        raise_descriptors(&config);
        let textbook = textbook::Textbook::start(&config)?;
        // Before anybody is told that it serves: whoever is told may stop it.
        let stop = textbook.stopper();
        let _signals =
            landline_sockets::engine::Signals::on_stop(stop).context("could not watch for signals")?;
        if let Some(path) = &self.ready_file {
            let services: BTreeMap<_, _> = textbook
                .services()
                .map(|(row, address, _)| (row.name(), address.to_string()))
                .collect();
            ready_file::write(path, &BTreeMap::from([("services", services)]))
                .with_context(|| format!("the ready file {} cannot be written", path.display()))?;
        }
        if !context.quiet {
            print_table(&textbook);
        }
        if let Some(person) = person {
            typed::lines(config.encoding, move |line| person.types(line));
        }
        let reports = textbook.join();
        config.screen.flush();
        for (row, report) in reports {
            if report != landline_sockets::engine::Report::default() {
                crate::report::note(&format!("{row}: {report}"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What is named, in the textbook's order, or what is served by default.
    fn rows(&self) -> Vec<Row> {
        let named: Vec<Row> = self.names.iter().chain(&self.only).copied().collect();
        let is_served = |row: &Row| {
            if named.is_empty() {
                row.is_default()
            } else {
                named.contains(row)
            }
        };
        Row::ALL.iter().copied().filter(is_served).collect()
    }
}

/// Whether a person answers: at a terminal, and asked for nothing else.
fn is_personal(rows: &[Row]) -> bool {
    matches!(rows, [Row::Talk | Row::ChatUdp]) && std::io::stdin().is_terminal()
}

/// Commands for strangers are refused before anything listens.
fn refuse_open_doors(config: &Config, settings: &Settings) -> Result<(), Usage> {
    let runs = config.rows.iter().find(|row| row.runs_commands());
    let Some(row) = runs.filter(|_| config.exec.is_some() && !config.address.is_loopback()) else {
        return Ok(());
    };
    if *row == Row::ExecUdp
        && config
            .rows
            .iter()
            .all(|row| !row.runs_commands() || *row == Row::ExecUdp)
    {
        return Err(Usage::new(
            "exec-udp runs commands of this machine alone: nothing stands before a datagram, not even --gate",
            "leave --listen out, or choose another exec",
        ));
    }
    if !config.gate_everywhere {
        return Err(Usage::new(
            format!(
                "{row} would run the commands of everybody who can reach {}",
                config.address
            ),
            "put the gate before it: --gate --secret-file FILE",
        ));
    }
    if !settings.has_secret_file() {
        return Err(Usage::new(
            "everybody knows the secret of the textbook",
            "choose one: --secret-file FILE",
        ));
    }
    Ok(())
}

fn print_table(textbook: &textbook::Textbook) {
    let mut output = std::io::stdout().lock();
    for (row, address, engine) in textbook.services() {
        // Everything is served, whether somebody reads this or not.
        let _ = writeln!(output, "{row:<13} {} {address:<21} {engine}", row.transport());
    }
    let _ = output.flush();
}

/// Every connection is a descriptor, and the soft limit of a login is mostly 1,024.
fn raise_descriptors(config: &Config) {
    let connections = config.options.admission.connections;
    let limit = Descriptors::raise();
    if let Some(after) = limit.after.filter(|_| !limit.allow(connections)) {
        crate::report::note(&format!(
            "this system lets a program have {after} open files, which is less than {connections} connections \
             (--connections); the others are turned away"
        ));
    }
}
