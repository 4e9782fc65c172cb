//! `landline access :/DIR`.

use crate::commands::files::RemoteArgument;
use crate::context::Context;
use anyhow::Result;
use bytes::Bytes;
use landline_client::lines;
use landline_model::protocol::access::{AccessList, AccessPage, AccessRule};
use std::ffi::OsStr;
use std::io::{BufWriter, Write as _};

/// Tells what counts for whoever asks, and why; then the rules, as far as the hub shows them.
pub(super) async fn list(context: &Context, path: &OsStr, json: bool) -> Result<()> {
    let path = RemoteArgument::parse(path)?.path;
    let connection = context.connect().await?;
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut skip = 0_u32;
    loop {
        let call = AccessList {
            path: path.clone(),
            skip,
        };
        let answer = connection.exchange(&call, Bytes::new()).await?;
        let rules: Vec<AccessRule> = lines(&answer.body, &connection)?;
        if skip == 0 && json {
            writeln!(output, "{}", crate::json::line(&answer.reply)?)?;
        } else if skip == 0 {
            writeln!(output, "{}", explained(&answer.reply))?;
        }
        for rule in &rules {
            if json {
                writeln!(output, "{}", crate::json::line(rule)?)?;
            } else {
                writeln!(
                    output,
                    "{:<8} {:<20} {}",
                    rule.right.name(),
                    rule.who.to_string(),
                    rule.path
                )?;
            }
        }
        if !answer.reply.more || rules.is_empty() {
            break;
        }
        skip = skip.saturating_add(u32::try_from(rules.len()).unwrap_or(u32::MAX));
    }
    output.flush()?;
    Ok(())
}

fn explained(page: &AccessPage) -> String {
    let may = match (page.read, page.write, page.add) {
        (_, true, _) => "you may read and write here",
        (true, false, true) => "you may read here, and add files",
        (true, false, false) => "you may read here",
        (false, false, true) => "you may put new files here, and nothing else",
        (false, false, false) => "you may do nothing here",
    };
    match &page.decides {
        Some(rule) => format!("{may}: {} has '{}' for {}", rule.path, rule.right, rule.who),
        None => format!("{may}: no rule says otherwise"),
    }
}
