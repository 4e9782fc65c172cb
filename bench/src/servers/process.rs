//! A server process: started here, watched here, ended here.

use anyhow::{Context as _, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::io::{BufRead as _, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// How long a server may take until it serves.
pub(super) const START_DEADLINE: Duration = Duration::from_secs(20);

/// How long a server may take to end before it is killed.
const STOP_DEADLINE: Timespec = Timespec {
    tv_sec: 20,
    tv_nsec: 0,
};

/// How long a server may be at work after its last answer.
const SETTLE_DEADLINE: Duration = Duration::from_secs(180);

/// A server that uses less than this in that time has nothing to do: 0.4% of a processor.
const QUIET: Duration = Duration::from_millis(2);
const QUIET_TIME: Duration = Duration::from_millis(500);

/// Lines of its log that are kept until somebody looks; a server that says more is not held up.
const LINES: usize = 512;

/// Between two attempts to connect to a server that says that it serves before it does.
const CONNECT_PAUSE: Duration = Duration::from_millis(5);

/// Clock ticks a second in /proc: USER_HZ, 100 on every architecture that Linux still has.
const TICKS: f64 = 100.0;

/// A server that this program started. It ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    name: &'static str,
    child: Child,
    lines: Receiver<String>,
}

impl Server {
    /// Starts it; both its outputs are its log.
    pub(crate) fn start(name: &'static str, command: &Command) -> Result<Self> {
        let mut command = ending_with_us(command);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("could not start {name}"))?;
        let (sender, lines) = sync_channel(LINES);
        if let Some(output) = child.stdout.take() {
            watch(output, sender.clone());
        }
        if let Some(output) = child.stderr.take() {
            watch(output, sender);
        }
        Ok(Self { name, child, lines })
    }

    /// Waits for a line of its log with this in it.
    pub(crate) fn await_line(&self, wanted: &str) -> Result<String> {
        let deadline = Instant::now() + START_DEADLINE;
        let mut seen = Vec::new();
        while let Ok(line) = self
            .lines
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            if line.contains(wanted) {
                return Ok(line);
            }
            seen.push(line);
        }
        bail!(
            "{} did not say \"{wanted}\"; it said:\n{}",
            self.name,
            seen.join("\n")
        )
    }

    /// Connects until it works: for a server that says that it serves before it does, as rsync. There is nothing to wait
    /// for: a socket that begins to listen is no event for another process.
    pub(crate) fn await_port(&mut self, address: SocketAddr) -> Result<()> {
        let deadline = Instant::now() + START_DEADLINE;
        while TcpStream::connect(address).is_err() {
            if self.child.try_wait()?.is_some() || Instant::now() > deadline {
                bail!(
                    "{} does not serve on {address}; it said:\n{}",
                    self.name,
                    self.log()
                );
            }
            std::thread::sleep(CONNECT_PAUSE);
        }
        Ok(())
    }

    /// What it said that nobody has looked at.
    pub(crate) fn log(&self) -> String {
        self.lines.try_iter().collect::<Vec<_>>().join("\n")
    }

    /// A descriptor that is readable once it has ended.
    pub(super) fn ended(&self) -> Result<rustix::fd::OwnedFd> {
        Ok(pidfd_open(self.pid(), PidfdFlags::empty())?)
    }

    /// The processor time that all its threads have used, to the nanosecond: /proc counts in hundredths of a second.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        let process = nix::unistd::Pid::from_raw(self.pid().as_raw_pid());
        let clock = nix::time::clock_getcpuclockid(process).context("no clock of that process")?;
        Ok(nix::time::clock_gettime(clock)?.into())
    }

    /// Waits until it has nothing left to do: until it has used next to no processor time for a while. The answer is all
    /// that it has used then. There is nothing to wait for but time: a server that has nothing more to do tells nobody.
    pub(crate) async fn settled(&self) -> Result<Duration> {
        let deadline = Instant::now() + SETTLE_DEADLINE;
        let mut used = self.processor_time()?;
        while Instant::now() < deadline {
            tokio::time::sleep(QUIET_TIME).await;
            let before = std::mem::replace(&mut used, self.processor_time()?);
            if used.saturating_sub(before) < QUIET {
                return Ok(used);
            }
        }
        bail!("{} is still at work after {SETTLE_DEADLINE:?}", self.name)
    }

    /// The memory that nobody shares with it, in bytes: its own pages, written to or not.
    pub(crate) fn private_bytes(&self) -> Result<u64> {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        private_bytes(&rollup).with_context(|| format!("no private memory in {rollup:?}"))
    }

    /// The memory that it holds, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        let kibibytes: u64 = line
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .context("VmRSS is no number")?;
        Ok(kibibytes * 1024)
    }

    /// Ends it in order. One that had ended already was no sound peer.
    pub(crate) fn stop(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} had ended ({status}); it said:\n{}", self.name, self.log());
        }
        self.end()?;
        self.child.wait()?;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        kill_process(self.pid(), Signal::TERM)?;
        let ended = self.ended()?;
        if !readable(&ended, STOP_DEADLINE)? {
            self.child.kill()?;
        }
        Ok(())
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing to do about a failure here: the process has been waited for, or cannot be reached.
        if let Ok(None) = self.child.try_wait()
            && self.end().is_ok()
        {
            let _ = self.child.wait();
        }
    }
}

