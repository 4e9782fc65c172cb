//! One client of the server.

use std::time::Instant;

use landline_protocol::{FileSlice, Output, StreamProtocol};
use landline_wire::{FramingError, HeaderCodec};

use super::ReceiveEvent;
use super::file_name::FileName;
use super::header::{Header, HeaderError, PutHeader, Written};
use super::incoming::{Incoming, Progress};
use super::note::Note;
use super::work::{BLOCK_MAX, FileAnswer, FileWork};

/// The server's side of a connection: headers and files, one behind the other, until the client ends it.
#[derive(Debug, Default)]
pub struct ReceiveConnection {
    codec: HeaderCodec,
    state: State,
    /// Whether the service knows that a part of a header is there.
    has_begun: bool,
    /// Whether the server stops: what is under way is the last.
    drains: bool,
}

#[derive(Debug, Default)]
enum State {
    /// A header is awaited.
    #[default]
    Header,
    /// A file comes in.
    Incoming(Incoming),
    /// The worker looks for a file.
    Finding(FileName),
}

impl ReceiveConnection {
    fn header(&mut self, header: Header, out: &mut dyn Output<ReceiveEvent>) {
        self.has_begun = false;
        match header {
            Header::Put(put) => self.state = State::Incoming(Incoming::begin(put, out)),
            Header::Get(Ok(name)) => {
                out.ask(ReceiveEvent::Work(FileWork::Find(name.clone())));
                self.state = State::Finding(name);
            }
            Header::Get(Err(error)) => {
                out.emit(ReceiveEvent::Note(Note::BadName(error)));
                self.write(&Written::error(&error.to_string()), out);
            }
            Header::Error(words) => {
                out.emit(ReceiveEvent::Note(Note::Refused(words)));
                out.finish();
            }
            Header::Unknown(cmd) => {
                out.emit(ReceiveEvent::Note(Note::UnknownCommand(cmd)));
                self.write(
                    &Written::error("an unknown cmd: this server knows put and get"),
                    out,
                );
                out.finish();
            }
        }
    }

    /// The worker's answer to a `get`.
    fn found(&mut self, name: FileName, answer: FileAnswer, out: &mut dyn Output<ReceiveEvent>) {
        match answer {
            FileAnswer::Found { file, length } => {
                self.write(&Written::put(&name, length, PutHeader::A), out);
                out.send_file(FileSlice {
                    file,
                    offset: 0,
                    length,
                });
                out.emit(ReceiveEvent::Note(Note::Sending { name, size: length }));
            }
            FileAnswer::Failed(failure) => {
                self.write(&Written::error(&failure.to_string()), out);
                out.emit(ReceiveEvent::Note(Note::NotSent { name, failure }));
            }
            FileAnswer::Done => out.abort("an answer to something else"),
        }
    }

    fn write(&self, header: &Written<'_>, out: &mut dyn Output<ReceiveEvent>) {
        match header.encode(&self.codec) {
            Ok(bytes) => out.write(&bytes),
            Err(_) => out.abort("a header that cannot be written"),
        }
    }

    /// Something is done, and the next header may come.
    fn next(&mut self, out: &mut dyn Output<ReceiveEvent>) {
        self.state = State::Header;
        if self.drains {
            out.finish();
        }
    }
}

impl StreamProtocol for ReceiveConnection {
    type Event = ReceiveEvent;
    type Command = FileAnswer;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<ReceiveEvent>, _now: Instant) {
        match &mut self.state {
            State::Header => match Header::decode(&self.codec, input) {
                Ok(Some(header)) => self.header(header, out),
                Ok(None) if self.has_begun => {}
                Ok(None) => {
                    self.has_begun = true;
                    out.emit(ReceiveEvent::HeaderBegun);
                }
                Err(error) => break_off(error, out),
            },
            State::Incoming(incoming) => incoming.received(input, out),
            State::Finding(_) => {}
        }
    }

    fn peer_finished(&mut self, rest: &mut &[u8], out: &mut dyn Output<ReceiveEvent>, _now: Instant) {
        // A file that is not whole is the service's to abandon, as after any other end.
        if matches!(self.state, State::Header) && !rest.is_empty() {
            let error = HeaderError::Framing(FramingError::Truncated);
            out.emit(ReceiveEvent::Note(Note::BadHeader(error)));
        }
        out.finish();
    }

    fn commanded(&mut self, answer: FileAnswer, out: &mut dyn Output<ReceiveEvent>, _now: Instant) {
        match &mut self.state {
            State::Incoming(incoming) => match incoming.answered(&answer, out) {
                Progress::Continues => {}
                Progress::Stored | Progress::Rejected => self.next(out),
                Progress::Failed => out.abort("a file that cannot be stored"),
            },
            State::Finding(name) => {
                let name = name.clone();
                self.found(name, answer, out);
                self.next(out);
            }
            State::Header => out.abort("an answer to nothing"),
        }
    }

    fn drain(&mut self, out: &mut dyn Output<ReceiveEvent>, _now: Instant) {
        self.drains = true;
        if matches!(self.state, State::Header) {
            out.finish();
        }
    }

    fn wants_input(&self) -> bool {
        match &self.state {
            State::Header => true,
            State::Incoming(incoming) => incoming.wants_input(),
            State::Finding(_) => false,
        }
    }

    fn input_max(&self) -> usize {
        self.codec.buffer_max().max(BLOCK_MAX) + 1
    }
}

fn break_off(error: HeaderError, out: &mut dyn Output<ReceiveEvent>) {
    out.emit(ReceiveEvent::Note(Note::BadHeader(error)));
    out.abort("a header that leads nowhere");
}
