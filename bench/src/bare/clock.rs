//! A clock that stands still: what answering a datagram costs before anybody looks at the time.

use super::say_listening;
use anyhow::Result;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};
use std::convert::Infallible;
use std::io::{IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd as _;

/// The answer to everything: as long as a clock's.
pub(crate) const TEXT: &[u8; 19] = b"2026-11-21 08:30:00";

/// How many datagrams one call takes.
const BATCH: usize = 64;

/// How many bytes of a datagram are read; the rest is cut off, and nobody looks at it.
const REQUEST_BYTES: usize = 64;

/// Answers. Every call takes what is there, and waits only where nothing is.
pub(super) fn serve() -> Result<Infallible> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    say_listening(socket.local_addr()?)?;
    let mut requests = [[0; REQUEST_BYTES]; BATCH];
    let mut received = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
    let mut sent = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
    let answers = [[IoSlice::new(TEXT)]; BATCH];
    let mut senders = Vec::with_capacity(BATCH);
    loop {
        let mut slices = requests.each_mut().map(|request| [IoSliceMut::new(request)]);
        let flags = MsgFlags::MSG_WAITFORONE;
        let datagrams = recvmmsg(socket.as_raw_fd(), &mut received, &mut slices, flags, None)?;
        senders.clear();
        senders.extend(datagrams.map(|datagram| datagram.address));
        // What the system does not take is lost, as any datagram may be.
        sendmmsg(
            socket.as_raw_fd(),
            &mut sent,
            &answers,
            &senders,
            [],
            MsgFlags::empty(),
        )?;
    }
}
