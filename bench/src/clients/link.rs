//! A connection under load, and what is said on it.

use super::stamped::Stamps;
use anyhow::{Result, bail};
use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// How much one read may take at most: as much as a fast sender leaves in a socket.
const READ_BYTES: usize = 64 * 1024;

/// A byte stream, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// A connection with what came and has not been understood yet, and what has not been sent yet.
pub(crate) struct Link {
    stream: Box<dyn Stream>,
    /// When what came last had come.
    pub(crate) stamps: Stamps,
    pub(crate) input: BytesMut,
    pub(crate) out: BytesMut,
}

/// What one protocol says once a connection is set up.
pub(crate) trait Dialect {
    /// Appends the next message to `out`.
    fn say(&mut self, out: &mut BytesMut) -> Result<()>;

    /// Takes what is whole off the front of `input` and counts what was waited for: messages where this one reads,
    /// acknowledgements where it sends. Appends to `out` what the server must be answered.
    fn hear(&mut self, input: &mut BytesMut, out: &mut BytesMut) -> Result<u64>;
}

impl Link {
    /// `stamps` are those of the TCP stream below.
    pub(crate) fn new(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, stamps: Stamps) -> Self {
        Self {
            stream: Box::new(stream),
            stamps,
            input: BytesMut::new(),
            out: BytesMut::new(),
        }
    }

    /// Sends everything in `out`.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        if self.out.has_remaining() {
            self.stream.write_all_buf(&mut self.out).await?;
            self.stream.flush().await?;
        }
        Ok(())
    }

    /// Waits until something more is in `input`. May be given up and called again.
    pub(crate) async fn receive(&mut self) -> Result<()> {
        self.input.reserve(READ_BYTES);
        if self.stream.read_buf(&mut self.input).await? == 0 {
            bail!("the server closed the connection; it said last: {:?}", self.input);
        }
        Ok(())
    }
}
