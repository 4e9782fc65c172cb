//! The load: connections that ask, and a crowd that is silent.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt;

use super::REQUEST;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same as `poll` wants it.
const POLL_PATIENCE: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};

/// So many connections are made before the server is known to have accepted them: no more than any accept queue holds.
const BATCH: usize = 64;

pub(super) struct Load {
    server: SocketAddr,
    active: Vec<Active>,
    idle: Vec<TcpStream>,
}

/// One connection that asks.
struct Active {
    stream: TcpStream,
    /// So many bytes of the answer have come.
    come: usize,
    /// Whether an answer is due.
    waits: bool,
}

impl Load {
    /// Connections that will ask.
    pub(super) fn connect(server: SocketAddr, active: usize) -> io::Result<Self> {
        let active = (0..active).map(|_| {
            Ok(Active {
                stream: connect(server)?,
                come: 0,
                waits: false,
            })
        });
        Ok(Self {
            server,
            active: active.collect::<io::Result<_>>()?,
            idle: Vec::new(),
        })
    }

    /// Adds silent connections until there are so many, each of them accepted.
    pub(super) fn grow(&mut self, idle: usize) -> io::Result<()> {
        while self.idle.len() < idle {
            let batch = BATCH.min(idle - self.idle.len());
            for _ in 0..batch {
                self.idle.push(connect(self.server)?);
            }
            // Connections are accepted in their order: where the last one is served, all before it were accepted.
            if let Some(last) = self.idle.last_mut() {
                last.write_all(b"?")?;
                last.read_exact(&mut [0])?;
            }
        }
        Ok(())
    }

    /// Has every active connection ask one request after the other for so long, and once at least. Says how many
    /// answers came in what time; none is due any more.
    pub(super) fn ask(&mut self, duration: Duration) -> io::Result<(u64, Duration)> {
        let begin = Instant::now();
        let mut answered = 0;
        for active in &mut self.active {
            active.ask()?;
        }
        while let Some(ready) = self.wait()? {
            for index in ready {
                let active = &mut self.active[index];
                if !active.hear()? {
                    continue;
                }
                answered += 1;
                if begin.elapsed() < duration {
                    active.ask()?;
                }
            }
        }
        Ok((answered, begin.elapsed()))
    }

    /// Who of those that wait can be read; `None` where nobody waits.
    fn wait(&self) -> io::Result<Option<Vec<usize>>> {
        let waiting: Vec<usize> = (0..self.active.len())
            .filter(|index| self.active[*index].waits)
            .collect();
        if waiting.is_empty() {
            return Ok(None);
        }
        let mut watched: Vec<PollFd<'_>> = waiting
            .iter()
            .map(|index| PollFd::new(&self.active[*index].stream, PollFlags::IN))
            .collect();
        if poll(&mut watched, Some(&POLL_PATIENCE))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let ready = waiting.into_iter().zip(&watched);
        Ok(Some(
            ready
                .filter(|(_, watched)| !watched.revents().is_empty())
                .map(|(index, _)| index)
                .collect(),
        ))
    }
}

impl Active {
    fn ask(&mut self) -> io::Result<()> {
        self.stream.write_all(&[b'.'; REQUEST])?;
        self.waits = true;
        Ok(())
    }

    /// Reads what is there, and says whether the answer is whole now.
    fn hear(&mut self) -> io::Result<bool> {
        let count = self.stream.read(&mut [0; REQUEST][self.come..])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.come += count;
        let whole = self.come == REQUEST;
        if whole {
            self.come = 0;
            self.waits = false;
        }
        Ok(whole)
    }
}

fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // Ten thousand ports need not be kept for a minute after the end: nothing of value can still be on its way.
    sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
    Ok(stream)
}
