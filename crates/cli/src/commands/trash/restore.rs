//! `landline trash restore`.

use super::id;
use crate::commands::files::RemoteArgument;
use crate::context::{Context, Usage};
use anyhow::{Result, bail};
use landline_client::Connection;
use landline_client::files::TrashListing;
use landline_model::id::TrashId;
use landline_model::path::RemotePath;
use landline_model::protocol::spaces::TrashRestore;
use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

/// Take something out of the trash: to where it was, or elsewhere.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// Where it goes instead; what is missing above it is made.
    #[arg(long, value_name = ":PATH")]
    to: Option<OsString>,
    /// Take the place of a file that is there; it goes to the trash.
    #[arg(short, long)]
    force: bool,
    /// Its id as landline trash ls shows it; or where it was: then the newest.
    #[arg(value_name = "ID|:PATH")]
    which: OsString,
}

impl Restore {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let to = match &self.to {
            Some(to) => Some(RemoteArgument::parse(to)?.path),
            None => None,
        };
        let which = Which::parse(&self.which)?;
        let connection = context.connect().await?;
        let id = which.find(&connection).await?;
        let call = TrashRestore {
            id,
            to,
            overwrite: self.force,
        };
        let restored = connection.call(&call).await?;
        if !context.quiet {
            writeln!(std::io::stdout().lock(), "{} is back", restored.path)?;
        }
        Ok(())
    }
}

/// What a user calls something in the trash.
enum Which {
    Id(TrashId),
    Newest(RemotePath),
}

impl Which {
    fn parse(argument: &OsString) -> Result<Self, Usage> {
        if argument.as_bytes().starts_with(b":") {
            return Ok(Self::Newest(RemoteArgument::parse(argument)?.path));
        }
        id(&argument.to_string_lossy()).map(Self::Id)
    }

    async fn find(self, connection: &Connection) -> Result<TrashId> {
        let path = match self {
            Self::Id(id) => return Ok(id),
            Self::Newest(path) => path,
        };
        let mut listing = TrashListing::default().at(path.clone());
        while let Some(page) = listing.next_page(connection).await? {
            if let Some(newest) = page.first() {
                return Ok(newest.id);
            }
        }
        bail!("nothing in your trash was at {path}");
    }
}
