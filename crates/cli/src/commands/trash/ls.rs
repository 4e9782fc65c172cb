//! `landline trash ls`.

use crate::context::Context;
use crate::show::local;
use anyhow::Result;
use landline_client::files::TrashListing;
use landline_model::protocol::files::EntryKind;
use landline_model::protocol::spaces::Trashed;
use landline_model::size::Size;
use std::io::{BufWriter, Write};

/// List what lies in your trash, the newest first: id, size, when and by whom it was removed, when it goes, where it was.
#[derive(Debug, clap::Args)]
pub(super) struct Ls {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Ls {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let connection = context.connect().await?;
        let mut output = BufWriter::new(std::io::stdout().lock());
        let mut listing = TrashListing::default();
        while let Some(page) = listing.next_page(&connection).await? {
            page.iter()
                .try_for_each(|thing| write(thing, self.json, &mut output))?;
        }
        output.flush()?;
        Ok(())
    }
}

/// Writes one thing as a line.
pub(in super::super) fn write(thing: &Trashed, json: bool, output: &mut impl Write) -> Result<()> {
    if json {
        writeln!(output, "{}", crate::json::line(thing)?)?;
        return Ok(());
    }
    let size = thing
        .size
        .map_or_else(|| "?".to_owned(), |size| Size(size).to_string());
    let by = thing
        .by
        .as_ref()
        .map_or_else(|| "-".to_owned(), |by| format!("@{by}"));
    let path = thing
        .path
        .as_ref()
        .map_or_else(|| "?".to_owned(), ToString::to_string);
    let slash = if thing.kind == EntryKind::Directory {
        "/"
    } else {
        ""
    };
    let (deleted, expires) = (
        local(thing.deleted, "%Y-%m-%d %H:%M:%S"),
        local(thing.expires, "%Y-%m-%d"),
    );
    let how = if thing.replaced { "replaced" } else { "removed" };
    writeln!(
        output,
        "{} {size:>12} {how:<8} {deleted} {by:<12} until {expires} {path}{slash}",
        thing.id
    )?;
    Ok(())
}
