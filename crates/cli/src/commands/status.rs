//! `landline status`: what one says about what one is doing.

use crate::context::{Context, Usage};
use anyhow::{Result, bail};
use bytes::Bytes;
use landline_client::lines;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::people::{STATUS_MAX, SetStatus, User, UserList};
use landline_model::text::escape;
use std::io::Write as _;
use std::process::ExitCode;

/// Show or set what others see beside your name.
#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// What to say, at most 256 bytes; without it, what you say now is shown.
    #[arg(value_name = "TEXT")]
    text: Option<String>,
    /// Say nothing any more.
    #[arg(long, conflicts_with = "text")]
    clear: bool,
}

impl Status {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let status = match self.text {
            None if self.clear => String::new(),
            None => {
                show(context).await?;
                return Ok(ExitCode::SUCCESS);
            }
            Some(text) if text.is_empty() => {
                bail!(Usage::new(
                    "the status is empty",
                    "landline status --clear takes it back"
                ))
            }
            Some(text) => text,
        };
        if status.len() > STATUS_MAX {
            bail!("a status has at most {STATUS_MAX} bytes");
        }
        context.connect().await?.call(&SetStatus { status }).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Shows one's own, as the hub has it.
async fn show(context: &Context) -> Result<()> {
    let hub = context.hub()?;
    let (connection, account) = landline_client::connect_as(&hub).await?;
    let mut call = UserList {
        search: account.name.as_str().to_owned(),
        after: None,
        limit: PAGE_MAX,
    };
    loop {
        let page = connection.exchange(&call, Bytes::new()).await?;
        let found = lines::<User>(&page.body, &connection)?;
        if let Some(own) = found.into_iter().find(|user| user.account.id == account.id) {
            if !own.status.is_empty() {
                writeln!(std::io::stdout().lock(), "{}", escape(&own.status))?;
            }
            return Ok(());
        }
        match page.reply.next {
            Some(next) => call.after = Some(next),
            None => return Ok(()),
        }
    }
}
