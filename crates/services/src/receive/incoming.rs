//! One file on its way in: the same for a server that is sent one and a client that asked for one.

use landline_protocol::Output;

use super::ReceiveEvent;
use super::content_md5::{ContentMd5, Md5Digest};
use super::file_name::FileName;
use super::header::Put;
use super::note::Note;
use super::work::{BLOCK_MAX, FileAnswer, FileWork};

/// A file whose header was read.
#[derive(Debug)]
pub(super) struct Incoming {
    name: FileName,
    /// In bytes.
    size: u64,
    /// Bytes of the content that were not taken yet.
    remaining: u64,
    /// What the content must hash to, and its hash so far.
    check: Option<(Md5Digest, ContentMd5)>,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The worker makes the file, or writes a block.
    Writing,
    /// Content is awaited.
    Content,
    /// The worker gives the file its name.
    Finishing,
    /// The worker removes the file.
    Abandoning,
}

/// What an answer of the worker led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is more to come.
    Continues,
    /// The file has its name.
    Stored,
    /// The content was not what it should be, and is gone. The stream goes on behind it.
    Rejected,
    /// The file could not be stored, and the rest of its content lies in the way.
    Failed,
}

impl Incoming {
    /// Asks for the file to be made.
    pub(super) fn begin(put: Put, out: &mut dyn Output<ReceiveEvent>) -> Self {
        let Put { name, size, md5 } = put;
        out.ask(ReceiveEvent::Work(FileWork::Open {
            name: name.clone(),
            size,
        }));
        let check = md5.map(|expected| (expected, ContentMd5::default()));
        Self {
            name,
            size,
            remaining: size,
            check,
            step: Step::Writing,
        }
    }

    pub(super) fn wants_input(&self) -> bool {
        self.step == Step::Content
    }

    /// Takes one block, once it is there: less than [`BLOCK_MAX`] only where the content ends.
    pub(super) fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<ReceiveEvent>) {
        let length = usize::try_from(self.remaining)
            .unwrap_or(BLOCK_MAX)
            .min(BLOCK_MAX);
        if self.step != Step::Content || input.len() < length {
            return;
        }
        let (block, rest) = input.split_at(length);
        *input = rest;
        self.remaining -= length as u64;
        if let Some((_, content)) = &mut self.check {
            content.update(block);
        }
        self.step = Step::Writing;
        out.ask(ReceiveEvent::Work(FileWork::Block(block.to_vec())));
    }

    /// The worker answers.
    pub(super) fn answered(&mut self, answer: &FileAnswer, out: &mut dyn Output<ReceiveEvent>) -> Progress {
        if let FileAnswer::Failed(failure) = answer {
            let note = Note::Failed {
                name: self.name.clone(),
                failure: *failure,
            };
            out.emit(ReceiveEvent::Note(note));
            return Progress::Failed;
        }
        match self.step {
            Step::Writing if self.remaining > 0 => self.step = Step::Content,
            Step::Writing => self.conclude(out),
            Step::Content => {}
            Step::Finishing => {
                let note = Note::Stored {
                    name: self.name.clone(),
                    size: self.size,
                };
                out.emit(ReceiveEvent::Note(note));
                return Progress::Stored;
            }
            Step::Abandoning => return Progress::Rejected,
        }
        Progress::Continues
    }

    /// The note of a peer that ended, or broke off, here.
    pub(super) fn incomplete(&self) -> Note {
        Note::Incomplete {
            name: self.name.clone(),
            size: self.size,
        }
    }

    /// Everything is there: it is published only if it is what it should be.
    fn conclude(&mut self, out: &mut dyn Output<ReceiveEvent>) {
        let digests = self
            .check
            .take()
            .map(|(expected, content)| (expected, content.finish()));
        match digests {
            Some((expected, actual)) if expected != actual => {
                self.step = Step::Abandoning;
                let note = Note::Corrupt {
                    name: self.name.clone(),
                    expected,
                    actual,
                };
                out.emit(ReceiveEvent::Note(note));
                out.ask(ReceiveEvent::Work(FileWork::Abandon));
            }
            _ => {
                self.step = Step::Finishing;
                out.ask(ReceiveEvent::Work(FileWork::Finish));
            }
        }
    }
}
