//! A hub of ours.

use super::Server;
use super::ready::{self, program};
use crate::cores::Cores;
use anyhow::Result;
use landline_client::{Connection, Hubs};
use landline_model::link::JoinLink;
use landline_model::name::AccountName;
use landline_model::protocol::people::Join;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name that this program has on the hub.
const ACCOUNT: &str = "bench";

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
        let directory = home.join("ready");
        fs::create_dir(&directory)?;
        let file = directory.join("hub.json");
        let mut command = cores.server(program()?);
        command.arg("serve").arg("--data").arg(home.join("data"));
        command
            .args(["--listen", "127.0.0.1:0", "--ready-file"])
            .arg(&file);
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        let (server, ready) = ready::start::<Ready>(&command, &file)?;
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
