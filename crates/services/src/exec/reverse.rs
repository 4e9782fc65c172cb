//! exec-reverse: the server sends commands, the client runs them. Text is in one encoding, usually GBK, both ways.

use std::collections::VecDeque;
use std::time::Instant;

use landline_protocol::{Output, StreamProtocol};
use landline_wire::encoding::UnmappableCharacter;
use landline_wire::{Decoder, Encoding, SizedReceiver, SizedSender};

use super::client::sized_receiver;
use super::intake::{Intake, Verdict, without_newline};
use super::outcome::{Outcome, Run};

/// The command that ends the conversation and is not run.
const QUIT: &str = "q";

/// What the server does when its commands are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// Says `q` and closes.
    Quit,
    /// Waits for orders.
    Wait,
}

/// What the server is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Have this run, behind what waits already. `q` is the same as [`Order::Quit`].
    Run(String),
    /// Say `q` once what waits is answered, and close.
    Quit,
}

/// What the server tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReverseEvent {
    /// A command's answer: stdout, then stderr.
    Answered {
        /// The command.
        command: String,
        /// U+FFFD stands for what is malformed.
        output: String,
    },
    /// A command was not sent: the encoding lacks a character of it.
    Refused(UnmappableCharacter),
}

/// One connection of the server. It speaks first, and sends a command when the one before is answered.
#[derive(Debug)]
pub struct ReverseServer {
    encoding: Encoding,
    orders: VecDeque<Order>,
    at_end: AtEnd,
    /// The command that is under way.
    command: Option<String>,
    receiver: SizedReceiver,
}

impl ReverseServer {
    /// A server with these commands.
    #[must_use]
    pub fn new(commands: impl IntoIterator<Item = String>, at_end: AtEnd, encoding: Encoding) -> Self {
        let orders = commands.into_iter().map(Order::Run).collect();
        Self {
            encoding,
            orders,
            at_end,
            command: None,
            receiver: sized_receiver(),
        }
    }

    /// Goes on to the next command, where none is under way.
    fn next(&mut self, out: &mut dyn Output<ReverseEvent>) {
        while self.command.is_none() {
            match self.orders.pop_front() {
                Some(Order::Run(command)) if command != QUIT => self.send(command, out),
                None if self.at_end == AtEnd::Wait => return,
                Some(_) | None => {
                    out.write(QUIT.as_bytes());
                    return out.finish();
                }
            }
        }
    }

    fn send(&mut self, command: String, out: &mut dyn Output<ReverseEvent>) {
        match self.encoding.encode(&command) {
            // Nothing would travel, and both sides would wait for ever.
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => {
                out.write(&bytes);
                self.command = Some(command);
            }
            Err(unmappable) => out.emit(ReverseEvent::Refused(unmappable)),
        }
    }
}

impl StreamProtocol for ReverseServer {
    type Event = ReverseEvent;
    type Command = Order;

    fn opened(&mut self, out: &mut dyn Output<ReverseEvent>, _now: Instant) {
        self.next(out);
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<ReverseEvent>, _now: Instant) {
        if self.command.is_none() {
            return out.abort("the client speaks without being asked");
        }
        let mut acknowledgement = Vec::new();
        let body = self.receiver.received(input, &mut acknowledgement);
        if !acknowledgement.is_empty() {
            out.write(&acknowledgement);
        }
        match body {
            Ok(None) => {}
            Ok(Some(body)) => {
                let mut decoder = Decoder::new(self.encoding);
                let output = decoder.decode(&body) + &decoder.finish();
                if let Some(command) = self.command.take() {
                    out.emit(ReverseEvent::Answered { command, output });
                }
                self.next(out);
            }
            Err(_) => out.abort("the client sent something else than a length"),
        }
    }

    fn peer_finished(&mut self, _rest: &mut &[u8], out: &mut dyn Output<ReverseEvent>, _now: Instant) {
        if self.command.is_some() {
            out.abort("the client closed before its answer was whole");
        } else {
            out.finish();
        }
    }

