//! `landline space retention`.

use super::show;
use crate::context::Context;
use crate::duration;
use anyhow::Result;
use landline_model::protocol::spaces::SpaceRetention;
use landline_model::space::SpaceName;
use std::str::FromStr as _;

/// Set for how long the trash keeps what is removed from a space, or replaced in it, from now on.
#[derive(Debug, clap::Args)]
pub(super) struct Retention {
    /// ~, @NAME, /shared or /rooms/NAME.
    #[arg(value_parser = SpaceName::from_str)]
    space: SpaceName,
    /// Such as 12h or 30d; or default: what is configured.
    #[arg(value_name = "TIME|default", value_parser = seconds)]
    time: Time,
    /// JSON: what the space is like now.
    #[arg(long)]
    json: bool,
}

/// A time in seconds; none: as configured.
#[derive(Clone, Copy, Debug)]
struct Time(Option<u64>);

impl Retention {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let call = SpaceRetention {
            space: self.space,
            seconds: self.time.0,
        };
        let state = context.connect().await?.call(&call).await?;
        show(context, &state, self.json, false)
    }
}

fn seconds(text: &str) -> Result<Time, String> {
    if text == "default" {
        return Ok(Time(None));
    }
    duration::parse(text).map(|time| Time(Some(time.as_secs())))
}
