//! A request's body in blocks.

use crate::doors::share::next_frame;
use crate::doors::share::reply::Failure;
use bytes::{Buf as _, Bytes};
use hyper::StatusCode;
use hyper::body::Incoming;
use landline_model::blocks::BLOCK_BYTES;

/// What arrives.
pub(super) struct Arrival<'a> {
    body: &'a mut Incoming,
    /// What came with the block before it and belongs to the next.
    rest: Bytes,
}

impl<'a> Arrival<'a> {
    pub(super) fn new(body: &'a mut Incoming) -> Self {
        Self {
            body,
            rest: Bytes::new(),
        }
    }

    /// The next block: [`BLOCK_BYTES`], or fewer at the end; none behind it.
    ///
    /// It may be dropped only together with the whole: what has arrived of a block goes with it.
    pub(super) async fn block(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        // It grows with what arrives, never with what was announced.
        let mut block = Vec::new();
        loop {
            let fitting = self.rest.len().min(BLOCK_BYTES - block.len());
            block.extend_from_slice(&self.rest[..fitting]);
            self.rest.advance(fitting);
            if block.len() == BLOCK_BYTES {
                return Ok(Some(block));
            }
            match next_frame(self.body).await {
                // What is no data are trailers; nobody asked for any.
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                Some(Err(_)) => {
                    return Err(Failure::new(
                        StatusCode::BAD_REQUEST,
                        "the file did not arrive whole",
                    ));
                }
                None => return Ok(Some(block).filter(|block| !block.is_empty())),
            }
        }
    }
}
