//! What a stream does to messages that nobody framed.

use std::io::{self, Write as _};
use std::thread;

use rustix::io::ioctl_fionread;
use rustix::net::sockopt;

use super::pair::Pair;
use super::{Event, FIRST, ROOM, SECOND, Step, received, step};

/// A message that is larger than a read, in bytes.
const LARGE: usize = 1_000_000;
/// What a reader that expects much hands to `recv`, in bytes.
const LARGE_ROOM: usize = 65_536;
/// The sockets' buffers where a message is to be larger than they are, in bytes; Linux makes it twice as many.
const BUFFER: usize = 65_536;

pub(super) const STEPS: &[fn() -> io::Result<Step>] = &[late, corked, large, short, split];

/// The reader is late.
fn late() -> io::Result<Step> {
    let mut pair = Pair::open()?;
    pair.send(FIRST)?;
    pair.send(SECOND)?;
    pair.wait_for(FIRST.len() + SECOND.len())?;
    let data = pair.receive(ROOM)?;
    Ok(step(
        "late",
        "Two sends, one read: the reader is late",
        "Both were there before recv, and a stream keeps no seam, TCP_NODELAY or not.",
        pair.events,
        data == [FIRST, SECOND].concat(),
    ))
}

/// The sender's kernel waits for more.
fn corked() -> io::Result<Step> {
    let mut pair = Pair::open()?;
    sockopt::set_tcp_cork(&pair.sender, true)?;
    pair.send(FIRST)?;
    pair.send(SECOND)?;
    let early = ioctl_fionread(&pair.reader)?;
    pair.remark(format!(
        "so far {early} bytes have arrived; now the cork is pulled"
    ));
    sockopt::set_tcp_cork(&pair.sender, false)?;
    pair.wait_for(FIRST.len() + SECOND.len())?;
    let data = pair.receive(ROOM)?;
    Ok(step(
        "corked",
        "Two sends, one read: the sender's kernel holds small ones back",
        "Nagle joins sends while one is unacknowledged; TCP_CORK, used here, always.",
        pair.events,
        data == [FIRST, SECOND].concat(),
    ))
}

/// One send is more than a read takes.
fn large() -> io::Result<Step> {
    let mut pair = Pair::open()?;
    let message = vec![b'a'; LARGE];
    let mut sender = pair.sender.try_clone()?;
    let mut data = Vec::new();
    // Somebody has to read while it is sent: the buffers between the two need not hold all of it.
    let sent = thread::scope(|scope| {
        let sending = scope.spawn(|| sender.write(&message));
        while data.len() < LARGE {
            data.extend(pair.receive(LARGE_ROOM)?);
        }
        sending
            .join()
            .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    })?;
    pair.events.insert(0, Event::Sent(message[..sent].to_vec()));
    let reads = received(&pair.events).len();
    pair.remark(format!("1 send, {reads} reads"));
    let shown = sent == LARGE && reads > 1 && data == message;
    Ok(step(
        "large",
        "One send, many reads: the message is larger than a read",
        "recv returns what is there, at most what was asked; it waits for no rest.",
        pair.events,
        shown,
    ))
}

/// One send is more than the buffers take, so that not even `send` takes all of it.
fn short() -> io::Result<Step> {
    let mut pair = Pair::with_buffers(BUFFER)?;
    pair.sender.set_nonblocking(true)?;
    let message = vec![b'a'; LARGE];
    let taken = pair.send(&message)?;
    pair.remark(format!(
        "of {LARGE} bytes send took {taken}: the buffers are full"
    ));
    let mut count = 0;
    while count < taken {
        count += pair.receive(LARGE)?.len();
    }
    Ok(step(
        "short",
        "One send, only a part: the message is larger than the buffers",
        "A non-blocking send takes what fits: send the rest again, as sendall does.",
        pair.events,
        taken < LARGE && count == taken,
    ))
}

/// Reads that are too small.
fn split() -> io::Result<Step> {
    let mut pair = Pair::open()?;
    pair.send(FIRST)?;
    pair.send(SECOND)?;
    pair.wait_for(FIRST.len() + SECOND.len())?;
    let first = pair.receive(2)?;
    let second = pair.receive(10)?;
    let all = [FIRST, SECOND].concat();
    Ok(step(
        "split",
        "recv(2), then recv(10): a word is split, and what is left sticks to the next",
        "The number is the most that recv returns; the rest stays for the next call.",
        pair.events,
        first == all[..2] && second == all[2..],
    ))
}
