//! The client of every TCP service of commands but exec-reverse.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use landline_protocol::{Output, StreamProtocol};
use landline_wire::{HeaderCodec, LengthField, SizedReceiver};

use super::ANSWER_MAX;
use super::intake::{may_become_refusal, refusal};

/// What the server's answers look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `exec`: bytes, until none come for a while. What prints nothing is answered with none.
    Plain,
    /// `exec-done`: the same, but there is always an answer.
    Done,
    /// `exec-struct`: a length of 4 bytes, then so many.
    Struct,
    /// `exec-header`: a length, a JSON header with `data_size`, then so many bytes.
    Header,
    /// `exec-sized`: a length in digits, to be acknowledged, then so many bytes.
    Sized,
}

/// How long a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For an answer to begin, and for the next piece of one that says how long it is. 10 s.
    pub answer: Duration,
    /// For more of an answer that does not say how long it is. 300 ms.
    pub quiet: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(10),
            quiet: Duration::from_millis(300),
        }
    }
}

/// What a client tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// The next piece of an answer.
    Output(Vec<u8>),
    /// The answer is whole, or, where it does not say how long it is, seems to be: nothing more came. So many bytes it
    /// was. None where a command printed nothing: of [`Form::Plain`] also where no answer came in time, which looks the
    /// same.
    Answered(u64),
}

/// Sends its commands one after another, each when the one before is answered, and ends after the last. It breaks off
/// where the server ends before an answer is whole, or answers that it does not run the command.
#[derive(Debug)]
pub struct ExecClient {
    reader: Reader,
    /// Whether silence may be the answer of a command that prints nothing.
    may_be_silent: bool,
    patience: Patience,
    commands: VecDeque<Vec<u8>>,
    /// Whether the connection ends with the last command. Not so where they are given one by one.
    ends: bool,
    /// Bytes of the answer that came so far.
    received: u64,
    /// The answer's beginning, held back while it may become a refusal. `None` once it is something else.
    beginning: Option<Vec<u8>>,
    /// When waiting is over; `None` while nothing is awaited.
    deadline: Option<Instant>,
}

/// Where in an answer we are.
#[derive(Debug)]
enum Reader {
    Plain,
    Struct(Option<u64>),
    Header(Option<u64>),
    Sized(SizedReceiver),
}

impl ExecClient {
    /// A client for `commands`. Where there are none it stays, and sends what it is commanded.
    #[must_use]
    pub fn new(form: Form, commands: impl IntoIterator<Item = Vec<u8>>, patience: Patience) -> Self {
        let commands: VecDeque<_> = commands.into_iter().collect();
        let reader = match form {
            Form::Plain | Form::Done => Reader::Plain,
            Form::Struct => Reader::Struct(None),
            Form::Header => Reader::Header(None),
            Form::Sized => Reader::Sized(sized_receiver()),
        };
        let ends = !commands.is_empty();
        Self {
            reader,
            may_be_silent: form == Form::Plain,
            patience,
            commands,
            ends,
            received: 0,
            beginning: None,
            deadline: None,
        }
    }

    /// Sends the next command, where none is under way.
    fn next(&mut self, out: &mut dyn Output<ClientEvent>, now: Instant) {
        if self.deadline.is_some() {
            return;
        }
        if let Some(command) = self.commands.pop_front() {
            out.write(&command);
            self.received = 0;
            self.beginning = Some(Vec::new());
            self.deadline = Some(now + self.patience.answer);
        } else if self.ends {
            out.finish();
        }
    }

    fn answered(&mut self, out: &mut dyn Output<ClientEvent>, now: Instant) {
        self.deadline = None;
        if let Some(refusal) = self.beginning.as_deref().and_then(refusal) {
            return out.abort(refusal);
        }
        self.show_beginning(out);
        out.emit(ClientEvent::Answered(self.received));
        self.next(out, now);
    }

    fn output(&mut self, piece: &[u8], out: &mut dyn Output<ClientEvent>) {
        if !piece.is_empty() {
            self.received += piece.len() as u64;
            match &mut self.beginning {
                None => out.emit(ClientEvent::Output(piece.to_vec())),
                Some(beginning) => {
                    beginning.extend_from_slice(piece);
                    if !may_become_refusal(beginning) {
                        self.show_beginning(out);
                    }
                }
            }
        }
    }

    /// Shows what was held back.
    fn show_beginning(&mut self, out: &mut dyn Output<ClientEvent>) {
        if let Some(beginning) = self.beginning.take().filter(|beginning| !beginning.is_empty()) {
            out.emit(ClientEvent::Output(beginning));
        }
    }

