//! The textbook's servers: every classic pair's server side, each on a port of its own.

mod guard;
mod holder;
mod person;
mod reverse;
mod row;
mod screen;
mod start;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use landline_engine::protocol::{Ended, GateKey};
use landline_engine::{Error, Options, Report, Running};
use landline_services::replies::Replies;
use landline_wire::Encoding;

pub use holder::Holder;
pub use person::Person;
pub use row::{Row, Transport, UnknownRow};
pub use screen::Screen;

use crate::exec;

/// What is served, and how.
#[derive(Clone)]
pub struct Config {
    /// What is served.
    pub rows: Vec<Row>,
    /// On this address.
    pub address: IpAddr,
    /// On these ports; 0 is any free one. A row that is not here has [`Row::port`].
    pub ports: BTreeMap<Row, u16>,
    /// The engine, and what connections may take.
    pub options: Options,
    /// Where `receive` stores, and finds, files.
    pub directory: PathBuf,
    /// Who runs commands, for all rows together; `None` where they are not allowed.
    pub exec: Option<exec::Commands>,
    /// The row `gate`'s, and, with `gate_everywhere`, every TCP row's.
    pub gate: GateKey,
    /// Whether every TCP row stands behind the gate.
    pub gate_everywhere: bool,
    /// Who sits at the terminal, to answer `talk` and `chat-udp`; nobody where it is served headless.
    pub person: Option<Person>,
    /// What is answered where a person would be.
    pub replies: Replies,
    /// The address book of `chat-udp`.
    pub names: Vec<(String, SocketAddr)>,
    /// What exec-reverse sends.
    pub commands: Vec<String>,
    /// The encoding of commands, of their output, and of what is shown. exec-reverse has its own.
    pub encoding: Encoding,
    /// The encoding of exec-reverse.
    pub reverse_encoding: Encoding,
    /// Where what peers say is shown.
    pub screen: Arc<dyn Screen>,
}

/// Why the textbook is not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on. The environment is at fault.
    #[error("{row} cannot listen on {address}{}", holder.as_ref().map(|holder| format!(" ({holder})")).unwrap_or_default())]
    Listen {
        /// Of this row.
        row: Row,
        /// This address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
        /// Who has the port, where that can be known.
        holder: Option<Holder>,
    },
    /// The directory cannot be used. The environment is at fault.
    #[error("{row} cannot use the directory {}", directory.display())]
    Directory {
        /// Of this row.
        row: Row,
        /// This directory.
        directory: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The engine does not serve it.
    #[error("{row} cannot be served")]
    Engine {
        /// This row.
        row: Row,
        /// Why.
        source: Error,
    },
}

/// The servers, running.
#[derive(Debug)]
pub struct Textbook {
    services: Vec<Served>,
}

/// One of them.
#[derive(Debug)]
struct Served {
    row: Row,
    engine: String,
    running: Running,
}

impl Textbook {
    /// Starts what `config` names. When this returns, everything listens.
    ///
    /// # Errors
    /// The first that cannot be started; those before it are stopped again.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let mut textbook = Self { services: Vec::new() };
        for row in &config.rows {
            match start::start(*row, config) {
                Ok((running, engine)) => textbook.services.push(Served {
                    row: *row,
                    engine,
                    running,
                }),
                Err(error) => {
                    textbook.stop();
                    textbook.stop();
                    textbook.join();
                    return Err(error);
                }
            }
        }
        Ok(textbook)
    }

    /// Where each listens and which engine serves it, in the order of the configuration.
    pub fn services(&self) -> impl Iterator<Item = (Row, SocketAddr, &str)> {
        self.services
            .iter()
            .map(|served| (served.row, served.running.address(), served.engine.as_str()))
    }

    /// The first time everybody is asked to come to an end; the second time everybody is cut off.
    pub fn stop(&self) {
        self.services.iter().for_each(|served| served.running.stop());
    }

    /// Something that stops it, for another thread.
    pub fn stopper(&self) -> impl Fn() + Send + use<> {
        let stoppers: Vec<_> = self
            .services
            .iter()
            .map(|served| served.running.stopper())
            .collect();
        move || stoppers.iter().for_each(|stop| stop())
    }

    /// Waits until all have stopped, and says what each did.
    pub fn join(self) -> Vec<(Row, Report)> {
        self.services
            .into_iter()
            .map(|served| (served.row, served.running.join()))
            .collect()
    }
}

/// Serves the one connection that this process was started for as its standard input.
///
/// # Errors
/// Standard input is no connection, or the row cannot be served like that.
pub fn serve_inherited(row: Row, config: &Config) -> Result<Ended, StartError> {
    start::inherited(row, config)
}
