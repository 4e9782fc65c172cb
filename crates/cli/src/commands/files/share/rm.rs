//! `landline share rm`: ends links.

use crate::context::Context;
use crate::report;
use anyhow::Result;
use landline_client::ClientError;
use landline_model::id::ShareId;
use landline_model::protocol::shares::ShareRevoke;
use std::process::ExitCode;

/// End links, and at once what is being fetched or put by them.
#[derive(Debug, clap::Args)]
pub(super) struct Rm {
    /// Which: ids out of `landline share ls`.
    #[arg(value_name = "ID", required = true)]
    ids: Vec<ShareId>,
}

impl Rm {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode> {
        let connection = context.connect().await?;
        let mut exit = ExitCode::SUCCESS;
        for id in self.ids {
            match connection.call(&ShareRevoke { id }).await {
                Ok(_) => {}
                Err(error @ ClientError::Refused { .. }) => {
                    report::complain_of(&error);
                    exit = ExitCode::FAILURE;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(exit)
    }
}