    /// Shows what came of an answer that is not whole, and breaks off.
    fn give_up(&mut self, why: &'static str, out: &mut dyn Output<ClientEvent>) {
        self.show_beginning(out);
        out.abort(why);
    }

    /// Takes the bytes of an answer of which `left` are still to come; what is left then.
    fn counted(&mut self, left: u64, input: &mut &[u8], out: &mut dyn Output<ClientEvent>) -> u64 {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let (piece, rest) = input.split_at(taken);
        *input = rest;
        self.output(piece, out);
        left - taken as u64
    }

    /// Reads what has arrived: whether the answer is whole; `Err` where the server broke the form.
    fn read(&mut self, input: &mut &[u8], out: &mut dyn Output<ClientEvent>) -> Result<bool, ()> {
        let left = match &mut self.reader {
            Reader::Plain => {
                self.output(std::mem::take(input), out);
                return Ok(false);
            }
            Reader::Sized(receiver) => {
                let mut acknowledgement = Vec::new();
                let body = receiver.received(input, &mut acknowledgement).map_err(drop)?;
                if !acknowledgement.is_empty() {
                    out.write(&acknowledgement);
                }
                if let Some(body) = &body {
                    self.output(body, out);
                }
                return Ok(body.is_some());
            }
            Reader::Struct(Some(left)) | Reader::Header(Some(left)) => *left,
            Reader::Struct(None) => match read_length(input)? {
                Some(length) => length,
                None => return Ok(false),
            },
            Reader::Header(None) => match HeaderCodec::default().decode(input).map_err(drop)? {
                Some(header) => header.size("data_size").map_err(drop)?,
                None => return Ok(false),
            },
        };
        let left = self.counted(left, input, out);
        if let Reader::Struct(state) | Reader::Header(state) = &mut self.reader {
            *state = (left > 0).then_some(left);
        }
        Ok(left == 0)
    }
}

fn read_length(input: &mut &[u8]) -> Result<Option<u64>, ()> {
    let field = LengthField::PYTHON_I;
    let Some(length) = field.read(input, field.max()).map_err(drop)? else {
        return Ok(None);
    };
    *input = &input[field.size()..];
    Ok(Some(length as u64))
}

/// Takes a length and then the body, of at most [`ANSWER_MAX`] bytes.
pub(super) fn sized_receiver() -> SizedReceiver {
    SizedReceiver::new(&b"get number"[..], ANSWER_MAX)
        .expect("an acknowledgement of 10 bytes is short enough")
}

impl StreamProtocol for ExecClient {
    type Event = ClientEvent;
    type Command = Vec<u8>;

    fn opened(&mut self, out: &mut dyn Output<ClientEvent>, now: Instant) {
        self.next(out, now);
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<ClientEvent>, now: Instant) {
        if self.deadline.is_none() {
            return out.abort("the server speaks without being asked");
        }
        match self.read(input, out) {
            Ok(true) => self.answered(out, now),
            Ok(false) if matches!(self.reader, Reader::Plain) => {
                self.deadline = Some(now + self.patience.quiet);
            }
            Ok(false) => self.deadline = Some(now + self.patience.answer),
            Err(()) => self.give_up("the server's answer does not have the form of this service", out),
        }
    }

    fn peer_finished(&mut self, rest: &mut &[u8], out: &mut dyn Output<ClientEvent>, now: Instant) {
        let seems_whole = matches!(self.reader, Reader::Plain) && rest.is_empty() && self.received > 0;
        if self.deadline.is_some() && !seems_whole {
            return self.give_up("the server closed before the answer was whole", out);
        }
        let is_last = self.commands.is_empty();
        if self.deadline.is_some() {
            self.commands.clear();
            self.ends = true;
            self.answered(out, now);
        }
        if is_last {
            out.finish()
        } else {
            out.abort("the server closed before the last command")
        }
    }

    fn commanded(&mut self, command: Vec<u8>, out: &mut dyn Output<ClientEvent>, now: Instant) {
        self.commands.push_back(command);
        self.next(out, now);
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn deadline_reached(&mut self, out: &mut dyn Output<ClientEvent>, now: Instant) {
        let seems_whole = matches!(self.reader, Reader::Plain) && (self.received > 0 || self.may_be_silent);
        if seems_whole {
            self.answered(out, now);
        } else {
            self.give_up("the server did not answer in time", out);
        }
    }

    fn input_max(&self) -> usize {
        match &self.reader {
            Reader::Sized(receiver) => receiver.buffer_max().saturating_add(1),
            Reader::Header(_) => HeaderCodec::default().buffer_max().saturating_add(1),
            Reader::Plain | Reader::Struct(_) => landline_protocol::stream::INPUT_MAX,
        }
    }
}
