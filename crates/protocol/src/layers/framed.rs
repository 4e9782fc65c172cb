//! Messages over a stream: a framing around a protocol.

use std::time::Instant;

use landline_wire::Framing;

use super::Layer;
use crate::output::{FileSlice, Output};
use crate::stream::StreamProtocol;

/// A framing around a protocol: each `received` of the inner one is one whole message, and each of its writes becomes
/// one frame. So what treats each read as a message without a framing treats each message as one with it.
///
/// A peer that breaks the framing is cut off: where its next message begins is not known.
#[derive(Debug)]
pub struct Framed<F, P> {
    framing: F,
    inner: P,
}

impl<F: Framing, P> Framed<F, P> {
    /// Puts `framing` around `inner`.
    pub fn new(framing: F, inner: P) -> Self {
        Self { framing, inner }
    }
}

impl<F: Framing, P: StreamProtocol> Layer for Framed<F, P> {
    type Inner = P;

    fn inner(&self) -> &P {
        &self.inner
    }

    fn inner_mut(&mut self) -> &mut P {
        &mut self.inner
    }

    fn reach(&mut self, out: &mut dyn Output<P::Event>, act: impl FnOnce(&mut P, &mut dyn Output<P::Event>)) {
        let Self { framing, inner } = self;
        act(inner, &mut Encoding { framing, out });
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<P::Event>, now: Instant) {
        match self.framing.decode(input) {
            Ok(Some(message)) => self.reach(out, |inner, out| inner.received(&mut &*message, out, now)),
            Ok(None) => {}
            Err(_) => out.abort("the peer broke the framing"),
        }
    }

    fn peer_finished(&mut self, rest: &mut &[u8], out: &mut dyn Output<P::Event>, now: Instant) {
        match self.framing.finish(rest) {
            Ok(Some(message)) => {
                *rest = &[];
                self.reach(out, |inner, out| inner.received(&mut &*message, out, now));
            }
            Ok(None) => self.reach(out, |inner, out| inner.peer_finished(&mut &[][..], out, now)),
            Err(_) => out.abort("the peer ended in the middle of a message"),
        }
    }

    fn input_max(&self) -> usize {
        self.framing.buffer_max().saturating_add(1)
    }
}

/// The output that the inner protocol sees.
struct Encoding<'a, F, E> {
    framing: &'a mut F,
    out: &'a mut dyn Output<E>,
}

impl<F: Framing, E> Output<E> for Encoding<'_, F, E> {
    fn write(&mut self, bytes: &[u8]) {
        let mut frame = Vec::with_capacity(bytes.len() + 16);
        match self.framing.encode(bytes, &mut frame) {
            Ok(()) => self.out.write(&frame),
            // Half an answer would be worse than none: the peer would take the next one for it.
            Err(_) => self.out.abort("an answer that the framing cannot carry"),
        }
    }

    fn send_file(&mut self, _file: FileSlice) {
        self.out.abort("a file inside a framing");
    }

    fn emit(&mut self, event: E) {
        self.out.emit(event);
    }

    fn ask(&mut self, event: E) {
        self.out.ask(event);
    }

    fn finish(&mut self) {
        self.out.finish();
    }

    fn abort(&mut self, reason: &'static str) {
        self.out.abort(reason);
    }

    fn is_full(&self) -> bool {
        self.out.is_full()
    }
}
