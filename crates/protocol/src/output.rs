//! Where a protocol puts what it has to say.

use std::fs::File;
use std::sync::Arc;

/// A part of a file, to be sent as it lies on the disk.
#[derive(Clone, Debug)]
pub struct FileSlice {
    /// Open for reading.
    pub file: Arc<File>,
    /// Where the part begins, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub length: u64,
}

/// What a protocol may do to its connection. `E` is the protocol's event.
pub trait Output<E> {
    /// Queues bytes for the peer. Under a framing one call is one message. After [`finish`](Self::finish) it does
    /// nothing.
    fn write(&mut self, bytes: &[u8]);

    /// Queues a part of a file behind what was written before. A file that turns out shorter ends the connection: its
    /// length has been promised.
    fn send_file(&mut self, file: FileSlice);

    /// Tells the service something.
    fn emit(&mut self, event: E);

    /// Asks for something that takes time. Its answer comes as a command. Where too much is asked and not answered,
    /// the connection stops reading.
    fn ask(&mut self, event: E);

    /// Says that nothing more will be written: what is queued is sent, then the end of the stream, then the
    /// connection closes. What still arrives is read and thrown away.
    fn finish(&mut self);

    /// Ends the connection now and throws away what is queued, because of `reason`.
    fn abort(&mut self, reason: &'static str);

    /// Whether enough is queued. A protocol that goes on anyway is not stopped, but nothing more is read for it.
    fn is_full(&self) -> bool;
}
