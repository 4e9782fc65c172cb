//! The processes below a process, and how all of them are ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open, pidfd_send_signal};

/// How long one that was killed is waited for before we look again. It takes microseconds, unless the machine is busy.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Ends everything below `root`, and what is left of the session that `root` led: first all are stopped, until none is
/// found that runs, so that nobody can start more than we end; then they are killed.
///
/// Calls `reap` after each round; it says whether somebody may be left whom we did not see. Gives up after `patience`.
/// What may not be signalled, as a program of another user, is left alone.
pub(super) fn kill(root: Pid, patience: Duration, mut reap: impl FnMut() -> bool) {
    let end = Instant::now() + patience;
    let mut beyond = BTreeSet::new();
    loop {
        if root == getpid() {
            stop_children(root, end);
        }
        let stopped = stop_all(root, &mut beyond, end);
        let mut last = None;
        for process in &stopped {
            last = signal(*process, Signal::KILL).0.or(last);
        }
        if let Some(last) = last {
            wait_for(&last);
        }
        let may_be_left = reap() && beyond.is_empty();
        if (stopped.is_empty() && !may_be_left) || Instant::now() >= end {
            return;
        }
    }
}

/// Stops our own children, until there are no new ones. Some live no longer than it takes to look through all of
/// `/proc`: each starts another and ends, and that one becomes our child. So there is no time to look twice at whom a
/// number belongs to; and no need, because the number of a child is its own until we reap it.
///
/// Where the kernel does not list children (CONFIG_PROC_CHILDREN) they are found with all others.
fn stop_children(us: Pid, end: Instant) {
    let list = format!("/proc/{0}/task/{0}/children", us.as_raw_nonzero());
    let mut seen = BTreeSet::new();
    loop {
        let children = fs::read_to_string(&list).unwrap_or_default();
        let children = children
            .split_ascii_whitespace()
            .filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
        let mut is_done = true;
        for child in children.filter(|child| seen.insert(child.as_raw_nonzero())) {
            is_done = false;
            // Whoever may not be stopped is met again among all others.
            let _ = kill_process(child, Signal::STOP);
        }
        if is_done || Instant::now() >= end {
            return;
        }
    }
}

/// Stops everybody, until nobody new is found, and returns them. Those who may not be signalled go to `beyond`.
fn stop_all(root: Pid, beyond: &mut BTreeSet<Process>, end: Instant) -> BTreeSet<Process> {
    let mut stopped = BTreeSet::new();
    loop {
        let mut is_done = true;
        for process in living(root) {
            if stopped.contains(&process) || beyond.contains(&process) {
                continue;
            }
            is_done = false;
            if signal(process, Signal::STOP).1 {
                beyond.insert(process);
            } else {
                stopped.insert(process);
            }
        }
        if is_done || Instant::now() >= end {
            return stopped;
        }
    }
}

/// A process, told apart from a later one with the same number by when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Process {
    pid: i32,
    /// In clock ticks since boot.
    started: u64,
}

/// What `/proc/PID/stat` says (proc_pid_stat(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    process: Process,
    parent: i32,
    session: i32,
    /// Whether it has ended and waits to be reaped. Not so where only its first thread has.
    is_dead: bool,
}

/// Sends a signal to exactly this process. Returns what it can be waited for with, and whether it may not be signalled.
fn signal(process: Process, signal: Signal) -> (Option<OwnedFd>, bool) {
    let Some(pid) = Pid::from_raw(process.pid) else {
        return (None, false);
    };
    match pidfd_open(pid, PidfdFlags::empty()) {
        // The number may have been given to another process since we looked; the descriptor cannot be.
        Ok(descriptor) if stat(process.pid).is_some_and(|now| now.process == process) => {
            let refused = pidfd_send_signal(&descriptor, signal) == Err(Errno::PERM);
            (Some(descriptor), refused)
        }
        Ok(_) | Err(Errno::SRCH) => (None, false),
        // Too many descriptors are open, or the kernel is older than 5.3.
        Err(_) => (None, kill_process(pid, signal) == Err(Errno::PERM)),
    }
}

/// Waits a moment for a process to end.
fn wait_for(descriptor: &OwnedFd) {
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(LOOK_AGAIN.subsec_nanos()),
    };
    // Whatever comes of it, we look again.
    let _ = poll(&mut [PollFd::new(descriptor, PollFlags::IN)], Some(&timeout));
}

/// The processes below `root`, and those of its session, with what is below them; neither `root` nor the dead.
fn living(root: Pid) -> BTreeSet<Process> {
    let root = root.as_raw_nonzero().get();
    let mut children: BTreeMap<i32, Vec<Stat>> = BTreeMap::new();
    let mut open = Vec::new();
    for stat in all().filter(|stat| stat.process.pid != root) {
        if stat.parent == root || stat.session == root {
            open.push(stat);
        }
        children.entry(stat.parent).or_default().push(stat);
    }
    let mut found = BTreeSet::new();
    while let Some(stat) = open.pop() {
        if !stat.is_dead {
            found.insert(stat.process);
        }
        open.extend(children.remove(&stat.process.pid).unwrap_or_default());
    }
    found
}

fn all() -> impl Iterator<Item = Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?))
}

fn stat(pid: i32) -> Option<Stat> {
    parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// The program's name, in brackets, may hold anything, also brackets; behind the last one all is numbers.
fn parse(line: &[u8]) -> Option<Stat> {
    let pid = std::str::from_utf8(line.split(|byte| *byte == b' ').next()?)
        .ok()?
        .parse()
        .ok()?;
    let after_name = line.iter().rposition(|byte| *byte == b')')? + 1;
    let fields: Vec<&str> = std::str::from_utf8(line.get(after_name..)?)
        .ok()?
        .split_ascii_whitespace()
        .collect();
    // The first of them is field 3 of the manual: field n stands at n - 3.
    let threads: u64 = fields.get(17)?.parse().ok()?;
    Some(Stat {
        process: Process {
            pid,
            started: fields.get(19)?.parse().ok()?,
        },
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        is_dead: matches!(*fields.first()?, "Z" | "X") && threads <= 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_brackets_and_spaces_hides_nothing() {
        let line = b"42 (a) Z (b) S 7 42 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 12345 0\n";
        let process = Process {
            pid: 42,
            started: 12345,
        };
        assert_eq!(
            parse(line),
            Some(Stat {
                process,
                parent: 7,
                session: 9,
                is_dead: false
            })
        );
    }

    #[test]
    fn a_process_whose_first_thread_ended_lives_on() {
        let line = |threads| format!("42 (a) Z 7 42 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 {threads} 0 12345 0\n");
        assert_eq!(parse(line(1).as_bytes()).map(|stat| stat.is_dead), Some(true));
        assert_eq!(parse(line(2).as_bytes()).map(|stat| stat.is_dead), Some(false));
    }

    #[test]
    fn what_is_no_stat_is_passed_over() {
        for line in [
            &b""[..],
            b"42",
            b"42 (a",
            b"42 (a)",
            b"42 (a) S 7",
            b"\xff (a) S 7",
        ] {
            assert_eq!(parse(line), None);
        }
    }
}
