//! `landline share ls`: the links that there are.

use super::make::Line;
use crate::context::Context;
use crate::{json, show};
use anyhow::Result;
use bytes::Bytes;
use landline_client::lines;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::shares::{Share, ShareKind, ShareList};
use landline_model::text::escape;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// List your links; as an admin everybody's.
#[derive(Debug, clap::Args)]
pub(super) struct Ls {
    /// JSON: an object a line, with `id`, `owner`, `kind`, `path`, `name`, `password`, `created`, `expires` and `left`.
    #[arg(long)]
    json: bool,
}

impl Ls {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode> {
        let connection = context.connect().await?;
        let mut output = BufWriter::new(std::io::stdout().lock());
        let mut call = ShareList {
            after: None,
            limit: PAGE_MAX,
        };
        loop {
            let page = connection.exchange(&call, Bytes::new()).await?;
            for share in lines::<Share>(&page.body, &connection)? {
                write(&share, self.json, &mut output)?;
            }
            match page.reply.next {
                Some(next) => call.after = Some(next),
                None => break,
            }
        }
        output.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}

fn write(share: &Share, as_json: bool, output: &mut impl Write) -> Result<()> {
    if as_json {
        writeln!(output, "{}", json::line(&Line::new(None, share))?)?;
        return Ok(());
    }
    let kind = match share.kind {
        ShareKind::File => "file",
        ShareKind::Directory => "directory",
        ShareKind::Drop => "drop box",
        _ => "?",
    };
    write!(output, "{}  {kind} {}", share.id, share.path)?;
    if let Some(owner) = &share.owner {
        write!(output, ", @{}", escape(owner.as_str()))?;
    }
    match share.expires {
        Some(expires) => write!(output, ", until {}", show::local(expires, "%Y-%m-%d %H:%M"))?,
        None => write!(output, ", without an end")?,
    }
    if let Some(left) = share.left {
        write!(output, ", {left} left")?;
    }
    if share.password {
        write!(output, ", password")?;
    }
    if !share.name.is_empty() {
        write!(output, "  {}", escape(&share.name))?;
    }
    Ok(writeln!(output)?)
}
