//! One textbook service of ours.

use super::ready::{self, program};
use super::{Running, make_home};
use crate::cores::Cores;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::net::SocketAddr;

#[derive(serde::Deserialize)]
struct Ready {
    services: BTreeMap<String, SocketAddr>,
}

/// Starts `landline textbook` with this service on this engine, with its defaults.
pub(crate) fn start(cores: Cores, service: &str, engine: &str) -> Result<Running> {
    let home = make_home()?;
    let file = home.path().join("textbook.json");
    let mut command = cores.server(program()?);
    command.args(["textbook", service, "--port", "all=0", "--engine", engine]);
    command.arg("--ready-file").arg(&file);
    let (server, ready) = ready::start::<Ready>(&command, &file)?;
    let address = ready.services.get(service).copied();
    Ok(Running {
        server,
        address: address.with_context(|| format!("landline's ready file does not name {service}"))?,
        _home: Some(home),
    })
}
