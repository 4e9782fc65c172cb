//! The server, in a process of its own: it says where it listens, tells its CPU time for each line that it is sent, and
//! ends with its standard input, so that it never outlives who started it.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use landline_engine::{Kind, NoWork, Options, ProcessCommand};
use landline_services::echo;
use rustix::time::{ClockId, clock_gettime};

/// Serves echo on a free port of the loopback address until `control` ends. First its address is written to `answers`;
/// then, for each line of `control`, the CPU time of this process in nanoseconds.
///
/// # Errors
/// The engine does not start, or nobody listens to the answers.
pub fn serve(
    engine: Kind,
    connections: usize,
    control: impl BufRead,
    mut answers: impl Write,
) -> io::Result<()> {
    let mut options = Options {
        kind: engine,
        ..Options::default()
    };
    options.admission.connections = connections;
    options.admission.per_address = connections;
    let listener = landline_engine::listen((Ipv4Addr::LOCALHOST, 0).into(), &options)?;
    let running =
        landline_engine::serve(listener, echo::service(), NoWork, &options).map_err(io::Error::other)?;
    let told = tell(running.address(), control, &mut answers);
    // Nobody is left to wait for: the second time everybody is cut off.
    running.stop();
    running.stop();
    let _ = running.join();
    told
}

fn tell(address: SocketAddr, control: impl BufRead, answers: &mut impl Write) -> io::Result<()> {
    writeln!(answers, "{address}")?;
    answers.flush()?;
    for line in control.lines() {
        line?;
        writeln!(answers, "{}", cpu_of_this_process().as_nanos())?;
        answers.flush()?;
    }
    Ok(())
}

/// User and system time of every thread.
fn cpu_of_this_process() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let part = |part: i64| u64::try_from(part).unwrap_or(0);
    Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
}

/// The server as its starter sees it. It ends when this is dropped.
pub(super) struct Server {
    child: Child,
    address: SocketAddr,
    control: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it. When this returns it listens.
    pub(super) fn start(command: &ProcessCommand, engine: Kind, connections: usize) -> io::Result<Self> {
        let mut child = Command::new(&command.program)
            .args(&command.arguments)
            .arg(engine.to_string())
            .arg(connections.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let control = child.stdin.take();
        let answers = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut server = Self {
            child,
            address: (Ipv4Addr::UNSPECIFIED, 0).into(),
            control,
            answers: BufReader::new(answers),
        };
        server.address = server.answer()?;
        Ok(server)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The CPU time that it has used until now.
    pub(super) fn cpu(&mut self) -> io::Result<Duration> {
        let control = self.control.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        control.write_all(b"\n")?;
        self.answer().map(Duration::from_nanos)
    }

    fn answer<T: FromStr>(&mut self) -> io::Result<T> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.trim_end()
            .parse()
            .map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.control.take());
        // It ends with its standard input; how it ended is of no use any more.
        let _ = self.child.wait();
    }
}