/// The same command, which gets a signal when this program ends without having ended it: killed, or interrupted.
fn ending_with_us(command: &Command) -> Command {
    let mut bound = Command::new("setpriv");
    bound
        .args(["--pdeathsig", "TERM", "--"])
        .arg(command.get_program())
        .args(command.get_args());
    for (variable, value) in command.get_envs() {
        match value {
            Some(value) => bound.env(variable, value),
            None => bound.env_remove(variable),
        };
    }
    bound
}

/// The processor time of all processes that this one has waited for, and of those that they have.
pub(crate) fn children_time() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    children_times(&stat).with_context(|| format!("no times in {stat:?}"))
}

/// From proc(5) stat: fields 16 and 17. The second field may hold spaces and brackets.
fn children_times(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks: Vec<f64> = rest
        .split_whitespace()
        .skip(13)
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    let [user, system]: [f64; 2] = ticks.try_into().ok()?;
    Some(Duration::from_secs_f64(((user + system) / TICKS).max(0.0)))
}

/// From proc(5) smaps_rollup; none: a line is missing.
fn private_bytes(rollup: &str) -> Option<u64> {
    let kibibytes = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    Some((kibibytes("Private_Clean:")? + kibibytes("Private_Dirty:")?) * 1024)
}

/// False: it did not become readable in time.
pub(super) fn readable(descriptor: &impl AsFd, time: Timespec) -> Result<bool> {
    let mut descriptors = [PollFd::new(descriptor, PollFlags::IN)];
    Ok(poll(&mut descriptors, Some(&time))? > 0)
}

fn watch(output: impl Read + Send + 'static, lines: SyncSender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            // A full queue has room for no more, and a receiver that is gone needs none; the pipe is emptied anyway.
            let _ = lines.try_send(String::from_utf8_lossy(&line).into_owned());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_name_with_brackets_and_spaces() {
        let stat = "12 (a b) c) S 1 1 1 0 -1 4194560 100 0 0 0 150 50 30 20 20 0 1 0 5 0 0";
        assert_eq!(children_times(stat), Some(Duration::from_millis(500)));
        assert_eq!(children_times("12 (a) S 1"), None);
    }

    #[test]
    fn private_memory_is_clean_and_dirty_together() {
        let rollup = "Rss:   900 kB\nPrivate_Clean:      12 kB\nPrivate_Dirty:     100 kB\n";
        assert_eq!(private_bytes(rollup), Some(112 * 1024));
        assert_eq!(private_bytes("Private_Clean: 12 kB\n"), None);
    }

    #[test]
    fn a_server_is_watched_and_ended() {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "echo warming up; echo ready >&2; exec cat /dev/zero > /dev/null",
        ]);
        let server = Server::start("cat", &command).unwrap();
        assert_eq!(server.await_line("ready").unwrap(), "ready");
        assert!(server.resident_bytes().unwrap() > 0);
        assert!(server.private_bytes().unwrap() > 0);
        assert!(!server.processor_time().unwrap().is_zero());
        server.stop().unwrap();
    }

    #[test]
    fn a_server_that_ends_before_it_serves_is_an_error_with_its_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such option; exit 3"]);
        let server = Server::start("sh", &command).unwrap();
        let error = server.await_line("ready").unwrap_err().to_string();
        assert!(error.contains("no such option"), "{error}");
        let ended = server.ended().unwrap();
        assert!(readable(&ended, STOP_DEADLINE).unwrap());
        assert!(server.stop().is_err());
    }
}
