//! What is said in all that one is in, for robots and for people who watch.

use super::piped::{Style, show_all};
use super::{Remembered, Signals};
use crate::report::note;
use anyhow::Result;
use landline_client::Hub;
use landline_client::follow::{Everything, ROOMS_MAX, Update};
use landline_model::text::escape;
use std::io::Write;
use std::process::ExitCode;

/// Shows it until a signal comes.
pub(super) async fn run(
    hub: &Hub,
    style: Style,
    remembered: &mut Remembered,
    mut signals: Signals,
) -> Result<ExitCode> {
    let following = async {
        let mut everything = Everything::begin(hub).await?;
        show_all(&mut everything.updates, |update, output| {
            show(update, style, remembered, output)
        })
        .await
    };
    let ended = tokio::select! {
        ended = following => ended,
        () = signals.came() => Ok(()),
    };
    remembered.finish()?;
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// True when it is over: never, but for an error.
fn show(update: Update, style: Style, remembered: &mut Remembered, output: &mut impl Write) -> Result<bool> {
    match update {
        Update::Room(room) => remembered.begin(&room),
        Update::Event(room, event, text) => {
            let line = style.line(&room, &event, &text)?;
            if style.json {
                writeln!(output, "{line}")?;
            } else {
                writeln!(output, "{} {line}", escape(&room.to_string()))?;
            }
        }
        Update::Begun(count) if style.notes => note(&begun(count)),
        // Whoever wants no notes still has to know that something is missing.
        Update::LeftOut(count) => note(&format!(
            "{count} more are not followed: at most {ROOMS_MAX} rooms and conversations are followed at once"
        )),
        Update::Lost(error) => style.lost(&error),
        Update::Back => style.back(),
        Update::Ended(error) => {
            output.flush()?;
            return Err(error.into());
        }
        _ => {}
    }
    Ok(false)
}

fn begun(count: usize) -> String {
    match count {
        1 => "following 1 room or conversation".to_owned(),
        count => format!("following {count} rooms and conversations"),
    }
}
