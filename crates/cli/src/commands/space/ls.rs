//! `landline space ls`.

use super::write;
use crate::context::Context;
use anyhow::Result;
use bytes::Bytes;
use landline_client::lines;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::spaces::{SpaceList, SpaceState};
use std::io::{BufWriter, Write as _};

/// List your home, the shared space and those of the rooms that you are in: what they hold, what they may hold, and how
/// long the trash keeps what comes from them.
#[derive(Debug, clap::Args)]
pub(super) struct Ls {
    /// Also the homes of others and rooms that you are not in; for admins.
    #[arg(short, long)]
    all: bool,
    /// One JSON object a line; bytes and seconds.
    #[arg(long)]
    json: bool,
}

impl Ls {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let connection = context.connect().await?;
        let mut output = BufWriter::new(std::io::stdout().lock());
        let mut after = None;
        loop {
            let call = SpaceList {
                all: self.all,
                after,
                limit: PAGE_MAX,
            };
            let answer = connection.exchange(&call, Bytes::new()).await?;
            let page: Vec<SpaceState> = lines(&answer.body, &connection)?;
            page.iter()
                .try_for_each(|state| write(state, self.json, &mut output))?;
            // A hub that repeats itself is not followed.
            if answer.reply.next.is_none() || answer.reply.next == after {
                break;
            }
            after = answer.reply.next;
        }
        output.flush()?;
        Ok(())
    }
}
