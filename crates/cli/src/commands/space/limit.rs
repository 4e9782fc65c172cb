//! `landline space limit`.

use super::{limit, show};
use crate::context::Context;
use anyhow::Result;
use landline_model::protocol::spaces::{self, SpaceLimit};
use landline_model::space::SpaceName;
use std::str::FromStr as _;

/// Set what a space may hold, its trash and what is on its way included. What is there already stays.
#[derive(Debug, clap::Args)]
pub(super) struct Limit {
    /// ~, @NAME, /shared or /rooms/NAME.
    #[arg(value_parser = SpaceName::from_str)]
    space: SpaceName,
    /// Such as 500M or 10G; none; or default: what is configured.
    #[arg(value_name = "SIZE|none|default", value_parser = limit)]
    limit: spaces::Limit,
    /// JSON: what the space is like now.
    #[arg(long)]
    json: bool,
}

impl Limit {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let (space, limit) = (self.space, self.limit);
        let state = context
            .connect()
            .await?
            .call(&SpaceLimit { space, limit })
            .await?;
        show(context, &state, self.json, false)
    }
}
