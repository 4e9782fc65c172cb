//! The accepting side of the engines that give each connection a thread or a process.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use landline_protocol::AcceptBackoff;
use rustix::event::{PollFd, PollFlags};

use crate::mailbox::{Mailbox, Message};
use crate::selector::{interrupted_is_nothing, timespec};
use crate::socket::{self, Accepted, Spare};

/// Who serves what is accepted.
pub(crate) trait Workforce {
    /// Somebody came. Whoever serves it posts [`Message::Finish`] when it is over.
    fn serve(&mut self, socket: OwnedFd, remote: SocketAddr);
    /// Everybody is asked to come to an end, or, with `at_once`, is cut off.
    fn stop(&mut self, at_once: bool);
    /// One of them is done.
    fn over(&mut self, message: Message<()>);
    /// How many are at work.
    fn count(&self) -> usize;
}

/// Accepts until it is told to stop and all work is over.
pub(crate) fn run(
    listener: TcpListener,
    mailbox: &Mailbox<()>,
    grace: Duration,
    workforce: &mut impl Workforce,
) -> io::Result<()> {
    let mut listener = Some(listener);
    let mut backoff = AcceptBackoff::default();
    let mut spare = Spare::new();
    let mut taken = Vec::new();
    let mut stopping: Option<Instant> = None;
    loop {
        wait(
            listener.as_ref().filter(|_| backoff.deadline().is_none()),
            mailbox,
            stopping.or(backoff.deadline()),
        )?;
        let now = Instant::now();
        backoff.tick(now);
        mailbox.take(&mut taken);
        for message in taken.drain(..) {
            if matches!(message, Message::Stop) {
                // First the door, so that nobody is let in who would hear of the stop too late.
                if let Some(listener) = listener.take() {
                    socket::stop_listening(&listener);
                }
                workforce.stop(stopping.is_some());
                stopping.get_or_insert(now + grace);
            } else {
                workforce.over(message);
            }
        }
        if stopping.is_some_and(|until| until <= now) {
            workforce.stop(true);
            stopping = Some(now + grace.max(Duration::from_secs(1)));
        }
        if stopping.is_some() && workforce.count() == 0 {
            return Ok(());
        }
        if let Some(listener) = listener.as_ref().filter(|_| backoff.deadline().is_none()) {
            accept(listener, &mut backoff, &mut spare, now, workforce);
        }
    }
}

fn accept(
    listener: &TcpListener,
    backoff: &mut AcceptBackoff,
    spare: &mut Spare,
    now: Instant,
    workforce: &mut impl Workforce,
) {
    loop {
        match socket::accept(listener) {
            Accepted::Stream(socket, remote) => {
                backoff.succeeded();
                workforce.serve(socket, remote);
            }
            Accepted::Nobody => return,
            Accepted::Exhausted(error) => {
                spare.turn_one_away(listener);
                if backoff.failed(now) {
                    tracing::warn!(%error, "connections are turned away; raise the limit of open files (ulimit -n)");
                }
                return;
            }
        }
    }
}

fn wait(listener: Option<&TcpListener>, mailbox: &Mailbox<()>, until: Option<Instant>) -> io::Result<()> {
    let mut watched = vec![PollFd::from_borrowed_fd(mailbox.bell(), PollFlags::IN)];
    watched.extend(listener.map(|listener| PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN)));
    let timeout = timespec(until.map(|until| until.saturating_duration_since(Instant::now())));
    interrupted_is_nothing(rustix::event::poll(&mut watched, timeout.as_ref()))?;
    Ok(())
}