    fn commanded(&mut self, order: Order, out: &mut dyn Output<ReverseEvent>, _now: Instant) {
        self.orders.push_back(order);
        self.next(out);
    }

    fn drain(&mut self, out: &mut dyn Output<ReverseEvent>, _now: Instant) {
        self.orders.clear();
        self.at_end = AtEnd::Quit;
        self.next(out);
    }

    fn input_max(&self) -> usize {
        self.receiver.buffer_max().saturating_add(1)
    }
}

/// The client: each read is a command. It asks for it to be run, and answers with a length, then stdout and stderr.
#[derive(Debug)]
pub struct ReverseClient {
    encoding: Encoding,
    decoder: Decoder,
    intake: Intake,
    sender: SizedSender,
    /// Whether a command runs.
    is_running: bool,
}

impl ReverseClient {
    /// A client that runs commands only where `is_allowed`, and otherwise says that they are off.
    #[must_use]
    pub fn new(is_allowed: bool, encoding: Encoding) -> Self {
        Self {
            encoding,
            decoder: Decoder::new(encoding),
            intake: Intake::new(is_allowed),
            sender: SizedSender::default(),
            is_running: false,
        }
    }

    fn announce(&mut self, outcome: &Outcome, out: &mut dyn Output<Run>) {
        let (body, stderr) = (
            transcoded(&outcome.stdout, self.encoding),
            transcoded(&outcome.errors(), self.encoding),
        );
        let mut bytes = Vec::new();
        self.sender.send([body, stderr].concat(), &mut bytes);
        out.write(&bytes);
    }
}

impl StreamProtocol for ReverseClient {
    type Event = Run;
    type Command = Outcome;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Run>, _now: Instant) {
        let mut body = Vec::new();
        let read = self.sender.received(std::mem::take(input), &mut body);
        if !body.is_empty() {
            out.write(&body);
        }
        if read.is_empty() {
            return;
        }
        let command = self.decoder.decode(read);
        if without_newline(command.as_bytes()) == QUIT.as_bytes() {
            return out.finish();
        }
        match self.intake.judge(command.as_bytes(), false) {
            Verdict::Run(run) => {
                self.is_running = true;
                out.ask(run);
            }
            Verdict::Refuse(outcome) => self.announce(&outcome, out),
            Verdict::Close => out.finish(),
        }
    }

    fn peer_finished(&mut self, _rest: &mut &[u8], out: &mut dyn Output<Run>, _now: Instant) {
        if self.sender.is_waiting() {
            out.abort("the server ended before it had taken the answer");
        } else {
            out.finish();
        }
    }

    fn commanded(&mut self, outcome: Outcome, out: &mut dyn Output<Run>, _now: Instant) {
        self.is_running = false;
        self.announce(&outcome, out);
    }

    fn wants_input(&self) -> bool {
        !self.is_running
    }
}

/// What a command printed, from UTF-8 to `encoding`. A program prints what it likes, so a character that the encoding
/// lacks becomes `?`, and the first of them is named in a line at the end.
#[must_use]
pub fn transcoded(text: &[u8], encoding: Encoding) -> Vec<u8> {
    if encoding == Encoding::Utf8 {
        return text.to_vec();
    }
    let text = String::from_utf8_lossy(text);
    let unmappable = match encoding.encode(&text) {
        Ok(bytes) => return bytes,
        Err(unmappable) => u32::from(unmappable.character),
    };
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        let encoded = encoding.encode(character.encode_utf8(&mut [0; 4]));
        bytes.extend_from_slice(encoded.as_deref().unwrap_or(b"?"));
    }
    let note = format!("\n{encoding} has no character U+{unmappable:04X}: it is shown as ?\n");
    bytes.extend_from_slice(note.as_bytes());
    bytes
}
