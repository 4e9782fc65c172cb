//! A hub of ours.

use super::Server;
use super::ready::{self, program};
use crate::cores::Cores;
use anyhow::{Context as _, Result};
use landline_client::{Connection, Hubs};
use landline_model::link::{HubAddress, JoinLink};
use landline_model::name::AccountName;
use landline_model::protocol::people::Join;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name that this program has on the hub.
const ACCOUNT: &str = "bench";

/// A running hub, whose data directory was empty in the beginning.
#[derive(Debug)]
pub(crate) struct LandlineHub {
    pub(crate) server: Server,
    /// Makes an admin, once; it has the address and the pin.
    pub(crate) invite: JoinLink,
    /// Where it serves now.
    pub(crate) address: SocketAddr,
    home: PathBuf,
    /// What started it, and starts it again. Boxed: it is large, and a hub is one of several peers.
    command: Box<Command>,
}

#[derive(serde::Deserialize)]
struct Ready {
    addresses: Vec<SocketAddr>,
    /// While there is no admin.
    invite: Option<String>,
}

impl LandlineHub {
    /// Starts a hub that keeps everything below `home`. `settings` are environment variables: what is lifted.
    pub(crate) fn start(home: &Path, cores: Cores, settings: &[(&str, String)]) -> Result<Self> {
        let file = ready_file(home);
        fs::create_dir(file.parent().context("a ready file has a directory")?)?;
        let mut command = cores.server(program()?);
        command.arg("serve").arg("--data").arg(home.join("data"));
        command
            .args(["--listen", "127.0.0.1:0", "--ready-file"])
            .arg(&file);
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        let (server, ready) = ready::start::<Ready>(&command, &file)?;
        Ok(Self {
            server,
            address: ready.address()?,
            invite: ready.invite.context("the hub has an admin already")?.parse()?,
            home: home.to_owned(),
            command: Box::new(command),
        })
    }

    /// Ends it and starts it again on what it has kept. It is somewhere else then.
    pub(crate) fn start_again(self) -> Result<Self> {
        self.server.stop()?;
        let file = ready_file(&self.home);
        // One of the last time would look like one of this time.
        if file.exists() {
            fs::remove_file(&file)?;
        }
        let (server, ready) = ready::start::<Ready>(&self.command, &file)?;
        let address = ready.address()?;
        Ok(Self {
            server,
            address,
            ..self
        })
    }

    /// As [`Self::join`], for whoever has nothing else to await.
    pub(crate) fn join_and_wait(&self) -> Result<()> {
        self.join_by(self.address)
    }

    /// The same, by a link that leads to the hub: the client will know no other way.
    pub(crate) fn join_by(&self, address: SocketAddr) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime
            .block_on(self.join_at(&address.to_string().parse()?))
            .map(drop)
    }

    /// Joins, and leaves the login where the `landline` of [`Self::command`] finds it.
    pub(crate) async fn join(&self) -> Result<Connection> {
        self.join_at(&self.invite.address).await
    }

    async fn join_at(&self, address: &HubAddress) -> Result<Connection> {
        let JoinLink { token, pin, .. } = self.invite.clone();
        let (connection, welcome) = Connection::open(std::slice::from_ref(address), pin).await?;
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
            hubs.logged_in(address, pin, &welcome, &login);
            Ok(())
        })?;
        Ok(connection)
    }

    /// The program, as the one who joined.
    pub(crate) fn command(&self) -> Result<Command> {
        let mut command = Command::new(program()?);
        command
            .env("XDG_CONFIG_HOME", self.configuration())
            .env("XDG_CACHE_HOME", self.home.join("cache"));
        Ok(command)
    }

    /// Where the users' files are.
    pub(crate) fn files(&self) -> PathBuf {
        self.home.join("data/files")
    }

    /// Where the databases are.
    pub(crate) fn databases(&self) -> PathBuf {
        self.home.join("data/db")
    }

    fn configuration(&self) -> PathBuf {
        self.home.join("config")
    }
}

impl Ready {
    fn address(&self) -> Result<SocketAddr> {
        self.addresses.first().copied().context("the hub serves nowhere")
    }
}

/// Where a hub says that it serves.
fn ready_file(home: &Path) -> PathBuf {
    home.join("ready/hub.json")
}
