//! What there is to know of a space, as a line.

use crate::context::Context;
use anyhow::Result;
use landline_model::protocol::spaces::SpaceState;
use landline_model::size::Size;
use std::io::Write;

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// Writes one space as a line.
pub(in super::super) fn write(state: &SpaceState, json: bool, output: &mut impl Write) -> Result<()> {
    if json {
        writeln!(output, "{}", crate::json::line(state)?)?;
        return Ok(());
    }
    let held = state
        .files
        .saturating_add(state.trash)
        .saturating_add(state.in_flight);
    let limit = state
        .limit
        .map_or_else(|| "no limit".to_owned(), |limit| format!("of {}", Size(limit)));
    let mut line = format!(
        "{:<20} {:>12} {limit:<14}",
        state.space.to_string(),
        Size(held).to_string()
    );
    if state.trash > 0 {
        line.push_str(&format!(" {} in the trash", Size(state.trash)));
    }
    if state.in_flight > 0 {
        line.push_str(&format!(" {} in flight", Size(state.in_flight)));
    }
    line.push_str(&format!(" kept {}", time(state.retention)));
    if !state.counted {
        line.push_str(" (not counted yet)");
    }
    writeln!(output, "{line}")?;
    Ok(())
}

/// Shows what a space is like after a change, or because somebody asked.
pub(in super::super) fn show(context: &Context, state: &SpaceState, json: bool, always: bool) -> Result<()> {
    if always || json || !context.quiet {
        write(state, json, &mut std::io::stdout().lock())?;
    }
    Ok(())
}

fn time(seconds: u64) -> String {
    match (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY) {
        (days, 0) => format!("{days} d"),
        _ if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        _ => format!("{seconds} s"),
    }
}
