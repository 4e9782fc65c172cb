//! A hub of ours.

use super::Server;
use super::process::{START_DEADLINE, readable};
use crate::cores::Cores;
use anyhow::{Context as _, Result, bail};
use landline_client::{Connection, Hubs};
use landline_model::link::JoinLink;
use landline_model::name::AccountName;
use landline_model::protocol::people::Join;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The name that this program has on the hub.
const ACCOUNT: &str = "bench";

/// The environment variable that names the program to measure.
const PROGRAM_VARIABLE: &str = "LANDLINE_BIN";

/// A running hub with an empty data directory.
#[derive(Debug)]
pub(crate) struct LandlineHub {
    pub(crate) server: Server,
    /// Makes an admin, once; it has the address and the pin.
    pub(crate) invite: JoinLink,
    home: PathBuf,
}

#[derive(serde::Deserialize)]
struct Ready {
    invite: String,
}

impl LandlineHub {
    /// Starts a hub that keeps everything below `home`. `settings` are environment variables: what is lifted.
    pub(crate) fn start(home: &Path, cores: Cores, settings: &[(&str, String)]) -> Result<Self> {
        let ready = home.join("ready");
        fs::create_dir(&ready)?;
        let file = ready.join("hub.json");
        let mut command = cores.server(program()?);
        command.arg("serve").arg("--data").arg(home.join("data"));
        command
            .args(["--listen", "127.0.0.1:0", "--ready-file"])
            .arg(&file);
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        let watch = watch(&ready)?;
        let server = Server::start("landline", &command)?;
        await_file(&file, &watch, &server)?;
        let text = fs::read_to_string(&file).context("could not read the hub's ready file")?;
        let ready: Ready =
            serde_json::from_str(&text).context("the hub's ready file is not what it should be")?;
        Ok(Self {
            server,
            invite: ready.invite.parse()?,
            home: home.to_owned(),
        })
    }

    /// Joins, and leaves the login where the `landline` of [`Self::command`] finds it.
    pub(crate) async fn join(&self) -> Result<Connection> {
        let JoinLink { address, token, pin } = self.invite.clone();
        let (connection, welcome) = Connection::open(std::slice::from_ref(&address), pin).await?;
        let name: AccountName = ACCOUNT.parse()?;
        let login = connection
            .call(&Join {
                token,
                name,
                password: None,
                device: ACCOUNT.to_owned(),
                secret: None,
            })
            .await?;
        Hubs::change_in(&self.configuration().join("landline"), |hubs| {
            hubs.logged_in(&address, pin, &welcome, &login);
            Ok(())
        })?;
        Ok(connection)
    }

    /// The program, as the one who joined.
    pub(crate) fn command(&self) -> Result<Command> {
        let mut command = Command::new(program()?);
        command.env("XDG_CONFIG_HOME", self.configuration());
        Ok(command)
    }

    /// Where the users' files are.
    pub(crate) fn files(&self) -> PathBuf {
        self.home.join("data/files")
    }

    fn configuration(&self) -> PathBuf {
        self.home.join("config")
    }
}

fn program() -> Result<PathBuf> {
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

fn watch(directory: &Path) -> Result<rustix::fd::OwnedFd> {
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    inotify::add_watch(&watch, directory, inotify::WatchFlags::MOVED_TO)?;
    Ok(watch)
}

/// The hub puts the file there by rename, once it serves.
fn await_file(file: &Path, watch: &rustix::fd::OwnedFd, server: &Server) -> Result<()> {
    let (ended, deadline) = (server.ended()?, Instant::now() + START_DEADLINE);
    while !file.exists() {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now()))?;
        let mut descriptors = [
            PollFd::new(watch, PollFlags::IN),
            PollFd::new(&ended, PollFlags::IN),
        ];
        let happened = poll(&mut descriptors, Some(&left))? > 0;
        if !happened || readable(&ended, Timespec::default())? {
            bail!("the hub does not serve; it said:\n{}", server.log());
        }
        // Only that something happened matters; what, the file itself tells.
        rustix::io::read(watch, &mut [0_u8; 4096])?;
    }
    Ok(())
}
