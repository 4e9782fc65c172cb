//! The ready file: what a program that started a hub reads to find it.

use crate::hub::Started;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// The JSON of a ready file.
#[derive(Serialize)]
struct Ready<'a> {
    /// `host:port` of every address that is served.
    addresses: Vec<String>,
    /// SHA-256 of the public key of the hub's certificate authority.
    fingerprint: &'a str,
    /// While the hub has no admin: the link that makes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    invite: Option<String>,
}

/// Writes it, 0600, by rename, so that whoever sees it sees all of it.
///
/// # Errors
/// What the file system says.
pub fn write_ready_file(path: &Path, started: &Started) -> io::Result<()> {
    let ready = Ready {
        addresses: started.addresses.iter().map(ToString::to_string).collect(),
        fingerprint: &started.fingerprint,
        invite: started
            .invite
            .as_ref()
            .map(landline_model::link::JoinLink::reveal),
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let random = data_encoding::HEXLOWER.encode(&crate::random::bytes::<8>());
    let temporary = directory.join(format!(".landline-ready-{random}"));
    let written =
        write_new(&temporary, &serde_json::to_vec(&ready)?).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The error that is reported is the one that matters; a stray that cannot be removed adds nothing to it.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.write_all(b"\n")
}
