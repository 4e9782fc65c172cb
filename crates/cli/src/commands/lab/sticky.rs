//! `landline lab sticky`: how a stream glues and cuts what is sent, and how a framing puts it right.

use crate::json;
use anyhow::Result;
use landline_sockets::lab::sticky::{self, Event, Step, literal};
use serde::Serialize;
use std::io::{self, Write};
use std::process::ExitCode;

/// Of many events this many are shown at the beginning ...
const BEGINNING: usize = 4;
/// ... and this many at the end.
const END: usize = 6;

/// Show how the messages of a stream stick together and come apart, and how each framing puts it right.
///
/// Everything is done over real sockets on this machine while you watch. Ends with 1 where a step did not show what
/// it says.
#[derive(Debug, clap::Args)]
pub(super) struct Sticky {
    /// One JSON object a step; data is written as Python writes it, of long data only the beginning.
    #[arg(long)]
    json: bool,
}

impl Sticky {
    pub(super) fn run(self) -> Result<ExitCode> {
        let mut output = io::stdout().lock();
        let mut number = 0;
        let mut failed = 0;
        sticky::run(|step| {
            number += 1;
            failed += usize::from(!step.shown);
            if self.json {
                writeln!(output, "{}", json::line(&StepLine::new(step))?)?;
            } else {
                show(step, number, &mut output)?;
            }
            output.flush()?;
            anyhow::Ok(())
        })?;
        if failed > 0 {
            crate::report::note(&format!("{failed} of {number} steps did not show what they say"));
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show(step: &Step, number: usize, output: &mut impl Write) -> io::Result<()> {
    writeln!(output, "{number}. {}", step.title)?;
    let mut hidden = Vec::new();
    for (index, event) in step.events.iter().enumerate() {
        if is_folded(event, index, step.events.len()) {
            hidden.push(event);
            continue;
        }
        show_hidden(&mut hidden, output)?;
        writeln!(output, "     {event}")?;
    }
    let verdict = if step.shown {
        ""
    } else {
        "This time it was not so. "
    };
    writeln!(output, "   {verdict}{}\n", step.why)
}

/// One is shown all the same: to fold one line saves none.
fn show_hidden(hidden: &mut Vec<&Event>, output: &mut impl Write) -> io::Result<()> {
    match &hidden[..] {
        [] => {}
        [event] => writeln!(output, "     {event}")?,
        events => writeln!(output, "     ... {} more ...", events.len())?,
    }
    hidden.clear();
    Ok(())
}

/// Messages are what a step is about; of sends and reads enough are shown to see how it goes on.
fn is_folded(event: &Event, index: usize, count: usize) -> bool {
    let is_outer = index < BEGINNING || index + END >= count;
    !is_outer && !matches!(event, Event::Message(_) | Event::Remark(_))
}

/// A step for programs.
#[derive(Serialize)]
struct StepLine<'a> {
    step: &'a str,
    title: &'a str,
    events: Vec<EventLine<'a>>,
    why: &'a str,
    shown: bool,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum EventLine<'a> {
    Send {
        bytes: usize,
        data: String,
    },
    Recv {
        /// What it was asked for, in bytes.
        room: usize,
        bytes: usize,
        data: String,
    },
    Answer {
        bytes: usize,
        data: String,
    },
    Message {
        bytes: usize,
        data: String,
    },
    Remark {
        text: &'a str,
    },
}

impl<'a> StepLine<'a> {
    fn new(step: &'a Step) -> Self {
        Self {
            step: &step.name,
            title: &step.title,
            events: step.events.iter().map(EventLine::new).collect(),
            why: step.why,
            shown: step.shown,
        }
    }
}

impl<'a> EventLine<'a> {
    fn new(event: &'a Event) -> Self {
        match event {
            Event::Sent(data) => Self::Send {
                bytes: data.len(),
                data: literal(data),
            },
            Event::Received { room, data } => Self::Recv {
                room: *room,
                bytes: data.len(),
                data: literal(data),
            },
            Event::Answered(data) => Self::Answer {
                bytes: data.len(),
                data: literal(data),
            },
            Event::Message(data) => Self::Message {
                bytes: data.len(),
                data: literal(data),
            },
            Event::Remark(text) => Self::Remark { text },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(events: Vec<Event>, shown: bool) -> Step {
        Step {
            name: "name".to_owned(),
            title: "Title".to_owned(),
            events,
            why: "Why.",
            shown,
        }
    }

    fn shown(step: &Step) -> String {
        let mut output = Vec::new();
        show(step, 7, &mut output).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn many_events_are_folded_but_no_message_and_no_single_line() {
        let mut events = vec![Event::Sent(b"a".to_vec()); BEGINNING + 11 + END];
        events[9] = Event::Message(b"hello".to_vec());
        let text = shown(&step(events, true));
        assert_eq!(text.matches("send").count(), BEGINNING + END);
        assert!(
            text.contains("     ... 5 more ...\n     message: 5 bytes b\"hello\"\n     ... 5 more ...\n")
        );
        let text = shown(&step(vec![Event::Sent(b"a".to_vec()); BEGINNING + END + 1], true));
        assert!(!text.contains("more"), "{text}");
    }

    #[test]
    fn a_step_that_shows_something_else_says_so() {
        let text = shown(&step(vec![Event::Sent(b"a".to_vec())], false));
        assert_eq!(
            text,
            "7. Title\n     send 1 byte b\"a\"\n   This time it was not so. Why.\n\n"
        );
    }
}
