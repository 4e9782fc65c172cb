//! `landline space recount`.

use crate::context::Context;
use anyhow::Result;
use landline_model::protocol::spaces::SpaceRecount;
use landline_model::size::Size;
use landline_model::space::SpaceName;
use std::io::Write as _;
use std::str::FromStr as _;

/// Count what lies in a space, after files were brought or taken by other means than Landline.
#[derive(Debug, clap::Args)]
pub(super) struct Recount {
    /// ~, @NAME, /shared or /rooms/NAME.
    #[arg(value_parser = SpaceName::from_str)]
    space: SpaceName,
    /// JSON: bytes of files and in the trash, and whether nothing has moved meanwhile.
    #[arg(long)]
    json: bool,
}

impl Recount {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let space = self.space.clone();
        let counted = context.connect().await?.call(&SpaceRecount { space }).await?;
        let mut output = std::io::stdout().lock();
        if self.json {
            writeln!(output, "{}", crate::json::line(&counted)?)?;
            return Ok(());
        }
        if context.quiet {
            return Ok(());
        }
        let about = if counted.exact { "" } else { "about " };
        let (files, trash) = (Size(counted.files), Size(counted.trash));
        writeln!(
            output,
            "{}: {about}{files} of files, {trash} in the trash",
            self.space
        )?;
        Ok(())
    }
}
