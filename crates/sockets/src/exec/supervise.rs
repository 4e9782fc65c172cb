//! The supervisor: a process that watches over one command, and leaves nothing of it behind.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, getpid, set_child_subreaper, setsid, wait};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stdin};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use super::LIMIT_MAX;
use super::report::Report;
use super::tree;

/// How long the supervisor goes on ending what is left. Only what hangs in the kernel takes so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches over one command, until it and all that it started are gone: what a process that was started as
/// [`Supervisor`](super::Supervisor) says has to do, and nothing else. Takes the arguments behind those: the time
/// limit in milliseconds, and the command.
///
/// Its standard input is the control socket; standard output and error are the command's.
pub fn supervise(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let limit = arguments
        .next()
        .and_then(|limit| limit.to_str()?.parse().ok())
        .map(Duration::from_millis);
    let (Some(limit), Some(command), None) = (limit, arguments.next(), arguments.next()) else {
        return ExitCode::from(2);
    };
    match Supervision::begin(&command) {
        Ok(mut supervision) => {
            supervision.watch(limit.min(LIMIT_MAX));
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::FAILURE,
    }
}

struct Supervision {
    control: UnixStream,
    /// Readable when a child has ended.
    child_ended: UnixStream,
    /// Readable when somebody wants us to end.
    asked_to_end: UnixStream,
    /// `None` once it was reaped.
    shell: Option<Pid>,
}

impl Supervision {
    /// Adopts what the command leaves behind, and starts it. Where that fails, it is reported.
    fn begin(command: &OsStr) -> io::Result<Self> {
        let control = UnixStream::from(rustix::io::fcntl_dupfd_cloexec(stdin(), 3)?);
        let started = Self::start(command);
        match started {
            Ok((child_ended, asked_to_end, shell)) => Ok(Self {
                control,
                child_ended,
                asked_to_end,
                shell: Some(shell),
            }),
            Err(error) => {
                let report = Report::Failed(format!("the command could not be started: {error}"));
                (&control).write_all(report.to_string().as_bytes())?;
                Err(error)
            }
        }
    }

    fn start(command: &OsStr) -> io::Result<(UnixStream, UnixStream, Pid)> {
        // A terminal's interrupt goes to everybody in its session, and we outlive it. Fails only where we lead one.
        let _ = setsid();
        set_child_subreaper(Some(getpid()))?;
        let child_ended = on_signals(&[SIGCHLD])?;
        let asked_to_end = on_signals(&[SIGHUP, SIGINT, SIGTERM])?;
        // The shell is the point here: the command is a line for it.
        let mut shell = Command::new("/bin/sh");
        let shell = shell.arg("-c").arg(command).stdin(Stdio::null()).spawn()?;
        let shell = i32::try_from(shell.id()).ok().and_then(Pid::from_raw);
        // The command's pipes are to end with the command, so we must not hold them.
        let null = File::options().read(true).write(true).open("/dev/null")?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        dup2_stderr(&null)?;
        Ok((child_ended, asked_to_end, shell.ok_or(Errno::SRCH)?))
    }

    /// Waits for the end: of everything below us, of the time, or of those who want it.
    fn watch(&mut self, limit: Duration) {
        let end = Instant::now() + limit;
        while self.reap() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.kill();
                return self.report(&Report::TimeLimit);
            }
            match self.wait(left) {
                Ok(true) => {}
                Ok(false) | Err(_) => return self.kill(),
            }
        }
    }

    /// Waits until there may be somebody to reap, or the time is over; `false` where we are to end.
    fn wait(&mut self, left: Duration) -> io::Result<bool> {
        let mut sources = [
            PollFd::new(&self.control, PollFlags::IN),
            PollFd::new(&self.asked_to_end, PollFlags::IN),
            PollFd::new(&self.child_ended, PollFlags::IN),
        ];
        match poll(
            &mut sources,
            Some(&Timespec::try_from(left).unwrap_or(Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            })),
        ) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
        let [control, asked_to_end, child_ended] = sources.map(|source| !source.revents().is_empty());
        if child_ended {
            let _ = self.child_ended.read(&mut [0; 64])?;
        }
        Ok(!control && !asked_to_end)
    }

    /// Reaps everybody who has ended; `false` where nobody is left.
    fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if self.shell == Some(pid) => {
                    self.shell = None;
                    self.report(&how_it_ended(status));
                }
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    fn kill(&mut self) {
        tree::kill(getpid(), PATIENCE, || self.reap());
    }

    /// Nobody may be there to hear it; then it does not matter.
    fn report(&mut self, report: &Report) {
        let _ = self.control.write_all(report.to_string().as_bytes());
    }
}

/// A socket that becomes readable with these signals.
fn on_signals(signals: &[i32]) -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    for signal in signals {
        pipe::register(*signal, theirs.try_clone()?)?;
    }
    Ok(ours)
}

fn how_it_ended(status: WaitStatus) -> Report {
    match status.terminating_signal() {
        Some(signal) => Report::Signalled(signal),
        None => Report::Exited(status.exit_status().unwrap_or(-1)),
    }
}
