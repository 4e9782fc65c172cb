//! A room as a file: JSON lines. The first is a [`Heading`], the others are its events, each with what proves it.

use anyhow::{Result, bail};
use landline_model::event::{Genesis, RoomKind};
use landline_model::head::SignedHead;
use landline_model::id::{AccountId, RoomId};
use landline_model::name::RoomName;
use landline_model::protocol::chat::{Room, RoomEvent};
use landline_model::target::Target;
use landline_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Read as _};

/// What the member `landline` of the first line says.
const FORMAT: &str = "room";

/// The version of this form.
const VERSION: u32 = 1;

/// The longest line, in bytes: a text of 16 KiB, every byte of it written as `\u....`, and the rest of an event.
const LINE_MAX: usize = 128 * 1024;

/// The first line: what the chain begins and ends with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Heading {
    landline: String,
    version: u32,
    /// What the room is called at the hub that it comes from.
    pub(super) name: RoomName,
    pub(super) room: RoomId,
    pub(super) created: Timestamp,
    pub(super) creator: AccountId,
    pub(super) kind: RoomKind,
    pub(super) original_name: String,
    /// How many events follow, and the hash of the last one, as that hub signed it.
    pub(super) head: SignedHead,
}

impl Heading {
    /// Of a room, which ends with `head`.
    pub(super) fn of(room: &Room, head: SignedHead) -> Result<Self> {
        let Target::Room(name) = &room.target else {
            bail!("only rooms are exported, and {} is a conversation", room.target)
        };
        Ok(Self {
            landline: FORMAT.to_owned(),
            version: VERSION,
            name: name.clone(),
            room: room.id,
            created: room.created,
            creator: room.creator,
            kind: room.kind,
            original_name: room.original_name.clone(),
            head,
        })
    }

    /// What the chain begins with.
    pub(super) fn genesis(&self) -> Genesis {
        Genesis {
            room: self.room,
            created: self.created,
            creator: self.creator,
            kind: self.kind,
            name: self.original_name.clone(),
            peer: None,
        }
    }
}

/// Reads a room's file, a line at a time.
pub(super) struct Reader<R> {
    input: R,
    number: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Reader<R> {
    pub(super) const fn new(input: R) -> Self {
        Self {
            input,
            number: 0,
            line: Vec::new(),
        }
    }

    /// The first line.
    pub(super) fn heading(&mut self) -> Result<Heading> {
        if !self.next_line()? {
            bail!("there is nothing in it");
        }
        match serde_json::from_slice::<Heading>(&self.line) {
            Ok(heading) if heading.landline == FORMAT && heading.version == VERSION => Ok(heading),
            Ok(heading) if heading.landline == FORMAT => {
                bail!(
                    "it has version {} of its form, and this program knows {VERSION}",
                    heading.version
                )
            }
            Ok(_) => bail!("this is no room that landline room export wrote"),
            Err(error) => bail!("this is no room that landline room export wrote: {error}"),
        }
    }

    /// The next event, and its line without the newline; `None` at the end.
    pub(super) fn event(&mut self) -> Result<Option<(RoomEvent, &[u8])>> {
        if !self.next_line()? {
            return Ok(None);
        }
        match serde_json::from_slice(&self.line) {
            Ok(event) => Ok(Some((event, &self.line))),
            Err(error) => bail!("line {} is no event: {error}", self.number),
        }
    }

    fn next_line(&mut self) -> Result<bool> {
        self.line.clear();
        self.number += 1;
        let mut limited = (&mut self.input).take(LINE_MAX as u64 + 1);
        if limited.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(false);
        }
        let is_whole = self.line.pop_if(|last| *last == b'\n').is_some();
        if !is_whole && self.line.len() > LINE_MAX {
            bail!("line {} is longer than {LINE_MAX} bytes", self.number);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_export_is_named_and_takes_no_memory() {
        let long = "x".repeat(10 * LINE_MAX);
        for (text, why) in [
            ("", "there is nothing in it"),
            ("{}", "this is no room"),
            ("\u{1b}[2J", "this is no room"),
            (long.as_str(), "line 1 is longer than"),
        ] {
            let mut reader = Reader::new(text.as_bytes());
            let error = reader.heading().unwrap_err().to_string();
            assert!(error.starts_with(why), "{error}");
            assert!(reader.line.len() <= LINE_MAX + 1);
        }
    }
}
