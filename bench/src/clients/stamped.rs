//! A TCP stream that knows when its bytes came.
//!
//! The system notes the time when a segment reaches the receiver's socket. Next to one core that reads a thousand
//! sockets, that is the time which says what the server did; when a reader got to them says what the reader did.

use anyhow::Result;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::AsRawFd as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// The system's clock, by which segments are stamped, as the time since its epoch.
pub(crate) fn wall_clock() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_REALTIME)?.into())
}

/// When what was read last had come; shared by a stream and whoever reads through it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Stamps(Rc<Cell<Stamping>>);

#[derive(Debug, Default, Clone, Copy)]
enum Stamping {
    #[default]
    Off,
    Wanted,
    /// With what came last, where anything has.
    On(Option<Duration>),
}

impl Stamps {
    /// From the next read on.
    pub(crate) fn begin(&self) {
        self.0.set(Stamping::Wanted);
    }

    /// When the last segment of what was read last had come, by [`wall_clock`].
    pub(crate) fn last(&self) -> Option<Duration> {
        match self.0.get() {
            Stamping::On(last) => last,
            Stamping::Off | Stamping::Wanted => None,
        }
    }
}

/// The stream.
#[derive(Debug)]
pub(crate) struct Stamped {
    stream: TcpStream,
    stamps: Stamps,
}

impl Stamped {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            stamps: Stamps::default(),
        }
    }

    pub(crate) fn stamps(&self) -> Stamps {
        self.stamps.clone()
    }

    fn receive(&self, space: &mut [u8]) -> io::Result<usize> {
        let mut control = nix::cmsg_space!(TimeSpec);
        let mut space = [IoSliceMut::new(space)];
        let (socket, flags) = (self.stream.as_raw_fd(), MsgFlags::empty());
        let received = recvmsg::<()>(socket, &mut space, Some(&mut control), flags)?;
        for message in received.cmsgs()? {
            if let ControlMessageOwned::ScmTimestampns(time) = message {
                self.stamps.0.set(Stamping::On(Some(time.into())));
            }
        }
        Ok(received.bytes)
    }
}

impl AsyncRead for Stamped {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.stamps.0.get() {
            Stamping::Off => return Pin::new(&mut this.stream).poll_read(context, into),
            Stamping::Wanted => {
                setsockopt(&this.stream, ReceiveTimestampns, &true)?;
                this.stamps.0.set(Stamping::On(None));
            }
            Stamping::On(_) => {}
        }
        loop {
            ready!(this.stream.poll_read_ready(context))?;
            let space = into.initialize_unfilled();
            match this.stream.try_io(Interest::READABLE, || this.receive(space)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => {
                    into.advance(received?);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl AsyncWrite for Stamped {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_stamp_lies_between_what_was_before_the_write_and_what_is_after_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut writer, _) = listener.accept().await.unwrap();
        let mut reader = Stamped::new(stream);
        let stamps = reader.stamps();
        let mut space = [0; 8];
        writer.write_all(b"one").await.unwrap();
        assert_eq!(reader.read(&mut space).await.unwrap(), 3);
        assert_eq!(stamps.last(), None, "nobody wanted to know");
        stamps.begin();
        // The read that waits asks the system for stamps before anything comes.
        let mut waiting = Box::pin(reader.read(&mut space));
        assert!(futures_pending(&mut waiting).await);
        // The system throws its switch for stamps by a task of its own: what comes before has none.
        let (before, stamp, after) = loop {
            let before = wall_clock().unwrap();
            writer.write_all(b"three").await.unwrap();
            let after = wall_clock().unwrap();
            assert_eq!(waiting.await.unwrap(), 5);
            if let Some(stamp) = stamps.last() {
                break (before, stamp, after);
            }
            waiting = Box::pin(reader.read(&mut space));
        };
        assert!(
            before <= stamp && stamp <= after,
            "{before:?} {stamp:?} {after:?}"
        );
    }

    /// Polls once.
    async fn futures_pending(future: &mut (impl Future + Unpin)) -> bool {
        std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut *future).poll(context).is_pending())).await
    }
}
