//! Protocols over a stream of bytes.

use std::time::Instant;

use crate::output::Output;

/// A protocol always leaves fewer bytes than these unconsumed, unless it says otherwise: 64 KiB.
pub const INPUT_MAX: usize = 64 * 1024;

/// One side of a conversation over a stream: a state machine without I/O, clock or threads.
///
/// Every call is short: slow work is an event given to [`Output::ask`], and its result comes back through
/// [`commanded`](Self::commanded).
pub trait StreamProtocol {
    /// What it tells its service, and what it asks for.
    type Event;
    /// What its service tells it, and the answers.
    type Command;

    /// The connection stands. Whoever speaks first speaks here.
    fn opened(&mut self, _out: &mut dyn Output<Self::Event>, _now: Instant) {}

    /// Bytes arrived. `input` holds all that has not been consumed yet, never nothing.
    ///
    /// Takes what is whole off the front, by moving the slice's start, and leaves the rest: it will be there again,
    /// with more behind it. Whoever takes everything treats each read as a message, as plain socket programs do.
    /// Called again at once while it takes something and something is left.
    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Self::Event>, now: Instant);

    /// The peer will send no more, and nothing asked is unanswered; `rest` is what was left unconsumed. Called again
    /// while it takes something off the front. Unless told otherwise, we finish too.
    fn peer_finished(&mut self, _rest: &mut &[u8], out: &mut dyn Output<Self::Event>, _now: Instant) {
        out.finish();
    }

    /// The service says something, or answers what was asked.
    fn commanded(&mut self, command: Self::Command, out: &mut dyn Output<Self::Event>, now: Instant);

    /// What was queued too much of has been sent, all but a quarter: whoever has more to say goes on.
    fn writable(&mut self, _out: &mut dyn Output<Self::Event>, _now: Instant) {}

    /// When [`deadline_reached`](Self::deadline_reached) wants to be called; `None` for never.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The deadline lies at or before `now`. It is asked for again afterwards.
    fn deadline_reached(&mut self, _out: &mut dyn Output<Self::Event>, _now: Instant) {}

    /// The server stops: come to an end soon. Unless told otherwise, at once.
    fn drain(&mut self, out: &mut dyn Output<Self::Event>, _now: Instant) {
        out.finish();
    }

    /// Whether the peer has shown that it means it. Until then the handshake's timeout is the one that counts.
    fn established(&self) -> bool {
        true
    }

    /// Whether bytes are welcome now. While they are not, nothing is read and [`received`](Self::received) is not
    /// called; the peer feels it as backpressure.
    fn wants_input(&self) -> bool {
        true
    }

    /// How many bytes are always enough to consume something: fewer than these may be left while more are waited for.
    /// A peer of whom so many wait has broken the protocol, and the connection is aborted.
    fn input_max(&self) -> usize {
        INPUT_MAX
    }
}
