//! One connection on a thread of its own: a server's with an engine of threads or processes, or a client's.

use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use landline_protocol::{Ended, StreamProtocol};
use rustix::event::{PollFd, PollFlags};

use crate::link::Link;
use crate::mailbox::{Mailbox, Message};
use crate::reactor::READ_MAX;
use crate::selector::{interrupted_is_nothing, timespec};

/// Drives `link` until it has ended, and says how. What the protocol says goes to `on_event`.
///
/// A first [`Message::Stop`] asks the protocol to come to an end within `grace`, a second one does not ask.
pub(crate) fn run<P: StreamProtocol>(
    link: &mut Link<P>,
    mailbox: &Mailbox<P::Command>,
    grace: Duration,
    mut on_event: impl FnMut(P::Event, Instant),
) -> io::Result<Ended> {
    let mut buffer = vec![0; READ_MAX];
    let mut taken = Vec::new();
    let mut stopping: Option<Instant> = None;
    let mut now = Instant::now();
    loop {
        mailbox.take(&mut taken);
        for message in taken.drain(..) {
            if matches!(message, Message::Stop) {
                stopping = Some(stopping.map_or(now + grace, |_| now));
            }
            link.deliver(message, now);
        }
        link.flush(now);
        while let Some(event) = link.conn.event() {
            on_event(event, now);
        }
        if stopping.is_some_and(|until| until <= now) {
            link.conn.close(Ended::Stopped);
        }
        if let Some(why) = link.conn.ended() {
            return Ok(why);
        }
        let news = wait(link, mailbox, stopping)?;
        now = Instant::now();
        if link.conn.has_work() || link.conn.deadline().is_some_and(|deadline| deadline <= now) {
            link.conn.tick(now);
        }
        if news.contains(PollFlags::OUT) {
            link.unblock();
        }
        if news.intersects(PollFlags::HUP | PollFlags::ERR) && link.conn.room() == 0 {
            link.conn.close(Ended::Reset);
        } else if news.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            link.read(&mut buffer, now);
        }
    }
}

/// Waits for the socket, the mailbox or the deadline, and says what the socket has.
fn wait<P: StreamProtocol>(
    link: &Link<P>,
    mailbox: &Mailbox<P::Command>,
    stopping: Option<Instant>,
) -> io::Result<PollFlags> {
    let interest = link.interest();
    let mut wanted = PollFlags::empty();
    wanted.set(PollFlags::IN, interest.readable);
    wanted.set(PollFlags::OUT, interest.writable);
    let mut watched = [
        PollFd::from_borrowed_fd(link.socket.as_fd(), wanted),
        PollFd::from_borrowed_fd(mailbox.bell(), PollFlags::IN),
    ];
    let until = [link.conn.deadline(), stopping].into_iter().flatten().min();
    let timeout = if link.has_work(false) {
        Some(Duration::ZERO)
    } else {
        until.map(|until| until.saturating_duration_since(Instant::now()))
    };
    interrupted_is_nothing(rustix::event::poll(&mut watched, timespec(timeout).as_ref()))?;
    Ok(watched[0].revents())
}

#[cfg(test)]
mod tests {
    use super::*;
    use landline_protocol::{Conn, ConnId, ConnLimits, Output};
    use std::convert::Infallible;
    use std::io::Read as _;
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;

    /// Says what it is told to say.
    struct Speaker;

    impl StreamProtocol for Speaker {
        type Event = Infallible;
        type Command = Vec<u8>;

        fn received(&mut self, input: &mut &[u8], _: &mut dyn Output<Infallible>, _: Instant) {
            *input = &[];
        }

        fn commanded(&mut self, words: Vec<u8>, out: &mut dyn Output<Infallible>, _: Instant) {
            out.write(&words);
        }
    }

    #[test]
    fn one_who_reads_is_not_cut_off_because_many_speak_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut client = TcpStream::connect(address).expect("it listens");
        let (socket, remote) = listener.accept().expect("a client");
        socket.set_nonblocking(true).expect("an option");
        let limits = ConnLimits {
            output_max: 1000,
            ..ConnLimits::default()
        };
        let conn = Conn::open(Speaker, Arc::new(limits), Instant::now());
        let mut link = Link::new(socket.into(), remote, conn);
        let mailbox = Mailbox::new().expect("a descriptor");
        for _ in 0..40 {
            mailbox.post(Message::Command(ConnId(0), vec![b'x'; 500]));
        }
        mailbox.post(Message::Finish(ConnId(0)));
        let reader = std::thread::spawn(move || {
            let mut heard = Vec::new();
            client.read_to_end(&mut heard).map(|_| heard.len())
        });
        let ended = run(
            &mut link,
            &mailbox,
            Duration::ZERO,
            |event: Infallible, _| match event {},
        );
        link.close(ended.expect("it can wait"));
        assert_eq!(reader.join().expect("it reads").ok(), Some(20_000));
    }
}
