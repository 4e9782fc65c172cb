//! The content of one file: what is synced of it, and what has happened to it since.

use crate::luck::Luck;
use std::ffi::OsString;

/// What a disk writes at once or not at all.
const SECTOR: u64 = 512;

/// A file of the disk.
pub(super) struct File {
    /// The name with which it was made.
    pub(super) first_name: OsString,
    synced: Vec<u8>,
    pub(super) current: Vec<u8>,
    /// What has happened to it since `synced`, oldest first, with the line on which it returned.
    pending: Vec<(usize, Change)>,
}

/// One thing that happens to a file's content.
pub(super) enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Length(u64),
}

impl File {
    /// An empty one, of which nothing is synced but that it is empty.
    pub(super) fn new(first_name: OsString) -> Self {
        Self {
            first_name,
            synced: Vec::new(),
            current: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// What a call did that returned on the line `exited`.
    pub(super) fn change(&mut self, exited: usize, change: Change) {
        change.apply(&mut self.current);
        self.pending.push((exited, change));
    }

    /// A sync that began on the line `entered`: what had returned before is durable.
    pub(super) fn sync(&mut self, entered: usize) {
        let covered = self.pending.partition_point(|(exited, _)| *exited < entered);
        for (_, change) in self.pending.drain(..covered) {
            change.apply(&mut self.synced);
        }
    }

    pub(super) fn is_synced(&self) -> bool {
        self.pending.is_empty()
    }

    /// What a crash leaves of it.
    pub(super) fn surviving_content(&self, luck: &mut Luck) -> Vec<u8> {
        let mut content = self.synced.clone();
        for (_, change) in &self.pending {
            match change {
                Change::Length(_) if luck.has_it() => change.apply(&mut content),
                Change::Length(_) => {}
                Change::Write { offset, bytes } => {
                    for (offset, bytes) in sectors(*offset, bytes) {
                        if luck.has_it() {
                            Change::Write {
                                offset,
                                bytes: bytes.to_vec(),
                            }
                            .apply(&mut content);
                        }
                    }
                }
            }
        }
        content
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        let index = |offset: u64| usize::try_from(offset).expect("a file that fits into memory");
        match self {
            Self::Length(length) => content.resize(index(*length), 0),
            Self::Write { offset, bytes } => {
                let (start, end) = (index(*offset), index(*offset) + bytes.len());
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[start..end].copy_from_slice(bytes);
            }
        }
    }
}

/// A write in the pieces that a disk writes at once.
fn sectors(offset: u64, bytes: &[u8]) -> Vec<(u64, &[u8])> {
    let mut pieces = Vec::new();
    let (mut at, mut rest) = (offset, bytes);
    while !rest.is_empty() {
        let room = usize::try_from(SECTOR - at % SECTOR)
            .expect("small")
            .min(rest.len());
        let (piece, behind) = rest.split_at(room);
        pieces.push((at, piece));
        at += room as u64;
        rest = behind;
    }
    pieces
}
