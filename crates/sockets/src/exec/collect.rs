//! One command: starts its supervisor, and collects what it prints.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::{self, PipeReader, Read};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use landline_services::exec::{Ending, Outcome, Run};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Pid;

use super::pool::Cancel;
use super::report::{REPORT_MAX, Report};
use super::tree;
use super::{LIMIT_MAX, Options};

/// What a command inherits of our environment.
const ENVIRONMENT: [&str; 3] = ["PATH", "HOME", "LANG"];

/// How much longer than the time limit we wait for a supervisor, before we take it for broken.
const OVERTIME: Duration = Duration::from_secs(1);

/// How long we go on ending what a broken supervisor left.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many bytes one read takes.
const READ_MAX: usize = 64 * 1024;

/// Runs a command to its end. Blocks as long as it takes, and no longer than the time limit and a little.
pub(super) fn run(run: &Run, options: &Options, cancel: &Cancel) -> Outcome {
    match Collection::begin(run, options) {
        Ok(mut collection) => {
            cancel.attach(&collection.control);
            collection.collect(options);
            cancel.detach();
            collection.end(options)
        }
        Err(error) => Outcome::not_run(format!("the command could not be started: {error}")),
    }
}

struct Collection {
    supervisor: Child,
    control: Arc<UnixStream>,
    stdout: Stream,
    stderr: Stream,
    /// What the supervisor said and was not read as a line yet. At most [`REPORT_MAX`] bytes.
    said: Vec<u8>,
    ended: Option<Ending>,
    /// When the supervisor is taken for broken.
    deadline: Instant,
}

/// One of the command's streams.
struct Stream {
    /// `None` once it has ended.
    pipe: Option<PipeReader>,
    bytes: Vec<u8>,
}

impl Collection {
    fn begin(run: &Run, options: &Options) -> io::Result<Self> {
        let limit = options.limit.min(LIMIT_MAX);
        let (control, theirs) = UnixStream::pair()?;
        let (stdout, stdout_writer) = io::pipe()?;
        let (stderr, stderr_writer) = match run.merge {
            true => (None, stdout_writer.try_clone()?),
            false => io::pipe().map(|(reader, writer)| (Some(reader), writer))?,
        };
        let environment = ENVIRONMENT
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        let supervisor = Command::new(&options.supervisor.program)
            .args(&options.supervisor.arguments)
            .arg(limit.as_millis().to_string())
            .arg(OsStr::from_bytes(&run.command))
            .env_clear()
            .envs(environment)
            .stdin(OwnedFd::from(theirs))
            .stdout(stdout_writer)
            .stderr(stderr_writer)
            .spawn()?;
        control.set_nonblocking(true)?;
        Ok(Self {
            supervisor,
            control: Arc::new(control),
            stdout: Stream::new(Some(stdout))?,
            stderr: Stream::new(stderr)?,
            said: Vec::new(),
            ended: None,
            deadline: Instant::now() + limit + OVERTIME,
        })
    }

    /// Reads everything, until the supervisor is gone or broken. Once the shell has ended and so have its streams, or
    /// more was printed than may be, the supervisor is told to end.
    fn collect(&mut self, options: &Options) {
        let mut is_told = false;
        while self.wait() {
            for stream in [&mut self.stdout, &mut self.stderr] {
                stream.read();
            }
            if self.is_over(options) && !matches!(self.ended, Some(Ending::OutputLimit(_))) {
                self.ended = Some(Ending::OutputLimit(options.output_max));
            }
            self.discard_overflow(options);
            if !self.listen(options) {
                return self.read_the_rest(options);
            }
            let is_done = self.ended.is_some() && self.stdout.pipe.is_none() && self.stderr.pipe.is_none();
            let is_over = matches!(self.ended, Some(Ending::OutputLimit(_)));
            if (is_done || is_over) && !is_told {
                is_told = true;
                // It fails where the supervisor is gone, which is what we want of it.
                let _ = self.control.shutdown(Shutdown::Write);
            }
        }
        // Not here in time: we end its command ourselves.
        self.ended = Some(Ending::TimeLimit(options.limit));
    }

    /// What was written before the end is still in the pipes. A command that ended its supervisor may go on writing; it
    /// is ended once more was printed than may be, or its time is over.
    fn read_the_rest(&mut self, options: &Options) {
        while self.stdout.read() | self.stderr.read() {
            if self.is_over(options) {
                if !matches!(self.ended, Some(Ending::TimeLimit(_))) {
                    self.ended = Some(Ending::OutputLimit(options.output_max));
                }
                return self.discard_overflow(options);
            }
            if self.deadline <= Instant::now() {
                self.ended = Some(Ending::TimeLimit(options.limit));
                return;
            }
        }
    }

