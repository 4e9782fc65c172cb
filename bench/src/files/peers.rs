//! Who transfers: each with a server of its own and an empty store, and the client that people use with it.

use super::tree;
use super::workload::Workload;
use crate::cores::Cores;
use crate::servers::landline::LandlineHub;
use crate::servers::rsync::RsyncDaemon;
use crate::servers::sshd::Sshd;
use crate::servers::vsftpd::Vsftpd;
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The cipher that is fastest on processors with AES instructions, and has no better standing than the default one.
const FAST_CIPHER: &str = "aes128-gcm@openssh.com";

/// One way to transfer files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Landline,
    /// An rsync daemon; on a disk with `--fsync`.
    Rsync,
    /// vsftpd with curl, one file at a time. It neither encrypts nor verifies, and syncs nothing.
    Vsftpd,
    /// scp with OpenSSH's default cipher, or with another one. It syncs nothing.
    Scp(Option<&'static str>),
    /// Reads and writes in this program; on a disk each file is synced. Nobody is expected to beat it.
    Floor,
}

impl Peer {
    /// Those that transfer such a thing.
    pub(super) fn all(workload: Workload) -> impl Iterator<Item = Self> {
        [
            Self::Landline,
            Self::Rsync,
            Self::Vsftpd,
            Self::Scp(None),
            Self::Scp(Some(FAST_CIPHER)),
            Self::Floor,
        ]
        .into_iter()
        .filter(move |peer| *peer != Self::Vsftpd || matches!(workload, Workload::Large(_)))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Landline => "landline",
            Self::Rsync => "rsync daemon",
            Self::Vsftpd => "vsftpd, curl",
            Self::Scp(None) => "scp",
            Self::Scp(Some(_)) => "scp aes128-gcm",
            Self::Floor => "floor: read, write",
        }
    }

    /// Starts it with everything below `home`.
    pub(super) fn start(self, home: &Path, disk: bool) -> Result<Store> {
        let files = home.join("store");
        let server = match self {
            Self::Landline => {
                let hub = LandlineHub::start(home, Cores::all(), &[])?;
                hub.join_and_wait()?;
                return Ok(Store {
                    files: hub.files(),
                    server: Serving::Landline(hub),
                });
            }
            Self::Rsync => Serving::Rsync {
                daemon: RsyncDaemon::start(home, &files)?,
                sync: disk,
            },
            Self::Vsftpd => Serving::Vsftpd(Vsftpd::start(home, &files)?),
            Self::Scp(cipher) => Serving::Scp {
                sshd: Sshd::start(home)?,
                cipher,
            },
            Self::Floor => Serving::Floor { sync: disk },
        };
        fs::create_dir(&files)?;
        Ok(Store { files, server })
    }
}

/// A running server with its store.
pub(super) struct Store {
    files: PathBuf,
    server: Serving,
}

enum Serving {
    Landline(LandlineHub),
    Rsync {
        daemon: RsyncDaemon,
        sync: bool,
    },
    Vsftpd(Vsftpd),
    Scp {
        sshd: Sshd,
        cipher: Option<&'static str>,
    },
    Floor {
        sync: bool,
    },
}

impl Store {
    /// Sends a file or a directory there.
    pub(super) fn put(&self, from: &Path) -> Result<()> {
        let name = from.file_name().context("nothing to send")?;
        match &self.server {
            Serving::Landline(hub) => succeed(hub.command()?.args(["put", "-r"]).arg(from).arg(":/shared/")),
            Serving::Rsync { daemon, sync } => succeed(rsync(*sync).arg(from).arg(daemon.remote(""))),
            Serving::Vsftpd(vsftpd) => {
                let remote = vsftpd.remote(&name.to_string_lossy());
                succeed(curl().arg("--upload-file").arg(from).arg(remote))
            }
            Serving::Scp { sshd, cipher } => succeed(
                sshd.scp(*cipher)
                    .arg("-r")
                    .arg(from)
                    .arg(Sshd::remote(&self.files)),
            ),
            Serving::Floor { sync } => tree::copy(from, &self.files.join(name), *sync),
        }
    }

    /// Fetches what was sent into a directory.
    pub(super) fn get(&self, name: &str, into: &Path) -> Result<()> {
        match &self.server {
            Serving::Landline(hub) => succeed(
                hub.command()?
                    .args(["get", "-r"])
                    .arg(format!(":/shared/{name}"))
                    .arg(into),
            ),
            Serving::Rsync { daemon, sync } => succeed(rsync(*sync).arg(daemon.remote(name)).arg(into)),
            Serving::Vsftpd(vsftpd) => succeed(
                curl()
                    .arg("--output")
                    .arg(into.join(name))
                    .arg(vsftpd.remote(name)),
            ),
            Serving::Scp { sshd, cipher } => succeed(
                sshd.scp(*cipher)
                    .arg("-r")
                    .arg(Sshd::remote(&self.files.join(name)))
                    .arg(into),
            ),
            Serving::Floor { sync } => tree::copy(&self.files.join(name), &into.join(name), *sync),
        }
    }

    /// Where it lies on the server's side.
    pub(super) fn stored(&self, name: &str) -> Result<PathBuf> {
        tree::find(&self.files, name)
    }

    pub(super) fn stop(self) -> Result<()> {
        match self.server {
            Serving::Landline(hub) => hub.server.stop(),
            Serving::Rsync { daemon, .. } => daemon.server.stop(),
            Serving::Vsftpd(vsftpd) => vsftpd.server.stop(),
            Serving::Scp { sshd, .. } => sshd.server.stop(),
            Serving::Floor { .. } => Ok(()),
        }
    }
}

fn rsync(sync: bool) -> Command {
    let mut command = Command::new("rsync");
    command.args(["--recursive", "--whole-file"]);
    command.args(sync.then_some("--fsync"));
    command
}

/// curl with nothing of the user's configuration, and any certificate.
pub(super) fn curl() -> Command {
    let mut command = Command::new("curl");
    command.args(["--disable", "--silent", "--show-error", "--fail", "--insecure"]);
    command
}

/// Runs it; what it says is told only where it fails.
pub(super) fn succeed(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}: {said}", output.status);
    Ok(())
}
