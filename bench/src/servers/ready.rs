//! A server of ours says in a file that it serves, and where.

use super::Server;
use super::process::{START_DEADLINE, readable};
use anyhow::{Context as _, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::inotify;
use serde::de::DeserializeOwned;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The environment variable that names the program to measure.
const PROGRAM_VARIABLE: &str = "LANDLINE_BIN";

/// The program that is measured.
pub(super) fn program() -> Result<PathBuf> {
    let named = std::env::var_os(PROGRAM_VARIABLE).map(PathBuf::from);
    let program = match named {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("landline"),
    };
    if !program.is_file() {
        bail!(
            "{} is not there: set {PROGRAM_VARIABLE}, or use cargo xtask bench",
            program.display()
        );
    }
    Ok(program)
}

/// Starts it, and reads what it puts into `file` once it serves.
pub(super) fn start<Ready: DeserializeOwned>(command: &Command, file: &Path) -> Result<(Server, Ready)> {
    let watch = watch(file.parent().context("a ready file has a directory")?)?;
    let server = Server::start("landline", command)?;
    await_file(file, &watch, &server)?;
    let text = fs::read_to_string(file).context("could not read landline's ready file")?;
    let ready = serde_json::from_str(&text).context("landline's ready file is not what it should be")?;
    Ok((server, ready))
}

fn watch(directory: &Path) -> Result<OwnedFd> {
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    inotify::add_watch(&watch, directory, inotify::WatchFlags::MOVED_TO)?;
    Ok(watch)
}

/// The server puts the file there by rename, once it serves.
fn await_file(file: &Path, watch: &OwnedFd, server: &Server) -> Result<()> {
    let (ended, deadline) = (server.ended()?, Instant::now() + START_DEADLINE);
    while !file.exists() {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now()))?;
        let mut descriptors = [
            PollFd::new(watch, PollFlags::IN),
            PollFd::new(&ended, PollFlags::IN),
        ];
        let happened = poll(&mut descriptors, Some(&left))? > 0;
        if !happened || readable(&ended, Timespec::default())? {
            bail!("landline does not serve; it said:\n{}", server.log());
        }
        // Only that something happened matters; what, the file itself tells.
        rustix::io::read(watch, &mut [0_u8; 4096])?;
    }
    Ok(())
}