    /// Waits for something to read; `false` where the supervisor's time is over.
    fn wait(&self) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let pipes = [&self.stdout.pipe, &self.stderr.pipe];
        let mut sources: Vec<_> = pipes
            .into_iter()
            .flatten()
            .map(|pipe| PollFd::new(pipe, PollFlags::IN))
            .collect();
        sources.push(PollFd::new(&*self.control, PollFlags::IN));
        let left = Timespec::try_from(left).unwrap_or(Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        });
        match poll(&mut sources, Some(&left)) {
            Ok(0) => false,
            Ok(_) => true,
            Err(error) => error == Errno::INTR,
        }
    }

    fn is_over(&self, options: &Options) -> bool {
        self.stdout.bytes.len() + self.stderr.bytes.len() > options.output_max
    }

    /// Keeps no more than may be: of stderr what it has, for that is where the reason stands, of stdout the beginning.
    fn discard_overflow(&mut self, options: &Options) {
        self.stderr.bytes.truncate(options.output_max);
        self.stdout
            .bytes
            .truncate(options.output_max - self.stderr.bytes.len());
    }

    /// Hears what the supervisor says; `false` once it is gone.
    fn listen(&mut self, options: &Options) -> bool {
        let mut buffer = [0; REPORT_MAX];
        loop {
            match (&*self.control).read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => self.hear(&buffer[..count], options),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
    }

    fn hear(&mut self, bytes: &[u8], options: &Options) {
        self.said.extend_from_slice(bytes);
        while let Some(end) = self.said.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.said.drain(..=end).collect();
            let Some(report) = Report::parse(String::from_utf8_lossy(&line).trim_end()) else {
                continue;
            };
            // The reason for which a command was ended counts more than how it then ended.
            if !matches!(self.ended, Some(Ending::OutputLimit(_) | Ending::TimeLimit(_))) {
                self.ended = Some(ending(report, options));
            }
        }
        self.said.truncate(REPORT_MAX);
    }

    /// Ends what a broken supervisor may have left, and reaps it. A whole one has left nothing.
    fn end(mut self, options: &Options) -> Outcome {
        let pid = i32::try_from(self.supervisor.id()).ok().and_then(Pid::from_raw);
        // Until it is reaped its number is its own, and so is its session's.
        if let Some(pid) = pid {
            tree::kill(pid, PATIENCE, || false);
        }
        // It fails where it has ended already.
        let _ = self.supervisor.kill();
        let _ = self.supervisor.wait();
        self.discard_overflow(options);
        let ended = self.ended.unwrap_or(Ending::NotRun(Cow::Borrowed(
            "the command was ended from outside",
        )));
        Outcome {
            stdout: self.stdout.bytes,
            stderr: self.stderr.bytes,
            ended,
        }
    }
}

impl Stream {
    fn new(pipe: Option<PipeReader>) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self {
            pipe,
            bytes: Vec::new(),
        })
    }

    /// Reads once; whether there was something.
    fn read(&mut self) -> bool {
        let Some(pipe) = &mut self.pipe else {
            return false;
        };
        let mut buffer = [0; READ_MAX];
        match pipe.read(&mut buffer) {
            Ok(0) => self.pipe = None,
            Ok(count) => {
                self.bytes.extend_from_slice(&buffer[..count]);
                return true;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.pipe = None,
        }
        false
    }
}

fn ending(report: Report, options: &Options) -> Ending {
    match report {
        Report::Exited(code) => Ending::Exited(code),
        Report::Signalled(signal) => Ending::Signalled(signal),
        Report::TimeLimit => Ending::TimeLimit(options.limit),
        Report::Failed(why) => Ending::NotRun(Cow::Owned(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Supervisor;
    use super::*;
    use std::io::Write as _;

    /// What has ended with success, and had printed 60,000 bytes that nobody has read.
    fn unread() -> (Collection, Options) {
        let (stdout, mut writer) = io::pipe().unwrap();
        // Less than a pipe holds, and it stays open, as a command's that goes on.
        writer.write_all(&[b'x'; 60_000]).unwrap();
        std::mem::forget(writer);
        let collection = Collection {
            supervisor: Command::new("true").spawn().unwrap(),
            control: Arc::new(UnixStream::pair().unwrap().0),
            stdout: Stream::new(Some(stdout)).unwrap(),
            stderr: Stream::new(None).unwrap(),
            said: Vec::new(),
            ended: Some(Ending::Exited(0)),
            deadline: Instant::now() + Duration::from_secs(3600),
        };
        let options = Options::new(Supervisor {
            program: "true".into(),
            arguments: Vec::new(),
        });
        (collection, options)
    }

    #[test]
    fn too_much_is_also_told_of_what_is_read_last() {
        let (mut collection, mut options) = unread();
        options.output_max = 50_000;
        collection.read_the_rest(&options);
        assert_eq!(collection.ended, Some(Ending::OutputLimit(50_000)));
        assert_eq!(collection.end(&options).stdout.len(), 50_000);
    }

    #[test]
    fn the_rest_of_a_command_is_read_until_its_time_is_over_and_no_longer() {
        let (mut collection, options) = unread();
        collection.read_the_rest(&options);
        assert_eq!(collection.ended, Some(Ending::Exited(0)));
        assert_eq!(collection.end(&options).stdout.len(), 60_000);
        let (mut collection, options) = unread();
        collection.deadline = Instant::now();
        collection.read_the_rest(&options);
        assert_eq!(collection.ended, Some(Ending::TimeLimit(options.limit)));
        collection.end(&options);
    }
}
