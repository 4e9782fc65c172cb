//! The client: puts one file, or gets one.

use std::time::Instant;

use landline_protocol::{FileSlice, Output, StreamProtocol};
use landline_wire::{FramingError, HeaderCodec};

use super::ReceiveEvent;
use super::file_name::FileName;
use super::header::{Header, HeaderError, Put, PutHeader, Written};
use super::incoming::{Incoming, Progress};
use super::note::Note;
use super::work::{BLOCK_MAX, FileAnswer};

/// One file to or from a server, then the end.
///
/// Of a `get`, the last [`Note`] says how it went: [`Note::Stored`], or why not. A `put` is told nothing by its server:
/// it went well where the connection ended in order and no note was told.
#[derive(Debug)]
pub struct ReceiveClient {
    codec: HeaderCodec,
    state: State,
}

#[derive(Debug)]
enum State {
    /// To be sent once the connection stands.
    Putting { header: Vec<u8>, file: FileSlice },
    /// To be asked for once the connection stands.
    Getting { header: Vec<u8>, name: FileName },
    /// The answer's header is awaited.
    Asked(FileName),
    /// The file comes in.
    Incoming(Incoming),
    /// Nothing more is to come.
    Done,
}

impl ReceiveClient {
    /// Sends `file` under this name. Header B carries the MD5 of exactly the bytes of `file`, so whoever calls reads
    /// them first, through [`ContentMd5`](super::ContentMd5).
    ///
    /// # Errors
    /// The header has no form on the wire.
    pub fn put(name: &FileName, kind: PutHeader, file: FileSlice) -> Result<Self, FramingError> {
        let codec = HeaderCodec::default();
        let header = Written::put(name, file.length, kind).encode(&codec)?;
        Ok(Self {
            codec,
            state: State::Putting { header, file },
        })
    }

    /// Asks for the file of this name. It is stored under this name too, whatever the server calls it.
    ///
    /// # Errors
    /// The header has no form on the wire.
    pub fn get(name: FileName) -> Result<Self, FramingError> {
        let codec = HeaderCodec::default();
        let header = Written::get(&name).encode(&codec)?;
        Ok(Self {
            codec,
            state: State::Getting { header, name },
        })
    }

    fn header(&mut self, asked: FileName, header: Header, out: &mut dyn Output<ReceiveEvent>) {
        match header {
            Header::Put(put) => {
                self.state = State::Incoming(Incoming::begin(Put { name: asked, ..put }, out));
                return;
            }
            Header::Error(words) => out.emit(ReceiveEvent::Note(Note::Refused(words))),
            Header::Get(_) => out.emit(ReceiveEvent::Note(Note::UnknownCommand("get".to_owned()))),
            Header::Unknown(cmd) => out.emit(ReceiveEvent::Note(Note::UnknownCommand(cmd))),
        }
        self.end(out);
    }

    fn end(&mut self, out: &mut dyn Output<ReceiveEvent>) {
        self.state = State::Done;
        out.finish();
    }
}

impl StreamProtocol for ReceiveClient {
    type Event = ReceiveEvent;
    type Command = FileAnswer;

    fn opened(&mut self, out: &mut dyn Output<ReceiveEvent>, _now: Instant) {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Putting { header, file } => {
                out.write(&header);
                out.send_file(file);
                out.finish();
            }
            State::Getting { header, name } => {
                out.write(&header);
                self.state = State::Asked(name);
            }
            other => self.state = other,
        }
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<ReceiveEvent>, _now: Instant) {
        match &mut self.state {
            State::Asked(name) => {
                let name = name.clone();
                match Header::decode(&self.codec, input) {
                    Ok(Some(header)) => self.header(name, header, out),
                    Ok(None) => {}
                    Err(error) => {
                        out.emit(ReceiveEvent::Note(Note::BadHeader(error)));
                        out.abort("a header that leads nowhere");
                    }
                }
            }
            State::Incoming(incoming) => incoming.received(input, out),
            State::Putting { .. } | State::Getting { .. } | State::Done => *input = &[],
        }
    }

    fn peer_finished(&mut self, _rest: &mut &[u8], out: &mut dyn Output<ReceiveEvent>, _now: Instant) {
        match &self.state {
            State::Asked(_) => {
                let error = HeaderError::Framing(FramingError::Truncated);
                out.emit(ReceiveEvent::Note(Note::BadHeader(error)));
            }
            State::Incoming(incoming) => out.emit(ReceiveEvent::Note(incoming.incomplete())),
            State::Putting { .. } | State::Getting { .. } | State::Done => {}
        }
        self.end(out);
    }

    fn commanded(&mut self, answer: FileAnswer, out: &mut dyn Output<ReceiveEvent>, _now: Instant) {
        let State::Incoming(incoming) = &mut self.state else {
            return;
        };
        match incoming.answered(&answer, out) {
            Progress::Continues => {}
            Progress::Stored | Progress::Rejected => self.end(out),
            Progress::Failed => out.abort("the file cannot be stored"),
        }
    }

    fn wants_input(&self) -> bool {
        match &self.state {
            State::Incoming(incoming) => incoming.wants_input(),
            _ => true,
        }
    }

    fn input_max(&self) -> usize {
        self.codec.buffer_max().max(BLOCK_MAX) + 1
    }
}
