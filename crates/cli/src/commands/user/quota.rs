//! `landline user quota`.

use super::person;
use crate::commands::space::{limit, show};
use crate::context::Context;
use anyhow::Result;
use landline_model::name::AccountName;
use landline_model::protocol::spaces::{Limit, SpaceLimit, SpaceShow};
use landline_model::space::SpaceName;

/// Show or set what the home of an account may hold, its trash included.
#[derive(Debug, clap::Args)]
pub(super) struct Quota {
    /// The account's name.
    #[arg(value_parser = person)]
    name: AccountName,
    /// Such as 500M or 10G; none; or default: what is configured. Left out, it is shown.
    #[arg(value_name = "SIZE|none|default", value_parser = limit)]
    limit: Option<Limit>,
    /// JSON: what the home is like now.
    #[arg(long)]
    json: bool,
}

impl Quota {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let space = SpaceName::Home(self.name);
        let connection = context.connect().await?;
        let state = match self.limit {
            Some(limit) => connection.call(&SpaceLimit { space, limit }).await?,
            None => connection.call(&SpaceShow { space }).await?,
        };
        show(context, &state, self.json, self.limit.is_none())
    }
}
