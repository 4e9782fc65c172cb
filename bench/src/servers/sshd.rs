//! An OpenSSH server of our own: throw-away keys, nothing of the machine's configuration.

use super::{Server, free_port};
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// sshd insists on its absolute path, because it executes itself.
const PROGRAM: &str = "/usr/sbin/sshd";

/// Where sshd drops its privileges; Debian makes it at boot only.
const PRIVILEGE_SEPARATION: &str = "/run/sshd";

/// A running sshd.
#[derive(Debug)]
pub(crate) struct Sshd {
    pub(crate) server: Server,
    port: u16,
    home: PathBuf,
}

impl Sshd {
    pub(crate) fn start(home: &Path) -> Result<Self> {
        let port = free_port()?;
        for key in ["host", "user"] {
            make_key(&home.join(key))?;
        }
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all(PRIVILEGE_SEPARATION)?;
        }
        let file = home.join("sshd_config");
        fs::write(&file, configuration(home, port))?;
        let mut command = Command::new(PROGRAM);
        command.args(["-D", "-e", "-f"]).arg(&file);
        let server = Server::start("sshd", &command)?;
        server.await_line("Server listening")?;
        Ok(Self {
            server,
            port,
            home: home.to_owned(),
        })
    }

    /// scp to and from here, with nothing of the user's configuration; none: the default cipher.
    pub(crate) fn scp(&self, cipher: Option<&str>) -> Command {
        let mut command = Command::new("scp");
        command.args([
            "-q",
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=no",
        ]);
        command.arg("-o").arg(format!(
            "UserKnownHostsFile={}",
            self.home.join("known_hosts").display()
        ));
        command
            .arg("-i")
            .arg(self.home.join("user"))
            .arg("-P")
            .arg(self.port.to_string());
        command.args(cipher.map(|cipher| ["-c", cipher]).into_iter().flatten());
        command
    }

    /// What scp calls a path here.
    pub(crate) fn remote(path: &Path) -> String {
        format!("127.0.0.1:{}", path.display())
    }
}

fn configuration(home: &Path, port: u16) -> String {
    let home = home.display();
    format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {home}/host\nAuthorizedKeysFile {home}/user.pub\n\
         PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n"
    )
}

fn make_key(path: &Path) -> Result<()> {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path)
        .output();
    let made = made.context("could not run ssh-keygen")?;
    ensure!(
        made.status.success(),
        "ssh-keygen: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    Ok(())
}
