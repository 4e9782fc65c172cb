//! What a client has yet to say.

use std::collections::VecDeque;

use landline_protocol::Output;

/// Texts in their order; none is empty, because an empty one is not a read of its own.
#[derive(Debug, Default)]
pub(crate) struct Unsaid(VecDeque<Vec<u8>>);

impl Unsaid {
    pub(crate) fn new(texts: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(texts.into_iter().filter(|text| !text.is_empty()).collect())
    }

    /// One more, behind the others.
    pub(crate) fn push(&mut self, text: Vec<u8>) {
        if !text.is_empty() {
            self.0.push_back(text);
        }
    }

    /// The next one.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        self.0.pop_front()
    }

    /// Ends where the server has ended: in order if there is nothing more to say.
    pub(crate) fn end(&self, out: &mut dyn Output<Vec<u8>>) {
        if self.0.is_empty() {
            out.finish();
        } else {
            out.abort("the server ended before everything was said");
        }
    }
}
