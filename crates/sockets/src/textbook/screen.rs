//! What is shown of the peers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use landline_services::news::News;
use landline_wire::{Decoder, Encoding};

use super::Row;

/// Where servers show what happens. What peers said is text that the screen makes safe to show.
pub trait Screen: Send + Sync {
    /// A peer said something.
    fn said(&self, row: Row, peer: SocketAddr, text: &str);
    /// Something that an operator wants to read.
    fn note(&self, row: Row, peer: SocketAddr, note: &str);
    /// Something for the person who types.
    fn hint(&self, hint: &str);
    /// The program is about to end: waits, not for long, until what was told is shown.
    fn flush(&self);
}

/// Shows what peers say, each in its own stream of characters: one may be cut between two reads.
pub(super) fn shows(
    row: Row,
    encoding: Encoding,
    screen: Arc<dyn Screen>,
) -> impl FnMut(SocketAddr, News<'_>) + Send + 'static {
    let mut decoders: BTreeMap<SocketAddr, Decoder> = BTreeMap::new();
    move |peer, news| match news {
        News::Came => {
            decoders.insert(peer, Decoder::new(encoding));
        }
        News::Said(bytes) => {
            let decoder = decoders.entry(peer).or_insert_with(|| Decoder::new(encoding));
            screen.said(row, peer, &decoder.decode(bytes));
        }
        News::Left => {
            if let Some(mut decoder) = decoders.remove(&peer) {
                let rest = decoder.finish();
                if !rest.is_empty() {
                    screen.said(row, peer, &rest);
                }
            }
        }
    }
}
